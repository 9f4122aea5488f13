"""A calendar in iCalendar form (RFC 5545), from a file or an address: its events with their true instants.

A start with a TZID is in that zone, be it the IANA's, Windows' or one that the calendar defines itself; one
with Z is UTC; a floating one, with neither, is in the zone of whoever reads. In a gap, when clocks go
forward, a time counts by the offset before it; one that occurs twice is the first.

An event that repeats is given once, at its first date, and says so: its later dates aren't worked out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import httpx

from loom.worker import PermanentError, TransientError
from workers.sources.extras import extra
from workers.sources.fetching import Answer, Bounds, Fetcher, Pace, Trouble
from workers.sources.findings import listing, plain
from workers.sources.markdown import Mistake
from workers.sources.urls import is_private, normalise

_ADDRESS = re.compile(r"(?:https?|webcals?)://", re.IGNORECASE)
_TZID = re.compile(r";TZID=([^:;\r\n]+)", re.IGNORECASE)
_BEGIN = re.compile(r"BEGIN:VEVENT\s*", re.IGNORECASE)
_ANSWER_S, _MAX_HOPS, _MAX_WAIT_S = 20.0, 3, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """start, end: aware, UTC; a day's whole length for `all_day`. floating: written without a zone.
    busy: the time is taken; an all-day event is only where it says so itself. repeats: only the first of its
    dates is here. line: where it begins in the calendar's text."""

    uid: str
    summary: str
    description: str
    start: datetime
    end: datetime
    line: int
    all_day: bool = False
    floating: bool = False
    cancelled: bool = False
    busy: bool = True
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """events: in order of start. mistakes: events that can't be read, or not all of them."""

    events: tuple[Event, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class NotACalendar(Exception):
    """The text isn't an iCalendar, or only a part of one; the message says why, as 'It ...'."""


def read_calendar(text: str, *, zone: tzinfo, max_events: int) -> Calendar:
    """zone: of floating times and of days. Raises NotACalendar."""
    stripped = text.strip()
    if not stripped[:15].upper() == "BEGIN:VCALENDAR":
        raise NotACalendar(f"It doesn't begin with BEGIN:VCALENDAR but with {plain(stripped, limit=40)!r}")
    if not stripped[-13:].upper() == "END:VCALENDAR":
        raise NotACalendar("It ends in the middle: END:VCALENDAR is missing")
    begins = [number for number, line in enumerate(text.splitlines(), 1) if _BEGIN.fullmatch(line)]
    if len(begins) > max_events:
        raise NotACalendar(f"It has {len(begins):,} events, more than the limit of {max_events:,}")
    icalendar = extra("icalendar")
    try:
        calendars = icalendar.Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        raise NotACalendar(f"It can't be parsed: {plain(str(error))}") from None
    except OSError:  # `TZID=America`: a folder of the zones, not a zone
        zones = listing(sorted({plain(name, limit=60) for name in _TZID.findall(text)}), limit=20)
        raise NotACalendar(f"It names a time zone that is none; these are named: {zones}") from None
    components = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    if len(components) != len(begins):
        raise NotACalendar("Its events aren't closed one by one: an END:VEVENT is missing")
    events, mistakes = [], []
    for component, line in zip(components, begins, strict=True):
        try:
            event, left = _event(component, line, zone)
        except (ValueError, AttributeError, TypeError, OverflowError) as error:
            mistakes.append(Mistake(f"{_name(component)}: {plain(str(error))}", line))
            continue
        events.append(event)
        mistakes += [Mistake(f"{_name(component)}: {left}", line)] if left else []
    return Calendar(tuple(sorted(events, key=lambda event: event.start)), tuple(mistakes))


def is_address(calendar: str) -> bool:
    return _ADDRESS.match(calendar) is not None


def fetch_calendar(
    address: str, client: httpx.Client, *, max_bytes: int, now: datetime, cancelled: Callable[[], bool]
) -> str:
    """The text at an http, https or webcal address, which is told by its host alone: the rest may be a key.

    Raises NotACalendar for what is too large or no text, PermanentError or TransientError when it isn't had.
    """
    url = normalise(re.sub("^webcals?:", "https:", address, flags=re.IGNORECASE))
    if url is None:
        raise PermanentError(
            "the calendar's address isn't one: expected such as https://example.org/team.ics"
        )
    bounds = Bounds(timeout_s=_ANSWER_S, max_bytes=max_bytes, max_hops=_MAX_HOPS, max_wait_s=_MAX_WAIT_S)
    pace = Pace(delay_s=0, max_seconds=_ANSWER_S * 3, cancelled=cancelled)
    fetcher = Fetcher(client, agent="LoomPrelude/1.0 (calendar)", bounds=bounds, pace=pace, now=now)

    def hindrance(target: str) -> Trouble | None:
        return Trouble.PRIVATE if is_private(target) and not is_private(url) else None

    answer = fetcher.get(url, hindrance=hindrance, body_of=lambda _kind: True)
    _raise_for(answer, f"the calendar at {urlsplit(url).hostname}")
    if answer.cut:
        limit = f", more than the limit of {max_bytes:,} bytes" if answer.detail == "too large" else ""
        raise NotACalendar(f"It is {answer.detail}{limit}")
    try:
        return answer.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotACalendar("It isn't UTF-8 text") from None


def _raise_for(answer: Answer, what: str) -> None:
    status = answer.status
    if status is None:
        if answer.trouble in (Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.PROTOCOL):
            raise TransientError(f"{what} can't be reached: {answer.trouble}")
        raise PermanentError(f"{what} can't be had: {answer.trouble}. Set `calendar` to where it is")
    if status in (401, 403):
        raise PermanentError(
            f"{what} answers {status}: its address may no longer be shared. Copy its private address anew"
        )
    if status == 429:
        wait = None if answer.retry_after_s is None else timedelta(seconds=answer.retry_after_s)
        raise TransientError(f"{what} answers 429: it asks us to come back later", retry_after=wait)
    if status >= 500:
        raise TransientError(f"{what} answers {status}")
    if status >= 300:
        raise PermanentError(f"{what} answers {status}: set `calendar` to where it is")


def _event(component: Any, line: int, zone: tzinfo) -> tuple[Event, str]:
    """The event, and what couldn't be read beside it. Raises ValueError or the like without its times."""
    written = _written(component, "DTSTART")
    if written is None:
        raise ValueError("it has no DTSTART")
    start = _instant(written, zone)
    all_day = not isinstance(written, datetime)
    ended, lasts = _written(component, "DTEND"), _written(component, "DURATION")
    if ended is not None:
        end = _instant(ended, zone)
    elif isinstance(lasts, timedelta):
        end = start + lasts
    else:
        end = _instant(written + timedelta(days=1), zone) if all_day else start
    if end < start:
        raise ValueError("it ends before it begins")
    shown = str(component.get("TRANSP", "")).upper()
    event = Event(
        uid=plain(str(component.get("UID", ""))),
        summary=plain(str(component.get("SUMMARY", ""))),
        description=plain(str(component.get("DESCRIPTION", "")), limit=2_000),
        start=start,
        end=end,
        line=line,
        all_day=all_day,
        floating=isinstance(written, datetime) and written.tzinfo is None,
        cancelled=str(component.get("STATUS", "")).upper() == "CANCELLED",
        busy=shown == "OPAQUE" if all_day else shown != "TRANSPARENT",
        repeats="RRULE" in component or "RDATE" in component,
    )
    return event, "; ".join(plain(str(text)) for _, text in component.errors[:3])


def _written(component: Any, name: str) -> Any:
    """The value of a property of time. A zone that isn't known would turn into none: that is a mistake."""
    prop = component.get(name)
    if prop is None:
        return None
    if isinstance(prop, list):
        raise ValueError(f"it has {name} more than once")  # noqa: TRY004 - the file is wrong, not a type
    value, zone = prop.dt, prop.params.get("TZID")
    if zone and isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{name} names a time zone that isn't known: {plain(str(zone), limit=60)}")
    return value


def _instant(written: Any, zone: tzinfo) -> datetime:
    if isinstance(written, datetime):
        return (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)
    if isinstance(written, date):
        return datetime.combine(written, time(), zone).astimezone(UTC)
    raise ValueError(f"{plain(str(written), limit=60)!r} isn't a date or a time")


def _name(component: Any) -> str:
    return plain(str(component.get("SUMMARY", "") or component.get("UID", "") or "An event"), limit=80)
