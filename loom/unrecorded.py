"""Slots that must have been decided, as the marks say, and of which the ledger holds no record: what damage
to a ledger may have taken. Reads, and never writes."""

from collections.abc import Iterator
from datetime import datetime

from loom.domain.record import RunQuery, Snapshot
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.ports import Ledger
from loom.slots.calendar import catch_up_within, instants
from loom.values import dataclass

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Adjacent slots of one worker: the first and the last (UTC), and how many."""

    worker: str
    first: datetime
    last: datetime
    count: int


def unrecorded(registry: Registry, ledger: Ledger) -> list[Unrecorded]:
    """Of each active worker, as far back from its mark as its catch-up reaches, and no further than its
    records do: before those it may not have been there."""
    snapshot = ledger.snapshot()
    return [
        each
        for worker in registry.workers
        if worker.status is Status.ACTIVE
        for each in _of(worker, snapshot, ledger)
    ]


def _of(worker: Worker, snapshot: Snapshot, ledger: Ledger) -> Iterator[Unrecorded]:
    mark = snapshot.marks.get(worker.id)
    if mark is None:
        return
    since = mark - catch_up_within(worker)
    runs = ledger.runs(RunQuery(worker=worker.id, since=since, limit=_ALL))
    if not ledger.runs(RunQuery(worker=worker.id, until=since, limit=1)):
        since = max([since, *(run.slot or run.tick_at for run in runs[-1:])])
    known = set(ledger.closed_slots(worker.id, after=since))
    known.update(t.slot for t in snapshot.tickets.values() if t.worker == worker.id and t.slot)
    known.update(run.slot for run in runs if run.slot)
    ranges = [(run.slot, run.slot_last) for run in runs if run.slot and run.slot_last]
    missing: list[datetime] = []
    for at in instants(worker.schedule, since, mark):
        if at not in known and not any(first <= at <= last for first, last in ranges):
            missing.append(at)
        elif missing:
            yield Unrecorded(worker.id, missing[0], missing[-1], len(missing))
            missing = []
    if missing:
        yield Unrecorded(worker.id, missing[0], missing[-1], len(missing))
