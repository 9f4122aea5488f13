"""A second reading of schedules, minute by minute: slow, short, and without a line of Loom's."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def slots(cron: str, zone: str, gap: str, fold: str, after: datetime, until: datetime) -> list[datetime]:
    """The instants (UTC) in (after, until] at which a daily or denser `cron` comes due, ascending."""
    found: list[datetime] = []
    day = after.date()
    while day <= until.date():
        found += [at for at in _of_day(cron, zone, gap, fold, day) if after < at <= until]
        day += timedelta(days=1)
    return found


def hour_start(now: datetime, zone: str) -> datetime:
    """When the hour began that the clock of `zone` shows. For zones that change on the hour."""
    shown = now.astimezone(ZoneInfo(zone))
    return now - timedelta(minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)


@lru_cache(maxsize=100_000)
def _of_day(cron: str, zone: str, gap: str, fold: str, day: date) -> tuple[datetime, ...]:
    """day: in UTC."""
    minute, hour = cron.split()[:2]
    elapsed = minute.startswith("*") or hour.startswith("*")
    if elapsed:
        gap, fold = "skip", "both"
    tz = ZoneInfo(zone)
    minutes = {number for number in range(60) if _names(minute, number)}
    hours = {number for number in range(24) if _names(hour, number)}
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = (start - MINUTE).astimezone(tz)
    due: set[datetime] = set()
    for number in range(24 * 60):
        at = start + number * MINUTE
        shown = at.astimezone(tz)
        if shown.minute in minutes and shown.hour in hours and _this_pass(shown, fold):
            due.add(at)
        # Whatever wall-clock minutes lie between the one before and this one were left out.
        wall = before.replace(tzinfo=None) + MINUTE
        for passed in range(max(0, (shown.replace(tzinfo=None) - wall) // MINUTE)):
            left_out = wall + passed * MINUTE
            if gap != "skip" and left_out.minute in minutes and left_out.hour in hours:
                due.add(at if gap == "transition" else at + passed * MINUTE)
        before = shown
    return tuple(sorted(due))


def _this_pass(shown: datetime, fold: str) -> bool:
    """Whether a time that may come twice counts on this pass."""
    twice = shown.utcoffset() != shown.replace(fold=1 - shown.fold).utcoffset()
    return not twice or fold == "both" or shown.fold == (fold == "second")


def _names(field: str, value: int) -> bool:
    for part in field.split(","):
        text, _, step = part.partition("/")
        low, _, high = text.partition("-")
        first, last = (0, 59) if text == "*" else (int(low), int(high or low))
        if first <= value <= last and (value - first) % int(step or 1) == 0:
            return True
    return False
