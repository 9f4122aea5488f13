"""Shapes: what may stand in a place of the file.

Each shape reads a node into a plain value, or raises Mistakes saying what it expected and what it got; and
each describes itself as JSON Schema. One table of shapes (`keys`) is thus both the check and the schema.
"""

import re
from collections.abc import Iterable
from typing import Any, Protocol

from loom.registry.mistakes import Mistakes, did_you_mean, mistake
from loom.registry.nodes import Flaw, Mapping, Node, Scalar
from loom.values import dataclass


class Shape(Protocol):
    def read(self, node: Node) -> Any:
        """The value; raises Mistakes."""

    def schema(self) -> dict[str, Any]:
        """The same in JSON Schema, draft 2020-12."""


def expected(what: str, node: Node, advice: str = "") -> Mistakes:
    """Mistakes that say what belongs where `node` stands."""
    if isinstance(node, Flaw):
        return mistake(node.message)
    return mistake(f"expected {what}, got {_shown(node)}" + (f"; {advice}" if advice else ""))


def _shown(node: Node) -> str:
    if not isinstance(node, Scalar):
        return "a mapping" if isinstance(node, Mapping) else "a list"
    if node.value is None:
        return "nothing"
    text = node.text if len(node.text) <= 60 else f"{node.text[:57]}..."
    return f'"{text}"' if isinstance(node.value, str) else text


@dataclass(frozen=True, slots=True)
class Text:
    """Text that isn't blank. pattern: what it must match, whole; in words, it is `what`."""

    what: str = "text"
    pattern: str = ""
    advice: str = ""

    def read(self, node: Node) -> str:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            quotable = isinstance(node, Scalar) and node.value is not None and not self.pattern
            raise expected(self.what, node, "write it in quotes" if quotable else self.advice)
        if not node.value.strip() or (self.pattern and not re.fullmatch(self.pattern, node.value)):
            raise expected(self.what, node, self.advice)
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$" if self.pattern else r"\S"}


@dataclass(frozen=True, slots=True)
class Word:
    """One of these words, or of those of an enumeration; read more than once."""

    words: Iterable[str]

    def read(self, node: Node) -> str:
        for word in self.words:
            if isinstance(node, Scalar) and node.value == word:
                return word
        choices = [str(word) for word in self.words]
        guess = did_you_mean(node.text, choices) if isinstance(node, Scalar) else ""
        advice = guess if guess.startswith("did") else ""
        raise expected(f"{', '.join(choices[:-1])} or {choices[-1]}", node, advice)

    def schema(self) -> dict[str, Any]:
        return {"enum": [str(word) for word in self.words]}


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, node: Node) -> bool:
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            raise expected("true or false", node)
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    least: int
    most: int

    def read(self, node: Node) -> int:
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is not int or not self.least <= value <= self.most:
            raise expected(f"a whole number from {self.least} to {self.most}", node)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Number:
    least: float | None = None
    most: float | None = None

    def read(self, node: Node) -> float:
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is not int and type(value) is not float:
            raise expected(self._what(), node)
        too_small = self.least is not None and value < self.least
        if too_small or abs(value) > 1e300 or (self.most is not None and value > self.most):
            raise expected(self._what(), node)
        return float(value)

    def _what(self) -> str:
        if self.least is None or self.most is None:
            return "a number"
        return f"a number from {self.least:g} to {self.most:g}"

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.least, "maximum": self.most}
        return {"type": "number"} | {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True)
class Constant:
    value: object
    what: str

    def read(self, node: Node) -> object:
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is not type(self.value) or value != self.value:
            raise expected(self.what, node)
        return value

    def schema(self) -> dict[str, Any]:
        return {"const": self.value}


@dataclass(frozen=True, slots=True)
class OrNull:
    """The shape, or null where that means something of its own."""

    shape: Shape

    def read(self, node: Node) -> Any:
        if isinstance(node, Scalar) and node.value is None:
            return None
        return self.shape.read(node)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.shape.schema(), {"type": "null"}]}
