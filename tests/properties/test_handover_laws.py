"""Laws of what a run's process says: it comes through as it was said; whatever else comes is refused."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution, Verdict
from loom.domain.run import RunError
from loom.execution.isolated.frames import OUTPUT, REPORT, VALUE, Garbled, Reader, frame
from loom.execution.isolated.handover import read, refusal_read, refusal_written, written

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMIT = 100_000

texts = st.text(max_size=50)  # lone surrogates too: an exception may hold them
errors = st.builds(RunError, texts, texts, st.none() | texts.filter(bool))
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # An output has none: it is stored as UTF-8.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
objects = st.dictionaries(st.text("abc", max_size=3), plain, max_size=3)
waits = st.none() | st.floats(0, 86_400).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    ending = draw(st.sampled_from(Ending))
    execution = Execution(
        ending=ending,
        attempts=draw(st.integers(1, 10)),
        started_at=NOW,
        finished_at=NOW,
        duration_s=1.0,
        reason=draw(texts),
        transient=draw(st.booleans()),
        retry_after=draw(waits),
        error=None if ending is Ending.SKIPPED else draw(errors),
    )
    if ending is not Ending.RETURNED:
        return execution
    verdict = draw(
        objects.map(Verdict)
        | st.lists(errors, min_size=1, max_size=51).map(lambda found: Verdict(None, tuple(found)))
    )
    return replace(execution, value=draw(plain), shape=verdict, error=draw(st.none() | errors))


def through(frames: Sequence[tuple[bytes, bytes]], cuts: Sequence[int]) -> dict[bytes, bytes]:
    """The frames as they come out of a pipe that gives so many bytes at a time."""
    data = b"".join(frame(kind, payload) for kind, payload in frames)
    reader, place = Reader(LIMIT), 0
    heard: dict[bytes, bytes] = {}
    for cut in [*cuts, len(data)]:
        heard |= dict(reader.feed(data[place : place + cut]))
        place += cut
    return heard


@given(execution=executions(), cuts=st.lists(st.integers(0, 40), max_size=20))
def test_what_a_run_came_to_is_read_as_it_was_written(execution: Execution, cuts: list[int]) -> None:
    heard = through(list(written(execution, execution.shape)), cuts)
    attempts, found = read(heard[REPORT], heard.get(VALUE), heard.get(OUTPUT))
    fields: dict[str, Any] = {"started_at": NOW, "finished_at": NOW, "duration_s": 1.0, "attempts": attempts}
    assert repr(Execution(**fields, **found)) == repr(execution)


@given(refusal=st.builds(Refusal, texts, texts, texts, st.none() | texts.filter(bool)))
def test_a_refusal_is_read_as_it_was_written(refusal: Refusal) -> None:
    assert refusal_read(refusal_written(refusal)) == refusal


@given(
    data=st.lists(st.binary(max_size=50) | st.sampled_from([b"V\0\0\0\2{}", b"R\0\0\0\2{}", b"A\0\0\0\0"]))
)
def test_bytes_of_any_kind_are_frames_or_garbled_and_little_of_them_is_held(data: list[bytes]) -> None:
    reader = Reader(LIMIT)
    try:
        for piece in data:
            for kind, payload in reader.feed(piece):
                assert kind in b"PAFVOR"
                assert len(payload) <= LIMIT + 64 * 1024
    except Garbled:
        return


words = st.sampled_from(
    [
        "ending",
        "reason",
        "error",
        "transient",
        "retry_after",
        "attempts",
        "fits",
        "errors",
        "returned",
        "checks",
        "refusals",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=8),
    max_leaves=20,
)


@given(
    report=anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30),
    value=st.none() | st.binary(max_size=10) | plain.map(lambda value: json.dumps(value).encode()),
    output=st.none() | st.binary(max_size=10),
)
def test_a_report_of_any_kind_is_read_or_garbled(
    report: bytes, value: bytes | None, output: bytes | None
) -> None:
    try:
        attempts, found = read(report, value, output)
    except Garbled:
        return
    made = Execution(started_at=NOW, finished_at=NOW, duration_s=0.0, attempts=attempts, **found)
    assert isinstance(made.ending, Ending)


GOOD: dict[str, Any] = {
    "ending": "raised",
    "reason": "",
    "error": ["K", "m", None],
    "attempts": 1,
    "checks": 2,
    "refusals": 0,
}


@pytest.mark.parametrize(
    "change",
    [
        {"ending": "succeeded"},
        {"ending": ["raised"]},
        {"ending": "returned"},
        {"error": None},
        {"error": ["K", "m"]},
        {"error": ["K", 1, None]},
        {"reason": None},
        {"attempts": 0},
        {"checks": None},
        {"checks": -1},
        {"refusals": True},
        {"attempts": True},
        {"attempts": 10**9},
        {"retry_after": -1},
        {"retry_after": 1e300},
        {"retry_after": "1"},
    ],
)
def test_a_report_with_anything_amiss_is_garbled(change: dict[str, Any]) -> None:
    read(json.dumps(GOOD).encode(), None, None)
    with pytest.raises(Garbled):
        read(json.dumps(GOOD | change).encode(), None, None)


@pytest.mark.parametrize(
    ("value", "output"),
    [(b"NaN", None), (b"[" * 100_000, None), (b"{}", b"[]"), (b"{}", b"{"), (b"1", None), (b"\xff", None)],
)
def test_an_output_that_isnt_one_is_garbled(value: bytes, output: bytes | None) -> None:
    report = GOOD | {"ending": "returned", "error": None, "fits": True, "errors": []}
    read(json.dumps(report).encode(), b"{}", None)
    with pytest.raises(Garbled):
        read(json.dumps(report).encode(), value, output)


def test_a_frame_that_is_longer_than_any_may_be_is_refused_before_it_comes() -> None:
    with pytest.raises(Garbled, match="at most 165,536 are taken"):
        list(Reader(LIMIT).feed(b"V\xff\xff\xff\xff"))
