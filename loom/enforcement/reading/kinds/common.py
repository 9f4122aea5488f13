"""What rules of every kind have in common, read and described."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from loom.enforcement.reading.document import Document, Path, at_least_one, shown
from loom.values import dataclass

_COMMON = ("id", "kind", "why")
ID = "[a-z0-9]+(-[a-z0-9]+)*"
_WORKER = r"[A-Za-z0-9*?\[\]!_.-]+"

Schema = dict[str, Any]
Trouble = Callable[[str], str | None]
"""What is wrong with a text, or None."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a rule of any kind begins with."""

    id: str
    applies_to: tuple[str, ...]
    why: str


def keys_of(
    document: Document, required: Sequence[str] = (), optional: Collection[str] = ()
) -> dict[str, Any]:
    """The keys of a rule, once what is missing and what is unknown has been said."""
    return document.mapping((), document.value, (*_COMMON, *required), ("applies_to", *optional))


def head_of(document: Document, keys: Mapping[str, Any]) -> Head:
    return Head(
        id=document.text(("id",), keys.get("id")),
        applies_to=applies_to(document, keys),
        why=document.text(("why",), keys.get("why")),
    )


def applies_to(document: Document, keys: Mapping[str, Any]) -> tuple[str, ...]:
    """Everybody, if it isn't said."""
    if "applies_to" not in keys:
        return ("*",)
    return document.texts(("applies_to",), keys["applies_to"], _worker_trouble)


def texts_of(
    document: Document, path: Path, keys: Mapping[str, Any], key: str, trouble: Trouble
) -> tuple[str, ...]:
    """The texts under `key`, which needn't be there."""
    return document.texts((*path, key), keys[key], trouble) if key in keys else ()


def flag_of(document: Document, path: Path, keys: Mapping[str, Any], key: str) -> bool:
    """False if it isn't there."""
    value = keys.get(key, False)
    if not isinstance(value, bool):
        document.say((*path, key), f"expected true or false, got {shown(value)}")
    return value is True


def something(document: Document, keys: Mapping[str, Any], choices: Collection[str]) -> None:
    """Say so if a rule has none of `choices`: it would allow and deny nothing."""
    misspelt = isinstance(document.value, dict) and document.value.keys() - keys.keys()
    if not misspelt and not any(key in keys for key in choices):
        document.say((), f"it says nothing; write {at_least_one(choices)}")


def rule_schema(kind: str, what: str, properties: Schema, *, required: Collection[str] = ()) -> Schema:
    """JSON Schema, draft 2020-12, of a rule's file. what: its description."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A rule of kind {kind}",
        "description": what,
        "type": "object",
        "additionalProperties": False,
        "required": [*_COMMON, *required],
        "properties": {
            "id": {"type": "string", "pattern": whole(ID), "description": "the name of its file"},
            "kind": {"const": kind, "description": "what it is about"},
            "why": {"type": "string", "pattern": r"\S", "description": "what a person reads of a refusal"},
            "applies_to": whom_schema(),
            **properties,
        },
    }


def whom_schema() -> Schema:
    """Of `applies_to`."""
    return texts(_WORKER, "ids, agents and globs of workers; everybody, if it isn't there")


def record(properties: Schema, *, required: Collection[str] = (), what: str = "") -> Schema:
    """The schema of a mapping with these keys and no others."""
    described = {"description": what} if what else {}
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "required": [*required],
        "properties": properties,
        **described,
    }


def texts(pattern: str, what: str) -> Schema:
    """The schema of a list of texts, none twice, each of which `pattern` describes as a whole."""
    return {**listed({"type": "string", "pattern": whole(pattern)}), "uniqueItems": True, "description": what}


def listed(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _worker_trouble(text: str) -> str | None:
    if re.fullmatch(_WORKER, text):
        return None
    return f"{text!r} isn't a worker's id, an agent's name or a glob"
