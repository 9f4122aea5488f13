"""Slots that must have been decided and left no record, found by their schedule."""

from datetime import timedelta

import pytest

from loom.domain.cron import parse_cron
from loom.domain.record import Entry
from loom.domain.registry import Registry
from loom.domain.run import Outcome
from loom.domain.schedule import CatchUp, Schedule
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.domain.worker import Status, Worker
from loom.ledger.memory import MemoryLedger
from loom.unrecorded import Unrecorded, unrecorded
from tests.contracts.ledger_entries import DAY, HOUR, SIX, a_run, a_ticket


def registry(**changes: object) -> Registry:
    schedule = Schedule("0 * * * *", parse_cron("0 * * * *"), "UTC")
    plain = {"id": "echo", "agent": None, "schedule": schedule, "entrypoint": "workers.echo:run"}
    return Registry(zone="UTC", workers=(Worker(**{**plain, **changes}),))  # type: ignore[arg-type]


def found(*entries: Entry, **changes: object) -> list[Unrecorded]:
    ledger = MemoryLedger()
    ledger.record(entries)
    return unrecorded(registry(**changes), ledger)


OLD = a_run("run-old", slot=SIX - 2 * DAY, tick_at=SIX - 2 * DAY)


def hours(*numbers: int) -> list[Entry]:
    return [a_run(f"run-{n:04}", slot=SIX - n * HOUR, tick_at=SIX - n * HOUR) for n in numbers]


def test_every_slot_with_a_run_a_range_or_a_ticket_is_known() -> None:
    assert (
        found(
            OLD,
            Mark("echo", SIX),
            a_run(
                "range", slot=SIX - 24 * HOUR, slot_last=SIX - 3 * HOUR, count=22, outcome=Outcome.SUPERSEDED
            ),
            *hours(2),
            a_ticket(slot=SIX - HOUR, state=TicketState.CLOSED),
            a_ticket(slot=SIX),
        )
        == []
    )


def test_what_is_missing_is_told_in_ranges_and_not_what_is_yet_to_come() -> None:
    known = [hour for hour in range(24) if hour not in (0, 5, 6, 7)]
    assert found(OLD, Mark("echo", SIX + HOUR / 2), *hours(*known)) == [
        Unrecorded("echo", SIX - 7 * HOUR, SIX - 5 * HOUR, 3),
        Unrecorded("echo", SIX, SIX, 1),
    ]


def test_nothing_is_missed_from_before_a_workers_first_record() -> None:
    assert found(Mark("echo", SIX), *hours(3, 1)) == [
        Unrecorded("echo", SIX - 2 * HOUR, SIX - 2 * HOUR, 1),
        Unrecorded("echo", SIX, SIX, 1),
    ]


def test_it_looks_as_far_back_as_catch_up_reaches() -> None:
    missing = found(OLD, Mark("echo", SIX), catch_up=CatchUp(within=timedelta(hours=3)))
    assert missing == [Unrecorded("echo", SIX - 2 * HOUR, SIX, 3)]


@pytest.mark.parametrize("status", [Status.PAUSED, Status.DISABLED])
def test_who_does_not_work_misses_nothing(status: Status) -> None:
    assert found(OLD, Mark("echo", SIX), status=status) == []


def test_without_a_mark_nothing_is_known_to_be_decided() -> None:
    assert found(OLD) == []
