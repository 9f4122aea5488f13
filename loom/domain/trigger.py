"""Trigger health: how well whoever wakes Loom keeps to its time."""

from datetime import datetime, timedelta

from loom.values import dataclass

EARLY = timedelta(seconds=30)
"""A tick that comes at most this much before its time is that tick: the clocks of machines differ."""

LATE_TICKS = 3
"""So many expected ticks may fail to come, one after the other, before somebody is needed: a trigger that
drops one or two is caught up with by itself."""

CLOCK_TRIGGERS = frozenset({"schedule", "repository_dispatch", "workflow_dispatch"})
"""The triggers of ticks that do whatever is due. Behind a dispatch stands an outside clock, or a person who
does a clock's work; what a person asks of single workers is ``manual``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSpan:
    """The ticks of the last `hours`.

    expected: how many instants have come, since the first tick that a clock ever brought, for which a tick
        was to come; without the newest while its tick may still be on its way.
    received: for how many of those one came.
    lateness_median_s, lateness_p95_s: of the ticks received; None without any.
    longest_gap_s: the longest time without a tick, the time since the last one included; None before the
        first one.
    """

    hours: int
    expected: int
    received: int
    lateness_median_s: float | None
    lateness_p95_s: float | None
    longest_gap_s: float | None

    @property
    def dropped(self) -> int:
        return self.expected - self.received


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerHealth:
    """cron, zone: when ticks are expected. day, week: the last 24 hours and the last 7 days.
    silent_s: how long the clock has been silent that brought ticks long before these; else None.
    last: when a clock last brought a tick, UTC; None if none ever did. lost: how many expected ones in a row
        haven't come since, without the newest, whose tick may still be on its way.
    settled: slots up to here (UTC) should have been decided, had all but `LATE_TICKS` ticks in a row come."""

    cron: str
    zone: str
    day: TriggerSpan
    week: TriggerSpan
    silent_s: float | None = None
    last: datetime | None = None
    lost: int = 0
    settled: datetime | None = None

    @property
    def dead(self) -> bool:
        """Whether a clock brought ticks, and somebody must look why it doesn't any more."""
        return self.lost >= LATE_TICKS
