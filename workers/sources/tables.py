"""Data files as values: CSV, JSON and YAML, what they say and what is wrong with how they say it."""

import csv
import io
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from workers.sources.folder import Folder, Unreadable

_MOST_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong at one place. line: from 1, None where there is none to tell."""

    text: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A data file. document: of JSON's kinds of values; for CSV a list with an object for each row.
    lines: for CSV, the line of each row."""

    path: str
    document: Any
    lines: Sequence[int] = ()
    flaws: Sequence[Flaw] = ()

    def line_of(self, place: Sequence[Hashable]) -> int | None:
        """The line of a place in the document, where it is known."""
        return self.lines[place[0]] if self.lines and place and isinstance(place[0], int) else None


def read_table(folder: Folder, path: str, *, max_bytes: int) -> Table:
    """Raises Unreadable for a file that can't be read as what its name says it is; the text says where."""
    text = folder.read(path, max_bytes=max_bytes)
    suffix = path.rpartition(".")[2].lower()
    if suffix == "json":
        return _read_json(path, text)
    if suffix in ("yaml", "yml"):
        return _read_yaml(path, text)
    if suffix in ("csv", "tsv"):
        return _read_csv(path, text, "\t" if suffix == "tsv" else None)
    raise Unreadable("is neither CSV, JSON nor YAML by its name")


def values_at(document: Any, field: str) -> Iterator[tuple[tuple[Hashable, ...], Any]]:
    """Every value of a field, with its place. field: names joined by dots ('clients.id'); lists are gone
    through. What hasn't got the field is left out, and so are null and empty text."""
    names = field.split(".")

    def walk(
        value: Any, depth: int, place: tuple[Hashable, ...]
    ) -> Iterator[tuple[tuple[Hashable, ...], Any]]:
        if isinstance(value, list):
            for number, one in enumerate(value):
                yield from walk(one, depth, (*place, number))
        elif depth == len(names):
            if value is not None and value != "":
                yield place, value
        elif isinstance(value, Mapping) and names[depth] in value:
            yield from walk(value[names[depth]], depth + 1, (*place, names[depth]))

    return walk(document, 0, ())


def _read_json(path: str, text: str) -> Table:
    flaws: list[Flaw] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = sorted({name for name in names if names.count(name) > 1})
            flaws.append(Flaw(f"an object has {', '.join(twice)} more than once: only the last counts"))
        return found

    def refuse(constant: str) -> Any:
        raise Unreadable(f"has {constant}, which isn't JSON")

    try:
        document = json.loads(text, object_pairs_hook=object_of, parse_constant=refuse)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"isn't JSON from {at} on: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise Unreadable(f"isn't JSON that can be read: {error}") from None
    return Table(path, document, flaws=flaws)


def _read_csv(path: str, text: str, delimiter: str | None) -> Table:
    head = text.partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    flaws: list[Flaw] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if not any(names):
            raise Unreadable("has no header line")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            flaws.append(Flaw(f"the header has {', '.join(map(repr, twice))} more than once", 1))
        start = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(names):
                    flaws.append(Flaw(f"{len(cells)} cells under {len(names)} headings", start))
                rows.append(dict(zip(names, (cell.strip() for cell in cells), strict=False)))
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"isn't CSV at line {reader.line_num}: {error}") from None
    return Table(path, rows, lines, flaws)


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: a day stays text, a key comes once, and keys are texts."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.flaws: list[Flaw] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen and key.value != "<<":
                    text = f"{key.value!r} comes more than once: only the last counts"
                    self.flaws.append(Flaw(text, key.start_mark.line + 1))
                seen.add(key.value)
        found = super().construct_mapping(node, deep)
        return {key if isinstance(key, str) else str(key): value for key, value in found.items()}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in some if tag != "tag:yaml.org,2002:timestamp"]
    for first, some in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read_yaml(path: str, text: str) -> Table:
    loader = _Loader(text)
    try:
        document = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"isn't YAML{at}: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"isn't YAML that can be read: {error}") from None
    finally:
        loader.dispose()
    # Aliases let a small file stand for an endless one.
    if _size(document) > _MOST_VALUES:
        raise Unreadable(f"unfolds to more than {_MOST_VALUES:,} values")
    return Table(path, document, flaws=loader.flaws)


def _size(document: Any) -> int:
    """How many values it has, counted up to the limit."""
    waiting, count = [document], 0
    while waiting and count <= _MOST_VALUES:
        value = waiting.pop()
        count += 1
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return count
