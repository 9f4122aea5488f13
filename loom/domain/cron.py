"""Cron text -> the minutes, hours and days it names. The only door through which croniter enters.

croniter turns the fields into numbers; what may stand in them is decided here first, because a schedule
must mean the same to whoever reads it as it would in a crontab. croniter also reads dialects that Debian
cron doesn't know (L, #, W, ?, random, hashed), reads `5-5` as every value there is, and lets a range run
backwards; cron engines disagree on `5/15`.
"""

import sys
from functools import cache, lru_cache
from typing import Any

from loom.values import dataclass

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class CronError(ValueError):
    """Cron text that can't be read, or that names no day that will ever come."""


@dataclass(frozen=True, slots=True)
class CronFields:
    """What a cron expression says, each field as the sorted numbers it names.

    weekdays: 0 is Sunday, 6 is Saturday.
    either_day: True when a day matches if its day of month OR its weekday matches; False when both
        must. Vixie's rule: OR only if neither day field starts with ``*``.
    elapsed: True when the minute or hour field starts with ``*``: such a schedule follows elapsed time
        through a clock change, whatever its `dst` policy says.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool
    elapsed: bool


@dataclass(frozen=True, slots=True)
class _Field:
    """low, high: the smallest and largest number it takes. names: those of its numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def full(self) -> range:
        """Every number it can name, once; 7 is the same weekday as 0."""
        return range(7) if self.name == "day of week" else range(self.low, self.high + 1)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field(
        "month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    ),
    _Field("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


@lru_cache(maxsize=16384)
def parse_cron(text: str) -> CronFields:
    """Read five cron fields or a nickname such as ``@daily``.

    Raises CronError with what was expected, what was found, and what to write instead.
    """
    expression = text.strip().lower()
    if expression.startswith("@"):
        if expression not in _NICKNAMES:
            raise CronError(f"unknown nickname {text!r}; expected one of {', '.join(_NICKNAMES)}")
        expression = _NICKNAMES[expression]
    parts = expression.split()
    if len(parts) != 5:
        raise CronError(
            f"expected five fields, got {_count(len(parts))} ({text!r}); "
            "write minute, hour, day of month, month, day of week, such as '0 6 * * *'"
        )
    minutes, hours, days, months, weekdays = (_numbers(place, part) for place, part in enumerate(parts))
    fields = CronFields(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        either_day=not (parts[2].startswith("*") or parts[4].startswith("*")),
        elapsed=parts[0].startswith("*") or parts[1].startswith("*"),
    )
    if not fields.either_day and not any(days[0] <= _LONGEST_MONTH.get(month, 31) for month in months):
        raise CronError(
            f"{text!r} can never fire: no month it names has a day {days[0]}; name a day that comes"
        )
    return fields


@lru_cache(maxsize=4096)
def _numbers(place: int, part: str) -> tuple[int, ...]:
    """The numbers that one field names. Cached by itself: thousands of schedules share a few fields."""
    library = _croniter()
    field = _FIELDS[place]
    expression = ["*"] * len(_FIELDS)
    expression[place] = _plain(field, part)
    try:
        values = library.croniter.expand(" ".join(expression))[0][place]
    except (library.CroniterError, ValueError, KeyError, TypeError) as error:
        raise CronError(f"the {field.name} field {part!r} isn't cron text: {error}") from None
    return tuple(field.full if "*" in values else sorted({int(value) for value in values}))


@cache
def _croniter() -> Any:
    """The library, imported here because a run's own process reads schedules that were read before, and
    starts without it.

    As it is imported it asks `platform.architecture` how wide a pointer is, which starts a program for that,
    the first one in PATH by the name of `file`. So it is answered here meanwhile; a process reads its first
    schedule in its main thread, before there is another that might ask.
    """
    import platform

    asked = platform.architecture
    try:
        platform.architecture = lambda *_, **__: ("64bit" if sys.maxsize > 2**32 else "32bit", "")
        import croniter
    finally:
        platform.architecture = asked
    return croniter


def _plain(field: _Field, part: str) -> str:
    """The field in numbers that every engine reads alike. Raises CronError for what isn't plain cron."""
    return ",".join(_plain_item(field, item) for item in part.split(","))


def _plain_item(field: _Field, item: str) -> str:
    base, slash, step_text = item.partition("/")
    low_text, dash, high_text = base.partition("-")
    numbers = [low_text, high_text] if dash else [low_text]
    plain = base == "*" or all(text.isalnum() and text.isascii() for text in numbers)
    if not plain or (slash and not (step_text.isdigit() and step_text.isascii())):
        raise CronError(
            f"the {field.name} field can't read {item!r}; "
            "write numbers, month or weekday names, '*', ranges 'a-b', lists 'a,b' and steps '*/n'"
        )
    step = _step(field, item, step_text) if slash else ""
    if base == "*":
        return f"*{step}"
    low = _number(field, low_text)
    if not dash and step:
        raise CronError(
            f"cron engines disagree on {item!r} in the {field.name} field; "
            f"write the range as well: '{low}-{field.full[-1]}{step}'"
        )
    high = _number(field, high_text) if dash else low
    if high < low:
        parts = [_range(low, field.full[-1]), _range(field.low, high)]
        raise CronError(
            f"the range {item!r} in the {field.name} field runs backwards; "
            f"write its parts: '{','.join(filter(None, parts))}'"
        )
    return _range(low, high) if low == high else f"{_range(low, high)}{step}"


def _number(field: _Field, text: str) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    if text.isdigit() and len(text) <= 2 and field.low <= int(text) <= field.high:
        return int(text)
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    raise CronError(f"the {field.name} field takes {field.low} to {field.high}{names}, not {text!r}")


def _range(low: int, high: int) -> str:
    if low >= high:
        return str(low) if low == high else ""
    return f"{low}-{high}"


def _step(field: _Field, item: str, text: str) -> str:
    most = len(field.full)
    if len(text) > 2 or not 1 <= int(text) <= most:
        raise CronError(
            f"the step in {item!r} doesn't fit the {field.name} field; write a number from 1 to {most}"
        )
    return f"/{int(text)}"


def _count(number: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven")
    return words[number] if number < len(words) else str(number)
