"""Registry x ledger -> the dashboard, as of one moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from loom.dashboard.calendar import by_day, days_until, offsets
from loom.dashboard.discretion import Clean, Discretion
from loom.dashboard.rules import digest_spans
from loom.dashboard.runs import found_by, in_brief
from loom.dashboard.ticks import is_overdue, lateness_of, tick_days
from loom.domain.dashboard import Dashboard, DashboardWorker, Days, DigestSpan
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.schedule import Schedule
from loom.ports import Ledger, RunQuery
from loom.report.trigger import sentences
from loom.status import board

NEWEST_RUNS = 200
"""Of each worker: as many as its history shows, and its charts."""
NEWEST_ALERTS = 500
_MOST_OUTCOMES = 600_000
"""Of each worker. A worker that runs every minute has fewer in a year."""


def read_dashboard(
    registry: Registry, ledger: Ledger, *, project: str, now: datetime, days: int, clean: Clean
) -> Dashboard:
    """All of the page, as of `now` (UTC), with the last `days` days of the registry's zone.

    project: what the page is called. clean: takes out of a JSON value whatever may not be published.
    """
    discretion = Discretion(clean)
    span = days_until(now, registry.zone, days)
    schedules: dict[str, Schedule | None] = {each.id: each.schedule for each in registry.workers}
    schedules |= {each.id: None for each in registry.broken}
    governed: list[Run] = []
    notes: list[str] = []
    workers = []
    for worker, schedule in schedules.items():
        runs = ledger.runs(RunQuery(worker=worker, until=now, limit=NEWEST_RUNS))
        governed += [_bare(run) for run in runs if run.enforcement_digest]
        workers.append(_worker(worker, schedule, registry.zone, ledger, span, runs, discretion, notes))
    begin = span.starts[0]
    lateness = lateness_of(registry.ticks_expected, ledger, now=now)
    standing = board(registry, ledger, now=now)
    deliveries = [each for each in ledger.deliveries(since=begin) if each.alert.at <= now]
    if len(deliveries) > NEWEST_ALERTS:
        notes.append(f"Of {len(deliveries):,} alerts the newest {NEWEST_ALERTS} are shown.")
    return Dashboard(
        project=project,
        at=now,
        zone=registry.zone,
        days=span,
        offsets=offsets(span, registry.zone),
        board=discretion.board(standing),
        workers=tuple(workers),
        trigger_lines=sentences(standing.trigger),
        overdue=standing.last_tick is not None
        and is_overdue(registry.ticks_expected, standing.last_tick.at, now=now),
        lateness=lateness,
        tick_days=tick_days(lateness, registry.zone),
        deliveries=tuple(map(discretion.delivery, islice(reversed(deliveries), NEWEST_ALERTS))),
        episodes=tuple(map(discretion.episode, reversed(ledger.episodes(since=begin)))),
        digests=_since(begin, digest_spans(governed)),
        notes=tuple(notes),
    )


def _worker(
    worker: str,
    schedule: Schedule | None,
    zone: str,
    ledger: Ledger,
    days: Days,
    runs: Sequence[Run],
    discretion: Discretion,
    notes: list[str],
) -> DashboardWorker:
    outcomes = ledger.slot_outcomes(worker=worker, since=days.starts[0], limit=_MOST_OUTCOMES)
    if len(outcomes) == _MOST_OUTCOMES:
        notes.append(f"{worker}: the calendar shows its newest {_MOST_OUTCOMES:,} records only.")
    told = next((run for run in runs if run.final and run.counts and run.output is not None), None)
    return DashboardWorker(
        worker=worker,
        zone=schedule.zone if schedule is not None else zone,
        days=by_day(outcomes, schedule, days),
        runs=tuple(in_brief(run, discretion) for run in runs),
        findings=found_by(told, discretion) if told is not None else (),
        found_at=(told.finished_at or told.tick_at) if told is not None else None,
    )


def _bare(run: Run) -> Run:
    return replace(run, output=None, rejected=None, log="", errors=())


def _since(begin: datetime, spans: Sequence[DigestSpan]) -> tuple[DigestSpan, ...]:
    return tuple(each for each in spans if each.last >= begin)
