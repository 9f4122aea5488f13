"""enforcement/ -> EnforcementContext. Fails closed: whatever isn't understood, nothing is in force."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from loom.domain.enforcement import EnforcementContext, Guidance, HttpRule, OutputRule
from loom.enforcement.document import Document
from loom.enforcement.manifest import Manifest, Named, read_manifest
from loom.enforcement.rules import read_rule
from loom.errors import EnforcementError, Problem

MANIFEST = "manifest.yaml"
LARGEST = 262_144
"""Bytes in one file of the folder."""

_FOLDERS = {"rules": ".yaml", "guidance": ".md"}
_PLAIN = ("README.md",)  # may lie beside the manifest; in the digest, but says nothing to Loom


def load(folder: Path) -> EnforcementContext:
    """The context in force. Reads each file once and nothing outside `folder`.

    Raises EnforcementError with every problem found: something missing, unreadable, unknown, altered
    (another SHA-256 than the manifest holds it to), or present and not named by the manifest.
    """
    problems: list[Problem] = []
    files = _read(folder, problems)
    name = folder.name

    if MANIFEST in files:
        document = Document(f"{name}/{MANIFEST}", files[MANIFEST])
        manifest = read_manifest(document)
        if manifest is not None:
            _compare(document, manifest, files, problems, name)
        problems += document.problems

    rules: list[HttpRule | OutputRule] = []
    guidance: list[Guidance] = []
    for file, raw in files.items():
        kind, _, base = file.rpartition("/")
        stem = base.rpartition(".")[0]
        if kind == "rules":
            document = Document(f"{name}/{file}", raw)
            rule = read_rule(document, stem)
            problems += document.problems
            rules += [rule] if rule is not None else []
        elif kind == "guidance":
            guidance += _guidance(f"{name}/{file}", stem, raw, problems)
    if problems:
        raise EnforcementError(problems)
    return EnforcementContext(
        digest=_digest(files),
        http=tuple(rule for rule in rules if isinstance(rule, HttpRule)),
        output=tuple(rule for rule in rules if isinstance(rule, OutputRule)),
        guidance=tuple(guidance),
        files=MappingProxyType({file: hashlib.sha256(raw).hexdigest() for file, raw in files.items()}),
    )


def _read(folder: Path, problems: list[Problem]) -> dict[str, bytes]:
    """The bytes of every file by its name from `folder`, in order of name; strangers are problems."""
    names: list[str] = []
    try:
        for entry in os.scandir(folder):
            if entry.name in _FOLDERS and entry.is_dir(follow_symlinks=False):
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
            problems.append(Problem(f"{folder.name}/{name}", None, (), trouble))
    return files


def _stranger(name: str) -> str | None:
    kind, _, base = name.rpartition("/")
    if name == MANIFEST or name in _PLAIN or (kind and base.endswith(_FOLDERS[kind]) and base[0] != "."):
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


def _compare(
    document: Document, manifest: Manifest, files: Mapping[str, bytes], problems: list[Problem], folder: str
) -> None:
    """The folder must hold what the manifest names, as it holds it to be, and nothing else."""
    for kind, named in (("rules", manifest.rules), ("guidance", manifest.guidance)):
        ending = _FOLDERS[kind]
        for name, wanted in named.items():
            _compare_one(document, wanted, f"{kind}/{name}{ending}", files)
        for file in files:
            if (
                file.startswith(f"{kind}/")
                and file.removeprefix(f"{kind}/").removesuffix(ending) not in named
            ):
                message = f"isn't named under {kind!r} in {folder}/{MANIFEST}; name it there or remove it"
                problems.append(Problem(f"{folder}/{file}", None, (), message))


def _compare_one(document: Document, wanted: Named, file: str, files: Mapping[str, bytes]) -> None:
    if file not in files:
        document.say(wanted.path, f"{file} must be present and readable, and isn't; put it back")
    elif wanted.sha256 is not None:
        found = hashlib.sha256(files[file]).hexdigest()
        if found != wanted.sha256:
            document.say(
                wanted.path,
                f"{file} was altered; if the change is meant, write its new sha256 here: {found}",
            )


def _guidance(file: str, stem: str, raw: bytes, problems: list[Problem]) -> list[Guidance]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        problems.append(Problem(file, None, (), f"isn't UTF-8 text ({error.reason} at byte {error.start})"))
        return []
    if not text.strip():
        problems.append(Problem(file, None, (), "is empty; expected instructions for a model"))
        return []
    return [Guidance(stem, text)]


def _digest(files: Mapping[str, bytes]) -> str:
    """Each name and content is preceded by its length, so that no two folders read as the same bytes."""
    digest = hashlib.sha256()
    for name, raw in sorted(files.items()):
        for part in (name.encode(), raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return f"sha256:{digest.hexdigest()}"
