"""What the ledger and the registry say at one moment, from which it is read what isn't as it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from loom.domain.board import Board
from loom.domain.registry import Registry
from loom.domain.worker import Worker
from loom.ports import Ledger, Snapshot
from loom.slots.calendar import due, previous_instant

LATE_TICKS: Final = 3
"""So many expected ticks may fail to come, one after the other, before somebody is needed: a trigger that
drops one or two is caught up with by itself."""

REGISTRY, ENFORCEMENT, CLOCK = "loom:registry", "loom:enforcement", "loom:clock"
"""The subjects of the episodes that are no single worker's."""

_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What the needs are read from, all as of `now` (UTC).

    settled: slots up to here should have been decided; the ticks for later ones may be on their way.
    undecided: by worker, the slots up to `settled` of which there is no record.
    """

    now: datetime
    registry: Registry
    ledger: Ledger
    snapshot: Snapshot
    board: Board
    settled: datetime
    undecided: Mapping[str, Sequence[datetime]]


def settled_until(registry: Registry, now: datetime) -> datetime:
    """Up to which instant (UTC) slots should have been decided, had at most `LATE_TICKS` - 1 ticks failed."""
    at = now
    for _ in range(LATE_TICKS):
        at = (previous_instant(registry.ticks_expected, at) or at) - _INSTANT
    return at


def undecided(worker: Worker, mark: datetime | None, until: datetime) -> Sequence[datetime]:
    """The slots of `worker` that came up to `until` and of which there is no record. A worker that no tick
    has met yet has none."""
    return due(worker, mark, until) if mark is not None else ()
