"""Whatever is returned has a JSON form, or a reason why it has none; making it never raises."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, computed_field, field_serializer

from loom.execution.jsonform import json_form
from loom.worker import Finding, WorkerOutput


class Output(WorkerOutput):
    anything: Any = None


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append({"again": value})
    return value


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit

    __str__ = __repr__


class HostileModel(BaseModel):
    x: int = 1

    @field_serializer("x")
    def explode(self, value: int) -> int:
        raise KeyboardInterrupt


def test_models_are_written_as_they_can_be_read_back() -> None:
    class Aliased(WorkerOutput):
        inner: int = Field(alias="in-ner")

        @computed_field
        def double(self) -> int:
            return self.inner * 2

    form = json_form(Aliased.model_validate({"summary": "s", "in-ner": 3}))
    assert form.value == {"summary": "s", "findings": [], "metrics": {}, "in-ner": 3}
    assert Aliased.model_validate_json(json.dumps(form.value), strict=True).inner == 3


def test_what_isnt_a_model_has_a_json_form_as_well() -> None:
    assert json_form(None).value is None
    rich = {"at": datetime(2026, 3, 2, tzinfo=UTC), "path": Path("a/b"), "n": (1, 2)}
    assert json_form(rich).value == {
        "at": "2026-03-02T00:00:00Z",
        "path": "a/b",
        "n": [1, 2],
    }
    assert json_form([Finding(severity="info", title="t")]).value[0]["title"] == "t"


@pytest.mark.parametrize(
    ("returned", "says", "where"),
    [
        (object(), "unknown type", None),
        ((n for n in range(3)), "return a list", None),
        (Output(summary="s", anything=circle()), "contains itself", "anything"),
        (Output(summary="s", anything=nested(100_000)), "nested too deeply", "anything"),
        (Output(summary="s", metrics={"m": float("nan")}), "NaN", "metrics.m"),
        (Output(summary="s", anything=[1, {"n": float("-inf")}]), "NaN and infinity", "anything.1.n"),
        ({"a": {"b": [0, float("inf")]}}, "NaN", "a.b.1"),
        (Output(summary="\ud83d"), "lone surrogate", "summary"),
        ({"a": ["fine", "\udc00"]}, "lone surrogate", "a.1"),
        ({"\ud800": 1}, "lone surrogate", None),
        (Output(summary="s", anything={"deep": [1, object()]}), "unknown type", "anything.deep.1"),
        (Output(summary="s", anything=b"\xff"), "utf-8", "anything"),
        ({"n": 10**5_000}, "4300 digits", "n"),
        ({"h": Hostile()}, "unknown type", "h"),
        ([HostileModel()], "KeyboardInterrupt", "0"),
    ],
)
def test_what_has_no_json_form_is_refused_with_the_field_and_the_reason(
    returned: object, says: str, where: str | None
) -> None:
    form = json_form(returned)
    assert form.error is not None
    assert form.error.kind == "validation"
    assert says in form.error.message
    if where is not None:
        assert form.error.where is not None
        assert form.error.where == where or form.error.where.startswith(f"{where}.")
    shown = json.dumps(form.value, allow_nan=False, ensure_ascii=False).encode()
    assert len(shown) < 10_000
    assert len(form.error.message) < 3_000


def test_null_that_was_meant_stays_null() -> None:
    form = json_form(Output(summary="s", anything=[None, {"a": None}]))
    assert form.error is None
    assert form.value["anything"] == [None, {"a": None}]


def test_an_enormous_output_is_not_kept_and_its_largest_field_is_named() -> None:
    form = json_form(Output(summary="s" * 100, anything="x" * 2_000), limit=1_000)
    assert form.error is not None
    assert "2,1" in form.error.message
    assert "1,000" in form.error.message
    assert form.error.where == "anything"
    assert len(form.value) <= 2_000


def test_the_form_is_independent_of_what_was_returned() -> None:
    returned: dict[str, list[int]] = {"a": [1]}
    form = json_form(returned)
    returned["a"].append(2)
    assert form.value == {"a": [1]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=20,
    )
)
def test_a_form_is_always_json_that_reads_back_as_itself(returned: object) -> None:
    form = json_form(returned)
    text = json.dumps(form.value, allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode()) == form.value
