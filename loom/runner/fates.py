"""What becomes of the slots of one worker that are newly due or still open -> the plan of the tick. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loom.domain.record import Snapshot
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import Ticket
from loom.domain.tick import Mark
from loom.domain.worker import Worker
from loom.runner.held import OUTCOME_WHILE_OPEN, held_run
from loom.runner.plan import Circumstances, Plan
from loom.slots.life import Closing, Decision, decide, remove
from loom.values import replace


def decide_slots(
    worker: Worker,
    mark: datetime,
    newly_due: Sequence[datetime],
    tickets: Sequence[Ticket],
    snapshot: Snapshot,
    world: Circumstances,
    result: Plan,
) -> None:
    """newly_due: its slots from `mark` to now. tickets: its open ones."""
    if newly_due and (closed := world.closed_slots(worker.id, mark)):
        newly_due = tuple(at for at in newly_due if at not in closed)
    decision = decide(
        worker,
        mark=mark,
        now=world.tick.at,
        due=newly_due,
        tickets=tickets,
        paused=snapshot.pauses.get(worker.id),
        obstacle=world.obstacle(worker),
        alive=world.alive,
    )
    stored = {ticket.key: ticket for ticket in tickets}
    _apply(worker, decision, frozenset(newly_due), stored, world, result)


def close_all(id_: str, tickets: Sequence[Ticket], world: Circumstances, result: Plan) -> None:
    """Of a worker that was removed."""
    for closing in remove(tickets, alive=world.alive):
        _close(id_, None, closing, frozenset(), world, result)


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
        enforcement_digest=world.digest(),
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
    digest = world.digest()  # asked for first: no slot is decided before the rules were understood
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
            enforcement_digest=digest,
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
            worker, tickets, reason, detail, tick=world.tick, digest=world.digest(), run_id=world.new_id()
        )
        result.runs.append(run)
        # A slot that started before keeps its last attempt's run: that is what it ends with if time runs out.
        result.entries.extend(
            ticket if ticket.starts else replace(ticket, run_id=run.run_id, outcome=run.outcome)
            for ticket in tickets
        )
