"""Ticks that go by registries of several ages, on one ledger: a worker and its slots stay the same."""

from datetime import UTC, datetime, timedelta

import pytest

from loom.domain.alert import Event
from loom.domain.health import Health
from loom.domain.pause import Pause
from loom.domain.run import OpenReason
from loom.domain.tick import TickReport
from loom.runner.request import TickRequest
from loom.settings import read_settings
from loom.status import board
from loom.wiring.parts import read_registry
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal

START = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

OLD = 'old: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}'
NEW = 'new: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: old}'
NEWEST = 'newest: {schedule: "0 * * * *", entrypoint: "workers.echo:run", was: new}'
WAITING = 'added: {schedule: "0 * * * *", entrypoint: "workers.echo:run", requires: {paths: [data]}}'


@pytest.fixture
def rehearsal(project: Project) -> Rehearsal:
    return Rehearsal(project, START)


def by(rehearsal: Rehearsal, *entries: str, later: timedelta = HOUR) -> list[tuple[str, str]]:
    """What a tick does that finds this registry."""
    rehearsal.project.entries("\n".join(entries))
    return told(rehearsal.tick(later=later))


def told(report: TickReport) -> list[tuple[str, str]]:
    return [(run.worker, run.outcome.value) for run in report.runs]


def slots_of(rehearsal: Rehearsal, worker: str) -> list[int]:
    """The hours of its slots that ended."""
    return [run.slot.hour for run in rehearsal.history(worker) if run.slot and run.final]


def test_an_older_registry_after_a_rename_runs_no_slot_again_and_loses_none(rehearsal: Rehearsal) -> None:
    assert by(rehearsal, OLD, later=0 * HOUR) == [("old", "succeeded")]
    assert by(rehearsal, NEW) == [("new", "succeeded")]
    assert by(rehearsal, OLD, later=MINUTE) == []
    assert by(rehearsal, NEW, later=MINUTE) == []
    assert by(rehearsal, OLD) == [("old", "succeeded")]
    assert by(rehearsal, NEW, later=MINUTE) == []
    assert by(rehearsal, NEW) == [("new", "succeeded")]
    assert slots_of(rehearsal, "new") == [12, 13, 14, 15]
    assert rehearsal.history("old") == []


@pytest.mark.parametrize("last", [NEW, NEWEST], ids=["one rename", "two renames"])
def test_a_rename_that_a_person_takes_back_takes_everything_back(rehearsal: Rehearsal, last: str) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    by(rehearsal, NEW)
    by(rehearsal, last)
    rehearsal.ledger.record(
        [Pause(worker=last.partition(":")[0], by="ann", at=START, until=START + 9 * HOUR)]
    )
    assert by(rehearsal, OLD) == [("old", "skipped")]
    assert slots_of(rehearsal, "old") == [12, 13, 14, 15]
    assert set(rehearsal.ledger.snapshot().marks) == {"old"}


def test_of_several_older_registries_each_finds_the_same_worker(rehearsal: Rehearsal) -> None:
    for number, entries in enumerate([OLD, NEW, NEWEST, OLD, NEWEST, NEW, OLD]):
        name = entries.partition(":")[0]
        assert by(rehearsal, entries) == [(name, "succeeded")]
        assert by(rehearsal, entries, later=MINUTE) == []
        assert len(rehearsal.history(name)) == number + 1


def test_an_older_registry_that_has_a_typo_by_now_runs_nothing_again_once_it_is_mended(
    rehearsal: Rehearsal,
) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    by(rehearsal, NEW)
    assert by(rehearsal, OLD.replace("0 *", "0 25"), later=MINUTE) == []
    assert by(rehearsal, OLD, later=MINUTE) == []


def test_a_rename_in_which_there_is_a_typo_carries_everything_over_all_the_same(rehearsal: Rehearsal) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    for _ in range(2):
        assert by(rehearsal, NEW.replace("0 *", "0 25"), later=MINUTE) == []
    assert by(rehearsal, NEW, later=MINUTE) == [], "its slot was decided under the old id"
    assert by(rehearsal, NEW) == [("new", "succeeded")]
    assert slots_of(rehearsal, "new") == [12, 13]


def test_an_id_that_was_given_up_starts_as_another_workers_where_the_first_one_stands(
    rehearsal: Rehearsal,
) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    by(rehearsal, NEW)
    apart = NEW.replace(", was: old", "")
    assert by(rehearsal, apart, OLD, later=MINUTE) == [], "its slot would have the key of one that is over"
    assert by(rehearsal, apart, OLD) == [("new", "succeeded"), ("old", "succeeded")]
    assert slots_of(rehearsal, "new") == [12, 13, 14]
    assert slots_of(rehearsal, "old") == [14]


def test_a_slot_that_was_run_by_hand_under_one_name_is_not_run_again_under_the_other(
    rehearsal: Rehearsal,
) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    by(rehearsal, NEW, later=MINUTE)
    rehearsal.clock.advance(HOUR)
    rehearsal.tick(request=TickRequest(workers=("new",), slot=START.replace(hour=13, minute=0)))
    assert by(rehearsal, OLD, later=MINUTE) == []


def test_one_tick_by_an_older_registry_ends_no_slot_of_a_worker_that_was_added_since(
    rehearsal: Rehearsal,
) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    assert by(rehearsal, OLD, WAITING, later=MINUTE) == [("added", "skipped")]
    assert by(rehearsal, OLD, later=MINUTE) == []
    (rehearsal.project.root / "data").mkdir()
    assert by(rehearsal, OLD, WAITING, later=MINUTE) == [("added", "succeeded")]
    assert rehearsal.heard() == ["worker.failing", "worker.recovered"]


@pytest.mark.parametrize("between", ["by hand", "no registry"])
def test_a_tick_that_goes_by_no_registry_is_none_that_does_not_know_a_worker(
    rehearsal: Rehearsal, between: str
) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    assert by(rehearsal, OLD, WAITING, later=MINUTE) == [("added", "skipped")]
    if between == "no registry":
        rehearsal.project.registry("version: 9\n")
    rehearsal.tick(
        later=MINUTE, request=TickRequest(workers=("old",)) if between == "by hand" else TickRequest()
    )
    assert by(rehearsal, OLD, later=MINUTE) == []
    assert by(rehearsal, OLD, later=MINUTE) == [("added", "skipped")]
    assert rehearsal.history("added")[-1].reason == "removed"


def test_a_tick_that_began_before_a_worker_was_known_never_takes_it_for_removed(rehearsal: Rehearsal) -> None:
    by(rehearsal, OLD, later=0 * HOUR)
    by(rehearsal, OLD, WAITING, later=HOUR)
    by(rehearsal, OLD, later=timedelta())
    rehearsal.clock.set(START + 30 * MINUTE)
    assert by(rehearsal, OLD, later=MINUTE) == []
    assert [t.reason for t in rehearsal.ledger.snapshot().tickets.values()] == [OpenReason.REQUIREMENT]


def test_the_board_shows_a_worker_under_the_name_that_the_registry_has_for_it(rehearsal: Rehearsal) -> None:
    by(rehearsal, NEW, later=0 * HOUR)
    by(rehearsal, OLD, later=MINUTE)
    rehearsal.project.entries(NEW)
    registry = read_registry(read_settings({}, cwd=rehearsal.project.root, project=None))
    (row,) = board(registry, rehearsal.ledger, now=rehearsal.clock.now()).rows
    assert (row.worker, row.health) == ("new", Health.UP)


def test_nobody_is_reminded_of_a_worker_that_may_be_removed(rehearsal: Rehearsal) -> None:
    by(rehearsal, OLD, WAITING, later=0 * HOUR)
    by(rehearsal, OLD, later=timedelta(days=2))
    by(rehearsal, OLD, later=HOUR)
    heard = [alert.event for alert in rehearsal.hook.delivered if alert.worker == "added"]
    assert heard == [Event.WORKER_FAILING]
    assert not rehearsal.ledger.snapshot().episodes
