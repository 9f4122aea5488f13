"""Did the clock that wakes Loom keep to its time? Ticks as they came, held against the expected ones."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from loom.domain.schedule import Schedule
from loom.domain.trigger import CLOCK_TRIGGERS, EARLY, LATE_TICKS, TriggerHealth, TriggerSpan
from loom.ports import Ledger
from loom.slots.calendar import instants, previous_instant

# A tick this late is no longer taken for the one that was expected. Of the published delays of scheduled
# events on GitHub Actions the longest is 12 h 41 min.
_LATEST = timedelta(hours=24)
_DAY, _WEEK = 24, 7 * 24  # hours
# Further back than any span shown, to tell a clock that was silent for a week from one just set up.
_LOOKS_BACK = timedelta(days=35)
_INSTANT = timedelta(microseconds=1)


def expected_at(schedule: Schedule, at: datetime) -> datetime | None:
    """The instant (UTC) for which a tick that came at `at` was expected: the newest that had come by then."""
    return previous_instant(schedule, at + EARLY)


def trigger_health(schedule: Schedule, ledger: Ledger, *, now: datetime) -> TriggerHealth:
    """How the ticks in `ledger` stand against `schedule`, as of `now` (UTC). Only those that a clock brought
    count; all are held against today's schedule, whatever was expected when they came."""
    week_ago = now - timedelta(hours=_WEEK)
    came = ledger.tick_times(triggers=CLOCK_TRIGGERS, since=week_ago - EARLY, until=now)[::-1]
    before = ledger.tick_times(triggers=CLOCK_TRIGGERS, until=week_ago - EARLY - _INSTANT, limit=1)
    last = came[-1] if came else next(iter(before), None)
    # Of the ticks before the week it matters only whether there were any.
    came = [*(at for at in before if at >= now - _LOOKS_BACK), *came]
    delays = lateness(schedule, came, now=now, since=week_ago)
    day, week = (_span(hours, came, delays, now) for hours in (_DAY, _WEEK))
    silent = (now - last).total_seconds() if last is not None and not came else None
    return TriggerHealth(
        cron=schedule.cron,
        zone=schedule.zone,
        day=day,
        week=week,
        silent_s=silent,
        last=last,
        lost=_lost(schedule, last, now) if last is not None else 0,
        settled=settled_until(schedule, now),
    )


def settled_until(schedule: Schedule, now: datetime) -> datetime:
    """Up to which instant (UTC) slots should have been decided, had at most `LATE_TICKS` - 1 ticks failed."""
    at = now
    for _ in range(LATE_TICKS):
        at = (previous_instant(schedule, at) or at) - _INSTANT
    return at


def _lost(schedule: Schedule, last: datetime, now: datetime) -> int:
    came_due = sum(1 for _ in instants(schedule, last + EARLY, now))
    return max(came_due - 1, 0)  # the newest tick may still be on its way


def lateness(
    schedule: Schedule, came: Sequence[datetime], *, now: datetime, since: datetime | None = None
) -> Mapping[datetime, timedelta | None]:
    """How late the tick for each expected instant came, from the first tick on; None if none came.

    since: only for the instants after this one, whose ticks came at most `EARLY` before it.
    came: when ticks came, ascending. Each one stands for the newest instant at or before it that no earlier
    tick stands for: so a dropped tick doesn't make all later ones look late, and two that were held up and
    come together stand for two instants. A tick left over, or a day late, stands for nothing.
    """
    if not came:
        return {}
    start = (expected_at(schedule, came[0]) or came[0]) - _INSTANT
    start = start if since is None else max(start, since)
    delays: dict[datetime, timedelta | None] = dict.fromkeys(instants(schedule, start, now + EARLY))
    expected, passed, waiting = list(delays), 0, list[datetime]()
    for tick in came:
        while passed < len(expected) and expected[passed] <= tick + EARLY:
            waiting.append(expected[passed])
            passed += 1
        if waiting and waiting[-1] >= tick - _LATEST:
            at = waiting.pop()
            delays[at] = max(tick - at, timedelta())
    return {at: late for at, late in delays.items() if at <= now or late is not None}


def _span(
    hours: int, came: Sequence[datetime], delays: Mapping[datetime, timedelta | None], now: datetime
) -> TriggerSpan:
    start = now - timedelta(hours=hours)
    expected = [at for at in delays if at > start]
    if expected and delays[expected[-1]] is None:
        expected.pop()  # its tick may still be on its way
    late = sorted(each.total_seconds() for at in expected if (each := delays[at]) is not None)
    gaps: list[float] = []
    if came:
        seen = [max(start, came[0]), *(at for at in came if at > start), now]
        gaps = [(after - before).total_seconds() for before, after in pairwise(seen)]
    return TriggerSpan(
        hours=hours,
        expected=len(expected),
        received=len(late),
        lateness_median_s=quantile(late, 0.5),
        lateness_p95_s=quantile(late, 0.95),
        longest_gap_s=max(gaps, default=None),
    )


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of the values lie, read off the straight line between the two
    nearest ones (Hyndman and Fan's type 7, as in `statistics.quantiles(method="inclusive")`)."""
    if not ascending:
        return None
    whole, part = divmod((len(ascending) - 1) * share, 1)
    low, high = ascending[int(whole)], ascending[min(int(whole) + 1, len(ascending) - 1)]
    return low + (high - low) * part
