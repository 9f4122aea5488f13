"""How times, spans and counts are said to a person, in plain words."""

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from loom.domain.tick import TickReport

# As Loom's own reasons name a slot (see `loom.slots.owed.shown`).
_SHOWN = r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?:[+-]\d\d:\d\d|Z)"


def when(at: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """``Sat 21 Nov 06:00 CST``; if `now` is given, and in another year, ``Sat 21 Nov 2025 06:00 CST``"""
    there = at.astimezone(zone)
    if now is not None and there.year != now.astimezone(zone).year:
        return f"{there:%a %-d %b %Y %H:%M %Z}"
    return f"{there:%a %-d %b %H:%M %Z}"


def when_in_short(at: datetime, zone: ZoneInfo) -> str:
    """``21 Nov 06:00``, always 12 characters; for where the zone is known."""
    return f"{at.astimezone(zone):%e %b %H:%M}"


def recently(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """``today 06:00``, ``yesterday 08:02``, ``Mon 06:00``; further away, or ahead, as `when`."""
    then = at.astimezone(zone)
    days = (now.astimezone(zone).date() - then.date()).days
    if at > now or days > 6:
        return when(at, zone)
    day = {0: "today", 1: "yesterday"}.get(days, f"{then:%a}")
    return f"{day} {then:%H:%M}"


def ago(at: datetime, now: datetime) -> str:
    """``3 h ago``, ``in 25 min``; the largest unit that fits, two below ten hours."""
    seconds = (now - at).total_seconds()
    text = span(abs(seconds))
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def when_near(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """As little as tells it from `now`: ``06:00``, ``Fri 06:00`` within five days, else ``7 Nov 06:00``, and
    in another year ``7 Nov 2025``."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    days = abs((there.date() - here.date()).days)
    if days == 0:
        return f"{there:%H:%M}"
    if days < 6:
        return f"{there:%a %H:%M}"
    return f"{there:%-d %b %H:%M}" if there.year == here.year else f"{there:%-d %b %Y}"


def about(at: datetime, now: datetime) -> str:
    """``3 h ago``, ``in 25 min``, ``just now``: as `ago`, in one unit, for a glance."""
    seconds = (now - at).total_seconds()
    minutes = round(abs(seconds) / 60)
    if minutes < 1:
        return "just now" if seconds >= 0 else "in a moment"
    if minutes < 60:
        text = f"{minutes} min"
    elif (hours := round(minutes / 60)) < 48:
        text = f"{hours} h"
    else:
        text = f"{round(minutes / 60 / 24)} d"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def span(seconds: float) -> str:
    """A length of time: ``0.4 s``, ``12 s``, ``25 min``, ``3 h 10 min``, ``14 h``, ``9 d``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 10:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    if hours < 48:
        return f"{round(minutes / 60)} h"
    return f"{round(minutes / 60 / 24)} d"


def told(reason: str, say: Callable[[datetime], str]) -> str:
    """A reason of Loom's own with its times as `say` has them."""
    return re.sub(_SHOWN, lambda found: say(datetime.fromisoformat(found[0])), reason)


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 slot``, ``12 slots``"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short_id(run_id: str) -> str:
    """The end of a run's id is its random part; the beginning is its time, shared by its neighbours."""
    return run_id[-12:]


def flat(text: str) -> str:
    """Foreign text on one line: control characters and white space become single spaces."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def one_line(text: str, limit: int = 300) -> str:
    """Text from a worker on one line: control characters become spaces, and it is cut at `limit`."""
    shown = flat(text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def printable(text: str) -> str:
    """Foreign text of several lines: whatever moves a cursor or rings a bell is shown as a sign instead."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def nothing_due(report: TickReport, zone: ZoneInfo) -> str:
    """What a log says of an idle tick, in one line."""
    return f"Nothing was due. {comes_next(report, zone)}".strip()


def comes_next(report: TickReport, zone: ZoneInfo) -> str:
    slot = report.upcoming
    if slot is None:
        return ""
    return f"Next: {slot.worker}, {when(slot.at, zone)} ({ago(slot.at, report.tick.at)})."
