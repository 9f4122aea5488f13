"""A schedule as a person would say it: ``every day at 06:00``."""

from collections.abc import Sequence

from loom.domain.cron import CronFields

_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_MOST_TIMES = 4
_DAY, _HOUR = 24, 60


def schedule_in_words(fields: CronFields) -> str:
    """When it comes due, in words; empty for a schedule that its cron text says better."""
    times, days = _times(fields), _days(fields)
    if not times or not days:
        return ""
    if len(fields.hours) == _DAY:
        return times if days == "every day" else f"{times}, {_on(days)}"
    return f"{days} at {times}"


def _on(days: str) -> str:
    return days if days.startswith("on ") else f"on {days}"


def _times(fields: CronFields) -> str:
    minutes, hours = fields.minutes, fields.hours
    if len(hours) == _DAY:
        if len(minutes) == _HOUR:
            return "every minute"
        step = _HOUR // len(minutes)
        if len(minutes) > 1 and minutes == tuple(range(0, _HOUR, step)):
            return f"every {step} minutes"
        if len(minutes) <= _MOST_TIMES:
            return f"every hour at {_listed([f':{minute:02}' for minute in minutes])}"
        return ""
    if len(minutes) * len(hours) > _MOST_TIMES:
        return ""
    return _listed([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])


def _days(fields: CronFields) -> str:
    every_day, every_weekday = len(fields.days) == 31, len(fields.weekdays) == 7
    if len(fields.months) != 12:
        return ""
    if every_day and every_weekday:
        return "every day"
    if every_day and not fields.either_day:
        return _weekdays(fields.weekdays)
    if every_weekday and not fields.either_day and len(fields.days) <= _MOST_TIMES:
        return f"on day {_listed([str(day) for day in fields.days])} of each month"
    return ""


def _weekdays(weekdays: Sequence[int]) -> str:
    """Weeks begin on Monday: 0, Sunday, comes last."""
    days = sorted(weekdays, key=lambda day: day or 7)
    if len(days) > 2 and [day or 7 for day in days] == list(range(days[0], days[0] + len(days))):
        return f"{_WEEKDAYS[days[0]]} to {_WEEKDAYS[days[-1]]}"
    return f"every {_listed([_WEEKDAYS[day] for day in days])}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
