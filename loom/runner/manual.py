"""A request by hand -> what this tick will write and do. It uses up no slot that it doesn't name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.worker import Overlap, Status, Worker
from loom.errors import UsageError
from loom.ports import Ledger, RunQuery, Snapshot
from loom.runner.plan import Circumstances, Plan, pause_in_force
from loom.runner.request import TickRequest
from loom.slots.calendar import is_slot, nearest


def plan_by_hand(
    workers: Sequence[Worker],
    request: TickRequest,
    snapshot: Snapshot,
    ledger: Ledger,
    world: Circumstances,
) -> Plan:
    """Decide what becomes of a request for `workers`. Raises UsageError for a slot that isn't one."""
    result = Plan()
    if not workers:
        return result  # the registry is too broken to say whom the request meant
    if request.slot is not None:
        _refuse_a_wrong_slot(workers, request.slot, world.tick.at)
    for worker in workers:
        refusal = _refusal(worker, request, snapshot, ledger, world)
        if refusal is None:
            result.start.append(_ticket(worker, request, snapshot, world))
        else:
            result.runs.append(refusal)
    return result


def _refuse_a_wrong_slot(workers: Sequence[Worker], slot: datetime, now: datetime) -> None:
    if len(workers) != 1:
        raise UsageError("--slot takes one slot of one worker: name exactly one with --worker.")
    schedule = workers[0].schedule
    if not is_slot(schedule, slot):
        near = [f"{at.isoformat()}" for at in nearest(schedule, slot) if at is not None]
        raise UsageError(
            f"--slot {slot.isoformat()} isn't on the schedule of {workers[0].id} "
            f"({schedule.cron!r}, {schedule.zone}); the nearest: {' and '.join(near)}."
        )
    if slot > now:
        raise UsageError(
            f"--slot {slot.isoformat()} hasn't come yet. To run {workers[0].id} now, leave --slot out."
        )


def _refusal(
    worker: Worker,
    request: TickRequest,
    snapshot: Snapshot,
    ledger: Ledger,
    world: Circumstances,
) -> Run | None:
    """The run that records why the request isn't carried out, or None when it is."""
    obstacle = world.obstacle(worker)
    if obstacle is not None:
        blocked = obstacle.reason is OpenReason.ENFORCEMENT
        return _not_run(
            worker,
            request,
            Outcome.BLOCKED if blocked else Outcome.SKIPPED,
            f"{obstacle.reason.value}: {obstacle.detail}",
            world,
            OpenReason.ENFORCEMENT if blocked else None,
        )
    if request.force:
        return None
    why = _why_not_without_force(worker, request, snapshot, ledger, world)
    if why is None:
        return None
    return _not_run(worker, request, Outcome.SKIPPED, f"{why}; --force runs it all the same", world)


def _why_not_without_force(
    worker: Worker,
    request: TickRequest,
    snapshot: Snapshot,
    ledger: Ledger,
    world: Circumstances,
) -> str | None:
    if worker.status is not Status.ACTIVE:
        return f"{worker.status.value} in worker-registry.yaml"
    pause = pause_in_force(snapshot.pauses.get(worker.id), world.tick.at)
    if pause is not None:
        return f"paused by {pause.by}" + (f" ({pause.reason})" if pause.reason else "")
    for ticket in snapshot.tickets.values():
        if (
            worker.overlap is not Overlap.ALLOW
            and ticket.worker == worker.id
            and ticket.state in (TicketState.CLAIMED, TicketState.STARTED)
            and world.alive(ticket)
        ):
            return f"overlap: it is running now, claimed by {ticket.claimer}"
    if request.slot is not None:
        done = ledger.runs(
            RunQuery(worker=worker.id, slot=request.slot, outcomes=(Outcome.SUCCEEDED.value,), limit=1)
        )
        if done:
            return f"that slot already succeeded in run {done[0].run_id}"
    return None


def _ticket(worker: Worker, request: TickRequest, snapshot: Snapshot, world: Circumstances) -> Ticket:
    slot = request.slot
    by_hand = Ticket(
        key=f"{worker.id}#{world.new_id()}",
        worker=worker.id,
        slot=slot,
        trigger=request.trigger,
        state=TicketState.OPEN,
    )
    if slot is None or request.params:
        return by_hand  # a run with --param counts for nothing, so it can't be the slot's own
    key = Slot(worker.id, slot.astimezone(UTC)).key
    held = snapshot.tickets.get(key)
    if held is not None and not world.alive(held):
        # The slot is still open: this run is its run, and closes it.
        return _renewed(held, request.trigger)
    mark = snapshot.marks.get(worker.id)
    undecided = mark is None or slot > mark
    if undecided and held is None and slot not in world.closed_slots(worker.id, slot):
        return replace(by_hand, key=key)
    return by_hand


def _renewed(held: Ticket, trigger: Trigger) -> Ticket:
    return Ticket(
        key=held.key,
        worker=held.worker,
        slot=held.slot,
        trigger=trigger,
        state=TicketState.OPEN,
        starts=held.starts,
        fence=held.fence,
    )


def _not_run(
    worker: Worker,
    request: TickRequest,
    outcome: Outcome,
    reason: str,
    world: Circumstances,
    open_reason: OpenReason | None = None,
) -> Run:
    return Run(
        run_id=world.new_id(),
        worker=worker.id,
        agent=worker.agent,
        slot=request.slot,
        trigger=request.trigger,
        by_hand=True,
        outcome=outcome,
        open_reason=open_reason,
        reason=reason,
        enforcement_digest=world.digest,
        tick_id=world.tick.id,
        tick_at=world.tick.at,
    )
