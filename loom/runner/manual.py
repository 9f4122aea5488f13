"""A request by hand -> what this tick will write and do. It uses up no slot that it doesn't name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from loom.domain.record import RunQuery, Snapshot
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Planned
from loom.domain.worker import Overlap, Status, Worker
from loom.errors import UsageError
from loom.ports import Ledger
from loom.runner.fates import abandoned
from loom.runner.plan import Circumstances, Plan, pause_in_force
from loom.runner.request import TickRequest
from loom.slots.calendar import between, is_slot, nearest
from loom.slots.owed import taken_back, why_paused
from loom.values import replace

MOST_SLOTS = 1000
"""As many slots one request may run: each is claimed before the first of them starts."""

_FORCE = "--force runs it all the same"
_INSTANT = timedelta(microseconds=1)


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
    slots: Sequence[datetime | None] = (request.slot,)
    if request.slot is not None:
        _refuse_a_wrong_slot(workers, request.slot, world.tick.at)
    if request.span is not None:
        slots = _slots_within(workers, request.span, world.tick.at)
    for worker in workers:
        refusal = _refusal(worker, request, snapshot, world)
        if refusal is not None:
            result.runs.append(refusal)
            continue
        for slot in slots:
            done = None if request.force or slot is None else _succeeded(worker, slot, ledger)
            if done is None:
                _start(worker, slot, request, snapshot, world, result)
            elif request.span is not None:
                result.left.append(_left(worker, slot, done))
            else:
                why = f"that slot already succeeded in run {done}; {_FORCE}"
                result.runs.append(_not_run(worker, request, Outcome.SKIPPED, why, world))
    return result


def _slots_within(
    workers: Sequence[Worker], span: tuple[datetime, datetime], now: datetime
) -> Sequence[datetime]:
    if len(workers) != 1:
        raise UsageError("--from and --to take the slots of one worker: name exactly one with --worker.")
    (worker,), (first, last) = workers, span
    if last < first:
        raise UsageError(f"--to {last.isoformat()} is before --from {first.isoformat()}: swap them.")
    if last > now:
        raise UsageError(
            f"--to {last.isoformat()} hasn't come yet; slots run by hand up to now: --to {now.isoformat()}"
        )
    found = tuple(islice(between(worker.schedule, first, last), MOST_SLOTS + 1))
    if not found:
        near = [at.isoformat() for at in nearest(worker.schedule, first) if at is not None]
        raise UsageError(
            f"{worker.id} has no slot from {first.isoformat()} to {last.isoformat()} "
            f"({worker.schedule.cron!r}, {worker.schedule.zone}); the nearest: {' and '.join(near)}."
        )
    if len(found) > MOST_SLOTS:
        raise UsageError(
            f"{worker.id} has more than {MOST_SLOTS:,} slots from {first.isoformat()} to {last.isoformat()}: "
            f"run them in parts, such as --to {found[MOST_SLOTS - 1].isoformat()}"
        )
    return found


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


def _refusal(worker: Worker, request: TickRequest, snapshot: Snapshot, world: Circumstances) -> Run | None:
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
    why = _why_not_without_force(worker, snapshot, world)
    if why is None:
        return None
    return _not_run(worker, request, Outcome.SKIPPED, f"{why}; {_FORCE}", world)


def _why_not_without_force(worker: Worker, snapshot: Snapshot, world: Circumstances) -> str | None:
    if worker.status is not Status.ACTIVE:
        return f"{worker.status.value} in worker-registry.yaml"
    pause = pause_in_force(snapshot.pauses.get(worker.id), world.tick.at)
    if pause is not None:
        return f"{why_paused(worker, pause)}; `loom resume {worker.id}` lets it go on"
    for ticket in snapshot.tickets.values():
        if (
            worker.overlap is not Overlap.ALLOW
            and ticket.worker == worker.id
            and ticket.state in (TicketState.CLAIMED, TicketState.STARTED)
            and world.alive(ticket)
        ):
            return f"overlap: it is running now, claimed by {ticket.claimer}"
    return None


def _succeeded(worker: Worker, slot: datetime, ledger: Ledger) -> str | None:
    """The id of the newest run of this slot that succeeded and counts, if any."""
    done = ledger.runs(RunQuery(worker=worker.id, slot=slot, outcomes=(Outcome.SUCCEEDED.value,)))
    return next((run.run_id for run in done if run.counts), None)


def _left(worker: Worker, slot: datetime | None, run_id: str) -> Planned:
    reason = f"it succeeded in run {run_id}"
    return Planned(worker=worker.id, agent=worker.agent, slot=slot, action="leave", reason=reason)


def _start(
    worker: Worker,
    slot: datetime | None,
    request: TickRequest,
    snapshot: Snapshot,
    world: Circumstances,
    result: Plan,
) -> None:
    by_hand = Ticket(
        key=f"{worker.id}#{world.new_id()}",
        worker=worker.id,
        slot=slot,
        trigger=request.trigger,
        state=TicketState.OPEN,
    )
    if slot is None or request.params:
        result.start.append(by_hand)  # a run with --param counts for nothing, so it can't be the slot's own
        return
    key = Slot(worker.id, slot.astimezone(UTC)).key
    held = snapshot.tickets.get(key)
    if held is not None and not world.alive(held):
        # The slot is still open: this run is its run, and closes it.
        owed = taken_back(slot, held)
        if owed.died is not None:
            result.runs.append(abandoned(worker, owed.died, True, world))
        result.start.append(replace(owed.as_ticket(worker), trigger=request.trigger))
        return
    mark = snapshot.marks.get(worker.id)
    undecided = mark is None or slot > mark
    closed = undecided and slot in world.closed_slots(worker.id, slot - _INSTANT)
    result.start.append(replace(by_hand, key=key) if undecided and not held and not closed else by_hand)


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
        enforcement_digest=world.digest(),
        tick_id=world.tick.id,
        tick_at=world.tick.at,
    )
