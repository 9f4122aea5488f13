"""Data files held against JSON Schemas. Nothing is fetched: a schema refers to itself and its neighbours."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.sources.extras import extra
from workers.sources.tables import Table

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Unusable(Exception):
    """A schema that can't be held against anything; the text says why."""


@dataclass(frozen=True, slots=True)
class Violation:
    """place: where in the document, names and numbers from 0. text: what is wrong."""

    place: tuple[Hashable, ...]
    text: str


class Schema:
    """One JSON Schema, of whichever draft its `$schema` names; without, the newest."""

    def __init__(self, schema: Any, neighbours: Mapping[str, Any]) -> None:
        """neighbours: the project's schemas by their paths, by which this one may refer to them. Raises
        Unusable."""
        if not isinstance(schema, Mapping | bool):
            raise Unusable("is neither an object nor true or false")
        validators: Any = extra("jsonschema.validators")
        referencing: Any = extra("referencing.jsonschema")
        kind: Any = validators.validator_for(schema, default=validators.Draft202012Validator)
        try:
            kind.check_schema(schema)
        except extra("jsonschema.exceptions").SchemaError as error:
            raise Unusable(f"is no JSON Schema: at {error.json_path}: {error.message}") from None
        specification = referencing.specification_with(kind.META_SCHEMA["$schema"].rstrip("#"), default=None)
        resources = [
            (name, specification.create_resource(one))
            for path, one in neighbours.items()
            for name in (path, path.rpartition("/")[2])
        ]
        registry = extra("referencing").Registry().with_resources(resources)
        self._validator = kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)
        self._schema = schema

    def violations(self, table: Table) -> Iterator[Violation]:
        """What the document breaks, in order of place. A list is held item by item against a schema for
        objects; in CSV, whose cells are texts, a cell counts as the kind of value the schema expects there.

        Raises Unusable when the schema refers to what isn't there.
        """
        try:
            for place, one in self._items(table):
                errors = sorted(self._validator.iter_errors(one), key=lambda error: str(error.json_path))
                yield from (Violation((*place, *error.absolute_path), error.message) for error in errors)
        except extra("referencing.exceptions").Unresolvable as error:
            raise Unusable(f"refers to {error.ref}, which isn't there") from None

    def _items(self, table: Table) -> Iterator[tuple[tuple[Hashable, ...], Any]]:
        document, rows = table.document, bool(table.lines)
        schema = self._schema if isinstance(self._schema, Mapping) else {}
        for_list = schema.get("type") == "array" or "items" in schema
        if not isinstance(document, list) or for_list:
            row_schema = schema.get("items")
            yield (), [_typed(one, row_schema) for one in document] if rows else document
            return
        for number, one in enumerate(document):
            yield (number,), _typed(one, self._schema) if rows else one


def _typed(row: Mapping[str, str], schema: Any) -> dict[str, Any]:
    """A row of CSV with its cells as the schema's kinds of values; an empty cell is no value at all."""
    properties = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    return {
        name: _cell(cell, properties.get(name) if isinstance(properties, Mapping) else None)
        for name, cell in row.items()
        if cell != ""
    }


def _cell(cell: str, schema: Any) -> Any:
    wanted = schema.get("type") if isinstance(schema, Mapping) else None
    kinds: Sequence[str] = [wanted] if isinstance(wanted, str) else wanted or ()
    for kind in kinds:
        if kind == "boolean" and cell.lower() in (*_TRUE, *_FALSE):
            return cell.lower() in _TRUE
        try:
            if kind == "integer":
                return int(cell)
            if kind == "number":
                return float(cell)
        except ValueError:
            continue
    return cell
