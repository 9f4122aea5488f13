"""What the ledger and the registry say at one moment, from which it is read what isn't as it should be."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loom.domain.board import Board
from loom.domain.record import Snapshot
from loom.domain.registry import Registry
from loom.domain.worker import Worker
from loom.ports import Ledger
from loom.slots.calendar import due
from loom.values import dataclass

REGISTRY, ENFORCEMENT, CLOCK = "loom:registry", "loom:enforcement", "loom:clock"
"""The subjects of the episodes that are no single worker's."""


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


def undecided(worker: Worker, mark: datetime | None, until: datetime) -> Sequence[datetime]:
    """The slots of `worker` that came up to `until` and of which there is no record. A worker that no tick
    has met yet has none."""
    return due(worker, mark, until) if mark is not None else ()
