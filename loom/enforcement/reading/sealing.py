"""Sealing: manifest.yaml gets the SHA-256 of each file it names, and stays as it was written otherwise."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from loom.enforcement.folder import ENDINGS, MANIFEST, hashes, read_folder
from loom.enforcement.reading.document import Document
from loom.enforcement.reading.manifest import Manifest, as_text, read_manifest
from loom.errors import EnforcementError, Problem
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A file whose bytes aren't those that the manifest holds it to.

    file: its name from the folder. before: what the manifest says of it, None for nothing. now: its SHA-256.
    """

    file: str
    before: str | None
    now: str


@dataclass(frozen=True, slots=True)
class _Edit:
    """`text` in place of what stands from `start` to `end`, counted in characters."""

    start: int
    end: int
    text: str


def unsealed(folder: Path) -> tuple[Unsealed, ...]:
    """What `seal` would change, in the manifest's order. Writes nothing.

    Raises EnforcementError when the manifest can't be read, or names a file that can't.
    """
    _, found = _look(folder)
    return tuple(found)


def seal(folder: Path) -> tuple[Unsealed, ...]:
    """Hold every file that the manifest names to its bytes as they are, and say what that changed.

    Comments, order and line ends stay. Raises EnforcementError, with nothing written, when the manifest
    can't be read or written, or names a file that can't be read.
    """
    raw, found = _look(folder)
    if found:
        sealed = _edited(raw.decode(), {each.file: each.now for each in found}).encode()
        _confirm(folder, sealed)
        _write(folder, sealed)
    return tuple(found)


def _look(folder: Path) -> tuple[bytes, list[Unsealed]]:
    problems: list[Problem] = []
    files = read_folder(folder, problems)
    if MANIFEST not in files:
        raise EnforcementError(problems)
    document = Document(f"{folder.name}/{MANIFEST}", files[MANIFEST])
    manifest = read_manifest(document)
    if manifest is None:
        raise EnforcementError(document.problems)
    found: list[Unsealed] = []
    sha256 = hashes(files)
    for file, (path, written) in _named(manifest).items():
        if file not in sha256:
            document.say(path, f"{file} must be present and readable, and isn't; put it back")
        elif written != sha256[file]:
            found.append(Unsealed(file, None if written is None else str(written), sha256[file]))
    if document.problems:
        named = {f"{folder.name}/{file}" for file in _named(manifest)}
        raise EnforcementError([*(each for each in problems if each.file in named), *document.problems])
    return files[MANIFEST], found


def _named(manifest: Manifest) -> dict[str, tuple[Any, object]]:
    """By file, where the manifest names it and what it holds it to."""
    return {
        f"{kind}/{name}{ENDINGS[kind]}": (each.path, each.sha256)
        for kind, named in (("rules", manifest.rules), ("guidance", manifest.guidance))
        for name, each in named.items()
    }


def _edited(text: str, sha256: Mapping[str, str]) -> str:
    """`text` with the hashes of the files in `sha256` written into it."""
    # The pure loader's marks count characters; libyaml's count them differently from place to place.
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    edits: list[_Edit] = []
    for key, entries in root.value:
        for entry in entries.value if key.value in ENDINGS else ():
            file = f"{key.value}/{_id(entry)}{ENDINGS[key.value]}"
            if file in sha256:
                edits += _pinned(text, entry, as_text(sha256[file]), entries.flow_style)
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _id(entry: Any) -> str:
    if isinstance(entry, yaml.ScalarNode):
        return str(entry.value)
    return next(str(value.value) for key, value in entry.value if key.value == "id")


def _pinned(text: str, entry: Any, sha256: str, in_brackets: bool) -> Iterator[_Edit]:
    """How `entry`, an id or a mapping, comes to say `sha256`."""
    start, end = entry.start_mark.index, entry.end_mark.index
    if isinstance(entry, yaml.ScalarNode):
        if in_brackets:
            yield _Edit(start, end, f"{{id: {text[start:end]}, sha256: {sha256}}}")
        else:
            yield _Edit(start, start, "id: ")
            yield _line_below(text, end, entry.start_mark.column, sha256)
        return
    values = {key.value: value for key, value in entry.value}
    old, name = values.get("sha256"), values["id"]
    if old is not None:
        at, until = old.start_mark.index, old.end_mark.index
        yield _Edit(at, until, sha256 if at < until else f" {sha256}")
    elif entry.flow_style:
        yield _Edit(name.end_mark.index, name.end_mark.index, f", sha256: {sha256}")
    else:
        yield _line_below(text, name.end_mark.index, entry.start_mark.column, sha256)


def _line_below(text: str, at: int, column: int, sha256: str) -> _Edit:
    """A line of its own below the one that `at` is on, so that a comment there stays with its id."""
    end = next((place for place in range(at, len(text)) if text[place] in "\r\n"), len(text))
    line_end = "\r\n" if text[end : end + 2] == "\r\n" else "\n"
    return _Edit(end, end, f"{line_end}{' ' * column}sha256: {sha256}")


def _confirm(folder: Path, sealed: bytes) -> None:
    """Reads `sealed` as the loader will, so that nothing is written that means anything else."""
    files = read_folder(folder, [])
    sha256 = hashes(files)
    name = f"{folder.name}/{MANIFEST}"
    before, after = (read_manifest(Document(name, raw)) for raw in (files[MANIFEST], sealed))
    if before is not None and after is not None:
        held = {file: written for file, (_, written) in _named(after).items()}
        if held == {file: sha256[file] for file in _named(before)}:
            return
    why = "is written in a way that can't be sealed; write its entries like  - {id: NAME, sha256: HASH}"
    raise EnforcementError([Problem(name, None, (), why)])


def _write(folder: Path, sealed: bytes) -> None:
    """Whole or not at all. The draft lies beside the folder: within, a tick would take it for a rule."""
    manifest = folder / MANIFEST
    draft = folder.with_name(f".{folder.name}-{MANIFEST}.{os.getpid()}")
    try:
        draft.write_bytes(sealed)
        shutil.copymode(manifest, draft)
        draft.replace(manifest)
    except OSError as error:
        why = f"can't be written: {error.strerror or error} ({error.filename}); check its permissions"
        raise EnforcementError([Problem(f"{folder.name}/{MANIFEST}", None, (), why)]) from None
    finally:
        draft.unlink(missing_ok=True)
