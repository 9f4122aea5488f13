"""Holds requests and answers against YouTube's own description of its API, the discovery document that ships
inside google-api-python-client. It is read as a file; nothing of that package runs."""

import json
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from loom.sample.exchange import Answered, Asked

_LISTS = {"videos", "playlistItems", "commentThreads", "comments"}
_JSONSCHEMA: Any = import_module("jsonschema")  # it has no types
_FORMATS = _JSONSCHEMA.FormatChecker()
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "status": {"type": "string"},
                "errors": {
                    "type": "array",
                    "items": {"type": "object", "required": ["message", "domain", "reason"]},
                },
            },
        }
    },
}


def _is_uint32(value: object) -> bool:
    return not isinstance(value, int) or 0 <= value < 2**32


def _is_uint64(value: object) -> bool:
    return not isinstance(value, str) or (value.isdigit() and int(value) < 2**64)


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or (value[10:11] == "T" and value.endswith("Z") and len(value) >= 20)


_FORMATS.checks("uint32")(_is_uint32)
_FORMATS.checks("uint64")(_is_uint64)
_FORMATS.checks("date-time")(_is_moment)


class Discovery:
    """Give `heard` to `serving`; `mistakes` then holds what YouTube's document doesn't know. exchanges: how
    many were held against it."""

    def __init__(self, prefix: str = "/youtube") -> None:
        spec = find_spec("googleapiclient")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        folder = Path(spec.submodule_search_locations[0])
        text = (folder / "discovery_cache/documents/youtube.v3.json").read_text(encoding="utf-8")
        self._document = json.loads(text)
        self._prefix = prefix
        self._definitions = {name: _schema(one) for name, one in self._document["schemas"].items()}
        self._methods = {
            f"/{one['path']}": one
            for name, resource in self._document["resources"].items()
            if name in _LISTS
            for one in [resource["methods"]["list"]]
        }
        self.mistakes: list[str] = []
        self.exchanges = 0

    def heard(self, prefix: str, asked: Asked, answered: Answered) -> None:
        if prefix == self._prefix:
            self.exchanges += 1
            self.mistakes += [f"{asked.method} {asked.path}: {one}" for one in self.check(asked, answered)]

    def check(self, asked: Asked, answered: Answered) -> list[str]:
        method = self._methods.get(asked.path)
        if method is None:
            return ["no list method has this path"]
        said = [] if asked.method == method["httpMethod"] else [f"expected {method['httpMethod']}"]
        said += self._parameters(asked.query, {**self._document["parameters"], **method["parameters"]})
        if answered.status == 200:
            schema: Mapping[str, Any] = {
                "$ref": f"#/$defs/{method['response']['$ref']}",
                "$defs": self._definitions,
            }
        else:
            schema = _ERROR
        validator = _JSONSCHEMA.Draft202012Validator(schema, format_checker=_FORMATS)
        try:
            body = json.loads(answered.body)
        except (ValueError, RecursionError) as error:
            return [*said, f"the answer is no JSON: {error}"]
        return [*said, *(f"{one.json_path}: {one.message[:200]}" for one in validator.iter_errors(body))]

    def _parameters(self, query: Mapping[str, list[str]], known: Mapping[str, Any]) -> list[str]:
        said = [
            f"the key stands in the address as {name}" for name in query if name in ("key", "access_token")
        ]
        said += [f"unknown parameter {name}" for name in query if name not in known]
        said += [
            f"{name} is missing" for name, one in known.items() if one.get("required") and name not in query
        ]
        for name, values in query.items():
            one = known.get(name, {})
            if len(values) > 1 and not one.get("repeated"):
                said.append(f"{name} is given more than once")
            said += [f"{name} can't be {value!r}" for value in values if not _fits(value, one)]
        return said


def _fits(value: str, known: Mapping[str, Any]) -> bool:
    if "enum" in known and value not in known["enum"]:
        return False
    if known.get("type") == "integer":
        if not value.isdigit():
            return False
        return int(known.get("minimum", 0)) <= int(value) <= int(known.get("maximum", 2**32 - 1))
    return known.get("type") != "boolean" or value in ("true", "false")


def _schema(one: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of the document, which is of JSON Schema's third draft, in today's words. No other properties
    than those it names: what nobody describes the stand-in doesn't say either."""
    if "$ref" in one:
        return {"$ref": f"#/$defs/{one['$ref']}"}
    made: dict[str, Any] = {key: one[key] for key in ("type", "format", "enum", "pattern") if key in one}
    if one.get("type") == "any":
        del made["type"]
    if "properties" in one:
        made["properties"] = {name: _schema(each) for name, each in one["properties"].items()}
        made["additionalProperties"] = False
    if "additionalProperties" in one:
        made["additionalProperties"] = _schema(one["additionalProperties"])
    if "items" in one:
        made["items"] = _schema(one["items"])
    return made
