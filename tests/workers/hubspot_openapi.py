"""Every exchange with the stand-in is held against the OpenAPI files that HubSpot publishes.

Path and method must be there, every parameter of the query declared and of its type, the bodies fit their
schemas. Stricter than the files: an object with declared properties may have no others, so that a misspelt
key is found; error envelopes alone may, because HubSpot's have more (`status`, `policyName`). Laxer in one
place: the values of a record's properties may be null, as HubSpot's are where there is no value, although the
files say text. Calls, emails, meetings, notes and tasks have no file here: they are objects like all others,
so contacts' file is taken with the kind's name put in.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from loom.sample.exchange import Answered, Asked, StandIn, serving
from workers.sources.extras import extra

_FOLDER = Path(__file__).parent / "openapi"
_ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks")
PREFIX = "/hubspot"


@dataclass(frozen=True, slots=True)
class Service:
    """A stand-in that is served. api: the address for a worker's setting. exchanges: what was said so far."""

    api: str
    exchanges: list[tuple[Asked, Answered]] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked, _ in self.exchanges]


class Desk:
    """One server for many stand-ins, one after the other: a server takes half a second to stop."""

    def __init__(self) -> None:
        self._stand_in: StandIn = _nobody
        self._exchanges: list[tuple[Asked, Answered]] = []
        self._base = ""

    @contextmanager
    def open(self) -> Iterator["Desk"]:
        with serving({PREFIX: lambda asked: self._stand_in(asked)}, heard=self._hear) as self._base:
            yield self

    @contextmanager
    def served(self, stand_in: StandIn) -> Iterator[Service]:
        """Serve it, and at the end hold all that was said against what HubSpot publishes."""
        with self.served_anyhow(stand_in) as service:
            yield service
        assert mistakes(service.exchanges) == []

    @contextmanager
    def served_anyhow(self, stand_in: StandIn) -> Iterator[Service]:
        """Serve what says things that HubSpot never would."""
        self._stand_in, self._exchanges = stand_in, []
        yield Service(self._base + PREFIX, self._exchanges)
        self._stand_in = _nobody

    def _hear(self, _prefix: str, asked: Asked, answered: Answered) -> None:
        self._exchanges.append((asked, answered))


def _nobody(asked: Asked) -> Answered:
    raise AssertionError(f"nobody is served, but asked: {asked.method} {asked.path}")


def mistakes(exchanges: list[tuple[Asked, Answered]]) -> list[str]:
    """Whatever HubSpot's files say against these exchanges."""
    return [
        f"{asked.method} {asked.path}: {one}" for asked, said in exchanges for one in _against(asked, said)
    ]


def _against(asked: Asked, answered: Answered) -> Iterator[str]:
    found = _operation(asked)
    if found is None:
        yield "no such path and method is published"
        return
    document, operation = found
    yield from _query_mistakes(asked.query, operation)
    body = operation.get("requestBody")
    if body is not None:
        yield from _schema_mistakes("request", _schema(body), document, asked.body)
    elif asked.body:
        yield "a body where none is wanted"
    response = operation["responses"].get(str(answered.status))
    if response is None and answered.status < 400:
        yield f"no answer {answered.status} is published"
        return
    published = response or _followed(operation["responses"]["default"], document)
    yield from _schema_mistakes("answer", _schema(published), document, answered.body)


def _operation(asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
    path = asked.path
    for kind in _ENGAGEMENTS:
        path = re.sub(rf"^/crm/v3/objects/{kind}(?=/|$)", "/crm/v3/objects/contacts", path)
    candidates = [
        (template.count("{"), name, methods[asked.method.lower()])
        for name in _documents()
        for template, methods in _documents()[name]["paths"].items()
        if asked.method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    # An address written out goes before one with a part to fill in.
    return min(candidates, key=lambda one: one[0])[1:] if candidates else None


def _query_mistakes(query: Mapping[str, list[str]], operation: Mapping[str, Any]) -> Iterator[str]:
    declared = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
    for name, values in query.items():
        kind = declared[name]["schema"]["type"] if name in declared else None
        if kind is None:
            yield f"the query's {name!r} isn't published"
        elif len(values) != 1 and not declared[name].get("explode"):
            yield f"the query has {name!r} more than once"
        elif kind == "integer" and not all(value.isdecimal() for value in values):
            yield f"the query's {name!r} is no number: {values}"
        elif kind == "boolean" and not set(values) <= {"true", "false"}:
            yield f"the query's {name!r} is neither true nor false: {values}"
    yield from (f"the query lacks {n!r}" for n, one in declared.items() if one["required"] and n not in query)


def _schema_mistakes(what: str, schema: Mapping[str, Any], document: str, body: bytes) -> Iterator[str]:
    whole = {**schema, "components": _documents()[document]["components"]}
    for error in extra("jsonschema").Draft4Validator(whole).iter_errors(json.loads(body)):
        yield f"{what}: at {error.json_path}: {error.message[:300]}"


def _schema(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = holder["content"]["application/json"]["schema"]
    # Beside a $ref draft 4 sees nothing, the components neither.
    return {"allOf": [found]}


def _followed(holder: Mapping[str, Any], document: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _documents()[document]
    for part in holder["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    # Error envelopes are answers of any content type in the files.
    ((_, content),) = found["content"].items()
    return {"content": {"application/json": content}}


@cache
def _documents() -> Mapping[str, Any]:
    documents = {file.stem: json.loads(file.read_text()) for file in sorted(_FOLDER.glob("*.json"))}
    for document in documents.values():
        for name, schema in document["components"]["schemas"].items():
            if name in ("SimplePublicObject", "SimplePublicObjectWithAssociations"):
                schema["properties"]["properties"]["additionalProperties"]["type"] = ["string", "null"]
            if name not in ("Error", "ErrorDetail", "StandardError") and schema.get("properties"):
                schema["additionalProperties"] = False
    return documents
