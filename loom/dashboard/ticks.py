"""How late the ticks of the last days came, one by one and day by day."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median
from zoneinfo import ZoneInfo

from loom.domain.dashboard import TickDay
from loom.domain.schedule import Schedule
from loom.domain.trigger import CLOCK_TRIGGERS
from loom.ports import Ledger
from loom.slots.trigger import lateness

TICK_DAYS = 14
_MOST_SHOWN = 2_000

Late = tuple[tuple[datetime, float | None], ...]


def lateness_of(schedule: Schedule, ledger: Ledger, *, now: datetime) -> Late:
    """For each tick expected in the last days, at most 2,000: the seconds that it was late, None if never."""
    # One day more, so that a tick which came late for an instant before isn't taken for another one's.
    since = now - timedelta(days=TICK_DAYS + 1)
    came = ledger.tick_times(triggers=CLOCK_TRIGGERS, since=since, until=now)[::-1]
    begin = now - timedelta(days=TICK_DAYS)
    found = [
        (at, None if late is None else late.total_seconds())
        for at, late in lateness(schedule, came, now=now).items()
        if at >= begin
    ]
    if found and found[-1][1] is None:
        found.pop()  # its tick may still be on its way
    return tuple(found[-_MOST_SHOWN:])


def tick_days(late: Sequence[tuple[datetime, float | None]], zone: str) -> tuple[TickDay, ...]:
    """One for each day of `zone` on which ticks were expected, newest first."""
    return tuple(_by_day(late, ZoneInfo(zone)))[::-1]


def _by_day(late: Sequence[tuple[datetime, float | None]], zone: ZoneInfo) -> Iterator[TickDay]:
    for day, group in groupby(late, key=lambda each: each[0].astimezone(zone).date()):
        delays = [seconds for _, seconds in group]
        came = [seconds for seconds in delays if seconds is not None]
        yield TickDay(
            day=day,
            expected=len(delays),
            came=len(came),
            lateness_median_s=median(came) if came else None,
            lateness_max_s=max(came, default=None),
        )
