"""Plain: what an event is told with, as values of Python's own kinds.

A worker may hand Python texts, numbers and mappings of its own making, whose methods are its code. They are
read while the act is still the worker's; whoever judges it, as Loom, runs nothing of theirs.
"""

import os
from collections.abc import Mapping
from typing import Any

_PLAIN = frozenset({str, bytes, int, bool, float, type(None)})


def plain(value: Any) -> Any:
    """Texts, numbers, paths, lists, tuples and mappings, and what is in them; any other thing as it is."""
    if type(value) in _PLAIN:
        return value
    match value:
        case str():
            return str.__str__(value)
        case bytes():
            return bytes.__getitem__(value, slice(None))
        case int():
            return int.__add__(value, 0)
        case tuple():
            return tuple(plain(each) for each in tuple.__iter__(value))
        case list():
            return [plain(each) for each in list.__iter__(value)]
        case Mapping():
            return {plain(name): plain(each) for name, each in value.items()}
        case os.PathLike():
            return plain(os.fspath(value))
    return value
