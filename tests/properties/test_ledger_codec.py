"""Whatever can be written reads back equal: every entry through JSON, runs and tickets through SQLite."""

import json
import types
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loom.domain.alert import Delivery
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, RunQuery
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.ledger.codec import UnreadableEntry, decode_strictly, encode, from_json, read_stamp, stamp, to_json
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import SIX, a_delivery, a_run, a_tick, a_ticket

ENTRIES: tuple[type[Any], ...] = get_args(Entry)

# Lone surrogates too: file names and broken output bring them.
texts = st.text(st.characters(), max_size=12)
# What comes from elsewhere (a branch, an export) is read only if it is of this age.
instants = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  (Hypothesis wants them naive)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(-(10**12), 10**12),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    datetime: instants,
    types.NoneType: st.none(),
    Any: json_values,
}


def anything(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value that a field with this annotation may hold; of a dataclass, with any value in every field."""
    origin: Any = get_origin(annotation) or annotation
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    if origin is types.UnionType:
        return st.one_of([anything(part) for part in get_args(annotation)])
    if origin is tuple:
        return st.lists(anything(get_args(annotation)[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(texts, json_values, max_size=3)
    if isinstance(origin, type) and issubclass(origin, Enum):
        return st.sampled_from(list(origin))
    assert isinstance(origin, type)
    assert is_dataclass(origin), annotation
    return st.builds(origin, **{field.name: anything(field.type) for field in fields(origin)})


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.__name__)
@settings(max_examples=60)
@given(data=st.data())
def test_every_entry_reads_back_equal_and_of_the_same_types(kind: type[Any], data: st.DataObject) -> None:
    entry = data.draw(anything(kind))
    text = to_json(entry)
    assert text.isascii()
    assert "\n" not in text
    again = from_json(kind, text)
    assert again == entry
    for field in fields(kind):
        before, after = getattr(entry, field.name), getattr(again, field.name)
        # Text is no enum, a list no tuple. An empty mapping may come back as the read-only default.
        assert type(after) is type(before) or before == {}


@given(one=instants, two=instants)
def test_stamps_sort_as_time_does_and_read_back(one: datetime, two: datetime) -> None:
    assert (stamp(one) < stamp(two)) == (one < two)
    assert read_stamp(stamp(one)) == one
    assert read_stamp(stamp(one)).tzinfo is UTC


@given(at=instants.filter(lambda at: 1 < at.year < 9999), hours=st.integers(-14, 14))
def test_an_instant_told_in_another_zone_is_the_same_instant(at: datetime, hours: int) -> None:
    local = at.astimezone(timezone(timedelta(hours=hours)))
    assert stamp(local) == stamp(at)
    assert from_json(Run, to_json(a_run("r", tick_at=local))).tick_at == at


ids = st.text("abcdef0123456789-", min_size=1, max_size=12)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(Path(tmp_path_factory.mktemp("codec")) / "ledger.db")) as ledger:
        yield ledger


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(run=anything(Run), ticket=anything(Ticket), names=st.tuples(ids, ids, ids), count=st.integers(0, 99))
def test_any_run_and_ticket_read_back_equal_from_a_file(
    ledger: SqliteLedger, run: Run, ticket: Ticket, names: tuple[str, str, str], count: int
) -> None:
    run = replace(run, run_id=names[0], worker=names[1], tick_id=names[2], count=count, final=True)
    ticket = replace(ticket, key=f"{names[1]}#{names[2]}", worker=names[1], run_id=names[0], fence=0)
    ledger.record([run, replace(ticket, state=TicketState.OPEN)])
    assert ledger.run(run.run_id) == run
    assert run in ledger.runs(RunQuery(worker=run.worker, tick_id=run.tick_id, limit=1000))
    assert ledger.snapshot().tickets[ticket.key] == replace(ticket, state=TicketState.OPEN)


# -- by example ------------------------------------------------------------------------------------------


def test_what_is_as_usual_is_not_written() -> None:
    assert json.loads(to_json(a_tick("t1"))) == {
        "id": "t1",
        "at": "2026-03-03T06:00:00+00:00",
        "trigger": "schedule",
    }
    assert encode(a_run("r", settings={})).keys() & {"settings", "log", "final", "output"} == set()


def test_read_only_mappings_are_written_as_plain_ones() -> None:
    inner = types.MappingProxyType({"deep": types.MappingProxyType({"x": 1})})
    run = a_run("r", output=inner, rejected=[inner])
    again = from_json(Run, to_json(run))
    assert again == run
    assert type(again.output) is dict


def test_what_is_no_json_value_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="Decimal isn't a JSON value"):
        to_json(a_run("r", output={"price": Decimal("1.5")}))


def test_an_instant_without_a_zone_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_json(a_run("r", started_at=SIX.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"hooks": 1}',
        '{"hooks": [{"kind": "x"}]}',
        '{"hooks": [], "colour": "a newer Loom wrote this"}',
        "{}",
    ],
)
def test_what_cannot_be_read_is_told_and_never_half_read(text: str) -> None:
    with pytest.raises(UnreadableEntry, match="HooksInForce"):
        from_json(HooksInForce, text)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Ticket, {"starts": "1"}),
        (Ticket, {"starts": True}),
        (Ticket, {"starts": None}),
        (Ticket, {"detail": {}}),
        (Ticket, {"slot": "2026-03-03T06:00:00"}),
        (Ticket, {"not_before": "9999-12-31T23:59:59-23:59"}),
        (Ticket, {"lease_until": "0001-01-01T00:00:00+00:00"}),
        (Run, {"count": 1.5}),
        (Run, {"duration_s": "1"}),
        (Run, {"output": []}),
        (Run, {"tick_at": None}),
        (Run, {"errors": {}}),
        (Run, {"errors": [{"kind": "k", "message": 7}]}),
        (Run, {"error": ["k", "m"]}),
        (Delivery, {"hook": {}}),
        (Delivery, {"alert": []}),
        (Delivery, {"alert": {"event": "worker.down", "summary": None, "at": SIX.isoformat()}}),
        (Pause, {"lifted": 0}),
    ],
    ids=repr,
)
def test_a_value_of_another_type_than_its_field_is_never_taken_from_others(
    kind: type[Any], change: dict[str, Any]
) -> None:
    whole = {
        Ticket: a_ticket(),
        Run: a_run("r"),
        Delivery: a_delivery("d"),
        Pause: Pause(worker="w", by="b", at=SIX),
    }
    text = to_json(whole[kind])
    assert decode_strictly(kind, json.loads(text)) == whole[kind]
    with pytest.raises(TypeError, match=f"^{next(iter(change))} can't be "):
        decode_strictly(kind, {**json.loads(text), **change})


def test_a_field_of_a_kind_that_the_codec_does_not_know_is_refused_at_once() -> None:
    @dataclass(frozen=True)
    class Newcomer:
        pause: timedelta

    with pytest.raises(TypeError, match=r"timedelta.*teach loom\.ledger\.codec"):
        to_json(Newcomer(timedelta(1)))
