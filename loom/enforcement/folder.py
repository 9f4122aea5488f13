"""The folder's files as bytes: each read once, and nothing taken for one that isn't."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from loom.digests import sha256
from loom.errors import Problem

MANIFEST = "manifest.yaml"
LARGEST = 262_144
"""Bytes in one file of the folder."""

ENDINGS = {"rules": ".yaml", "guidance": ".md"}
"""The folders in it, and how the names of their files end."""

_PLAIN = ("README.md",)  # may lie beside the manifest; in the digest, but says nothing to Loom


def read_folder(folder: Path, problems: list[Problem]) -> dict[str, bytes]:
    """The bytes of every file by its name from `folder`, in order of name.

    What is missing, can't be read or doesn't belong there is told in `problems`.
    """
    names: list[str] = []
    try:
        for entry in os.scandir(folder):
            if entry.name in ENDINGS and entry.is_dir(follow_symlinks=False):
                names += [f"{entry.name}/{each.name}" for each in os.scandir(entry.path)]
            else:
                names.append(entry.name)
    except OSError as error:
        place = error.filename or folder
        why = f"can't be read ({error.strerror}); without it nothing may run"
        problems.append(Problem(str(place), None, (), why))
        return {}
    if MANIFEST not in names:
        missing = "is missing; it names the rules in force"
        problems.append(Problem(f"{folder.name}/{MANIFEST}", None, (), missing))
    files: dict[str, bytes] = {}
    for name in sorted(names):
        try:
            trouble = _stranger(name)
            if trouble is None:
                files[name] = _bytes(folder / name)
        except OSError as error:
            trouble = f"can't be read: {error.strerror or error}"
        if trouble is not None:
            shown = os.fsencode(name).decode("utf-8", "backslashreplace")
            problems.append(Problem(f"{folder.name}/{shown}", None, (), trouble))
    return files


def belongs(name: str) -> bool:
    """Whether a file may be called so, seen from the folder."""
    kind, _, base = name.rpartition("/")
    if kind:
        return kind in ENDINGS and base.endswith(ENDINGS[kind]) and base[0] != "."
    return name == MANIFEST or name in _PLAIN


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file, in hex."""
    return {name: sha256(raw).hexdigest() for name, raw in files.items()}


def digest_of_folder(folder: Path) -> str | None:
    """The digest of its files as they are; None where something is missing or doesn't belong there."""
    problems: list[Problem] = []
    files = read_folder(folder, problems)
    return None if problems else digest_of(files)


def digest_of(files: Mapping[str, bytes]) -> str:
    """Each name and content is preceded by its length, so that no two folders read as the same bytes."""
    digest = sha256()
    for name, raw in sorted(files.items()):
        for part in (name.encode(), raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def _stranger(name: str) -> str | None:
    # A name that no text can say stands for no rule's id, and has no digest.
    if belongs(name) and name.isprintable():
        return None
    return (
        "doesn't belong here and might be a rule that doesn't bite; expected manifest.yaml, rules/ID.yaml "
        "and guidance/ID.md as plain files and folders"
    )


def _bytes(path: Path) -> bytes:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise OSError("it is a symbolic link, and what it leads to may change without a trace here")
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it isn't a plain file")
    if status.st_size > LARGEST:
        raise OSError(f"it has {status.st_size} bytes, more than {LARGEST}")
    return path.read_bytes()
