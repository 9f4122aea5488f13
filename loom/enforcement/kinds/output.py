"""Rules of kind output: what must not leave."""

import re
import warnings
from typing import Any

from loom.domain.rules import OutputPattern, OutputRule
from loom.enforcement.document import Document, Path
from loom.enforcement.kinds.common import Schema, head_of, keys_of, listed, record, rule_schema

_ACTIONS = ("reject", "redact")
_CHECKS = ("luhn",)


def read(document: Document) -> OutputRule:
    keys = keys_of(document, ("action", "patterns"))
    head = head_of(document, keys)
    return OutputRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        action=document.one_of(("action",), keys.get("action"), _ACTIONS),
        patterns=tuple(
            _pattern(document, path, item)
            for path, item in document.items(("patterns",), keys.get("patterns"))
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
            "check": {"enum": [*_CHECKS], "description": "luhn: its digits must be a card number's"},
        },
        required=("name", "pattern"),
    )
    return rule_schema(
        "output",
        "What must not leave in an output: the run is blocked (reject), or it is blanked (redact).",
        {"action": {"enum": [*_ACTIONS]}, "patterns": listed(pattern)},
        required=("action", "patterns"),
    )


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
        check=document.one_of((*path, "check"), keys["check"], _CHECKS) if "check" in keys else "",
    )
