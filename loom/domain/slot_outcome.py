"""What became of a slot, in short."""

from datetime import datetime

from loom.domain.run import Outcome
from loom.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOutcome:
    """Of one `Run` of scheduled slots only what became of them: read without its output and its log.

    first, last, count: the slot, or the range of adjacent ones that share the outcome, UTC.
    final, on_time, tick_at: as in `Run`. started: whether the worker's code was begun.
    """

    worker: str
    run_id: str
    first: datetime
    last: datetime
    count: int
    outcome: Outcome
    final: bool
    on_time: bool
    started: bool
    tick_at: datetime
