"""Shapes of lists and mappings: they gather the mistakes of what they hold, each with its address."""

import contextlib
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf
from typing import Any

from loom.registry.mistakes import Fault, Mistakes, did_you_mean, mistake
from loom.registry.nodes import Entry, Mapping, Node, Scalar, Sequence
from loom.registry.scalars import as_written
from loom.registry.shapes import Shape, expected
from loom.values import dataclass, field

MOST_TOLD = 100
"""Mistakes in one list or mapping: nobody reads more at once, and they all go out in one alert."""

_MORE = f"from here on nothing was looked at, after {MOST_TOLD} mistakes; mend those first"


@dataclass(frozen=True, slots=True)
class ListOf:
    """words: whether text that stands in the list's place means its words, as a shell tells them apart."""

    shape: Shape
    least: int = 0
    words: bool = False

    def read(self, node: Node) -> tuple[Any, ...]:
        if not isinstance(node, Sequence):
            meant = self._meant(node.value) if isinstance(node, Scalar) else []
            listed = f"[{', '.join(map(as_written, meant))}]"
            advice = listed if meant else "one item a line, each after '- '"
            raise expected("a list", node, f"write {advice}")
        if len(node.items) < self.least:
            raise mistake("expected at least one item, got an empty list; add one, or leave the key out")
        values: list[Any] = []
        faults: list[Fault] = []
        for number, item in enumerate(node.items, 1):
            if len(faults) >= MOST_TOLD:
                faults.append(Fault(_MORE, (f"item {number}",), item.line))
                break
            try:
                values.append(self.shape.read(item))
            except Mistakes as found:
                faults += [fault.under(f"item {number}", item.line) for fault in found.faults]
        if faults:
            raise Mistakes(faults)
        return tuple(values)

    def _meant(self, value: object) -> list[str]:
        """The items that text in the list's place most likely stands for; none if they wouldn't be read."""
        if not isinstance(value, str):
            return []
        for parts in self._partings(value):
            if parts and all(self._reads(part) for part in parts):
                return parts
        return []

    def _partings(self, text: str) -> Iterator[list[str]]:
        if self.words:
            import shlex  # only a mistake needs it

            with contextlib.suppress(ValueError):
                yield shlex.split(text)
        else:
            yield [text.strip()]
            yield text.replace(",", " ").split()

    def _reads(self, text: str) -> bool:
        try:
            self.shape.read(Scalar(text, text, 0))
        except Mistakes:
            return False
        return True

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.shape.schema()} | (
            {"minItems": self.least} if self.least else {}
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys the writer chooses."""

    keys: Shape
    values: Shape

    def read(self, node: Node) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise expected("a mapping", node)
        return gather(node, self._one)

    def _one(self, entry: Entry) -> Any:
        self.keys.read(Scalar(entry.key, entry.key, entry.line))
        return self.values.read(entry.value)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": self.keys.schema(),
            "additionalProperties": self.values.schema(),
        }


@dataclass(frozen=True, slots=True)
class Anything:
    """Plain data of any form, with text for keys."""

    def read(self, node: Node) -> Any:
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Sequence):
            return list(ListOf(self).read(node))
        if isinstance(node, Mapping):
            return gather(node, lambda entry: self.read(entry.value))
        raise mistake(node.message)

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a Record. says: what it is for. default: what holds without it. example: how one looks."""

    shape: Shape
    says: str
    required: bool = False
    default: Any = None
    example: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys. name: where the schema keeps its definition, or empty.

    check: raises Mistakes when values that are right one by one don't go together.
    also: what the schema says of that.
    """

    what: str
    keys: MappingOf[str, Key]
    name: str = ""
    check: Callable[[MappingOf[str, Any]], None] | None = None
    also: MappingOf[str, Any] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(name for name, key in self.keys.items() if key.required)

    def read(self, node: Node) -> dict[str, Any]:
        values, faults = self.gather(node)
        if faults:
            raise Mistakes(faults)
        return values

    def gather(self, node: Node) -> tuple[dict[str, Any], list[Fault]]:
        """The values that can be used, and all that is wrong with the others."""
        if not isinstance(node, Mapping):
            return {}, list(expected(f"a mapping with the keys of {self.what}", node).faults)
        faults: list[Fault] = []
        values = gather(node, self._one, faults)
        for name in self.needed:
            if name not in values and all(entry.key != name for entry in node.entries):
                example = self.keys[name].example
                faults.append(Fault(f"key '{name}' is missing; add it, such as {name}: {example}"))
        if self.check and not faults:
            try:
                self.check(values)
            except Mistakes as found:
                faults += found.faults
        return values, faults

    def _one(self, entry: Entry) -> Any:
        key = self.keys.get(entry.key)
        if key is None:
            raise mistake(f"unknown key of {self.what}; {did_you_mean(entry.key, self.keys)}")
        return key.shape.read(entry.value)

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"} if self.name else self.definition()

    def definition(self) -> dict[str, Any]:
        properties = {
            name: key.shape.schema()
            | {"description": key.says}
            | ({} if key.default is None else {"default": key.default})
            for name, key in self.keys.items()
        }
        found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
        return found | dict(self.also) | ({"required": list(self.needed)} if self.needed else {})


def gather(node: Mapping, read: Callable[[Entry], Any], faults: list[Fault] | None = None) -> dict[str, Any]:
    """The values of a mapping, key by key. What is wrong goes to `faults`, or is raised without them."""
    found: list[Fault] = [] if faults is None else faults
    values: dict[str, Any] = {}
    for entry in node.entries:
        if len(found) >= MOST_TOLD:
            found.append(Fault(_MORE, (f"key '{entry.key}'",), entry.line))
            break
        if entry.flaw:
            found.append(Fault(entry.flaw, (f"key '{entry.key}'",), entry.line))
            continue
        try:
            values[entry.key] = read(entry)
        except Mistakes as mistakes:
            found += [fault.under(f"key '{entry.key}'", entry.line) for fault in mistakes.faults]
    if found and faults is None:
        raise Mistakes(found)
    return values
