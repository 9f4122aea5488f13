"""manifest.yaml -> the rules and guidance that must be there, no more and no less."""

import re
from dataclasses import dataclass
from typing import Any

from loom.enforcement.document import Document, Path

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Named:
    """sha256: of the file's bytes, in hex, when the manifest holds the file to it."""

    sha256: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class Manifest:
    """By id, as written."""

    rules: dict[str, Named]
    guidance: dict[str, Named]


def read_manifest(document: Document) -> Manifest | None:
    """None with the reasons in `document.problems`."""
    if document.problems:
        return None
    keys = document.mapping((), document.value, ("version", "rules"), ("guidance",))
    version = keys.get("version")
    if "version" in keys and (version != 1 or isinstance(version, bool)):
        document.say(("version",), f"expected 1, got {version!r}; a newer file needs a newer Loom")
    rules = _named(document, ("rules",), keys.get("rules"), set())
    guidance: dict[str, Named] = {}
    if "guidance" in keys:
        guidance = _named(document, ("guidance",), keys["guidance"], set(rules))
    return None if document.problems else Manifest(rules, guidance)


def _named(document: Document, path: Path, value: Any, taken: set[str]) -> dict[str, Named]:
    named: dict[str, Named] = {}
    for place, item in document.items(path, value):
        keys = document.mapping(place, item, ("id", "sha256")) if isinstance(item, dict) else {"id": item}
        name, sha256 = keys.get("id"), keys.get("sha256")
        if not isinstance(name, str) or not _ID.fullmatch(name):
            document.say(place, f"{name!r} isn't an id; expected words in lower case joined by hyphens")
        elif name in named or name in taken:
            document.say(place, f"{name!r} is named twice")
        elif sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            document.say((*place, "sha256"), f"expected 64 hexadecimal digits, got {sha256!r}")
        else:
            named[name] = Named(sha256, place)
    return named
