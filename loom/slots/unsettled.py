"""Slots that came due and that no tick has decided: how many, and whether they may still run."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loom.domain.schedule import CatchUpPolicy
from loom.domain.worker import Worker
from loom.slots.calendar import catch_up_within, hour_start, instants


def too_old_to_run(worker: Worker, slot: datetime, now: datetime) -> bool:
    """Whether a tick at `now` (UTC) would record `slot`, which no tick has decided, as missed."""
    if worker.catch_up.policy is CatchUpPolicy.NONE and slot < hour_start(now, worker.schedule.zone):
        return True
    return slot + catch_up_within(worker) < now


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
