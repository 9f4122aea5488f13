"""Rules of kind process: what a worker may start, and what of Python it may not use."""

import re
from collections.abc import Mapping
from typing import Any

from loom.domain.rules import ProcessRule, ProgramAllowance
from loom.enforcement.reading.document import Document, Path, not_text, shown
from loom.enforcement.reading.kinds.common import (
    Schema,
    flag_of,
    head_of,
    keys_of,
    listed,
    record,
    rule_schema,
    something,
    texts,
    texts_of,
    whole,
)

_PROGRAM = r"[^\x00\s/]+|[^\x00]*/[^\x00]*"
_PART = "[A-Za-z_*][A-Za-z0-9_*]*"
_MODULE = rf"{_PART}(\.{_PART})*"
_REST = "**"


def read(document: Document) -> ProcessRule:
    keys = keys_of(document, (), ("allow", "deny"))
    something(document, keys, ("allow", "deny"))
    head = head_of(document, keys)
    allow = document.some(keys, "allow", ("programs", "fork", "native"))
    deny = document.some(keys, "deny", ("programs", "modules"))
    return ProcessRule(
        id=head.id,
        applies_to=head.applies_to,
        why=head.why,
        programs=_programs(document, allow),
        fork=flag_of(document, ("allow",), allow, "fork"),
        native=flag_of(document, ("allow",), allow, "native"),
        deny_programs=texts_of(document, ("deny",), deny, "programs", _program_trouble),
        deny_modules=texts_of(document, ("deny",), deny, "modules", _module_trouble),
    )


def schema() -> Schema:
    text = {"type": "string", "minLength": 1}
    program = record(
        {
            "program": {
                "type": "string",
                "pattern": whole(_PROGRAM),
                "description": "a name found on PATH, a path, or *",
            },
            "arguments": {
                "type": "array",
                "items": {"oneOf": [text, {**listed(text), "uniqueItems": True}]},
                "description": "one by one, each a glob or several of which one must fit; a final ** for any",
            },
            "never": {**listed(text), "uniqueItems": True, "description": "globs that no argument may fit"},
        },
        required=("program",),
    )
    return rule_schema(
        "process",
        "What a worker may start, and what of Python it may not use.",
        {
            "allow": record(
                {
                    "programs": {**listed(program), "description": "what it may start"},
                    "fork": {"type": "boolean", "description": "copy its own process; the copy is guarded"},
                    "native": {"type": "boolean", "description": "ctypes, and extensions of SQLite"},
                },
                what="what it may start and use",
            ),
            "deny": record(
                {
                    "programs": texts(_PROGRAM, "names or paths, whoever allows them"),
                    "modules": texts(_MODULE, "globs of modules that may not be imported"),
                },
                what="what it may not, whoever allows it",
            ),
        },
    ) | {"anyOf": [{"required": ["allow"]}, {"required": ["deny"]}]}


def _programs(document: Document, allow: Mapping[str, Any]) -> tuple[ProgramAllowance, ...]:
    if "programs" not in allow:
        return ()
    path = ("allow", "programs")
    return tuple(_program(document, place, item) for place, item in document.items(path, allow["programs"]))


def _program(document: Document, path: Path, value: Any) -> ProgramAllowance:
    keys = document.mapping(path, value, ("program",), ("arguments", "never"))
    program = keys.get("program")
    trouble = _program_trouble(program) if isinstance(program, str) else not_text(program)
    if trouble is not None:
        document.say((*path, "program"), trouble)
    arguments = None
    if "arguments" in keys:
        arguments = _arguments(document, (*path, "arguments"), keys["arguments"])
    never = texts_of(document, path, keys, "never", _argument_trouble)
    return ProgramAllowance(str(program), arguments, never)


def _arguments(document: Document, path: Path, value: Any) -> tuple[tuple[str, ...], ...]:
    """An empty list means that there may be none."""
    items = document.items(path, value) if value != [] else []
    arguments = tuple(_choices(document, place, item) for place, item in items)
    for (place, _), choices in list(zip(items, arguments, strict=True))[:-1]:
        if _REST in choices:
            document.say(place, f"'{_REST}' stands for whatever arguments are left, so it must come last")
    return arguments


def _choices(document: Document, path: Path, item: Any) -> tuple[str, ...]:
    if isinstance(item, list):
        return document.texts(path, item, _argument_trouble)
    if isinstance(item, str) and item:
        return (item,)
    hint = "; write it in quotes" if isinstance(item, int | float) else ""
    document.say(path, f"expected an argument, or a list of those it may be, got {shown(item)}{hint}")
    return ()


def _argument_trouble(text: str) -> str | None:
    return None if text else "an argument without a letter is none"


def _program_trouble(text: str) -> str | None:
    if re.fullmatch(_PROGRAM, text):
        return None
    hint = "; what follows the name stands under 'arguments'" if " " in text.strip() else ""
    return f"{text!r} isn't a program's name or path; expected 'git' or '/usr/bin/git'{hint}"


def _module_trouble(text: str) -> str | None:
    if re.fullmatch(_MODULE, text):
        return None
    return f"{text!r} isn't a module; expected a name such as 'requests', or a glob such as 'boto*'"
