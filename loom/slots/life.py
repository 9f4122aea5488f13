"""The life of a slot: from newly due, through open, to one final outcome. Pure: values in, values out.

`decide` is the only place where a slot is started, held or given up, and `after_run` the only one that
says whether a run was its last; there is no second mechanism that tries again.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loom.domain.pause import Pause
from loom.domain.run import OpenReason, Outcome
from loom.domain.schedule import CatchUpPolicy
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Overlap, Status, Worker
from loom.slots.calendar import catch_up_within
from loom.slots.decision import Closing, Decision, Ended, Obstacle, Stretch, in_ranges
from loom.slots.owed import (
    Owed,
    closed,
    let_go,
    new_ticket,
    out_of_reach,
    request_ended,
    shown,
    span,
    taken_back,
    waited,
    why_paused,
)
from loom.slots.stretches import over_alike
from loom.values import replace

__all__ = ["Closing", "Decision", "Obstacle", "after_run", "cut_off", "decide", "remove"]


def decide(
    worker: Worker,
    *,
    mark: datetime,
    now: datetime,
    due: Sequence[datetime],
    tickets: Sequence[Ticket],
    paused: Pause | None,
    obstacle: Obstacle | None,
    alive: Callable[[Ticket], bool],
) -> Decision:
    """What becomes, at `now`, of the slots of `worker` that are newly due or still open.

    mark, now: UTC. due: the schedule's instants in (mark, now], ascending, UTC; those outside the span, or
        with a ticket in any state, are left out.
    tickets: what the ledger has of this worker, manual requests included; closed ones, and those whose
        claimer is `alive`, are left alone.
    paused: a pause by hand; one that is over speaks only for the newly due slots that it covered.
    obstacle: what keeps anything of this worker from starting now.
    """
    moved = max(mark, now)
    if not due and not tickets:
        return Decision(mark=moved)
    fresh = list(due[bisect_right(due, mark) : bisect_right(due, now)])
    unhindered = paused is None and obstacle is None and worker.status is Status.ACTIVE
    if unhindered and not tickets and len(fresh) == 1 and not out_of_reach(worker, fresh[0], now):
        # On most days each worker has one slot due and nothing in its way; what follows would say the same.
        return Decision(mark=moved, start=(new_ticket(worker, fresh[0]),))
    running = [t for t in tickets if t.state in (TicketState.CLAIMED, TicketState.STARTED) and alive(t)]
    requests, owed = _left_behind(tickets, running)
    known = {ticket.slot for ticket in tickets if not ticket.is_request}
    if known:
        fresh = [at for at in fresh if at not in known]

    if halted := _halted(worker, paused, now):
        skipped = [each.skipped(halted) for each in _by_slot(owed)]
        newly = fresh if worker.status is not Status.DISABLED else []
        stretches = [Stretch(newly, Outcome.SKIPPED, halted)] if newly else []
        return Decision(mark=moved, close=in_ranges([*requests, *skipped], worker.schedule, stretches))

    blocker = _blocker(worker, obstacle, running)

    def end_of(each: Owed) -> Ended | None:
        return (
            _passed_in_a_pause(worker, each, paused)
            or _over(worker, each, mark, now)
            or _skipped_for_another(worker, each, blocker, running)
        )

    ended: list[Ended] = []
    ready: list[Owed] = []
    for each in owed:
        end = end_of(each)
        if end is None:
            ready.append(each)
        else:
            ended.append(end)
    stretches, fresh = over_alike(worker, fresh, now, paused, end_of)
    outrun: list[datetime] = []
    if blocker is None and worker.catch_up.policy is not CatchUpPolicy.ALL:
        # Nothing newly due waits: the newest of them, or one that is newer still, stands for the others.
        outrun, fresh = fresh[:-1], fresh[-1:]
    ready = _by_slot([*ready, *map(Owed, fresh)])
    start, hold = _choose(worker, ready, now, blocker)
    stays = {each.at for each in (*start, *hold)}
    passed = [each for each in ready if each.at not in stays]
    if passed or outrun:
        instead = f"the slot of {shown(worker, (start or hold)[0].at)} runs instead"
        ended += [each.ended(Outcome.SUPERSEDED, instead) for each in passed]
        stretches += [Stretch(outrun, Outcome.SUPERSEDED, instead)] if outrun else []
    return Decision(
        mark=moved,
        start=tuple(each.as_ticket(worker) for each in start),
        close=in_ranges([*requests, *sorted(ended, key=_slot)], worker.schedule, stretches),
        hold=tuple(each.as_ticket(worker) for each in hold),
        abandoned=tuple(each.died for each in ready if each.died is not None and each.at in stays),
    )


def remove(tickets: Sequence[Ticket], alive: Callable[[Ticket], bool]) -> tuple[Closing, ...]:
    """The end of all that is open of a worker no longer in the registry. Whoever is alive may finish.

    Without a schedule nothing tells which slots are neighbours, so each is closed on its own.
    """
    running = [t for t in tickets if t.state in (TicketState.CLAIMED, TicketState.STARTED) and alive(t)]
    requests, owed = _left_behind(tickets, running)
    return in_ranges([*requests, *(each.skipped("removed") for each in _by_slot(owed))], None)


def after_run(
    worker: Worker,
    ticket: Ticket,
    *,
    outcome: Outcome,
    transient: bool,
    retry_after: timedelta | None,
    now: datetime,
) -> Ticket:
    """The ticket once a run of it has ended: closed, or open for another start on a later tick.

    ticket: as it was while running, `starts` counting this run. Tried again is what failed for a transient
    reason or timed out, while `later_ticks` are left: not before the other side's Retry-After, nor before
    the longest wait there is within a tick. What would come up only after its catch-up closes at once.
    """
    again = outcome is Outcome.TIMED_OUT or (outcome is Outcome.FAILED and transient)
    if not again or ticket.slot is None or ticket.is_request or not _starts_left(worker, ticket):
        return closed(ticket, outcome)
    not_before = now + max(retry_after or timedelta(), worker.retry.max_backoff)
    if not_before > ticket.slot + catch_up_within(worker):
        return closed(ticket, outcome)
    return replace(
        let_go(ticket),
        outcome=outcome,
        reason=OpenReason.RETRY,
        detail=f"start {ticket.starts} of {1 + worker.retry.later_ticks} ended {outcome}",
        not_before=not_before,
    )


def cut_off(worker: Worker, ticket: Ticket, *, by_hand: bool) -> Ticket:
    """The ticket of a run that was ended with its tick: as if its process had died, but known at once.

    ticket: as it was while running. by_hand: a person asked for it, so it isn't started again.
    """
    if by_hand or not (worker.retry.abandoned and _starts_left(worker, ticket)):
        return closed(ticket, Outcome.ABANDONED)
    return replace(
        let_go(ticket),
        outcome=Outcome.ABANDONED,
        reason=OpenReason.ABANDONED,
        detail=f"start {ticket.starts} of {1 + worker.retry.later_ticks} was cut off with its tick",
        not_before=None,
    )


def _left_behind(tickets: Sequence[Ticket], running: Sequence[Ticket]) -> tuple[list[Ended], list[Owed]]:
    """What nobody alive holds: manual requests, which end here, and slots, which are to be decided."""
    busy = {ticket.key for ticket in running}
    free = [t for t in tickets if t.state is not TicketState.CLOSED and t.key not in busy]
    requests = [request_ended(ticket) for ticket in free if ticket.is_request]
    slots = [taken_back(ticket.slot, ticket) for ticket in free if ticket.slot and not ticket.is_request]
    return requests, slots


def _halted(worker: Worker, paused: Pause | None, now: datetime) -> str:
    """Why the worker does nothing now, or an empty text."""
    if worker.status is Status.DISABLED:
        return "disabled"
    if paused is not None and paused.in_force(now):
        return why_paused(worker, paused)
    return "paused in worker-registry.yaml" if worker.status is Status.PAUSED else ""


def _passed_in_a_pause(worker: Worker, each: Owed, paused: Pause | None) -> Ended | None:
    """The end of a newly due slot that a pause covered which has run out, or was lifted, since."""
    if each.ticket is not None or paused is None or not paused.covers(each.at):
        return None
    return each.skipped(why_paused(worker, paused, each.at))


def _over(worker: Worker, each: Owed, mark: datetime, now: datetime) -> Ended | None:
    """The end of a slot that will not be started any more; None for one that may."""
    if each.died is not None and not (worker.retry.abandoned and _starts_left(worker, each.died)):
        why = "no start is left" if worker.retry.abandoned else "such a run is not repeated"
        return each.ended(Outcome.ABANDONED, f"its process died before the end was recorded; {why}")
    limit = out_of_reach(worker, each.at, now, started=each.started)
    if not limit:
        return None
    if each.ticket is None:
        before = f"came due while no tick decided it for {span(now - mark)}"
    elif each.started:
        before = f"started {each.ticket.starts} of {1 + worker.retry.later_ticks} times"
    else:
        before = waited(each.ticket)
    return each.ended(Outcome.MISSED, f"{before}; {limit}")


def _blocker(worker: Worker, obstacle: Obstacle | None, running: Sequence[Ticket]) -> Obstacle | None:
    """What keeps anything from starting: an obstacle that a person must clear, or a run that is alive."""
    if obstacle is not None or not running or worker.overlap is Overlap.ALLOW:
        return obstacle
    slot = None if running[0].is_request else running[0].slot
    which = "a run by hand" if slot is None else f"the run of {shown(worker, slot)}"
    return Obstacle(OpenReason.OVERLAP, f"{which} is still going")


def _skipped_for_another(
    worker: Worker, each: Owed, blocker: Obstacle | None, running: Sequence[Ticket]
) -> Ended | None:
    """The end of a newly due slot that may not wait for the run that is still going. A run by hand uses up no
    slot: for that it waits."""
    if blocker is None or blocker.reason is not OpenReason.OVERLAP or worker.overlap is not Overlap.SKIP:
        return None
    if each.ticket is not None or all(each.is_request for each in running):
        return None
    return each.skipped(f"{OpenReason.OVERLAP}: {blocker.detail}")


def _choose(
    worker: Worker, ready: Sequence[Owed], now: datetime, blocker: Obstacle | None
) -> tuple[list[Owed], list[Owed]]:
    """Of the slots that may still run, ascending: those to start, and those to hold. The rest is passed."""
    if blocker is not None:
        return [], [each if each.waits(now) else _stopped(worker, each, blocker) for each in ready]
    waiting = [each for each in ready if each.waits(now)]
    if worker.catch_up.policy is CatchUpPolicy.ALL:
        return [each for each in ready if not each.waits(now)], waiting
    # The newest that starts now, or did start and waits for its next try, stands for all before it.
    pivot = next((each for each in reversed(ready) if each.started or not each.waits(now)), None)
    newer = [each for each in waiting if pivot is None or each.at > pivot.at]
    if pivot is None:
        return [], newer
    return ([], [pivot, *newer]) if pivot.waits(now) else ([pivot], newer)


def _stopped(worker: Worker, each: Owed, blocker: Obstacle) -> Owed:
    ticket = each.as_ticket(worker)
    return replace(each, ticket=replace(ticket, reason=blocker.reason, detail=blocker.detail))


def _starts_left(worker: Worker, ticket: Ticket) -> bool:
    return max(1, ticket.starts) < 1 + worker.retry.later_ticks


def _by_slot(owed: Sequence[Owed]) -> list[Owed]:
    return sorted(owed, key=lambda each: each.at)


def _slot(each: Ended) -> datetime:
    assert each.slot is not None  # noqa: S101 - only slots are sorted; this tells the type checker
    return each.slot
