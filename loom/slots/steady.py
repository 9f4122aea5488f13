"""What cron fields name on a steady clock: one that is always the same distance from UTC."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from loom.domain.cron import CronFields

_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def steady(fields: CronFields, offset: timedelta, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants in [start, end), ascending, at which the clock shows a time that `fields` name.

    offset: how far the clock is ahead of UTC. start, end: aware, in UTC. A sparse schedule costs a step per
    month, a dense one little more than its instants.
    """
    if start >= end:
        return
    times = _times_of_day(fields.minutes, fields.hours)
    first, last = start + offset, end + offset
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        if month in fields.months:
            days = _days_of_month(
                fields.days,
                fields.weekdays,
                fields.either_day,
                date(year, month, 1).isoweekday() % 7,
                _length(year, month),
            )
            low = bisect_left(days, first.day) if (year, month) == (first.year, first.month) else 0
            high = bisect_right(days, last.day) if (year, month) == (last.year, last.month) else len(days)
            for day in days[low:high]:
                midnight = datetime(year, month, day, tzinfo=UTC) - offset
                begin, stop = bisect_left(times, start - midnight), bisect_left(times, end - midnight)
                yield from map(midnight.__add__, times[begin:stop])
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _length(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _MONTH_LENGTHS[month - 1] + leap


@lru_cache(maxsize=4096)
def _times_of_day(minutes: tuple[int, ...], hours: tuple[int, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes)


@lru_cache(maxsize=4096)
def _days_of_month(
    days: tuple[int, ...], weekdays: tuple[int, ...], either_day: bool, first_weekday: int, length: int
) -> tuple[int, ...]:
    """first_weekday: that of the month's first day, 0 is Sunday. length: the month's days."""
    return tuple(
        day
        for day in range(1, length + 1)
        for by_day, by_weekday in [(day in days, (first_weekday + day - 1) % 7 in weekdays)]
        if (by_day or by_weekday if either_day else by_day and by_weekday)
    )
