"""Nodes: plain values that know the line they stand on."""

from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Scalar:
    """value: text, a number, a truth value or None. text: as written."""

    value: str | int | float | bool | None
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    items: "tuple[Node, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """A value that can't be used, and why. text: as written, if it was a word."""

    message: str
    line: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping. flaw: why the key can't be used, or empty."""

    key: str
    line: int
    value: "Node"
    flaw: str


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[Entry, ...]
    line: int


Node = Scalar | Sequence | Mapping | Flaw
