"""Which slots come next? Reads the registry and the pauses, and asks no ledger."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType

from loom.domain.board import Coming
from loom.domain.pause import Pause
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.runner.plan import pause_in_force
from loom.slots.calendar import instants, next_instant
from loom.slots.notes import clock_change_note, left_out_notes

_DAY = timedelta(days=1)
_NO_PAUSES: Mapping[str, Pause] = MappingProxyType({})


def coming_slots(registry: Registry, now: datetime, pauses: Sequence[Pause] = ()) -> list[Coming]:
    """The slots of the day that begins `now`, and at least each worker's next one within a week."""
    held = {pause.worker: pause for pause in pauses}
    day = coming(registry, now=now, span=_DAY, pauses=held)
    named = {each.worker for each in day}
    week = coming(registry, now=now, span=7 * _DAY, pauses=held)
    week = [each for each in week if each.worker not in named]
    first = {each.worker: each for each in reversed(week)}
    return [*day, *sorted(first.values(), key=lambda each: (each.slot, each.worker))]


def coming(
    registry: Registry, *, now: datetime, span: timedelta, pauses: Mapping[str, Pause] = _NO_PAUSES
) -> list[Coming]:
    """Every slot of every active worker in (now, now + span], earliest first. A pause by hand is noted."""
    found = [
        _coming(worker, at, pauses.get(worker.id))
        for worker in registry.workers
        if worker.status is Status.ACTIVE
        for at in instants(worker.schedule, now, now + span)
    ]
    return sorted(found, key=lambda each: (each.slot, each.worker))


def left_out(registry: Registry, *, now: datetime, span: timedelta) -> list[Coming]:
    """What no slot comes for in (now, now + span], because a clock change leaves its time out and the worker
    skips it: each with the instant of the change, and a note."""
    found = [
        Coming(worker=worker.id, agent=worker.agent, slot=at, note=note, left_out=True)
        for worker in registry.workers
        if worker.status is Status.ACTIVE
        for at, note in left_out_notes(worker.schedule, now, now + span)
    ]
    return sorted(found, key=lambda each: (each.slot, each.worker))


def next_few(worker: Worker, pause: Pause | None, now: datetime, number: int) -> tuple[Coming, ...]:
    """The next slots of one worker after `now` (UTC), at most so many; none unless it is active."""
    return tuple(islice(_after(worker, pause, now), number))


def _coming(worker: Worker, at: datetime, pause: Pause | None) -> Coming:
    held = pause_in_force(pause, at)
    if held is not None:
        note = f"paused by {held.by}" + (f": {held.reason}" if held.reason else "")
    else:
        note = clock_change_note(worker.schedule, at) or ""
    return Coming(worker=worker.id, agent=worker.agent, slot=at, note=note, paused=held is not None)


def _after(worker: Worker, pause: Pause | None, now: datetime) -> Iterator[Coming]:
    at = next_instant(worker.schedule, now) if worker.status is Status.ACTIVE else None
    while at is not None:
        yield _coming(worker, at, pause)
        at = next_instant(worker.schedule, at)
