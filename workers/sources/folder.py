"""A project's folder: which documents it holds, and whether a path in it exists exactly as written."""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Found:
    """exact: the path exists as written; False when it exists only with other capitals.
    path: as the folder spells it."""

    path: str
    exact: bool


class Unreadable(Exception):
    """A file that can't be read as text; the text says why and what to do."""


class Folder:
    """A folder looked at read-only. Paths are relative to it, with forward slashes; '' is the folder itself.

    Listings are remembered, so one object serves one run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listings: dict[str, dict[str, str]] = {}

    def files(self, include: Sequence[str], exclude: Sequence[str]) -> list[str]:
        """The regular files that fit `include` and not `exclude`, in order of name. Symbolic links aren't
        followed, neither to files nor to folders.

        A pattern with a slash is matched against the whole path (``**`` spans folders), one without
        against each part of it, as in .gitignore.
        """
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            inside = os.path.relpath(folder, self.root).replace(os.sep, "/")
            prefix = "" if inside == "." else f"{inside}/"
            folders[:] = sorted(name for name in folders if not matches(prefix + name, exclude))
            found += [
                prefix + name
                for name in names
                if matches(prefix + name, include)
                and not matches(prefix + name, exclude)
                and not (Path(folder) / name).is_symlink()
            ]
        return sorted(found)

    def find(self, path: str) -> Found | None:
        """The file or folder at `path`, compared letter by letter whatever the file system thinks of
        capitals; None when it isn't there."""
        spelled: list[str] = []
        exact = True
        for part in PurePosixPath(path).parts:
            listing = self._listing("/".join(spelled))
            if listing.get(part) == part:
                spelled.append(part)
                continue
            name = listing.get(part.casefold())
            if name is None:
                return None
            spelled.append(name)
            exact = False
        return Found("/".join(spelled), exact)

    def is_folder(self, path: str) -> bool:
        return (self.root / path).is_dir()

    def read(self, path: str, *, max_bytes: int) -> str:
        """The file's text, UTF-8. Raises Unreadable for what is too large, not a plain file inside the
        folder, binary, in another encoding, or not permitted."""
        place = self.root / path
        try:
            if not place.resolve().is_relative_to(self.root.resolve()):
                raise Unreadable("leads out of the project by a symbolic link")
            status = place.stat()
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("isn't a plain file")
            if status.st_size > max_bytes:
                raise Unreadable(f"has {status.st_size:,} bytes, more than the limit of {max_bytes:,}")
            data = place.read_bytes()
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror or error}") from None
        if b"\0" in data:
            raise Unreadable("is binary or UTF-16, not UTF-8 text")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Unreadable(
                f"isn't UTF-8 text: line {line} has the byte 0x{data[error.start]:02x}"
            ) from None

    def _listing(self, folder: str) -> dict[str, str]:
        """Every name in `folder`, by itself and by its case-folded form."""
        known = self._listings.get(folder)
        if known is None:
            try:
                names = sorted(os.listdir(self.root / folder))  # noqa: PTH208 - names alone are wanted
            except OSError:
                names = []
            known = {name.casefold(): name for name in names} | {name: name for name in names}
            self._listings[folder] = known
        return known


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the glob patterns fits `path` (see `Folder.files`)."""
    name = path.rpartition("/")[2]
    wanted = (pattern.removeprefix("./").rstrip("/") for pattern in patterns)
    return any(_compile(pattern).fullmatch(path if "/" in pattern else name) for pattern in wanted)


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    known = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(known.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)
