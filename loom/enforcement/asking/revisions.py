"""The folder as it was: its files at a commit of the git repository that the project lies in.

Nothing but reading: no lock, no pager, nothing fetched, and no longer than `timeout` for each call.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from loom import git_objects
from loom.domain.enforcement import of_files
from loom.domain.revision import Revision
from loom.enforcement.folder import LARGEST, belongs, digest_of
from loom.errors import SettingsError, UsageError

MOST_COMMITS = 500
"""How far back a digest is looked for: so many commits that changed the folder."""

# Whatever a person's configuration makes of `git log`, a line is a commit.
_QUIETLY = (
    *("--no-optional-locks", "--no-pager", "--no-replace-objects"),
    *("-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8"),
)
_PLAIN = ("100644", "100755")
_ID = re.compile("[0-9a-f]{40,64}")
_FORMAT = "--format=%H %cI %s"


class Revisions:
    """Of `folder`, which may be gone by now; its parent may not. env: the environment git gets.

    Every method raises SettingsError when there is no git, no repository, or no answer.
    """

    def __init__(
        self, folder: Path, env: Mapping[str, str], *, timeout: timedelta = timedelta(seconds=20)
    ) -> None:
        self._project = folder.parent
        self._name = folder.name
        self._env = git_objects.environment(env) | {"GIT_NO_LAZY_FETCH": "1"}
        self._timeout = timeout
        self._blobs: dict[str, bytes] = {}

    def find(self, name: str) -> Revision:
        """The commit that a person calls `name`: HEAD~1, a branch, a tag, an id. Raises UsageError."""
        self._path_of_folder()
        # What begins with a hyphen would be an option to git; no branch can be called so.
        commit = "" if name.startswith("-") else self._try("rev-parse", "--verify", f"{name}^{{commit}}")
        if not _ID.fullmatch(commit):
            raise UsageError(
                f"git knows no commit called {name!r} here; give a branch, a tag, an id or HEAD~1. Those "
                f"that changed the rules are listed by: git log --oneline -- {self._name}"
            )
        return _revision(self._git("log", "-1", _FORMAT, commit, "--").strip())

    def files(self, revision: Revision) -> dict[str, bytes]:
        """What `read_folder` would have read in that commit. Raises UsageError if the folder isn't there."""
        (tree,) = self._trees([revision.commit])
        if tree is None:
            raise UsageError(
                f"there is no folder {self._name}/ in commit {revision.commit[:12]}. The commits that "
                f"changed it are listed by: git log --oneline -- {self._name}"
            )
        return self._files(tree)

    def with_digest(self, digest: str) -> Revision | None:
        """The newest commit of any branch in which the folder has this digest, looked for in the newest
        MOST_COMMITS that changed it."""
        self._path_of_folder()
        asked = (f"--max-count={MOST_COMMITS}", "--full-history", _FORMAT, "HEAD", "--all")
        told = self._try("log", *asked, "--", self._name)
        # Not `splitlines`: to that, half a dozen letters that a subject may have end a line too.
        revisions = [_revision(line) for line in told.split("\n") if line]
        seen: set[str | None] = {None}
        for revision, tree in zip(revisions, self._trees([r.commit for r in revisions]), strict=True):
            if tree not in seen:
                seen.add(tree)
                if digest_of(self._files(str(tree))) == of_files(digest):
                    return revision
        return None

    def are_cut_off(self) -> bool:
        """Whether the repository was told to leave out what is older (a shallow clone)."""
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    def _path_of_folder(self) -> str:
        """From the top of the repository, in which the project may be a folder among others."""
        return f"{self._git('rev-parse', '--show-prefix').rstrip()}{self._name}"

    def _trees(self, commits: Sequence[str]) -> list[str | None]:
        """Git's name for the folder in each of these commits, or None where there is no such folder."""
        if not commits:
            return []
        path = self._path_of_folder()
        asked = "".join(f"{commit}:{path}\n" for commit in commits)
        lines = self._call(("cat-file", "--batch-check"), asked.encode()).decode("utf-8", "replace")
        words = [line.split() for line in lines.splitlines()]
        return [each[0] if len(each) == 3 and each[1] == "tree" else None for each in words]

    def _files(self, tree: str) -> dict[str, bytes]:
        found = {
            each.path: each.blob
            for each in git_objects.listed(self._call((*git_objects.LIST_FILES, tree)))
            if each.mode in _PLAIN and each.size <= LARGEST and belongs(each.path)
        }
        self._fetch([blob for blob in found.values() if blob not in self._blobs])
        return {name: self._blobs[blob] for name, blob in sorted(found.items())}

    def _fetch(self, blobs: Sequence[str]) -> None:
        if not blobs:
            return
        answer = self._call(git_objects.READ_BLOBS, git_objects.asked_for(blobs))
        try:
            self._blobs.update(zip(blobs, git_objects.read(blobs, answer), strict=True))
        except git_objects.LostObject as lost:
            raise SettingsError(f"git has lost {lost.blob}, a file of {self._name}/: {lost.said}") from None

    def _git(self, *arguments: str) -> str:
        return self._call(arguments).decode("utf-8", "replace")

    def _try(self, *arguments: str) -> str:
        """What git says, stripped; empty if it can't."""
        done = self._run(arguments)
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""

    def _call(self, arguments: Sequence[str], stdin: bytes = b"") -> bytes:
        done = self._run(arguments, stdin)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
            if "not a git repository" in said[0]:
                raise SettingsError(
                    f"{self._project} isn't in a git repository, so what its rules were before isn't known; "
                    "keep it in one: git init"
                )
            raise SettingsError(f"git {arguments[0]} failed in {self._project}: {' '.join(said)[:500]}")
        return done.stdout

    def _run(self, arguments: Sequence[str], stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603  (the program is git; names are verified, paths follow --)
                ["git", *_QUIETLY, *arguments],  # noqa: S607  (whichever git the user has)
                cwd=self._project,
                env=self._env,
                input=stdin,
                capture_output=True,
                check=False,
                timeout=self._timeout.total_seconds(),
            )
        except subprocess.TimeoutExpired:
            waited = f"{self._timeout.total_seconds():g} s"
            raise SettingsError(f"git {arguments[0]} gave no answer within {waited}; try again") from None
        except OSError as error:
            raise SettingsError(
                f"git can't be started ({error.strerror}); install it, or put it on the PATH"
            ) from None


def _revision(line: str) -> Revision:
    commit, at, *subject = line.split(" ", 2)
    return Revision(commit, datetime.fromisoformat(at), " ".join(subject))
