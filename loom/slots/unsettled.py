"""Slots that came due and that no tick has decided: how many, and whether they may still run."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loom.domain.worker import Worker
from loom.slots.calendar import instants


def undecided_in(
    workers: Sequence[Worker], marks: Mapping[str, datetime], since: datetime, until: datetime
) -> int:
    """How many slots of `workers` in (since, until] come after their marks. One without a mark has none."""
    return sum(
        1
        for worker in workers
        if worker.id in marks
        for _ in instants(worker.schedule, max(marks[worker.id], since), until)
    )
