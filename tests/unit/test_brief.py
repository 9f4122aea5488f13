"""What goes into a brief, by ledgers that hold just what a test speaks of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loom.brief.gathering import MOST_RUNS, brief
from loom.brief.stretch import Stretch
from loom.domain.alert import Alert, Event
from loom.domain.brief import Brief
from loom.domain.record import Entry
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.ledger.memory import MemoryLedger
from loom.registry import load
from tests.contracts.ledger_entries import a_run, a_tick, a_ticket, an_episode
from tests.ground.project import Project

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)
SIX = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""06:00 in Chicago; the tick for it came ten minutes later."""
TICK = SIX + timedelta(minutes=10)
ENDED = NOW - timedelta(minutes=5)
"""When the newest tick came, which has ended."""


@pytest.fixture
def registry(project: Project) -> Registry:
    project.entries(
        """
        echo: {agent: Echo, schedule: "0 6 * * *", entrypoint: "workers.echo:run"}
        twin: {schedule: "0 6 * * *", entrypoint: "workers.echo:run"}
        """
    )
    return load(project.root / "worker-registry.yaml", project=project.root)


def told(registry: Registry, *entries: Entry, since: datetime = NOW - DAY, now: datetime = NOW) -> Brief:
    """The brief of a ledger in which both workers succeeded this morning, and `entries` besides."""
    ledger = MemoryLedger()
    ledger.record([*morning(), *entries])
    return brief(registry, ledger, now=now, stretch=Stretch(since, "", True))


def morning(**changes: Any) -> Sequence[Entry]:
    ticks = [
        a_tick(f"{number:03}", TICK - number * HOUR, finished_at=TICK - number * HOUR) for number in range(3)
    ]
    newest = a_tick("999", ENDED, finished_at=NOW)
    return [
        *ticks,
        newest,
        ran("run-echo", "echo", **changes),
        ran("run-twin", "twin"),
        Mark("echo", NOW),
        Mark("twin", NOW),
    ]


def ran(run_id: str, worker: str = "echo", **changes: Any) -> Any:
    plain = {"slot": SIX, "tick_at": TICK, "started_at": TICK, "finished_at": TICK, "duration_s": 2.0}
    return a_run(run_id, worker, **{**plain, "agent": None, **changes})


def output(*titles: str) -> dict[str, Any]:
    found = [{"severity": "warning", "title": title, "subject": "a.md"} for title in titles]
    return {"summary": "s", "findings": found}


def test_a_morning_on_which_all_is_well(registry: Registry) -> None:
    found = told(registry)
    assert found.headline == "All 2 workers are up; 2 runs since yesterday 08:02, all good."
    assert (found.needs, found.read_up_to, found.notes) == ([], ENDED, [])
    assert [(each.worker, each.runs, each.took_s) for each in found.ran] == [("echo", 1, 2), ("twin", 1, 2)]


def test_slots_that_were_missed_together_are_one_bad_outcome_as_in_the_figures(registry: Registry) -> None:
    together = ran(
        "gap", outcome=Outcome.MISSED, slot=SIX - 36 * HOUR, slot_last=SIX, count=37, started_at=None
    )
    found = told(registry, together)
    assert found.headline.endswith("2 runs since yesterday 08:02, 1 bad outcome.")
    assert [each.outcomes["missed"] for each in found.ran if each.bad] == [37]


def test_a_tick_that_is_under_way_is_in_the_next_brief_from_its_beginning(registry: Registry) -> None:
    begun = a_tick("9999", NOW - timedelta(minutes=2))
    found = told(registry, begun)
    assert found.read_up_to == begun.at - timedelta(microseconds=1)
    assert found.notes == [
        "The tick of Sat 21 Nov 08:00 CST hasn't ended: the next brief begins with it again."
    ]
    # What it records after the brief, under its own time, is in the next one.
    late = ran("late", tick_at=begun.at, slot=begun.at, outcome=Outcome.FAILED)
    following = told(registry, begun, late, since=found.read_up_to, now=NOW + HOUR)
    assert [each.outcomes for each in following.ran] == [{"failed": 1}]


def test_a_tick_that_died_is_not_waited_for_once_another_has_come(registry: Registry) -> None:
    assert told(registry, a_tick("0000", NOW - HOUR)).read_up_to == ENDED


def test_a_tick_that_is_still_waking_is_in_the_next_brief_though_nothing_showed_of_it(
    registry: Registry,
) -> None:
    found = told(registry)
    woke = NOW - timedelta(seconds=8)
    late = ran("late", tick_at=woke, slot=woke, outcome=Outcome.FAILED)
    following = told(
        registry, a_tick("9999", woke, finished_at=NOW), late, since=found.read_up_to, now=NOW + HOUR
    )
    assert [each.outcomes for each in following.ran] == [{"failed": 1}]


def test_a_tick_that_takes_as_long_as_its_workers_may_is_waited_for(registry: Registry) -> None:
    slow = replace(registry, workers=(replace(registry.workers[0], timeout=12 * HOUR),))
    begun = a_tick("0000", NOW - 9 * HOUR)
    working = a_ticket("echo", SIX, state=TicketState.STARTED, claimer="host-1-a")
    assert told(slow, begun, working).read_up_to == begun.at - timedelta(microseconds=1)


def test_how_a_run_ended_that_the_last_brief_told_of_as_open_is_told(registry: Registry) -> None:
    failed = ran("bad", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY, tick_at=NOW - HOUR)
    waiting = a_ticket("echo", SIX, state=TicketState.OPEN, reason=OpenReason.RETRY, run_id="bad")
    first = told(registry, failed, waiting)
    assert list(first.still_open) == ["bad"]
    ended = replace(failed, final=True, open_reason=None)
    tick = a_tick("9999", NOW + HOUR, finished_at=NOW + HOUR)
    ledger = MemoryLedger()
    ledger.record([*morning(), ended, tick, Mark("echo", NOW + HOUR), Mark("twin", NOW + HOUR)])
    covered = Stretch(first.read_up_to, "", True, tuple(first.still_open))
    second = brief(registry, ledger, now=NOW + 2 * HOUR, stretch=covered)
    assert [(each.worker, each.outcomes) for each in second.ran] == [("echo", {"failed": 1})]
    assert second.headline.endswith("1 bad outcome.")


def test_who_is_tried_again_needs_nobody_yet(registry: Registry) -> None:
    failed = ran("bad", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY, tick_at=NOW - HOUR)
    waiting = a_ticket(
        "echo", SIX, state=TicketState.OPEN, reason=OpenReason.RETRY, run_id="bad", not_before=NOW + HOUR
    )
    found = told(registry, failed, waiting)
    (need,) = found.needs
    assert (need.kind, need.worker, need.waits) == ("late", "echo", True)
    assert need.do == "nothing yet: it is tried again on the next tick after Sat 21 Nov 09:02 CST"
    assert found.headline == (
        "1 of 2 workers is up, echo is late and will be tried again; "
        "3 runs since yesterday 08:02, 1 bad outcome."
    )


def test_a_worker_that_failed_before_and_works_now_is_up_again(registry: Registry) -> None:
    before = ran("before", outcome=Outcome.FAILED, tick_at=TICK - 2 * DAY, slot=SIX - 2 * DAY)
    assert [each.worker for each in told(registry, before).ran if each.recovered] == ["echo"]
    within = ran("within", outcome=Outcome.FAILED, tick_at=TICK - HOUR, slot=SIX - HOUR)
    assert [each.worker for each in told(registry, within).ran if each.recovered] == ["echo"]
    after = ran("after", outcome=Outcome.FAILED, tick_at=NOW, slot=SIX + HOUR)
    assert [each.worker for each in told(registry, before, after).ran if each.recovered] == []
    between = ran("between", tick_at=TICK - 1.5 * DAY, slot=SIX - 1.5 * DAY)
    assert [each.worker for each in told(registry, before, between).ran if each.recovered] == []


def test_what_was_run_with_other_parameters_neither_tells_nor_hides_findings(registry: Registry) -> None:
    real = ran("real", tick_at=TICK + HOUR, output=output("one"), slot=SIX + HOUR)
    tried = ran(
        "tried", tick_at=NOW, output=output("two", "three"), counts=False, trigger=Trigger.MANUAL, slot=None
    )
    found = told(registry, real, tried)
    assert [each.title for group in found.groups for each in group.findings] == ["one"]
    assert found.ran[0].by_hand == 1


def test_findings_are_those_of_the_newest_run_held_against_the_one_before(registry: Registry) -> None:
    old = ran("old", tick_at=TICK - 3 * DAY, slot=SIX - 3 * DAY, output=output("gone", "stays"))
    middle = ran("mid", tick_at=TICK - DAY / 2, slot=SIX - DAY / 2, output=output("stays", "gone too"))
    new = ran("new", tick_at=TICK + HOUR, slot=SIX + HOUR, output=output("stays", "fresh"))
    failed = ran("bad", tick_at=TICK + 1.5 * HOUR, slot=SIX + 1.5 * HOUR, outcome=Outcome.FAILED)
    silent = ran("run-echo", tick_at=TICK - 5 * DAY)
    found = told(registry, silent, old, middle, new, failed)
    (group,) = found.groups
    assert [(each.title, each.new) for each in group.findings] == [("fresh", True), ("stays", False)]
    assert found.gone == 1
    assert {each.run_id for each in group.findings} == {"new"}, "what holds though the newest run failed"


def test_slots_that_no_tick_decided_though_ticks_come_are_told(registry: Registry) -> None:
    ledger = MemoryLedger()
    ledger.record([*[each for each in morning() if each != Mark("twin", NOW)], Mark("twin", SIX - 2.5 * DAY)])
    found = brief(registry, ledger, now=NOW + 2 * HOUR, stretch=Stretch(NOW - DAY, "", True))
    (need,) = found.needs
    assert (need.kind, need.worker) == ("silent", "twin")
    assert need.what == "3 slots came and no tick decided them"
    assert {each.worker: each.silent for each in found.ran} == {"twin": 3, "echo": 0}
    assert "all" not in found.headline.lower().split()


def test_a_registry_that_is_mended_since_the_last_tick_only_has_to_be_waited_for(registry: Registry) -> None:
    said = Alert(event=Event.REGISTRY_BROKEN, summary="line 3 is no YAML", at=TICK)
    found = told(registry, an_episode("e", "loom:registry", opened_at=TICK, last_alert=said, announced=True))
    (need,) = found.needs
    assert (need.kind, need.waits, need.says) == ("setup", True, "line 3 is no YAML")
    assert found.headline.startswith("2 of 2 workers are up; ")


def test_more_runs_than_are_read_are_told(registry: Registry) -> None:
    many = [
        ran(f"{number:08}", tick_at=NOW - number * timedelta(seconds=1), slot=None)
        for number in range(MOST_RUNS + 5)
    ]
    found = told(registry, *many)
    assert sum(each.runs for each in found.ran) == MOST_RUNS
    assert found.notes == ["Only the newest 5,000 runs are in this brief, back to Sat 21 Nov 06:38 CST."]
