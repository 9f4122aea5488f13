"""A person says that a worker is to stand still, and that it may go on: written to the ledger, and told.

A pause is written by a claim, as a tick's decisions are: no tick that was deciding meanwhile can write what
it decided without it, and on a state branch it is pushed before anybody is told that it holds.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loom.domain.alert import Episode
from loom.domain.pause import Pause, Span
from loom.domain.record import Snapshot
from loom.domain.registry import Registry
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Status, Worker
from loom.errors import LedgerError, StaleDecision, StateUnpushed, UsageError
from loom.ports import Ledger
from loom.runner.renaming import carry_over
from loom.slots.calendar import due, first_mark, next_instant
from loom.slots.owed import let_go
from loom.values import dataclass, replace

_TRIES = 60
_AT_WORK = (TicketState.CLAIMED, TicketState.STARTED)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """What a pause does, as of when it was written.

    before: the pause that held until then, and that this one takes the place of.
    waiting: slots that came due and wait to be started; the next tick closes them.
    to_come: how many slots of the pause are still to come; None when it has no end.
    next_slot: the first one that runs again; None when nobody has said when that is.
    running: what is at work now, and goes on. claimed: how many slots a tick has claimed and will still
    start. episode: the worker's open alert, if somebody was told of it.
    """

    worker: Worker
    pause: Pause
    before: Pause | None
    waiting: int
    to_come: int | None
    next_slot: datetime | None
    running: Ticket | None
    claimed: int
    episode: Episode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What became of a pause. pause: the one that ended hereby, None when none held.
    passed: how many slots came due in it, and never run. to_record: those of them, and of pauses before it,
    that the next tick is going to record as skipped. newest: the last of `passed`.
    next_slot: the first one that runs again."""

    worker: Worker
    pause: Pause | None
    passed: int
    to_record: int
    newest: datetime | None
    next_slot: datetime | None


def pause(
    registry: Registry,
    ledger: Ledger,
    worker: Worker,
    *,
    by: str,
    reason: str,
    now: datetime,
    until: datetime | None,
    alive: Callable[[Ticket], bool],
    take_back: bool = True,
    at_given: bool = False,
) -> Paused:
    """Pause `worker` from `now` (UTC) until `until`, or until somebody resumes it.

    take_back: whether slots that a tick has claimed, and not begun, are taken out of its hands. That needs a
    ledger that the tick asks before it begins one: with a state branch, a tick of another machine wouldn't.
    at_given: whether a person set `now`; it must not be before what was done without this order.
    Raises UsageError if it is, LedgerError, and StateUnpushed when the pause couldn't be pushed: it doesn't
    hold then.
    """

    def decide(snapshot: Snapshot) -> Pause:
        if at_given:
            _refuse_too_early(snapshot, worker, now)
        earlier = _undecided_spans(snapshot, worker, now)
        return Pause(worker=worker.id, by=by, at=now, reason=reason, until=until, earlier=earlier)

    def taken(snapshot: Snapshot) -> list[Ticket]:
        return [_taken_back(each) for each in _only_claimed(snapshot, worker)] if take_back else []

    snapshot, written = _write(registry, ledger, decide, f"{worker.id} is not paused", taken)
    assert written is not None  # noqa: S101 - `decide` above always says something
    held = snapshot.pauses.get(worker.id)
    tickets = [ticket for ticket in snapshot.tickets.values() if ticket.worker == worker.id]
    free = {each.key for each in taken(snapshot)}
    busy = [each for each in tickets if each.state in _AT_WORK and each.key not in free and alive(each)]
    running = [each for each in busy if each.state is TicketState.STARTED]
    active = worker.status is Status.ACTIVE
    episode = snapshot.episodes.get(worker.id)
    return Paused(
        worker=worker,
        pause=written,
        before=held if held is not None and held.in_force(now) else None,
        waiting=_waiting(worker, snapshot, tickets, busy, now) if active else 0,
        to_come=None if until is None or not active else _number(worker, now, until),
        next_slot=None if until is None or not active else next_instant(worker.schedule, until - _INSTANT),
        running=next(iter(running), None),
        claimed=len(busy) - len(running),
        episode=episode if episode is not None and episode.announced else None,
    )


def resume(
    registry: Registry, ledger: Ledger, worker: Worker, *, by: str, now: datetime, at_given: bool = False
) -> Resumed:
    """End the pause that holds for `worker` at `now` (UTC), if any. What came due in it never runs.

    at_given: as for `pause`. Raises UsageError, LedgerError, and StateUnpushed when it couldn't be pushed:
    the pause holds then as before.
    """

    def decide(snapshot: Snapshot) -> Pause | None:
        if at_given:
            _refuse_too_early(snapshot, worker, now)
        held = snapshot.pauses.get(worker.id)
        if held is None or not held.in_force(now):
            return None
        return replace(held, worker=worker.id, until=now, ended_by=by)

    snapshot, written = _write(registry, ledger, decide, f"{worker.id} is still paused")
    passed: tuple[datetime, ...] = ()
    to_record = 0
    if written is not None and worker.status is not Status.DISABLED:
        mark = _mark(worker, snapshot, now)
        # Of a worker that no tick has met yet, nothing came due before this hour.
        known = written.at - _INSTANT if worker.id in snapshot.marks else max(written.at - _INSTANT, mark)
        passed = due(worker, known, now - _INSTANT)
        done = ledger.closed_slots(worker.id, after=mark)
        to_record = sum(written.covers(at) for at in due(worker, mark, now) if at not in done)
    return Resumed(
        worker=worker,
        pause=written,
        passed=len(passed),
        to_record=to_record,
        newest=passed[-1] if passed else None,
        next_slot=next_instant(worker.schedule, now) if worker.status is Status.ACTIVE else None,
    )


def in_force(registry: Registry, ledger: Ledger, *, now: datetime) -> list[Pause]:
    """Every pause by hand that holds at `now`, by worker; also of workers that the registry doesn't name."""
    snapshot, _ = carry_over(registry, ledger.snapshot())
    held = [replace(each, worker=id_) for id_, each in snapshot.pauses.items() if each.in_force(now)]
    return sorted(held, key=lambda each: each.worker)


def _refuse_too_early(snapshot: Snapshot, worker: Worker, now: datetime) -> None:
    last, held = snapshot.last_tick, snapshot.pauses.get(worker.id)
    if last is not None and now < last.at:
        raise UsageError(
            f"--at {now.isoformat()} is before the ledger's last tick ({last.at.isoformat()}): what came due "
            "until then is decided. Leave --at out, or give a later one."
        )
    if held is None or held.lifted:
        return
    at, by = (held.until, held.ended_by) if held.ended_by and held.until else (held.at, held.by)
    if now < at:
        raise UsageError(
            f"--at {now.isoformat()} is before the last order ({at.isoformat()}, by {by}), which holds. "
            "Leave --at out, or give a later one."
        )


def _only_claimed(snapshot: Snapshot, worker: Worker) -> list[Ticket]:
    """Slots that a tick has made its own and not begun. What a person asked for by hand isn't among them."""
    mine = [each for each in snapshot.tickets.values() if each.worker == worker.id and not each.is_request]
    return [each for each in mine if each.state is TicketState.CLAIMED]


def _taken_back(ticket: Ticket) -> Ticket:
    """The fence tells the tick that the slot isn't its own any more, before it begins it."""
    return replace(let_go(ticket), fence=ticket.fence + 1)


def _write(
    registry: Registry,
    ledger: Ledger,
    decide: Callable[[Snapshot], Pause | None],
    otherwise: str,
    tickets: Callable[[Snapshot], Sequence[Ticket]] = lambda _: (),
) -> tuple[Snapshot, Pause | None]:
    """What `decide` says, written on the ledger as it was when it said so; and the ledger as it was before.
    tickets: what is written with it. otherwise: how things stand when it can't be pushed."""
    for _ in range(_TRIES):
        try:
            read = ledger.snapshot()
        except LedgerError as error:
            raise LedgerError(f"{otherwise}: {error}") from None
        snapshot, renames = carry_over(registry, read)
        written = decide(snapshot)
        if written is None:
            return snapshot, None
        try:
            ledger.claim([*renames, written, *tickets(snapshot)], revision=read.revision)
        except StaleDecision:
            time.sleep(random.uniform(0.002, 0.05))  # noqa: S311  (spreads rivals, guards nothing)
        except StateUnpushed as error:
            why = error.refusal[:1].upper() + error.refusal[1:]
            raise StateUnpushed(f"{otherwise}, and nothing was changed; try again. {why}") from None
        else:
            return snapshot, written
    raise LedgerError(
        f"{otherwise}: the ledger changed {_TRIES} times meanwhile, too many at once; try again"
    )


def _mark(worker: Worker, snapshot: Snapshot, now: datetime) -> datetime:
    return snapshot.marks.get(worker.id) or first_mark(now, worker.schedule.zone)


def _undecided_spans(snapshot: Snapshot, worker: Worker, now: datetime) -> tuple[Span, ...]:
    """The times of the pause on record, and of those before it, whose slots no tick may have decided yet."""
    held, mark = snapshot.pauses.get(worker.id), snapshot.marks.get(worker.id)
    if held is None:
        return ()
    until = now if held.until is None else min(held.until, now)
    spans = [*held.earlier, Span(held.at, until, held.by)]
    return tuple(each for each in spans if each.since < each.until and (mark is None or each.until > mark))


def _waiting(
    worker: Worker,
    snapshot: Snapshot,
    tickets: list[Ticket],
    busy: list[Ticket],
    now: datetime,
) -> int:
    """How many slots of `worker` came due, and neither ended nor are at work."""
    free = [each for each in tickets if each not in busy and not each.is_request]
    known = {each.slot for each in tickets}
    newly = [at for at in due(worker, _mark(worker, snapshot, now), now) if at not in known]
    return len(free) + len(newly)


def _number(worker: Worker, now: datetime, until: datetime) -> int:
    return sum(at < until for at in due(worker, now, until))
