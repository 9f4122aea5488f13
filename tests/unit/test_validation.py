"""An output is what its JSON form says: the shape its model demands, and what the registry expects of it."""

import json
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, field_validator

from loom.domain.execution import Ending, Execution, Verdict
from loom.domain.run import RunError
from loom.domain.worker import Expect
from loom.validation import judge
from loom.worker import Finding, WorkerOutput

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FINDING = {"severity": "info", "title": "t"}


class Output(WorkerOutput):
    checked: int = 0
    ratio: float | None = None
    note: str = ""
    nested: dict[str, Any] = Field(default_factory=dict)


def returned(value: Any, model: type[Any] = Output, error: RunError | None = None) -> Execution:
    return Execution(
        ending=Ending.RETURNED,
        value=value,
        schema=model,
        error=error,
        started_at=NOW,
        finished_at=NOW,
        duration_s=0.0,
    )


def only_error(verdict: Verdict) -> RunError:
    assert not verdict.valid
    assert verdict.output is None
    (error,) = verdict.errors
    assert error.kind == "validation"
    return error


def test_a_fitting_output_is_valid_and_comes_back_whole_with_its_defaults() -> None:
    verdict = judge(returned({"summary": "s", "findings": [FINDING]}), Expect())
    assert verdict == Verdict(
        {
            "summary": "s",
            "findings": [{**FINDING, "detail": "", "subject": "", "url": None, "action": ""}],
            "metrics": {},
            "checked": 0,
            "ratio": None,
            "note": "",
            "nested": {},
        }
    )
    assert verdict.valid


def test_nothing_returned_is_invalid() -> None:
    assert only_error(judge(returned(None), Expect())).message.startswith("returned None, expected Output")


@pytest.mark.parametrize(
    ("value", "says"),
    [([1], "a list ([1])"), ("x", "text ('x')"), (3, "a number (3)"), (True, "a boolean (True)")],
)
def test_what_is_no_object_is_invalid_and_named(value: object, says: str) -> None:
    assert f"returned {says}, expected Output" in only_error(judge(returned(value), Expect())).message


def test_what_has_no_json_form_is_invalid_for_the_reason_execution_found() -> None:
    error = RunError("validation", "the output has no JSON form: NaN", "metrics.m")
    assert judge(returned("shown", error=error), Expect()) == Verdict(None, (error,))


def test_validation_is_strict_and_shows_the_value_and_its_path() -> None:
    value = {"summary": 3, "checked": "12", "findings": [FINDING, {"severity": "bad", "title": "t"}]}
    errors = {error.where: error.message for error in judge(returned(value), Expect()).errors}
    assert errors["summary"].endswith("got 3")
    assert errors["checked"].endswith("got '12'")
    assert "'info', 'warning' or 'critical'" in errors["findings.1.severity"]
    assert errors["findings.1.severity"].endswith("got 'bad'")
    assert len(errors) == 3


def test_a_missing_field_is_named() -> None:
    error = only_error(judge(returned({}), Expect()))
    assert (error.where, error.message) == ("summary", "this field is required and missing")


def test_extra_fields_are_as_the_model_says() -> None:
    class Closed(WorkerOutput):
        model_config = ConfigDict(extra="forbid")

    class Open(WorkerOutput):
        model_config = ConfigDict(extra="allow")

    value = {"summary": "s", "more": 1}
    assert only_error(judge(returned(value, Closed), Expect())).where == "more"
    assert judge(returned(value, Open), Expect()).output == {**value, "findings": [], "metrics": {}}
    ignored = judge(returned(value, WorkerOutput), Expect()).output
    assert ignored == {"summary": "s", "findings": [], "metrics": {}}


def test_types_that_json_writes_as_text_are_read_back() -> None:
    class Colour(StrEnum):
        RED = "red"

    class Rich(WorkerOutput):
        at: datetime
        day: date
        took: timedelta
        colour: Colour
        pair: tuple[int, str]
        by_number: dict[int, str]

    rich = Rich(
        summary="s",
        at=NOW,
        day=NOW.date(),
        took=timedelta(hours=1),
        colour=Colour.RED,
        pair=(1, "a"),
        by_number={1: "x"},
    )
    form = json.loads(rich.model_dump_json())
    assert judge(returned(form, Rich), Expect()).output == form


def test_an_enormous_value_is_shown_in_short() -> None:
    error = only_error(judge(returned({"summary": ["x" * 10_000] * 1_000}), Expect()))
    assert len(error.message) < 1_000


def test_a_thousand_mistakes_are_told_as_fifty_and_a_number() -> None:
    errors = judge(returned({"summary": "s", "findings": [1] * 1_000}), Expect()).errors
    assert len(errors) == 51
    assert errors[-1].message == "and 950 more mistakes"


def test_an_output_over_the_limit_is_invalid() -> None:
    value = {"summary": "é" * 500}
    assert "1,01" in only_error(judge(returned(value), Expect(), limit=1_000)).message
    assert judge(returned(value), Expect(), limit=2_000).valid


def test_nesting_too_deep_to_be_read_back_is_invalid() -> None:
    deep: list[Any] = []
    for _ in range(230):
        deep = [deep]
    error = only_error(judge(returned({"summary": "s", "nested": {"x": deep}}), Expect()))
    assert "can't be read back" in error.message


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), RecursionError(), RuntimeError("x")])
def test_a_validator_that_raises_anything_makes_the_output_invalid(raised: BaseException) -> None:
    class Exploding(WorkerOutput):
        @field_validator("summary")
        @classmethod
        def explode(cls, _: str) -> str:
            raise raised

    error = only_error(judge(returned({"summary": "s"}, Exploding), Expect()))
    assert f"the output model Exploding raised {type(raised).__name__}" in error.message


def test_a_model_that_cannot_be_built_makes_the_output_invalid() -> None:
    class Unfinished(WorkerOutput):
        later: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 - that is what is tested

    assert "Unfinished" in only_error(judge(returned({"summary": "s"}, Unfinished), Expect())).message


def expecting(value: dict[str, Any], **expect: Any) -> Verdict:
    return judge(returned({"summary": "s", **value}), Expect(**expect))


@pytest.mark.parametrize(
    "value",
    [
        {"findings": []},
        {"note": "  "},
        {"ratio": None},
        {"nested": {}},
        {"nested": {"a": []}},
        {"nested": {"a": ""}},
    ],
)
def test_an_empty_success_where_something_was_expected_is_invalid(value: dict[str, Any]) -> None:
    (path,) = value
    path = "nested.a" if value.get("nested") else path
    error = only_error(expecting(value, non_empty=(path,)))
    assert error.where == path
    assert "expected something, got" in error.message
    assert "`expect` in the registry" in error.message


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"findings": [FINDING]}, "findings"),
        ({"findings": [FINDING]}, "findings.0.title"),
        ({"checked": 0}, "checked"),
        ({"nested": {"flag": False}}, "nested.flag"),
        ({"note": "x"}, "note"),
    ],
)
def test_something_is_there_also_when_it_is_zero_or_false(value: dict[str, Any], path: str) -> None:
    assert expecting(value, non_empty=(path,)).valid


@pytest.mark.parametrize("path", ["nowhere", "findings.1", "findings.x", "summary.x", "nested.a.b"])
def test_a_path_that_leads_nowhere_is_never_met(path: str) -> None:
    for expect in ({"non_empty": (path,)}, {"minimum": {path: 0}}, {"maximum": {path: 9}}):
        error = only_error(expecting({"findings": [FINDING]}, **expect))
        assert "there is no such field" in error.message


@pytest.mark.parametrize(
    ("value", "path", "size"),
    [
        ({"checked": 3}, "checked", 3),
        ({"ratio": 0.5}, "ratio", 0.5),
        ({"findings": [FINDING] * 2}, "findings", 2),
        ({"nested": {"a": {"b": [1, 2, 3]}}}, "nested.a.b", 3),
        ({"nested": {"a": 1, "b": 2}}, "nested", 2),
        ({"note": "four"}, "note", 4),
        ({"metrics": {"m": 7.0}}, "metrics.m", 7),
    ],
)
def test_min_and_max_bound_numbers_and_lengths_inclusively(
    value: dict[str, Any], path: str, size: float
) -> None:
    assert expecting(value, minimum={path: size}, maximum={path: size}).valid
    low = only_error(expecting(value, minimum={path: size + 0.5}))
    high = only_error(expecting(value, maximum={path: size - 0.5}))
    assert low.where == high.where == path
    assert low.message.startswith(f"expected at least {size + 0.5:g}, got ")
    assert high.message.startswith(f"expected at most {size - 0.5:g}, got ")


def test_what_has_no_size_meets_no_bound() -> None:
    assert not expecting({"nested": {"flag": True}}, minimum={"nested.flag": 0}).valid
    assert not expecting({"ratio": None}, maximum={"ratio": 9}).valid


def test_every_unmet_expectation_is_told() -> None:
    verdict = expecting({}, non_empty=("findings", "note"), minimum={"checked": 1}, maximum={"summary": 0})
    assert [error.where for error in verdict.errors] == ["findings", "note", "checked", "summary"]


def test_expectations_are_asked_only_of_a_fitting_output() -> None:
    errors = judge(returned({"summary": 3}), Expect(non_empty=("findings",))).errors
    assert [error.where for error in errors] == ["summary"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    value=JSON | st.fixed_dictionaries({"summary": JSON, "findings": JSON, "nested": JSON}), path=st.text()
)
def test_whatever_is_judged_is_either_valid_or_has_errors(value: Any, path: str) -> None:
    verdict = judge(returned(value), Expect(non_empty=(path,), minimum={path: 1}))
    assert verdict.valid != bool(verdict.errors)


def test_what_one_output_gathers_is_not_in_another() -> None:
    first = WorkerOutput(summary="first")
    first.findings.append(Finding(severity="info", title="t"))
    first.metrics["checked"] = 1.0
    second = WorkerOutput(summary="second")
    assert (second.findings, second.metrics) == ([], {})
