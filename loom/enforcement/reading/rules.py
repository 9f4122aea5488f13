"""rules/*.yaml and guidance/*.md -> the rules of the domain. What isn't understood is no rule."""

import importlib
from typing import Any, Protocol

from loom.domain.enforcement import GUARD
from loom.domain.rules import Guidance, Rule
from loom.enforcement.reading.document import Document, instead
from loom.enforcement.reading.kinds.common import Schema, applies_to, record, whom_schema
from loom.errors import Problem

KINDS = ("http", "sockets", "files", "process", "secrets", "limits", "output")
"""The kinds of rules that stand in rules/; guidance has a folder of its own."""

_FENCE = "---\n"


class _Kind(Protocol):
    def read(self, document: Document) -> Rule: ...

    def schema(self) -> Schema: ...


def _kind(name: str) -> _Kind:
    """The module of one of KINDS. Each is imported for the first rule of its kind: few projects have all."""
    kind: _Kind = importlib.import_module(f"loom.enforcement.reading.kinds.{name}")
    return kind


def read_rule(document: Document, stem: str) -> Rule | None:
    """The rule in a file named `stem`.yaml; None with the reasons in `document.problems`."""
    if document.problems:
        return None
    value = document.value
    kind = value.get("kind") if isinstance(value, dict) else None
    rule: Rule | None = None
    if isinstance(kind, str) and kind in KINDS:
        rule = _kind(kind).read(document)
    elif not isinstance(value, dict) or "kind" not in value:
        document.mapping((), value, ("id", "kind", "why"), value if isinstance(value, dict) else ())
    elif kind is None:
        document.one_of(("kind",), kind, KINDS)
    else:
        document.say(("kind",), f"unknown kind {kind!r}; {_instead(str(kind))}")
    if isinstance(value, dict) and "id" in value and value["id"] != stem:
        document.say(
            ("id",), f"{value['id']!r} isn't the name of its file; expected {stem!r}, or rename the file"
        )
    if rule is not None and rule.id == GUARD:
        document.say(("id",), f"{GUARD!r} is what refuses where no rule does; give the rule another name")
    return None if document.problems else rule


def rule_schema(kind: str) -> Schema:
    """JSON Schema, draft 2020-12, of the file of a rule of this kind, one of KINDS."""
    return _kind(kind).schema()


def guidance_schema() -> Schema:
    """JSON Schema, draft 2020-12, of what may stand between the two lines ``---`` of guidance/*.md."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The front matter of guidance",
        "description": "Whom a text is for that is handed to a model as its instructions.",
        **record({"applies_to": whom_schema()}, required=("applies_to",)),
    }


def read_guidance(file: str, stem: str, raw: bytes, problems: list[Problem]) -> Guidance | None:
    """The text in a file named `stem`.md; None with the reasons added to `problems`.

    Between two lines ``---`` at its beginning it may say whom it `applies_to`.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        problems.append(Problem(file, None, (), f"isn't UTF-8 text ({error.reason} at byte {error.start})"))
        return None
    front, text = _front_matter(text)
    whom: tuple[str, ...] = ("*",)
    if front is not None:
        document = Document(file, front.encode())
        keys: dict[str, Any] = {}
        if not document.problems:
            keys = document.mapping((), document.value, ("applies_to",))
        whom = applies_to(document, keys)
        problems += document.problems
    if not text.strip():
        problems.append(Problem(file, None, (), "is empty; expected instructions for a model"))
        return None
    return Guidance(stem, text, whom)


def _instead(kind: str) -> str:
    if kind == "guidance":
        return "guidance is text for a model and stands in guidance/ID.md"
    return instead(kind, KINDS)


def _front_matter(text: str) -> tuple[str | None, str]:
    """What stands before the text, kept on its lines, and the text."""
    if not text.startswith(_FENCE):
        return None, text
    front, fence, rest = text[len(_FENCE) :].partition(f"\n{_FENCE}")
    return (f"\n{front}\n", rest) if fence else (None, text)
