"""Rules of kind output: what must not leave."""

import re
import warnings
from typing import Any

from loom.domain.rules import OutputPattern, OutputRule
from loom.enforcement.judges.checks import CHECKS
from loom.enforcement.reading.document import Document, Path
from loom.enforcement.reading.kinds.common import Schema, head_of, keys_of, listed, record, rule_schema
from loom.enforcement.reading.patterns.catalogue import NAMES, shipped

_ACTIONS = ("reject", "redact")


def read(document: Document) -> OutputRule:
    keys = keys_of(document, ("action", "patterns"))
    head = head_of(document, keys)
    return OutputRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        action=document.one_of(("action",), keys.get("action"), _ACTIONS),
        patterns=tuple(
            pattern
            for path, item in document.items(("patterns",), keys.get("patterns"))
            for pattern in _patterns(document, path, item)
        ),
    )


def schema() -> Schema:
    pattern = record(
        {
            "name": {
                "type": "string",
                "pattern": r"\S",
                "description": "what it finds, such as 'mail address'",
            },
            "pattern": {
                "type": "string",
                "minLength": 1,
                "description": "Python's; a group named hit is meant",
            },
            "check": {"enum": [*CHECKS], "description": "luhn, iban: its check digits must be right"},
        },
        required=("name", "pattern"),
    )
    named = record(
        {"use": {"enum": [*NAMES], "description": "patterns that ship with Loom"}}, required=("use",)
    )
    return rule_schema(
        "output",
        "What must not leave in an output: the run is blocked (reject), or it is blanked (redact).",
        {
            "action": {
                "enum": [*_ACTIONS],
                "description": "reject: the run is blocked; redact: it is blanked",
            },
            "patterns": {
                **listed({"oneOf": [named, pattern]}),
                "description": "what to look for, in the whole output",
            },
        },
        required=("action", "patterns"),
    )


def _patterns(document: Document, path: Path, value: Any) -> tuple[OutputPattern, ...]:
    if isinstance(value, dict) and "use" in value:
        keys = document.mapping(path, value, ("use",))
        return shipped(document.one_of((*path, "use"), keys["use"], NAMES))
    return (_pattern(document, path, value),)


def _pattern(document: Document, path: Path, value: Any) -> OutputPattern:
    keys = document.mapping(path, value, ("name", "pattern"), ("check",))
    pattern = keys.get("pattern")
    if not isinstance(pattern, str) or not pattern:
        document.say((*path, "pattern"), f"expected a regular expression, got {pattern!r}")
        pattern = ""
    try:
        with warnings.catch_warnings():
            # What a later Python will read otherwise doesn't say what it means.
            warnings.simplefilter("error", FutureWarning)
            if pattern and re.compile(pattern).match("") is not None:
                document.say((*path, "pattern"), "fits the empty text, so it would be found everywhere")
    except (re.error, RecursionError, OverflowError, FutureWarning) as error:
        document.say((*path, "pattern"), f"isn't a regular expression: {error}")
    return OutputPattern(
        name=document.text((*path, "name"), keys.get("name")),
        pattern=pattern,
        check=document.one_of((*path, "check"), keys["check"], CHECKS) if "check" in keys else "",
    )
