"""Git as a store: one branch of a remote, read and written by plumbing alone.

Nothing here touches a working tree, an index or a checked-out branch, runs a hook, signs, or asks for a
password. What is fetched or made is kept under one private ref, so that git doesn't collect it.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from loom import git_objects
from loom.ledger.git_advice import advice
from loom.programs import starting
from loom.values import dataclass

AUTHOR = "Loom <loom@localhost>"

_CALM = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgSign=false", "-c", "push.gpgSign=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "push.followTags=false"),
    *("-c", "advice.pushUpdateRejected=false", "-c", "core.logAllRefUpdates=false"),
)
# What a remote says to a push that came second. Anything else is a refusal, not a race.
_OVERTAKEN = (
    *("fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref"),
    *("incorrect old value", "already exists", "failed to lock"),
)


class GitFailed(Exception):
    """Git couldn't do it. The text says what it was, what git said (`said` has all of it), and what to do."""

    def __init__(self, text: str, said: str = "") -> None:
        self.said = said
        super().__init__(text)


class Overtaken(Exception):
    """The branch isn't where it was any more: another push was first."""


class Stored(NamedTuple):
    """A file on the branch: git's name for its content, and its size in bytes."""

    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class RemoteBranch:
    """`branch` of `remote`, by way of the repository that `folder` is in.

    keep: the private ref. env: the environment git gets. timeout: for each call of git.
    Every method raises GitFailed.
    """

    folder: Path
    remote: str
    branch: str
    keep: str
    env: Mapping[str, str]
    timeout: timedelta = timedelta(seconds=60)

    def fetch(self) -> str | None:
        """The commit that the branch is at, fetched; None when there is no such branch.

        A shallow clone stays shallow and a whole one whole.
        """
        shallow = self._git("rev-parse", "--is-shallow-repository").strip() == b"true"
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap="]
        options += ["--no-prune", "--no-show-forced-updates", *(["--depth=1"] if shallow else [])]
        try:
            self._git("fetch", *options, "--", self.remote, f"+{self._ref}:{self.keep}")
        except GitFailed as error:
            if "couldn't find remote ref" in error.said:
                return None
            raise
        return self._git("rev-parse", "--verify", f"{self.keep}^{{commit}}").decode("ascii").strip()

    def files(self, commit: str) -> dict[str, Stored]:
        """Every file of `commit` by its path."""
        answer = self._git(*git_objects.LIST_FILES, commit)
        return {each.path: Stored(each.blob, each.size) for each in git_objects.listed(answer)}

    def contents(self, blobs: Sequence[str]) -> list[bytes]:
        """What is in these blobs, in their order."""
        if not blobs:
            return []
        answer = self._git(*git_objects.READ_BLOBS, stdin=git_objects.asked_for(blobs))
        try:
            return list(git_objects.read(blobs, answer))
        except git_objects.LostObject as lost:
            raise GitFailed(
                f"git has lost the object {lost.blob} of the branch {self.branch}: {lost.said!r}"
            ) from None

    def commit(
        self,
        changes: Mapping[str, bytes | str | None],
        *,
        parent: str | None,
        message: str,
        at: datetime,
    ) -> str:
        """A new commit on `parent`, or without one, and without any other file, when that is None.

        changes: by path the file's new content, the blob it is to have, or None for none.
        """
        stamp = f"{AUTHOR} {int(at.timestamp())} +0000"
        text = message.encode("utf-8", "replace")
        stream = [f"reset {self.keep}\n\ncommit {self.keep}\nmark :1\ncommitter {stamp}\n".encode()]
        stream.append(b"data %d\n%s\n" % (len(text), text))
        if parent is not None:
            stream.append(f"from {parent}\n".encode())
        for path, change in changes.items():
            name = os.fsencode(path)
            if change is None:
                stream.append(b"D %s\n" % name)
            elif isinstance(change, str):
                stream.append(b"M 100644 %s %s\n" % (change.encode(), name))
            else:
                stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(change), change))
        stream.append(b"get-mark :1\ndone\n")
        made = self._git("fast-import", "--quiet", "--force", "--done", stdin=b"".join(stream))
        return made.decode("ascii").strip()

    def push(self, commit: str, *, instead_of: str | None = None) -> None:
        """Put the branch to `commit`: forwards only, or, when it still is at `instead_of`, wherever it is.

        Raises Overtaken when another push was first; GitFailed when the remote refuses, or may have it.
        """
        lease = [] if instead_of is None else [f"--force-with-lease={self._ref}:{instead_of}"]
        options = ["--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", *lease]
        try:
            self._git("push", *options, "--", self.remote, f"{commit}:{self._ref}")
        except GitFailed as error:
            if any(words in error.said for words in _OVERTAKEN):
                raise Overtaken(str(error)) from None
            raise

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _git(self, command: str, *arguments: str, stdin: bytes = b"") -> bytes:
        env = git_objects.environment(self.env) | {"GCM_INTERACTIVE": "never"}
        try:
            # A file has its end whoever else has a copy of what this process has open; a pipe hasn't.
            with tempfile.TemporaryFile() as given, starting():
                given.write(stdin)
                given.seek(0)
                process = subprocess.Popen(  # noqa: S603  (it is git; a branch follows `--` or `refs/`)
                    ["git", *_CALM, command, *arguments],  # noqa: S607  (whichever git the user has)
                    cwd=self.folder,
                    env=env,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    # Without a terminal of its own nothing that git starts (ssh) can ask a question there.
                    start_new_session=True,
                )
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            raise GitFailed(advice(command, f"{error.strerror}{where}", self.branch)) from None
        try:
            stdout, stderr = process.communicate(timeout=self.timeout.total_seconds())
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                waited = f"no answer within {self.timeout.total_seconds():g} s"
                raise GitFailed(advice(command, waited, self.branch)) from None
            raise
        if process.returncode != 0:
            said = b"\n".join([stderr, stdout if command == "push" else b""]).decode("utf-8", "replace")
            raise GitFailed(advice(command, said, self.branch), said)
        return stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
