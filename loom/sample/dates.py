"""The sample company's dates, moved to another week: the days that stand in its texts come later or earlier.

2026-06-15 and 2026-06-15T14:00:00Z · 20260615T140000Z · 15 June 2026 · Mon, 15 Jun 2026
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_SHORT = [name[:3] for name in _MONTHS]
_NUMBERS = {name: number for names in (_MONTHS, _SHORT) for number, name in enumerate(names, start=1)}
_DASHED = re.compile(r"(?<![\w-])(20\d\d)-(\d\d)-(\d\d)(?!\d)")
_COMPACT = re.compile(r"(?<![\w-])(20\d\d)(\d\d)(\d\d)(?=T\d{6}|\s)")
_WRITTEN = re.compile(rf"(\w\w\w, )?(?<!\w)(\d\d?) ({'|'.join([*_MONTHS, *_SHORT])}) (20\d\d)(?!\d)")


def moved(content: bytes, by: timedelta) -> bytes:
    """A file's content with its days moved. by: whole weeks, so that every day keeps its weekday.

    What isn't UTF-8 stays as it is, and so does a day that is in no calendar (31 June).
    """
    if not by:
        return content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    text = _DASHED.sub(_in_figures(by, "%Y-%m-%d"), text)
    text = _COMPACT.sub(_in_figures(by, "%Y%m%d"), text)
    return _WRITTEN.sub(lambda found: _in_words(found, by), text).encode()


def _in_figures(by: timedelta, form: str) -> Callable[[re.Match[str]], str]:
    def replaced(found: re.Match[str]) -> str:
        day = _day(int(found[1]), int(found[2]), int(found[3]))
        return found[0] if day is None else (day + by).strftime(form)

    return replaced


def _in_words(found: re.Match[str], by: timedelta) -> str:
    weekday, number, month, year = found.groups()
    day = _day(int(year), _NUMBERS[month], int(number))
    if day is None:
        return found[0]
    then = day + by
    if weekday:  # as in mails and feeds: Tue, 05 May 2026
        return f"{weekday}{then.day:02d} {_SHORT[then.month - 1]} {then.year}"
    name = (_SHORT if month in _SHORT and month != "May" else _MONTHS)[then.month - 1]
    return f"{then.day} {name} {then.year}"


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
