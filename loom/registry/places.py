"""Places: on which line of the registry a worker says something."""

from pathlib import Path

from loom.registry.document import parse
from loom.registry.mistakes import Mistakes
from loom.registry.nodes import Entry, Mapping, Node
from loom.registry.source import read_text


def line_of_key(registry: Path, worker: str, key: str) -> int | None:
    """The line (from 1) on which `worker` has `key`; None where the file doesn't say."""
    try:
        root = parse(read_text(registry))
    except Mistakes:
        return None
    found = _entry(_entry(_entry(root, "workers"), worker), key)
    return found.line if found is not None else None


def _entry(holder: Entry | Node | None, key: str) -> Entry | None:
    inside = holder.value if isinstance(holder, Entry) else holder
    entries = inside.entries if isinstance(inside, Mapping) else ()
    return next((each for each in entries if each.key == key), None)
