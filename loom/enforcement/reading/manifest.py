"""manifest.yaml -> the rules and guidance that must be there, no more and no less."""

import re
from typing import Any

from loom.enforcement.reading.document import Document, Path
from loom.enforcement.reading.kinds.common import ID, Schema, listed, record, whole
from loom.values import dataclass

_ID = re.compile(ID)
_BOOLEANS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Named:
    """sha256: what the manifest holds the file's bytes to, in hex; as written, so it may be anything."""

    sha256: object
    path: Path

    @property
    def well_formed(self) -> bool:
        return isinstance(self.sha256, str) and _SHA256.fullmatch(self.sha256) is not None


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


def schema() -> Schema:
    """JSON Schema, draft 2020-12, of manifest.yaml."""
    name = {"type": "string", "pattern": whole(ID), "description": "the name of its file"}
    sha256 = {
        "type": "string",
        "pattern": whole(_SHA256.pattern),
        "description": "what the file's bytes are held to; `loom enforcement seal` writes it",
    }
    named = {"oneOf": [name, record({"id": name, "sha256": sha256}, required=("id",))]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "enforcement/manifest.yaml",
        "description": "The rules and guidance that must be there, no more and no less.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "rules"],
        "properties": {
            "version": {"const": 1, "description": "the form of this file"},
            "rules": {**listed(named), "description": "ids of rules: rules/ID.yaml"},
            "guidance": {**listed(named), "description": "ids of texts for a model: guidance/ID.md"},
        },
    }


def is_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def pin(name: str, sha256: str) -> str:
    """The entry that holds a file to its bytes, as it is written in the manifest on one line."""
    return f"- {{id: {as_text(name)}, sha256: {as_text(sha256)}}}"


def as_text(word: str) -> str:
    """An id or a hash as YAML reads it back as text: `no` and `7` only do in quotes."""
    return f"'{word}'" if word in _BOOLEANS or word.replace("-", "").isdigit() else word


def _named(document: Document, path: Path, value: Any, taken: set[str]) -> dict[str, Named]:
    named: dict[str, Named] = {}
    for place, item in document.items(path, value):
        keys = document.mapping(place, item, ("id",), ("sha256",)) if isinstance(item, dict) else {"id": item}
        name = keys.get("id")
        if not isinstance(name, str) or not is_id(name):
            document.say(place, f"{name!r} isn't an id; expected words in lower case joined by hyphens")
        elif name in named or name in taken:
            document.say(place, f"{name!r} is named twice")
        else:
            named[name] = Named(keys.get("sha256"), place)
    return named
