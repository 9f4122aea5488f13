"""A project's git history: when each file was last changed, and which files are gone.

git is asked to read only: no lock is taken, no pager or hook of the user's runs, nothing is fetched.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_MARK = "\x01"
_RECORD = re.compile(r"\x01(?=[0-9a-f]{40,64} -?\d+(?:\0|$))")
_RENAME = re.compile(r"[RC]\d+")
# Variables that point git at another repository (a hook sets them); the project's folder decides here.
_LOCATORS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_TRACE",
)


@dataclass(frozen=True, slots=True)
class Touch:
    """The last commit that changed a file. at: committed, UTC.
    at_least: True when older history isn't here, so that the change may be older still."""

    commit: str
    at: datetime
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """The last commit that took a file away. moved_to: its new name, when git sees it as moved."""

    commit: str
    at: datetime
    moved_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What git knows of a folder; paths are relative to it, with forward slashes.

    unknown: why nothing is known (no git, no repository, no commits), empty when it is.
    partial: why only the newer part is known (a shallow clone, a limit), empty when all of it is.
    files: tracked and not ignored files, None when unknown. edited: changed since the last commit.
    """

    unknown: str = ""
    partial: str = ""
    touched: Mapping[str, Touch] = field(default_factory=dict)
    removed: Mapping[str, Removal] = field(default_factory=dict)
    files: frozenset[str] | None = None
    edited: frozenset[str] = frozenset()


class GitTrouble(Exception):
    """git didn't answer; the text says why."""


def read_history(root: Path, *, max_commits: int, timeout_s: float) -> History:
    """The history of the files under `root`, from one `git log` over at most `max_commits` commits.

    timeout_s: for each question to git. Never raises for a missing git, repository or commit:
    `History.unknown` says so.
    """
    program = shutil.which("git")
    if program is None:
        return History(unknown="git isn't installed")
    git = _Git(program, root, timeout_s)
    try:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == "true"
        shallow_file = root / git("rev-parse", "--git-path", "shallow").rstrip("\n")
        boundary = _shallow_commits(shallow_file) if shallow else frozenset[str]()
        tracked = frozenset(_paths(git("ls-files", "-z", "--cached")))
        others = frozenset(_paths(git("ls-files", "-z", "--others", "--exclude-standard")))
        if not tracked:
            # Either nothing was added yet, or the whole folder is ignored by a repository around it.
            return History(unknown="none of the project's files is in git", files=others or None)
        if not git.knows("HEAD"):
            return History(unknown="the repository has no commits yet", files=tracked | others)
        prefix = git("rev-parse", "--show-prefix").rstrip("\n")
        status = _paths(
            git("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames", "--", ".")
        )
        log = git(
            *(
                "log",
                "-z",
                "-n",
                str(max_commits + 1),
                "--relative",
                "--name-status",
            ),
            *("-M", "-c", "--no-ext-diff", "--no-show-signature", "--no-color", f"--format={_MARK}%H %ct"),
            *("HEAD", "--"),
        )
    except GitTrouble as trouble:
        return History(unknown=str(trouble))
    commits = list(_commits(log))
    touched, removed = _last_changes(commits[:max_commits], boundary)
    partial = "the clone is shallow" if shallow else ""
    if len(commits) > max_commits:
        partial = partial or f"only the newest {max_commits} commits were read"
        oldest = min(commits[:max_commits], key=lambda commit: commit.at)
        beyond = Touch(oldest.id, oldest.at, at_least=True)
        touched = dict.fromkeys(tracked, beyond) | touched
    return History(
        partial=partial,
        touched=touched,
        removed=removed,
        files=tracked | others,
        # Each entry is 'XY path', the path counted from the repository's root.
        edited=frozenset(entry[3:].removeprefix(prefix) for entry in status),
    )


def ignored_paths(root: Path, paths: Sequence[str], *, timeout_s: float) -> frozenset[str]:
    """Those of `paths` that git is told to ignore, whether they are there or not; none when git can't say."""
    program = shutil.which("git")
    if program is None or not paths:
        return frozenset()
    git = _Git(program, root, timeout_s)
    try:
        return frozenset(_paths(git("check-ignore", "-z", "--no-index", "--stdin", said="\0".join(paths))))
    except GitTrouble:  # exit code 1 means none
        return frozenset()


_SETTINGS = ("core.quotepath=off", "core.fsmonitor=false", "log.showRoot=true")


class _Git:
    """Runs git in one folder and gives its output; raises GitTrouble when it fails or takes too long."""

    def __init__(self, program: str, root: Path, timeout_s: float) -> None:
        self._program, self._root, self._timeout_s = program, root, timeout_s
        self._environment = {key: value for key, value in os.environ.items() if key not in _LOCATORS} | {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "LC_ALL": "C",
        }

    def __call__(self, *arguments: str, said: str = "") -> str:
        # As the rule that lets a worker ask git has them.
        settings = ("--no-pager", *(part for setting in _SETTINGS for part in ("-c", setting)))
        try:
            done = subprocess.run(  # noqa: S603 - fixed arguments, no shell, the program found on PATH
                (self._program, *settings, *arguments),
                cwd=self._root,
                env=self._environment,
                input=os.fsencode(said),
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitTrouble(f"git took longer than {self._timeout_s:g} s") from None
        except OSError as error:
            raise GitTrouble(f"git could not be started: {error}") from None
        if done.returncode:
            answer = os.fsdecode(done.stderr).strip().splitlines() or [f"exit code {done.returncode}"]
            raise GitTrouble(f"git says: {answer[0]}")
        return os.fsdecode(done.stdout)

    def knows(self, revision: str) -> bool:
        try:
            self("rev-parse", "--verify", "--quiet", revision)
        except GitTrouble:
            return False
        return True


def _paths(text: str) -> list[str]:
    return [path for path in text.split("\0") if path]


def _shallow_commits(path: Path) -> frozenset[str]:
    """The commits at which a shallow clone's history ends: they seem to add every file there was."""
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


@dataclass(frozen=True, slots=True)
class _Commit:
    """touches: paths it left in place. removals: paths it took away, each with its new name or None."""

    id: str
    at: datetime
    touches: tuple[str, ...]
    removals: tuple[tuple[str, str | None], ...]


def _last_changes(
    commits: list[_Commit], boundary: frozenset[str]
) -> tuple[dict[str, Touch], dict[str, Removal]]:
    touched: dict[str, Touch] = {}
    removed: dict[str, Removal] = {}
    for commit in commits:
        # Commits come nearly in order of time, clocks of committers being what they are: compare.
        for path in commit.touches:
            if path not in touched or commit.at > touched[path].at:
                touched[path] = Touch(commit.id, commit.at, at_least=commit.id in boundary)
        for path, moved_to in commit.removals:
            if path not in removed or commit.at > removed[path].at:
                removed[path] = Removal(commit.id, commit.at, moved_to)
    return touched, removed


def _commits(log: str) -> Iterator[_Commit]:
    """Reads ``git log -z --name-status``, newest first."""
    for record in _RECORD.split(log)[1:]:
        header, *rest = record.split("\0")
        commit, _, seconds = header.partition(" ")
        touches: list[str] = []
        removals: list[tuple[str, str | None]] = []
        fields = iter(text.lstrip("\n") for text in rest)
        for status in fields:
            if not status:
                continue
            path = next(fields, "")
            if _RENAME.fullmatch(status):
                new = next(fields, "")
                touches.append(new)
                if status.startswith("R"):
                    removals.append((path, new))
            elif status.endswith("D"):
                removals.append((path, None))
            else:
                touches.append(path)
        yield _Commit(commit, _instant(seconds), tuple(touches), tuple(removals))


def _instant(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
