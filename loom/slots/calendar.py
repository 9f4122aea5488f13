"""A schedule -> the instants at which it comes due, clock changes included.

Between two clock changes a zone is a steady clock, and cron fields name its instants by plain arithmetic
in UTC. Only what a change leaves out or repeats needs a policy:

- A *gap* leaves wall-clock times out. `transition` puts all that it swallowed on the first instant after
  it, once; `shift` reads them on the old offset, so each comes as much later as the clock was advanced;
  `skip` drops them. The rule is the same for any gap, from Lord Howe's half hour to the whole day that
  Apia left out in 2011: a job of that day runs, once, as the next day begins.
- A *fold* repeats wall-clock times. `first` and `second` keep one of the two passes, `both` keeps both.
- A schedule whose minute or hour field starts with ``*`` follows elapsed time: gap `skip`, fold `both`.

Slots are a set of instants: times that fall on one instant are one slot.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

from loom.domain.schedule import Fold, Gap, Schedule
from loom.domain.worker import Worker
from loom.slots.steady import steady
from loom.slots.zones import EARLIEST, LATEST, Change, changes, offset

_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta()
# PEP 495 and the IANA database know no change above 24 hours.
_REACH = timedelta(hours=25)
# The rarest day that cron can name, a 29 February on one weekday, comes back after 40 years at most.
_HORIZON = timedelta(days=41 * 366)
# Far only for what is not near: UTC has no change to stop at, and is read year by year to the end of a look.
_LOOKS_AHEAD = (*map(timedelta, (2, 33, 400, 9 * 366)), _HORIZON)
_LOOKS_BACK = (timedelta(hours=1), *_LOOKS_AHEAD)


def instants(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every slot in the half-open span (after, until]: ascending, in UTC, none twice.

    Both ends are aware datetimes of any zone; a naive one raises ValueError. Years 2 to 9998 only.
    """
    start = min(max(to_utc(after), EARLIEST), LATEST) + _INSTANT
    end = min(to_utc(until), LATEST) + _INSTANT
    if start >= end:
        return iter(())
    near = changes(schedule.zone, start - _REACH, end + _REACH)
    first = next(near, None)
    if first is None:
        return steady(schedule.fields, offset(schedule.zone, start), start, end)
    return _around(schedule, first, near, start, end)


def next_instant(schedule: Schedule, after: datetime, *, before: datetime | None = None) -> datetime | None:
    """The first slot after `after`; None if there is none up to and including `before`.

    Without `before` it looks 41 years ahead, which is further than the rarest day that cron can name.
    """
    if before is not None:
        return next(instants(schedule, after, before), None)
    after = to_utc(after)
    for look in _LOOKS_AHEAD:
        until = after + min(look, max(LATEST - after, _NOTHING))
        found = next(instants(schedule, after, until), None)
        if found is not None:
            return found
    return None


def previous_instant(schedule: Schedule, at: datetime) -> datetime | None:
    """The last slot at or before `at`; None if there is none in the 41 years before it."""
    at = to_utc(at)
    for look in _LOOKS_BACK:
        last = deque(instants(schedule, at - min(look, max(at - EARLIEST, _NOTHING)), at), maxlen=1)
        if last:
            return last[0]
    return None


def between(schedule: Schedule, first: datetime, last: datetime) -> Iterator[datetime]:
    """Every slot in the closed span [first, last]; otherwise as `instants`."""
    return instants(schedule, max(to_utc(first), EARLIEST + _INSTANT) - _INSTANT, last)


def nearest(schedule: Schedule, at: datetime) -> tuple[datetime | None, datetime | None]:
    """The last slot at or before `at`, and the first one after it."""
    return previous_instant(schedule, at), next_instant(schedule, at)


def is_slot(schedule: Schedule, at: datetime) -> bool:
    """Whether `at` is an instant of the schedule, to the microsecond."""
    return next_instant(schedule, to_utc(at) - _INSTANT, before=at) is not None


def due(worker: Worker, mark: datetime, now: datetime) -> tuple[datetime, ...]:
    """The instants of `worker` that came due in (mark, now], ascending, in UTC."""
    return tuple(instants(worker.schedule, mark, now))


def first_mark(now: datetime, zone: str) -> datetime:
    """The mark of a worker seen for the first time: one microsecond before `hour_start`, in UTC."""
    return hour_start(now, zone) - _INSTANT


def hour_start(now: datetime, zone: str) -> datetime:
    """The instant (UTC) at which the hour that the clock of `zone` shows at `now` began.

    Counted in elapsed time, and never back over a clock change: the second 01:00 of a repeated hour
    starts an hour of its own, and after half an hour was left out at 02:00 the hour began at 02:30.
    """
    now = to_utc(now)
    shown = now + offset(zone, now)
    start = now - timedelta(minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)
    return max((change.at for change in changes(zone, start, now + _INSTANT)), default=start)


def period_over_a_day(schedule: Schedule) -> bool:
    """Whether some day passes without a slot: weekly and monthly schedules, and Monday to Friday too.

    A schedule that names every day is never silent for longer than 24 hours on the clock. One that leaves
    a day out is, and it is the longest silence that catch-up has to bridge.
    """
    fields = schedule.fields
    all_days, all_weekdays = len(fields.days) == 31, len(fields.weekdays) == 7
    every_day = (all_days or all_weekdays) if fields.either_day else (all_days and all_weekdays)
    return not (every_day and len(fields.months) == 12)


def catch_up_within(worker: Worker) -> timedelta:
    """How long after its instant a slot of `worker` may still run."""
    if worker.catch_up.within is not None:
        return worker.catch_up.within
    return timedelta(days=3) if period_over_a_day(worker.schedule) else timedelta(hours=24)


def policies(schedule: Schedule) -> tuple[Gap, Fold]:
    """What governs the clock changes of `schedule`: its own `dst`, unless it follows elapsed time."""
    if schedule.fields.elapsed:
        return Gap.SKIP, Fold.BOTH
    return schedule.dst.gap, schedule.dst.fold


def _around(
    schedule: Schedule, first: Change, later: Iterator[Change], start: datetime, end: datetime
) -> Iterator[datetime]:
    """The slots in [start, end), stretch by stretch between the changes that can touch it."""
    yield from _stretch(schedule, None, first, start, end)
    opened = first
    for closed in chain(later, (None,)):
        yield from _stretch(schedule, opened, closed, start, end)
        if closed is not None:
            opened = closed


def _stretch(
    schedule: Schedule, opened: Change | None, closed: Change | None, start: datetime, end: datetime
) -> Iterator[datetime]:
    """The slots in [start, end) on the steady clock that `opened` set and `closed` ends."""
    fields, (gap, fold) = schedule.fields, policies(schedule)
    low, high, put = start, end, set[datetime]()
    steady_offset = _NOTHING
    if closed is not None:
        steady_offset = closed.before
        repeated = max(-closed.size, _NOTHING)
        high = min(end, closed.at - repeated if fold is Fold.SECOND else closed.at)
    if opened is not None:
        steady_offset = opened.after
        repeated = max(-opened.size, _NOTHING)
        low = max(start, opened.at + repeated if fold is Fold.FIRST else opened.at)
        put = {at for at in _left_out(schedule, opened, gap) if start <= at < end}
    if put:
        # Shifted times mingle with those that the new offset names by itself, within the gap's length.
        mingled = min(high, max(low, max(put) + _INSTANT))
        yield from sorted(put.union(steady(fields, steady_offset, low, mingled)))
        low = mingled
    yield from steady(fields, steady_offset, low, high)


def _left_out(schedule: Schedule, change: Change, gap: Gap) -> Iterator[datetime]:
    """Where policy `gap` puts the times that `change` leaves out."""
    if change.size <= _NOTHING or gap is Gap.SKIP:
        return iter(())
    swallowed = steady(schedule.fields, change.before, change.at, change.at + change.size)
    if gap is Gap.SHIFT:
        return swallowed
    return iter(() if next(swallowed, None) is None else (change.at,))


def to_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive datetime, whose zone could only be guessed."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; slots are computed from aware datetimes only")
    return at.astimezone(UTC)
