"""The clock changes of a zone: when its distance from UTC changes, found through zoneinfo's public face."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from loom.values import dataclass

# One day beyond which zoneinfo's arithmetic would overflow is kept clear at both ends of time.
EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

# No two changes of any zone in the IANA database lie closer than six days (a test reads them all), so
# that a look every five days sees every one of them.
_STEP = timedelta(days=5)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """at: the first instant (UTC) on the new offset. before, after: the zone's distance from UTC."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def size(self) -> timedelta:
        """Above zero: so much wall-clock time is left out. Below zero: so much of it comes twice."""
        return self.after - self.before


def changes(zone: str, start: datetime, end: datetime) -> Iterator[Change]:
    """The changes of `zone` in [start, end), ascending. Both ends aware, in UTC. Lazy, year by year."""
    for year in range(start.year, end.year + 1):
        for change in _year(zone, year)[1]:
            if start <= change.at < end:
                yield change


def offset(zone: str, at: datetime) -> timedelta:
    """The distance of `zone` from UTC at `at` (aware, UTC)."""
    found, in_year = _year(zone, at.year)
    for change in in_year:
        if change.at > at:
            break
        found = change.after
    return found


@lru_cache(maxsize=8192)
def _year(name: str, year: int) -> tuple[timedelta, tuple[Change, ...]]:
    """The offset as `year` (UTC) begins, and the changes from its first second to its last."""
    zone = ZoneInfo(name)
    at = max(datetime(year, 1, 1, tzinfo=UTC), EARLIEST) - _SECOND
    end = min(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC), LATEST)
    initial = current = _looked_up(zone, at)
    found: list[Change] = []
    while at < end:
        ahead = min(at + _STEP, end)
        if _looked_up(zone, ahead) == current:
            at = ahead
            continue
        at = _first_other(zone, at, ahead, current)
        found.append(Change(at, current, _looked_up(zone, at)))
        current = found[-1].after
    return initial, tuple(found)


def _first_other(zone: ZoneInfo, same: datetime, other: datetime, current: timedelta) -> datetime:
    """The first whole second after `same` on another offset than `current`; `other` is on one."""
    while other - same > _SECOND:
        middle = same + timedelta(seconds=(other - same) // _SECOND // 2)
        if _looked_up(zone, middle) == current:
            same = middle
        else:
            other = middle
    return other


def _looked_up(zone: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(zone).utcoffset()
    assert found is not None  # noqa: S101 - a ZoneInfo always knows its offset; this tells the type checker
    return found
