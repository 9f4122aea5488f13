"""The days of a dashboard, and what became of the slots on each of them."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from loom.domain.dashboard import OPEN, DayOutcomes, Days, Offset
from loom.domain.schedule import Schedule
from loom.domain.slot_outcome import SlotOutcome
from loom.slots.calendar import between
from loom.slots.zones import changes

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def days_until(now: datetime, zone: str, count: int) -> Days:
    """The `count` days of `zone`, at least one, that end with the one `now` is in."""
    today = now.astimezone(ZoneInfo(zone)).date()
    first = today - (count - 1) * _DAY
    return Days(first, tuple(_begin(first + number * _DAY, zone) for number in range(count + 1)))


def _begin(day: date, zone: str) -> datetime:
    """The first instant of `day`; of a day that the zone leaves out, the first one after it."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def offsets(days: Days, zone: str) -> tuple[Offset, ...]:
    """How the clocks of `zone` stand over `days`, and a year on, for what is to come."""
    begin = days.starts[0]
    since = [begin, *(change.at for change in changes(zone, begin + _INSTANT, days.starts[-1] + 366 * _DAY))]
    found = []
    for at in since:
        shown = at.astimezone(ZoneInfo(zone))
        ahead = shown.utcoffset() or timedelta()
        found.append(Offset(at, round(ahead.total_seconds()), shown.tzname() or ""))
    return tuple(found)


def by_day(outcomes: Sequence[SlotOutcome], schedule: Schedule | None, days: Days) -> tuple[DayOutcomes, ...]:
    """For each of `days`, how many slots ended in which outcome; `outcomes` newest first, of one worker.

    A final record counts for every slot of its range. A slot without one counts as open, once, however often
    it was tried. Where `schedule`, as it is today, doesn't have the slots of a range that was recorded, or is
    None, they are laid out evenly.
    """
    counts: list[Counter[str]] = [Counter() for _ in range(days.count)]
    for each in outcomes:
        if each.final:
            _count(_slots(each, schedule), each.outcome.value, days.starts, counts)
    _count(sorted(_still_open(outcomes, schedule)), OPEN, days.starts, counts)
    return tuple(counts)


def _count(
    slots: Sequence[datetime], outcome: str, starts: Sequence[datetime], counts: Sequence[Counter[str]]
) -> None:
    """Adds to each day's `counts` how many of `slots`, in ascending order, are on it. A range has tens of
    thousands of slots and a few days: it is the days' borders that are looked for."""
    if not slots:
        return
    first = max(bisect_right(starts, slots[0]) - 1, 0)
    last = min(bisect_right(starts, slots[-1]), len(counts))
    before = bisect_left(slots, starts[first])
    for number in range(first, last):
        after = bisect_left(slots, starts[number + 1], before)
        if after > before:
            counts[number][outcome] += after - before
        before = after


def _slots(each: SlotOutcome, schedule: Schedule | None) -> Sequence[datetime]:
    """In ascending order."""
    if each.count == 1:
        return (each.first,)
    if schedule is not None:
        found = list(between(schedule, each.first, each.last))
        if len(found) == each.count and (found[0], found[-1]) == (each.first, each.last):
            return found
    length, steps = each.last - each.first, each.count - 1
    return [each.first + length * number // steps for number in range(each.count)]


def _still_open(outcomes: Sequence[SlotOutcome], schedule: Schedule | None) -> set[datetime]:
    """The slots that have been looked at and have no final outcome."""
    waiting = {at for each in outcomes if not each.final for at in _slots(each, schedule)}
    if not waiting:
        return waiting
    # Between the first and the last slot of a range there is none of another fate.
    ended = sorted((each.first, each.last) for each in outcomes if each.final)
    begins = [first for first, _ in ended]
    return {at for at in waiting if not _within(ended, bisect_right(begins, at) - 1, at)}


def _within(ended: Sequence[tuple[datetime, datetime]], number: int, at: datetime) -> bool:
    return number >= 0 and ended[number][1] >= at
