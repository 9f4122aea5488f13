"""The text files that a worker reads, within limits; what couldn't be read is a finding, never left out in
silence."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.sources.findings import Note, note
from workers.sources.folder import Folder, Unreadable

# Folders that hold what programs made, or other people's work.
FOREIGN = (
    ".git", ".loom", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", "site-packages",
    ".mypy_cache", ".ruff_cache", ".pytest_cache",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text. path: from the project's root."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """files: the most that are read. bytes: the most that one of them may have."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Texts:
    """read: in order of path. there: how many files fit. notes: of kind `unreadable` for each that can't be
    read, and of kind `unchecked` for those beyond the limit."""

    read: tuple[Text, ...]
    there: int
    notes: tuple[Note, ...]


def read_texts(
    folder: Folder,
    include: Sequence[str],
    exclude: Sequence[str],
    limits: Limits,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Texts:
    """The files of `folder` that fit `include` and not `exclude` (see `Folder.files`)."""
    paths = folder.files(include, exclude)
    read: list[Text] = []
    notes: list[Note] = []
    asked = 0
    for path in paths[: limits.files]:
        if cancelled():
            break
        asked += 1
        try:
            read.append(Text(path, folder.read(path, max_bytes=limits.bytes)))
        except Unreadable as error:
            notes.append(_unreadable(path, error))
    if asked < len(paths):
        notes.append(_unchecked(len(paths), len(paths) - asked))
    return Texts(tuple(read), len(paths), tuple(notes))


def fitting(project: Path, include: Iterable[str], exclude: Sequence[str]) -> Iterator[str]:
    """How many files each pattern fits, in words: ``queue/**/*.md: 3 files``."""
    folder = Folder(project)
    for pattern in include:
        number = len(folder.files([pattern], exclude))
        yield f"{pattern}: {number} {'file' if number == 1 else 'files'}"


def _unreadable(path: str, error: Unreadable) -> Note:
    action = "Save it as UTF-8 text of a size within the limit, or leave it out with the setting `exclude`."
    return note(
        "unreadable", "warning", "File that can't be read", subject=path, detail=f"It {error}.", action=action
    )


def _unchecked(there: int, left: int) -> Note:
    detail = f"{there} files fit, and {left} of them weren't read."
    action = "Raise `max_files`, or name fewer files with the settings."
    return note("unchecked", "warning", "Files left unread", detail=detail, action=action)
