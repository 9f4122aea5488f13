"""Registry x snapshot x time -> what this tick will write and do. Pure: it reads nothing and runs nothing."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import Ticket
from loom.domain.tick import Mark, Pause, Planned, Tick
from loom.domain.worker import Worker
from loom.ports import Entry, HooksInForce, Snapshot
from loom.runner.held import OUTCOME_WHILE_OPEN, held_run
from loom.slots.calendar import due, first_mark
from loom.slots.life import Closing, Decision, Obstacle, decide, remove
from loom.values import dataclass, field, replace


@dataclasses.dataclass(slots=True)
class Plan:
    """entries: to be written by the claim, apart from runs. runs: new or changed, to be entered with them.
    start: the tickets to claim and run, in order. on_time: keys of those that came due since the last tick.
    standing: ids of runs recorded before that still hold. left: what a request by hand leaves alone."""

    entries: list[Entry] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    start: list[Ticket] = field(default_factory=list)
    on_time: set[str] = field(default_factory=set)
    standing: list[str] = field(default_factory=list)
    left: list[Planned] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the plan needs to know of the world, given so that planning stays pure.

    obstacle: what keeps this worker from running now, if anything. alive: whether a claimer is.
    closed_slots: slots after the mark that were already dealt with by hand. last_run: what is recorded of a
    ticket's last attempt, given whether that attempt's process died; None where nothing is.
    last_words: what a run of that worker whose process died had said, by its id, as it may be recorded.
    """

    tick: Tick
    digest: str | None
    obstacle: Callable[[Worker], Obstacle | None]
    alive: Callable[[Ticket], bool]
    closed_slots: Callable[[str, datetime], frozenset[datetime]]
    last_run: Callable[[Ticket, bool], Run | None]
    last_words: Callable[[str, str], str]
    new_id: Callable[[], str]


def plan(registry: Registry, snapshot: Snapshot, world: Circumstances) -> Plan:
    """Decide every newly due and every open slot of every worker at `world.tick.at`."""
    result = Plan()
    if registry.hooks != snapshot.hooks:
        result.entries.append(HooksInForce(registry.hooks))
    by_worker: dict[str, list[Ticket]] = {}
    for ticket in snapshot.tickets.values():
        by_worker.setdefault(ticket.worker, []).append(ticket)
    for worker in registry.workers:
        _plan_worker(worker, snapshot, by_worker.get(worker.id, ()), world, result)
    for entry in registry.broken:
        if entry.id not in snapshot.marks:
            result.entries.append(Mark(entry.id, first_mark(world.tick.at, registry.zone)))
    for id_ in by_worker.keys() - registry.ids:
        if not gone(id_, registry, snapshot, world.tick.at):
            continue
        for closing in remove(by_worker[id_], alive=world.alive):
            _close(id_, None, closing, frozenset(), world, result)
    return result


def gone(id_: str, registry: Registry, snapshot: Snapshot, now: datetime) -> bool:
    """Whether a worker that `registry`, of the tick at `now`, doesn't name is removed.

    It is when the tick before didn't know it either: one alone may go by an older registry than the last one
    did. A worker's mark says when the last tick woke that knew it; what a person asked for, and a tick that
    could read no registry, move no mark and so know of nobody.
    """
    mark, last = snapshot.marks.get(id_), snapshot.last_tick
    if mark is None or last is None:
        return mark is None
    known = [snapshot.marks[each.id] for each in registry.workers if each.id in snapshot.marks]
    return mark < min(max(known, default=last.at), now)


def _plan_worker(
    worker: Worker, snapshot: Snapshot, tickets: Sequence[Ticket], world: Circumstances, result: Plan
) -> None:
    now = world.tick.at
    mark = snapshot.marks.get(worker.id) or first_mark(now, worker.schedule.zone)
    newly_due = due(worker, mark, now)
    if not newly_due and not tickets:
        result.entries.append(Mark(worker.id, max(mark, now)))
        return
    if newly_due and (closed := world.closed_slots(worker.id, mark)):
        newly_due = tuple(at for at in newly_due if at not in closed)
    decision = decide(
        worker,
        mark=mark,
        now=now,
        due=newly_due,
        tickets=tickets,
        paused=snapshot.pauses.get(worker.id),
        obstacle=world.obstacle(worker),
        alive=world.alive,
    )
    stored = {ticket.key: ticket for ticket in tickets}
    _apply(worker, decision, frozenset(newly_due), stored, world, result)


def pause_in_force(pause: Pause | None, now: datetime) -> Pause | None:
    """The pause that still holds at `now`, if any: one that is lifted or has run out doesn't."""
    return pause if pause is not None and pause.in_force(now) else None


def _apply(
    worker: Worker,
    decision: Decision,
    newly_due: frozenset[datetime],
    stored: Mapping[str, Ticket],
    world: Circumstances,
    result: Plan,
) -> None:
    starting = {ticket.key for ticket in decision.start}
    for ticket in decision.abandoned:
        result.runs.append(abandoned(worker, ticket, ticket.key in starting, world))
    for closing in decision.close:
        _close(worker.id, worker.agent, closing, newly_due, world, result)
    _hold(worker, decision.hold, stored, world, result)
    result.start.extend(decision.start)
    result.on_time.update(ticket.key for ticket in decision.start if ticket.slot in newly_due)
    result.entries.append(Mark(worker.id, decision.mark))


def abandoned(worker: Worker, ticket: Ticket, again: bool, world: Circumstances) -> Run:
    """The record of an attempt whose process died, while its slot stays open."""
    return Run(
        run_id=ticket.run_id or world.new_id(),
        worker=worker.id,
        agent=worker.agent,
        slot=ticket.slot,
        trigger=ticket.trigger,
        outcome=Outcome.ABANDONED,
        final=False,
        open_reason=OpenReason.ABANDONED,
        reason="its process ended before it could record what happened"
        + ("; it is started again now" if again else ""),
        attempts=1,
        started_at=ticket.started_at,
        log=world.last_words(worker.id, ticket.run_id) if ticket.run_id else "",
        enforcement_digest=world.digest,
        tick_id=world.tick.id,
        tick_at=world.tick.at,
    )


def _close(
    id_: str,
    agent: str | None,
    closing: Closing,
    newly_due: frozenset[datetime],
    world: Circumstances,
    result: Plan,
) -> None:
    """Close one range of slots: those with tickets are closed there too, and the range gets one run."""
    result.entries.extend(closing.tickets)
    run_id = world.new_id()
    attempts = 0
    if closing.started is not None:
        # It ran before: its last run becomes its final one, so that no failure is hidden.
        run_id, attempts = closing.started.run_id or run_id, 1
        last = world.last_run(closing.started, closing.died)
        if last is not None:
            result.runs.append(
                replace(
                    last,
                    outcome=closing.outcome,
                    final=True,
                    open_reason=None,
                    reason=closing.reason,
                    not_before=None,
                )
            )
            return
    result.runs.append(
        Run(
            run_id=run_id,
            worker=id_,
            agent=agent,
            slot=closing.first or (closing.started.slot if closing.started else None),
            slot_last=closing.last if closing.count > 1 else None,
            count=closing.count,
            trigger=Trigger.SCHEDULE if closing.first else closing.tickets[0].trigger,
            by_hand=closing.first is None,
            outcome=closing.outcome,
            reason=closing.reason,
            attempts=attempts,
            log=world.last_words(id_, run_id) if attempts else "",
            started_at=closing.started.started_at if closing.started else None,
            enforcement_digest=world.digest,
            tick_id=world.tick.id,
            tick_at=world.tick.at,
            # Told to stand still, a worker is on time when it does.
            on_time=closing.outcome is Outcome.SKIPPED and closing.first in newly_due,
        )
    )


def _hold(
    worker: Worker,
    hold: Sequence[Ticket],
    stored: Mapping[str, Ticket],
    world: Circumstances,
    result: Plan,
) -> None:
    """Keep slots open. Those newly held for one reason share one run; those held before keep theirs."""
    fresh: dict[tuple[OpenReason, str], list[Ticket]] = {}
    for ticket in hold:
        before = stored.get(ticket.key)
        reason = ticket.reason or OpenReason.RETRY
        if before is not None and before.reason is reason and before.run_id is not None:
            if ticket != before:
                result.entries.append(ticket)
            if reason in OUTCOME_WHILE_OPEN:
                result.standing.append(before.run_id)
        elif reason in OUTCOME_WHILE_OPEN:
            fresh.setdefault((reason, ticket.detail), []).append(ticket)
        else:
            result.entries.append(ticket)
    for (reason, detail), tickets in fresh.items():
        run = held_run(
            worker, tickets, reason, detail, tick=world.tick, digest=world.digest, run_id=world.new_id()
        )
        result.runs.append(run)
        # A slot that started before keeps its last attempt's run: that is what it ends with if time runs out.
        result.entries.extend(
            ticket if ticket.starts else replace(ticket, run_id=run.run_id, outcome=run.outcome)
            for ticket in tickets
        )
