"""Cron text -> the minutes, hours and days it names. The only door through which croniter enters."""

import re
from dataclasses import dataclass
from functools import lru_cache

from croniter import CroniterError, croniter

_NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_FIELD_NAMES = ("minute", "hour", "day of month", "month", "day of week")
_FULL_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
# croniter reads dialects (L, #, W, ?, random, hashed) that Debian cron doesn't know; a schedule must
# mean the same to whoever reads it as it would in a crontab.
_STANDARD_FIELD = re.compile(r"[0-9a-z*,/-]+", re.IGNORECASE)
_NAMES = re.compile(
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat", re.IGNORECASE
)


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


@lru_cache(maxsize=16384)
def parse_cron(text: str) -> CronFields:
    """Read five cron fields or a nickname such as ``@daily``.

    Raises CronError with what was expected, what was found, and what to write instead.
    """
    expression = text.strip()
    if expression.startswith("@"):
        if expression.lower() not in _NICKNAMES:
            raise CronError(f"unknown nickname {text!r}; expected one of {', '.join(_NICKNAMES)}")
        expression = " ".join(_expand_nickname(expression.lower()))
    parts = expression.split()
    if len(parts) != 5:
        raise CronError(
            f"expected five fields, got {_count(len(parts))} ({text!r}); "
            "write minute, hour, day of month, month, day of week, such as '0 6 * * *'"
        )
    for name, part in zip(_FIELD_NAMES, parts, strict=True):
        if not _STANDARD_FIELD.fullmatch(part) or re.search("[a-z]", _NAMES.sub("", part.lower())):
            raise CronError(
                f"the {name} field {part!r} isn't plain cron; "
                "write numbers, month or weekday names, '*', ranges 'a-b', lists 'a,b' and steps '*/n'"
            )
    try:
        expanded, _ = croniter.expand(expression)
    except (CroniterError, ValueError, KeyError, TypeError) as error:
        raise CronError(f"{text!r} isn't cron text: {error}") from None
    numbers = [
        tuple(full) if values == ["*"] else tuple(sorted({int(value) for value in values}))
        for values, full in zip(expanded, _FULL_RANGES, strict=True)
    ]
    minutes, hours, days, months, weekdays = numbers
    fields = CronFields(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % 7 for day in weekdays})),
        either_day=not (parts[2].startswith("*") or parts[4].startswith("*")),
        elapsed=parts[0].startswith("*") or parts[1].startswith("*"),
    )
    if not fields.either_day and not any(days[0] <= _LONGEST_MONTH.get(month, 31) for month in fields.months):
        raise CronError(f"{text!r} can never fire: no month it names has a day {days[0]}")
    return fields


def _expand_nickname(nickname: str) -> list[str]:
    return {
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
        "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    }[nickname].split()


def _count(number: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven")
    return words[number] if number < len(words) else str(number)
