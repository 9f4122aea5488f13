"""How does each worker stand? Reads the ledger and the registry, never writes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loom.coming import next_few
from loom.domain.alert import RECOVERIES, Episode
from loom.domain.board import Board, Figures, LastTick, OneWorker, Row, UnderWay
from loom.domain.health import Health, health_of
from loom.domain.recent import LONGEST_STREAK, SHOWN, last_slots, newest_slots, streak
from loom.domain.record import Snapshot
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import Ticket, TicketState
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.standing import Standing
from loom.domain.worker import Status, Worker
from loom.ports import Ledger
from loom.report.gist import gist
from loom.report.words import short_id
from loom.runner.plan import pause_in_force
from loom.runner.renaming import carry_over
from loom.slots.calendar import catch_up_within, next_instant
from loom.slots.owed import out_of_reach
from loom.slots.trigger import trigger_health
from loom.slots.unsettled import undecided_in
from loom.values import replace

FIGURE_DAYS = 7
NEXT_SLOTS = 3
_FIRST_LOOK = 120
# As `loom.slots.owed.why_paused` begins, and what a run by hand is told of the registry.
_OF_A_PAUSE = ("paused by ", "paused in ", "disabled in ")
Alive = Callable[[Ticket], bool]


def board(registry: Registry, ledger: Ledger, *, now: datetime, alive: Alive | None = None) -> Board:
    """Everything that `loom status` shows, as of `now` (UTC).

    alive: whether the process that holds a ticket is at work."""
    on_record = ledger.snapshot()
    snapshot, _ = carry_over(registry, on_record)
    last = snapshot.last_tick
    tickets: dict[str, list[Ticket]] = {}
    for ticket in snapshot.tickets.values():
        tickets.setdefault(ticket.worker, []).append(ticket)
    rows = [
        _row(worker, tickets.get(worker.id, ()), snapshot, on_record, ledger, now, alive)
        for worker in registry.workers
    ]
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
    trigger = trigger_health(registry.ticks_expected, ledger, now=now)
    return Board(
        at=now,
        zone=registry.zone,
        rows=tuple(rows),
        last_tick=LastTick(at=last.at, trigger=last.trigger) if last else None,
        trigger=trigger,
        figures=_figures(registry, ledger, snapshot, now, settled=trigger.settled or now),
        undelivered=len(snapshot.deliveries),
        waiting=snapshot.deliveries,
        troubles=_troubles(snapshot),
    )


def one_worker(
    registry: Registry, ledger: Ledger, worker: Worker, *, now: datetime, alive: Alive | None = None
) -> OneWorker:
    """Everything that `loom status --worker` shows of `worker`, one of the registry's, as of `now` (UTC).

    alive: as for `board`."""
    on_record = ledger.snapshot()
    snapshot, _ = carry_over(registry, on_record)
    standing = snapshot.standings.get(worker.id) or Standing(worker=worker.id)
    last = ledger.run(standing.last_run_id) if standing.last_run_id else None
    pause = snapshot.pauses.get(worker.id)
    tickets = [ticket for ticket in snapshot.tickets.values() if ticket.worker == worker.id]
    return OneWorker(
        at=now,
        zone=registry.zone,
        worker=worker,
        row=_row(worker, tickets, snapshot, on_record, ledger, now, alive),
        last=as_they_stand([last], snapshot)[0] if last is not None else None,
        good=ledger.run(standing.previous_run_id) if standing.previous_run_id else None,
        coming=next_few(worker, pause, now, NEXT_SLOTS),
        within=catch_up_within(worker),
    )


def as_they_stand(runs: Sequence[Run], snapshot: Snapshot) -> list[Run]:
    """`runs` as of `snapshot`: one whose slot has moved on since no longer says that the slot is open."""
    waiting = {ticket.run_id for ticket in snapshot.tickets.values()}
    return [
        run if run.final or run.run_id in waiting else replace(run, open_reason=None, not_before=None)
        for run in runs
    ]


def _row(
    worker: Worker,
    tickets: Sequence[Ticket],
    snapshot: Snapshot,
    on_record: Snapshot,
    ledger: Ledger,
    now: datetime,
    alive: Alive | None,
) -> Row:
    """tickets: its open ones. on_record: the snapshot as the ledger has it, under the ids that it knows."""
    standing = snapshot.standings.get(worker.id) or Standing(worker=worker.id)
    pause = pause_in_force(snapshot.pauses.get(worker.id), now)
    health = health_of(worker, standing, tuple(tickets), paused=pause is not None)
    mark = snapshot.marks.get(worker.id)
    undecided: datetime | None = None
    if mark is not None and worker.status is Status.ACTIVE:
        undecided = next_instant(worker.schedule, mark, before=now)
    if health in (Health.UP, Health.NEW) and undecided is not None:
        health = Health.LATE
    idle = health in (Health.PAUSED, Health.DISABLED)
    last = _last_word(standing, ledger) if not idle else None
    slots = _slots_of(known_as(worker.id, snapshot, on_record), ledger)
    return Row(
        worker=worker.id,
        agent=worker.agent,
        schedule=worker.schedule.cron,
        status=worker.status.value,
        health=health,
        next_slot=None if idle else next_instant(worker.schedule, now),
        last_run_id=standing.last_run_id,
        last_outcome=standing.last_outcome,
        last_final=standing.last_final,
        last_at=standing.last_at,
        last_success_at=standing.last_success_at,
        consecutive_failures=standing.consecutive_failures,
        skipped=last.reason if last is not None and last.outcome is Outcome.SKIPPED else "",
        skip_is_over=last is not None and last.started_at is None and last.reason.startswith(_OF_A_PAUSE),
        needs=_needs(standing, tickets),
        said=gist(last) if last is not None and health in (Health.DOWN, Health.LATE) else "",
        owed=tuple(sorted(tickets, key=lambda each: (each.slot or now, each.key))),
        undecided=None if idle else undecided,
        too_old=undecided is not None and bool(out_of_reach(worker, undecided, now)),
        under_way=_under_way(tickets, now, alive),
        pause=pause,
        paused_in_registry=worker.status is Status.PAUSED,
        recent=last_slots(slots),
        streak=streak(slots),
        description=worker.description,
    )


def _under_way(tickets: Sequence[Ticket], now: datetime, alive: Alive | None) -> UnderWay | None:
    held = [each for each in tickets if each.state in (TicketState.CLAIMED, TicketState.STARTED)]
    if not held:
        return None
    first = min(held, key=lambda each: (each.started_at or now, each.key))
    return UnderWay(
        run_id=first.run_id,
        slot=first.slot,
        since=first.started_at,
        by_hand=first.trigger is Trigger.MANUAL,
        alive=None if alive is None else alive(first),
    )


def _last_word(standing: Standing, ledger: Ledger) -> Run | None:
    """The last run, if it has something to say that the board repeats; a good one needn't be read."""
    if standing.last_run_id is None or standing.last_outcome in (None, Outcome.SUCCEEDED):
        return None
    return ledger.run(standing.last_run_id)


def known_as(worker: str, snapshot: Snapshot, on_record: Snapshot) -> str:
    """The id under which the ledger has its runs: until a tick has come, the one before it was renamed."""
    if worker in on_record.marks:
        return worker
    before = [old for old, new in snapshot.renamed.items() if new == worker and old in on_record.marks]
    return before[0] if before else worker


def _slots_of(worker: str, ledger: Ledger) -> tuple[SlotOutcome, ...]:
    """What its newest slots came to, as far back as its streak goes; with many tries of each, or many runs by
    hand in between, it takes a second look to find enough of them."""
    slots = newest_slots(ledger.slot_outcomes(worker=worker, limit=_FIRST_LOOK))
    told, alike = sum(each.count for each in slots), abs(streak(slots))
    if told >= SHOWN and (alike < told or alike == LONGEST_STREAK):
        return slots
    return newest_slots(ledger.slot_outcomes(worker=worker, limit=5 * _FIRST_LOOK))


def _troubles(snapshot: Snapshot) -> tuple[Episode, ...]:
    """What is open and announced, and no worker's."""
    found = [
        each for each in snapshot.episodes.values() if each.subject.startswith("loom:") and each.announced
    ]
    return tuple(sorted(found, key=lambda each: (each.opened_at, each.id)))


def _needs(standing: Standing, tickets: Sequence[Ticket]) -> str:
    """What a person must do before the worker can run again, or must look at; empty when all is well."""
    for ticket in tickets:
        if ticket.reason in (OpenReason.REQUIREMENT, OpenReason.ENFORCEMENT):
            return f"{ticket.reason.value}: {ticket.detail}"
    if standing.consecutive_failures and standing.last_outcome not in (None, Outcome.SUCCEEDED):
        return f"see: loom show {short_id(standing.last_run_id or '')}"
    return ""


def _figures(
    registry: Registry, ledger: Ledger, snapshot: Snapshot, now: datetime, *, settled: datetime
) -> Figures:
    since = now - timedelta(days=FIGURE_DAYS)
    figures = figures_since(ledger, snapshot, since=since, days=FIGURE_DAYS)
    at_work = [
        worker
        for worker in registry.workers
        if worker.status is Status.ACTIVE and pause_in_force(snapshot.pauses.get(worker.id), now) is None
    ]
    return replace(figures, undecided=undecided_in(at_work, snapshot.marks, since, settled))


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
