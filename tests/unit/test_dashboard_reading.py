"""What the dashboard reads of a ledger: the newest runs, and of the old alerts those that nobody heard."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from loom.dashboard.reading import NEWEST_ALERTS, read_dashboard
from loom.domain.alert import Alert, DeliveryState, Event
from loom.domain.cron import parse_cron
from loom.domain.dashboard import Dashboard
from loom.domain.record import Entry
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.schedule import Schedule
from loom.domain.tick import Mark
from loom.domain.worker import Worker
from loom.ledger.memory import MemoryLedger
from loom.report.dashboard.data import page_data
from tests.contracts.ledger_entries import DAY, HOUR, SIX, a_delivery, a_run, a_tick, an_episode

HOURLY = Schedule("0 * * * *", parse_cron("0 * * * *"), "UTC")
NOW = SIX + 30 * HOUR


def read(*entries: Entry, now: datetime = NOW, clean: Any = lambda value: value) -> Dashboard:
    ledger = MemoryLedger()
    ledger.record(entries)
    registry = Registry(
        zone="UTC", workers=(Worker(id="echo", schedule=HOURLY, entrypoint="workers.echo:run"),)
    )
    return read_dashboard(registry, ledger, project="p", now=now, days=14, clean=clean)


def test_a_worker_that_was_renamed_has_its_history_before_a_tick_has_come() -> None:
    ledger = MemoryLedger()
    ledger.record([Mark("old", SIX + HOUR), hourly(1, worker="old", output=output())])
    worker = Worker(id="new", schedule=HOURLY, entrypoint="workers.echo:run", was="old")
    registry = Registry(zone="UTC", workers=(worker,))
    page = read_dashboard(registry, ledger, project="p", now=NOW, days=14, clean=lambda value: value)
    (told,) = page.workers
    assert told.worker == "new"
    assert [run.run_id for run in told.runs] == ["run-0001"]
    assert [each.title for each in told.findings] == ["found"]
    assert sum(day.get("succeeded", 0) for day in told.days) == 1


def hourly(number: int, **changes: Any) -> Run:
    at = SIX + number * HOUR
    return a_run(f"run-{number:04}", slot=at, tick_at=at, started_at=at, **changes)


def output(**more: Any) -> Mapping[str, Any]:
    finding = {"severity": "warning", "title": "found"}
    return {"summary": "s", "findings": [finding], "metrics": {}, **more}


def test_the_findings_are_those_of_the_newest_finished_run_that_returned_something() -> None:
    told = hourly(1, output=output(), finished_at=SIX + HOUR)
    later = (
        hourly(2, outcome=Outcome.FAILED),
        hourly(3, output=output(findings=[]), counts=False),
        hourly(4, output=output(findings=[]), final=False, open_reason=OpenReason.RETRY),
        hourly(5, outcome=Outcome.SKIPPED),
    )
    (worker,) = read(hourly(0, output=output(findings=[])), told, *later).workers
    assert [each.title for each in worker.findings] == ["found"]
    assert worker.found_at == SIX + HOUR
    assert [run.run_id for run in worker.runs] == [f"run-{number:04}" for number in range(5, -1, -1)]


def test_a_number_that_a_worker_returned_is_a_metric_if_it_can_be_drawn() -> None:
    said = output(
        seen=7,
        share=0.5,
        ready=True,
        words="12",
        huge=10**400,
        endless=float("inf"),
        nothing=float("nan"),
        metrics={"seen": 8.0, "links": 3.0},
    )
    ((run,),) = (worker.runs for worker in read(hourly(1, output=said)).workers)
    assert run.metrics == {"findings": 1, "seen": 7, "share": 0.5, "links": 3.0}


def test_a_digest_that_comes_back_begins_a_new_span() -> None:
    digests = "a", "a", "b", None, "b", "a"
    runs = [hourly(number, enforcement_digest=digest) for number, digest in enumerate(digests)]
    runs[2] = replace(runs[2], rules=("one", "two"))
    spans = read(*runs).digests
    assert [(each.digest, each.runs, each.rules) for each in spans] == [("a", 1, 0), ("b", 2, 2), ("a", 2, 0)]
    assert (spans[1].first, spans[1].last) == (SIX + 2 * HOUR, SIX + 4 * HOUR)


def test_what_came_after_the_moment_asked_about_is_not_on_the_page() -> None:
    later = NOW + HOUR
    alert = Alert(event=Event.WORKER_DOWN, summary="later", at=later)
    page = read(
        hourly(1),
        a_run("run-late", slot=later, tick_at=later),
        an_episode("e1", opened_at=later),
        replace(a_delivery("d1"), alert=alert, changed_at=later),
    )
    assert [run.run_id for run in page.workers[0].runs] == ["run-0001"]
    assert sum(sum(day.values()) for day in page.workers[0].days) == 1
    assert (page.deliveries, page.episodes) == ((), ())


def test_an_old_alert_that_nobody_has_heard_is_never_left_out() -> None:
    waiting = a_delivery("d-waiting", state=DeliveryState.FAILED)
    sent = [
        a_delivery(f"d{number:04}", state=DeliveryState.SENT, changed_at=SIX + timedelta(minutes=number))
        for number in range(NEWEST_ALERTS + 5)
    ]
    page = read(waiting, *sent)
    assert [each.id for each in page.deliveries] == [
        *(f"d{number:04}" for number in range(NEWEST_ALERTS + 4, 4, -1)),
        "d-waiting",
    ]
    assert page.deliveries_left == 5


def test_every_text_goes_through_what_cleans_it_and_what_cannot_be_checked_is_withheld() -> None:
    private = "0 6 word"
    error = replace(hourly(2, outcome=Outcome.FAILED), reason=private)
    alert = replace(a_delivery("d1").alert, summary=private)
    entries = (
        hourly(1, output=output(summary=private, metrics={private: 1.0})),
        error,
        replace(a_delivery("d1"), alert=alert, error=private),
        an_episode("e1", kind=private, last_alert=alert),
    )
    cleaned = read(*entries, clean=lambda value: value.replace(private, "***"))
    assert private not in repr(cleaned)
    assert "***" in repr(cleaned)
    refused = read(*entries, clean=lambda _: None)
    assert private not in repr(refused)
    assert "withheld" in refused.workers[0].runs[0].said


@pytest.mark.parametrize(
    ("last", "dead"),
    [(timedelta(minutes=5), False), (3 * HOUR, False), (4 * HOUR, True), (9 * DAY, True)],
)
def test_a_page_says_what_status_says_of_a_clock_that_is_dead(last: timedelta, dead: bool) -> None:
    page = read(a_tick("t1", NOW - last), a_tick("t2", NOW, trigger="manual"))
    ticks = page_data(page)["ticks"]
    assert (ticks["dead"], ticks["silent"] is not None) == (dead, dead)
    assert ticks["clock_at"] == (NOW - last).timestamp()
    if dead:
        sentence, command = ticks["silent"]
        assert "No clock has brought a tick since" in sentence
        assert command == "loom run"


def test_lateness_is_told_tick_by_tick_and_day_by_day() -> None:
    ticks = [a_tick(f"t{number:03}", SIX + number * HOUR + timedelta(minutes=number)) for number in range(5)]
    page = read(*ticks[:3], ticks[4], now=SIX + 4 * HOUR + timedelta(minutes=30))
    assert page.lateness == (
        (SIX, 0.0),
        (SIX + HOUR, 60.0),
        (SIX + 2 * HOUR, 120.0),
        (SIX + 3 * HOUR, None),
        (SIX + 4 * HOUR, 240.0),
    )
    (day,) = page.tick_days
    assert (day.day, day.expected, day.came) == (SIX.date(), 5, 4)
    assert (day.lateness_median_s, day.lateness_max_s) == (90.0, 240.0)
