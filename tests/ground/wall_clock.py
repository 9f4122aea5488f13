"""When a schedule comes due, found by watching the clock on the wall minute by minute: an oracle.

It shares nothing with Loom but the two policies' names: it reads the five fields itself, and of the time it
knows only what `zoneinfo` says the wall shows at each minute of UTC. What it holds to be right is the
design's "Debian cron" and the README's "Clock changes":

- A wall-clock minute that is named and is shown once is a slot.
- One that is shown twice (a *fold*) is a slot the first time, the second time, or both times.
- Minutes that the wall never shows (a *gap*) are, if named: one slot as the wall goes on, however many they
  are (`transition`); each a slot as long after the wall went on as it lies in the gap (`shift`: 02:30
  becomes 03:30); or none (`skip`). Debian's cron does so for changes below three hours. Loom draws no line:
  who sleeps through a whole day, as Apia did, still has that day's work done.
- If the minute or the hour field starts with ``*``, the schedule goes by elapsed time, as Vixie's cron tells
  such jobs: what the wall never shows doesn't come, what it shows twice comes twice.
- A day is named by both of its fields if either of them starts with ``*``, else by either (Vixie's rule).
- Slots are a set: two that fall on one minute are one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_DAY_OF_EPOCH = date(1970, 1, 1).toordinal()
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True)
class Crontab:
    """Five fields as sets of numbers. both_days: a day must be named by both of its fields."""

    times: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool
    elapsed: bool

    @classmethod
    def read(cls, text: str) -> "Crontab":
        minute, hour, day, month, weekday = _NAMED.get(text, text).lower().split()
        hours, minutes = _numbers(hour, 0, 23), _numbers(minute, 0, 59)
        return cls(
            times=frozenset(each * 60 + other for each in hours for other in minutes),
            days=frozenset(_numbers(day, 1, 31)),
            months=frozenset(_numbers(month, 1, 12, _MONTHS)),
            weekdays=frozenset(number % 7 for number in _numbers(weekday, 0, 7, _WEEKDAYS)),
            both_days=day[0] == "*" or weekday[0] == "*",
            elapsed=minute[0] == "*" or hour[0] == "*",
        )

    def names_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_day and by_weekday) if self.both_days else (by_day or by_weekday)


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = (str(low), "", str(high)) if span == "*" else span.partition("-")
        ends = [low + names.index(end) if end in names else int(end) for end in (first, last or first)]
        found.update(range(ends[0], ends[1] + 1, int(step or 1)))
    return found


class WatchedClock:
    """The wall clock of one zone, watched from `start` to `end` (UTC, whole minutes), both included.

    Slots are told only for the middle: `margin` at both ends is watched for what it shows of the rest, as a
    minute seen a second time or a gap that began.
    """

    def __init__(self, zone: str, start: datetime, end: datetime, margin: timedelta) -> None:
        self.zone, self.start, self.end = zone, start, end
        info, count = ZoneInfo(zone), (end - start + 2 * margin) // MINUTE + 1
        self._utc = [start - margin + MINUTE * number for number in range(count)]
        self._wall = [_minute_shown(at.astimezone(info)) for at in self._utc]
        self._first, self._last = margin // MINUTE, (margin + end - start) // MINUTE
        self._named_days: dict[tuple[object, ...], dict[int, bool]] = {}

    @cached_property
    def _by_time(self) -> Mapping[int, list[int]]:
        """Places by the minute of the day that the wall shows there."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, shown in enumerate(self._wall):
            found[shown % 1440].append(place)
        return found

    @cached_property
    def _seen_before(self) -> frozenset[int]:
        """Places of minutes that the wall has shown already."""
        return frozenset(_seen_again(enumerate(self._wall)))

    @cached_property
    def _seen_later(self) -> frozenset[int]:
        return frozenset(_seen_again(reversed(list(enumerate(self._wall)))))

    @cached_property
    def _jumps(self) -> list[tuple[int, range]]:
        """Where the wall went on after minutes that it never showed, and these."""
        steps = enumerate(zip(self._wall, self._wall[1:], strict=False), 1)
        return [(place, range(before + 1, after)) for place, (before, after) in steps if after > before + 1]

    def watch_for(self, text: str) -> "Sightings":
        """What the wall shows of the crontab line `text`, to be read under any policy."""
        crontab = Crontab.read(text)
        times, days = crontab.times, self._days(crontab)

        def named(minutes: Iterable[int]) -> list[int]:
            return [
                place for place, shown in enumerate(minutes) if shown % 1440 in times and days[shown // 1440]
            ]

        shown = frozenset(
            place
            for time in times & self._by_time.keys()
            for place in self._by_time[time]
            if days[self._wall[place] // 1440]
        )
        if crontab.elapsed:
            return Sightings(self, shown, shown, shown, frozenset(), frozenset())
        left_out = [(place, number) for place, minutes in self._jumps for number in named(minutes)]
        return Sightings(
            self,
            first=shown - self._seen_before,
            second=shown - self._seen_later,
            both=shown,
            transition=frozenset(place for place, _ in left_out),
            shift=frozenset(place + number for place, number in left_out),
        )

    def within(self, places: Iterable[int]) -> list[datetime]:
        """The instants of those places that lie from `start` to `end`, ascending."""
        return [self._utc[place] for place in sorted(places) if self._first <= place <= self._last]

    def _days(self, crontab: Crontab) -> dict[int, bool]:
        key = (crontab.days, crontab.months, crontab.weekdays, crontab.both_days)
        if key not in self._named_days:
            self._named_days[key] = {
                day: crontab.names_day(date.fromordinal(day + _DAY_OF_EPOCH))
                for day in range(self._wall[0] // 1440 - 2, self._wall[-1] // 1440 + 3)
            }
        return self._named_days[key]


@dataclass(frozen=True)
class Sightings:
    """Places of a `clock` at which a schedule comes due: for each policy of a fold those that the wall
    shows, and for each policy of a gap those that stand for what it never shows."""

    clock: WatchedClock
    first: frozenset[int]
    second: frozenset[int]
    both: frozenset[int]
    transition: frozenset[int]
    shift: frozenset[int]

    def slots(self, gap: str, fold: str) -> list[datetime]:
        """The instants in [start, end] of the clock at which it comes due, ascending, in UTC."""
        stands_in = {"transition": self.transition, "shift": self.shift, "skip": frozenset[int]()}[gap]
        shown = {"first": self.first, "second": self.second, "both": self.both}[fold]
        return self.clock.within(shown | stands_in)


def _minute_shown(at: datetime) -> int:
    """Minutes of the wall since its 1 January 1970, whatever the zone."""
    return (at.toordinal() - _DAY_OF_EPOCH) * 1440 + at.hour * 60 + at.minute


def _seen_again(places: Iterable[tuple[int, int]]) -> Iterator[int]:
    seen: set[int] = set()
    for place, shown in places:
        if shown in seen:
            yield place
        seen.add(shown)


def changes_between(zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The minutes (UTC) in [start, end) at which the wall goes on otherwise than by one minute.

    Found by a look every six hours; a test of the zone database holds that no two changes lie closer.
    """
    info, look, found = ZoneInfo(zone), timedelta(hours=6), []
    at, here = start, start.astimezone(info).utcoffset()
    while at < end:
        ahead = at + look
        there = ahead.astimezone(info).utcoffset()
        if there != here:
            same, other = at, ahead
            while other - same > MINUTE:
                middle = same + (other - same) // MINUTE // 2 * MINUTE
                same, other = (
                    (middle, other) if middle.astimezone(info).utcoffset() == here else (same, middle)
                )
            found.append(other)
        at, here = ahead, there
    return [change.astimezone(UTC) for change in found if change < end]
