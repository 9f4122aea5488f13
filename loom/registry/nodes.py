"""Nodes: plain values that know the line they stand on."""

from typing import NamedTuple


class Scalar(NamedTuple):
    """value: text, a number, a truth value or None. text: as written."""

    value: str | int | float | bool | None
    text: str
    line: int


class Sequence(NamedTuple):
    items: "tuple[Node, ...]"
    line: int


class Flaw(NamedTuple):
    """A value that can't be used, and why. text: as written, if it was a word."""

    message: str
    line: int
    text: str = ""


class Entry(NamedTuple):
    """One key of a mapping. flaw: why the key can't be used, or empty."""

    key: str
    line: int
    value: "Node"
    flaw: str


class Mapping(NamedTuple):
    entries: tuple[Entry, ...]
    line: int


Node = Scalar | Sequence | Mapping | Flaw
