"""How does each worker stand, and what comes next? Reads the ledger and the registry, never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from loom.domain.alert import RECOVERIES
from loom.domain.board import Board, Coming, Figures, LastTick, Row
from loom.domain.health import Health, Standing, health_of
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Ticket
from loom.domain.tick import Pause
from loom.domain.worker import Status, Worker
from loom.ports import Ledger, Snapshot
from loom.runner.plan import pause_in_force
from loom.runner.renaming import carry_over
from loom.slots.calendar import due, instants, next_instant
from loom.slots.notes import clock_change_note
from loom.slots.trigger import trigger_health

FIGURE_DAYS = 7
_DAY = timedelta(days=1)
_NO_PAUSES: Mapping[str, Pause] = MappingProxyType({})


def board(registry: Registry, ledger: Ledger, *, now: datetime) -> Board:
    """Everything that `loom status` shows, as of `now` (UTC)."""
    snapshot, _ = carry_over(registry, ledger.snapshot())
    last = snapshot.last_tick
    rows = [_row(worker, snapshot, ledger, now) for worker in registry.workers]
    rows += [
        Row(
            worker=entry.id,
            agent=None,
            schedule="",
            status="broken",
            health=None,
            next_slot=None,
            needs="; ".join(str(problem) for problem in entry.problems),
        )
        for entry in registry.broken
    ]
    return Board(
        at=now,
        zone=registry.zone,
        rows=tuple(rows),
        last_tick=LastTick(at=last.at, trigger=last.trigger) if last else None,
        trigger=trigger_health(registry.ticks_expected, ledger, now=now),
        figures=_figures(ledger, snapshot, now),
        undelivered=len(snapshot.deliveries),
    )


def as_they_stand(runs: Sequence[Run], snapshot: Snapshot) -> list[Run]:
    """`runs` as of `snapshot`: one whose slot has moved on since no longer says that the slot is open."""
    waiting = {ticket.run_id for ticket in snapshot.tickets.values()}
    return [
        run if run.final or run.run_id in waiting else replace(run, open_reason=None, not_before=None)
        for run in runs
    ]


def coming_slots(registry: Registry, now: datetime) -> list[Coming]:
    """The slots of the day that begins `now`, and at least each worker's next one within a week."""
    day = coming(registry, now=now, span=_DAY)
    named = {each.worker for each in day}
    week = [each for each in coming(registry, now=now, span=7 * _DAY) if each.worker not in named]
    first = {each.worker: each for each in reversed(week)}
    return [*day, *sorted(first.values(), key=lambda each: (each.slot, each.worker))]


def coming(
    registry: Registry, *, now: datetime, span: timedelta, pauses: Mapping[str, Pause] = _NO_PAUSES
) -> list[Coming]:
    """Every slot of every active worker in (now, now + span], earliest first. A pause by hand is noted."""
    found = [
        Coming(
            worker=worker.id,
            agent=worker.agent,
            slot=at,
            note=_note(worker, at, pauses.get(worker.id)),
        )
        for worker in registry.workers
        if worker.status is Status.ACTIVE
        for at in instants(worker.schedule, now, now + span)
    ]
    return sorted(found, key=lambda each: (each.slot, each.worker))


def _note(worker: Worker, at: datetime, pause: Pause | None) -> str:
    if pause is not None and pause_in_force(pause, at):
        return f"paused by {pause.by}" + (f": {pause.reason}" if pause.reason else "")
    return clock_change_note(worker.schedule, at) or ""


def _row(worker: Worker, snapshot: Snapshot, ledger: Ledger, now: datetime) -> Row:
    standing = snapshot.standings.get(worker.id) or Standing(worker=worker.id)
    tickets = tuple(t for t in snapshot.tickets.values() if t.worker == worker.id)
    paused = pause_in_force(snapshot.pauses.get(worker.id), now) is not None
    health = health_of(worker, standing, tickets, paused=paused)
    mark = snapshot.marks.get(worker.id)
    if health in (Health.UP, Health.NEW) and mark is not None and due(worker, mark, now):
        health = Health.LATE
    active = worker.status is Status.ACTIVE and not paused
    return Row(
        worker=worker.id,
        agent=worker.agent,
        schedule=worker.schedule.cron,
        status=worker.status.value,
        health=health,
        next_slot=next_instant(worker.schedule, now) if active else None,
        last_run_id=standing.last_run_id,
        last_outcome=standing.last_outcome,
        last_final=standing.last_final,
        last_at=standing.last_at,
        last_success_at=standing.last_success_at,
        consecutive_failures=standing.consecutive_failures,
        skipped=_skipped(standing, ledger) if health not in (Health.PAUSED, Health.DISABLED) else "",
        needs=_needs(standing, tickets),
    )


def _skipped(standing: Standing, ledger: Ledger) -> str:
    """Why the last run was skipped; of a worker that a person keeps from running that goes without saying."""
    if standing.last_outcome is not Outcome.SKIPPED or standing.last_run_id is None:
        return ""
    last = ledger.run(standing.last_run_id)
    return last.reason if last is not None else ""


def _needs(standing: Standing, tickets: Sequence[Ticket]) -> str:
    """What a person must do before the worker can run again, or must look at; empty when all is well."""
    for ticket in tickets:
        if ticket.reason in (OpenReason.REQUIREMENT, OpenReason.ENFORCEMENT):
            return f"{ticket.reason.value}: {ticket.detail}"
    if standing.consecutive_failures and standing.last_outcome not in (None, Outcome.SUCCEEDED):
        return f"see: loom show {(standing.last_run_id or '')[-12:]}"
    return ""


def _figures(ledger: Ledger, snapshot: Snapshot, now: datetime) -> Figures:
    return figures_since(ledger, snapshot, since=now - timedelta(days=FIGURE_DAYS), days=FIGURE_DAYS)


def figures_since(ledger: Ledger, snapshot: Snapshot, *, since: datetime, days: int) -> Figures:
    """The three promises, counted over the ticks at or after `since` (UTC); the figures call it `days`."""
    unheard = {each.episode for each in snapshot.deliveries if each.alert.event not in RECOVERIES}
    promises = ledger.promises(since=since, unheard=unheard)
    return Figures(
        days=days,
        slots=promises.slots,
        on_time=promises.on_time,
        runs=promises.started,
        under_digest=promises.under_digest,
        bad=promises.bad,
        bad_delivered=promises.bad - promises.unheard,
    )
