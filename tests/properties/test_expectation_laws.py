"""No path that an output really has is ever called missing, whatever its model looks like."""

import json
from collections.abc import Iterator
from types import GenericAlias
from typing import Any, Optional, Union

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, create_model

from loom.expectation import missing_part
from loom.worker import WorkerOutput

names = st.sampled_from(["one", "two", "three_four", "five"])
Kind = tuple[Any, st.SearchStrategy[Any]]


def optional(inner: Kind) -> Kind:
    return Optional[inner[0]], st.none() | inner[1]  # noqa: UP045 - built at run time


def either(inner: tuple[Kind, Kind]) -> Kind:
    (first, some), (second, others) = inner
    return Union[first, second], some | others  # noqa: UP007 - as above


def listed(inner: Kind) -> Kind:
    return GenericAlias(list, (inner[0],)), st.lists(inner[1], max_size=2)


def keyed(inner: Kind) -> Kind:
    return GenericAlias(dict, (str, inner[0])), st.dictionaries(names, inner[1], max_size=2)


def model(drawn: tuple[dict[str, Kind], bool, str]) -> Kind:
    fields, open_, form = drawn

    def alias(name: str) -> str:
        return f"{name}{form}"

    definitions: dict[str, Any] = {
        name: (kind, Field(serialization_alias=alias(name), validation_alias=alias(name)))
        for name, (kind, _) in fields.items()
    }
    made = create_model("Made", __config__=ConfigDict(extra="allow" if open_ else "ignore"), **definitions)
    values = st.fixed_dictionaries({alias(name): value for name, (_, value) in fields.items()})
    if open_:
        values = st.builds(lambda known, more: {"extra": more, **known}, values, st.integers())
    return made, values


leaves = st.sampled_from(
    [(int, st.integers(-5, 5)), (str, st.text("ab", max_size=3)), (bool, st.booleans()), (Any, st.integers())]
)
kinds = st.recursive(
    leaves,
    lambda inner: (
        inner.map(optional)
        | st.tuples(inner, inner).map(either)
        | inner.map(listed)
        | inner.map(keyed)
        | st.tuples(
            st.dictionaries(names, inner, min_size=1, max_size=3),
            st.booleans(),
            st.sampled_from(["", "Alias"]),
        ).map(model)
    ),
    max_leaves=6,
)


def paths(value: Any, before: tuple[str, ...] = ()) -> Iterator[str]:
    if before:
        yield ".".join(before)
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from paths(part, (*before, str(key)))


@settings(max_examples=150)
@given(kinds, st.data())
def test_a_path_that_an_output_has_is_never_called_missing(kind: Kind, data: st.DataObject) -> None:
    annotation, values = kind
    made = create_model("Output", __base__=WorkerOutput, held=(annotation, ...))
    written = {"summary": "s", "held": data.draw(values)}
    output = json.loads(made.model_validate(written).model_dump_json(by_alias=True))
    for path in paths(output):
        assert missing_part(made, path) is None, (path, output)
