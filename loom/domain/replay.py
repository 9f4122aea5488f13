"""Replay: what would have become of the slots, had ticks come at these times."""

from datetime import datetime

from loom.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TickTrace:
    """When ticks came, UTC, ascending. made: True for times worked out from a list of delays."""

    name: str
    ticks: tuple[datetime, ...]
    made: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReplay:
    """One worker's slots under one trace.

    due: all slots of the time replayed. run: those that Loom started; lateness_*_s: how long after their
        time. superseded: those for which a later one ran instead. missed: those that fell outside catch-up.
    by_hour: those that a runner would have run which starts what is scheduled in the hour on the clock.
    by_hour_lost: those it wouldn't, without the superseded ones. by_hour_again: how often it would have run
        an hour's slots once more, because a second tick came in that hour.
    """

    worker: str
    agent: str | None
    due: int
    run: int
    superseded: int
    missed: int
    lateness_median_s: float | None
    lateness_max_s: float | None
    by_hour: int
    by_hour_lost: int
    by_hour_again: int

    @property
    def lost(self) -> int:
        """Slots that neither ran nor gave way to a later one."""
        return self.due - self.run - self.superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One trace, replayed from `start` to `end` (UTC, both included); end: the last tick's time."""

    trace: TickTrace
    start: datetime
    end: datetime
    workers: tuple[WorkerReplay, ...]

    @property
    def due(self) -> int:
        return sum(each.due for each in self.workers)

    @property
    def lost(self) -> int:
        return sum(each.lost for each in self.workers)

    @property
    def by_hour_lost(self) -> int:
        return sum(each.by_hour_lost for each in self.workers)
