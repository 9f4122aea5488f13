"""Newly due slots by the thousand, decided at once."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

from loom.domain.pause import Pause
from loom.domain.schedule import CatchUpPolicy
from loom.domain.worker import Worker
from loom.slots.calendar import catch_up_within, hour_start
from loom.slots.decision import Ended, Stretch
from loom.slots.owed import Owed


def over_alike(
    worker: Worker,
    fresh: list[datetime],
    now: datetime,
    paused: Pause | None,
    end_of: Callable[[Owed], Ended | None],
) -> tuple[list[Stretch], list[datetime]]:
    """The newly due slots that will not be started, by their ends; and those that may.

    They are cut where a pause or the reach of catch-up begins or ends, and between two cuts the first slot
    speaks for all: the time since the last tick may hold tens of thousands.
    """
    limits = [now - catch_up_within(worker)]
    if worker.catch_up.policy is CatchUpPolicy.NONE:
        limits.append(hour_start(now, worker.schedule.zone))
    if paused is not None and paused.until is not None:
        limits += [paused.at, paused.until]
    if paused is not None:
        limits += [end for span in paused.earlier for end in (span.since, span.until)]
    cuts = sorted({0, len(fresh), *(bisect_left(fresh, at) for at in limits)})
    over: list[Stretch] = []
    left: list[datetime] = []
    for begin, stop in pairwise(cuts):
        end = end_of(Owed(fresh[begin]))
        if end is None:
            left += fresh[begin:stop]
        else:
            over.append(Stretch(fresh[begin:stop], end.outcome, end.reason))
    return over, left
