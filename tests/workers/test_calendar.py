"""Calendars, as workers.sources.calendar reads them."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from workers.sources.calendar import Calendar, Event, NotACalendar, read_calendar

CHICAGO = ZoneInfo("America/Chicago")
OWN_ZONE = (
    "BEGIN:VTIMEZONE\nTZID:Studio nine hours east\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    "TZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nEND:STANDARD\nEND:VTIMEZONE\n"
)


def ics(*events: str, before: str = "") -> str:
    """A calendar of these events, each given as its lines."""
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\n{before}"
        + "".join(f"BEGIN:VEVENT\nUID:{number}\n{lines}\nEND:VEVENT\n" for number, lines in enumerate(events))
        + "END:VCALENDAR\n"
    )


def read(text: str, max_events: int = 100) -> Calendar:
    return read_calendar(text, zone=CHICAGO, max_events=max_events)


def only(lines: str, before: str = "") -> Event:
    calendar = read(ics(lines, before=before))
    assert calendar.mistakes == ()
    (event,) = calendar.events
    return event


@pytest.mark.parametrize(
    ("start", "hour", "before"),
    [
        ("DTSTART;TZID=America/Chicago:20260618T100000", 15, ""),
        ("DTSTART;TZID=America/Chicago:20260118T100000", 16, ""),
        ("DTSTART;TZID=Central Standard Time:20260618T100000", 15, ""),
        ("DTSTART;TZID=Europe/Berlin:20260618T100000", 8, ""),
        ("DTSTART:20260618T100000Z", 10, ""),
        ("DTSTART:20260618T100000", 15, ""),
        ("DTSTART;TZID=Studio nine hours east:20260618T100000", 1, OWN_ZONE),
        ("DTSTART:20261101T013000", 6, ""),  # twice on that day: the first
        ("DTSTART:20260308T023000", 8, ""),  # not there on that day: by the offset before
    ],
)
def test_a_start_is_the_instant_that_its_zone_makes_it(start: str, hour: int, before: str) -> None:
    event = only(start, before)
    assert event.start.tzinfo is UTC
    assert event.start.hour == hour
    assert event.floating is (start.startswith("DTSTART:") and not start.endswith("Z"))


@pytest.mark.parametrize(
    ("lines", "span"),
    [
        ("DTSTART:20260618T100000Z\nDTEND:20260618T113000Z", timedelta(minutes=90)),
        ("DTSTART:20260618T100000Z\nDURATION:PT45M", timedelta(minutes=45)),
        ("DTSTART:20260618T100000Z", timedelta(0)),
        ("DTSTART;VALUE=DATE:20260618", timedelta(days=1)),
        ("DTSTART;VALUE=DATE:20260618\nDTEND;VALUE=DATE:20260620", timedelta(days=2)),
        ("DTSTART;VALUE=DATE:20260308", timedelta(hours=23)),
        # Over the hour that clocks leave out, and over the one that they repeat.
        ("DTSTART:20260308T013000\nDTEND:20260308T033000", timedelta(hours=1)),
        ("DTSTART:20261101T003000\nDTEND:20261101T023000", timedelta(hours=3)),
    ],
)
def test_an_event_lasts_as_long_as_it_truly_does(lines: str, span: timedelta) -> None:
    event = only(lines)
    assert event.end - event.start == span


def test_an_all_day_event_takes_the_time_only_where_it_says_so() -> None:
    day = "DTSTART;VALUE=DATE:20260618"
    assert [only(day).busy, only(f"{day}\nTRANSP:OPAQUE").busy] == [False, True]
    hour = "DTSTART:20260618T100000Z"
    assert [only(hour).busy, only(f"{hour}\nTRANSP:TRANSPARENT").busy] == [True, False]


def test_what_an_event_says_of_itself_is_kept_plain_and_bounded() -> None:
    event = only(
        "DTSTART:20260618T100000Z\nSUMMARY:<b>Re\x1bcord\\nit</b>" + "x" * 900 + "\nSTATUS:CANCELLED"
    )
    assert event.summary.startswith("<b>Re\N{REPLACEMENT CHARACTER}cord it</b>x")
    assert len(event.summary) == 200
    assert event.cancelled


def test_an_event_that_repeats_is_given_once_and_says_so() -> None:
    event = only("DTSTART:20260618T100000Z\nRRULE:FREQ=DAILY;COUNT=1000000")
    assert (event.repeats, event.start) == (True, datetime(2026, 6, 18, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("SUMMARY:Nothing else", "Nothing else: it has no DTSTART"),
        ("DTSTART:tomorrow", "tomorrow"),
        ("DTSTART:20260618T100000Z\nDTEND:later", "later"),
        ("DTSTART:20260618T100000Z\nDTEND:20260618T090000Z", "ends before it begins"),
        ("DTSTART;TZID=Mars/Base:20260618T100000", "isn't known: Mars/Base"),
        ("DTSTART;TZID=../../etc/passwd:20260618T100000", "isn't known: ../../etc/passwd"),
        ("DTSTART:20260618T100000\nDTSTART:20260619T100000", "DTSTART more than once"),
        ("DTSTART;VALUE=PERIOD:20260618T100000Z/PT1H", "isn't a date or a time"),
        ("DTSTART:99999999T999999Z", "99999999T999999Z"),
    ],
)
def test_an_event_that_cant_be_read_is_a_mistake_with_its_line_and_hides_no_other(
    lines: str, expected: str
) -> None:
    calendar = read(ics("DTSTART:20260618T100000Z", lines, "DTSTART:20260619T100000Z"))
    assert len(calendar.events) == 2
    (mistake,) = calendar.mistakes
    assert mistake.line == 7
    assert expected in mistake.text


def test_a_line_that_is_none_is_a_mistake_beside_an_event_that_is_read() -> None:
    calendar = read(ics("DTSTART:20260618T100000Z\nwhat is this"))
    assert len(calendar.events) == 1
    assert "what is this" in calendar.mistakes[0].text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "doesn't begin with BEGIN:VCALENDAR"),
        ("<!doctype html><title>Sign in</title>", "<!doctype html>"),
        ("BEGIN:VCARD\nEND:VCARD\n", "BEGIN:VCARD"),
        (ics("DTSTART:20260618T100000Z")[:-20], "ends in the middle"),
        (ics("DTSTART:20260618T100000Z").replace("END:VEVENT\n", ""), "END:VEVENT is missing"),
        (ics(*["DTSTART:20260618T100000Z"] * 101), "101 events, more than the limit of 100"),
        (ics("DTSTART;TZID=America:20260618T100000"), "a time zone that is none; these are named: America"),
        ("BEGIN:VCALENDAR\nnonsense\nEND:VCALENDAR\n", "nonsense"),
    ],
)
def test_what_is_no_calendar_or_only_a_part_of_one_says_why(text: str, expected: str) -> None:
    with pytest.raises(NotACalendar) as error:
        read(text)
    assert expected in str(error.value)


def test_several_calendars_in_one_file_are_read_together() -> None:
    text = ics("DTSTART:20260619T100000Z") + ics("DTSTART:20260618T100000Z")
    assert [event.start.day for event in read(text).events] == [18, 19]
    assert [event.line for event in read(text).events] == [10, 3]


@pytest.mark.own_clock
def test_nesting_and_folding_without_end_take_no_time() -> None:
    started = time.thread_time()
    nested = "BEGIN:VCALENDAR\n" + "BEGIN:X\n" * 20_000 + "END:X\n" * 20_000 + "END:VCALENDAR"
    assert read(nested).events == ()
    folded = ics("DTSTART:20260618T100000Z\nSUMMARY:a" + "\n b" * 100_000)
    assert len(read(folded).events[0].summary) == 200
    assert time.thread_time() - started < 20
