"""Cron text means what it would mean in a crontab, or is refused with what to write instead."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.domain.cron import CronError, parse_cron


@pytest.mark.parametrize(
    ("text", "minutes", "hours", "weekdays"),
    [
        ("0 6 * * *", (0,), (6,), range(7)),
        ("*/20 9-17/4 * * mon-fri", (0, 20, 40), (9, 13, 17), (1, 2, 3, 4, 5)),
        ("5,35 0 * * 7", (5, 35), (0,), (0,)),
        ("5,35 0 * * SUN,Sat", (5, 35), (0,), (0, 6)),
        ("0 0 * * 5-7", (0,), (0,), (0, 5, 6)),
        ("0 0 * * 0-7", (0,), (0,), range(7)),
        ("0 0 * * 1-7/2", (0,), (0,), (0, 1, 3, 5)),
        ("1,* 3 * * *", range(60), (3,), range(7)),
        ("  07\t03  *  *  * ", (7,), (3,), range(7)),
        ("@hourly", (0,), range(24), range(7)),
        ("@Weekly", (0,), (0,), (0,)),
    ],
)
def test_five_fields_and_nicknames_are_read_as_a_crontab_reads_them(
    text: str, minutes: range | tuple[int, ...], hours: range | tuple[int, ...], weekdays: tuple[int, ...]
) -> None:
    fields = parse_cron(text)
    assert fields.minutes == tuple(minutes)
    assert fields.hours == tuple(hours)
    assert fields.weekdays == tuple(weekdays)


def test_month_names_and_days_are_read() -> None:
    fields = parse_cron("0 0 1,15 jan-mar,DEC *")
    assert (fields.days, fields.months) == ((1, 15), (1, 2, 3, 12))


@pytest.mark.parametrize("text", ["5-5 5-5 5-5 5-5 5-5", "05-5 5-05 5-5/2 may-5 fri-5"])
def test_a_range_from_a_number_to_itself_is_that_number_alone(text: str) -> None:
    fields = parse_cron(text)
    assert (fields.minutes, fields.hours, fields.days) == ((5,), (5,), (5,))
    assert (fields.months, fields.weekdays) == ((5,), (5,))


@pytest.mark.parametrize(
    ("text", "either_day"),
    [
        ("0 0 13 * 5", True),
        ("0 0 13 * *", False),
        ("0 0 * * 5", False),
        ("0 0 */2 * 5", False),
        ("0 0 13 * */2", False),
        ("0 0 1-31 * 5", True),
        ("0 0 1,* * 5", True),
    ],
)
def test_days_add_up_unless_a_day_field_starts_with_a_star(text: str, either_day: bool) -> None:
    assert parse_cron(text).either_day is either_day


@pytest.mark.parametrize(
    ("text", "elapsed"),
    [
        ("* 3 * * *", True),
        ("*/5 3 * * *", True),
        ("0 */2 * * *", True),
        ("@hourly", True),
        ("0-59 0-23 * * *", False),
        ("0 3 * * *", False),
        ("@daily", False),
    ],
)
def test_a_star_at_the_start_of_minute_or_hour_means_elapsed_time(text: str, elapsed: bool) -> None:
    assert parse_cron(text).elapsed is elapsed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 6 * *", "expected five fields, got four"),
        ("", "expected five fields, got none"),
        ("0 0 6 * * *", "got six"),
        ("0 6 * * * * * * *", "got 9"),
        ("@reboot", "unknown nickname '@reboot'; expected one of @yearly"),
        ("60 * * * *", "the minute field takes 0 to 59, not '60'"),
        ("0 24 * * *", "the hour field takes 0 to 23, not '24'"),
        ("0 0 0 * *", "the day of month field takes 1 to 31, not '0'"),
        ("0 0 * 13 *", "the month field takes 1 to 12 or jan to dec, not '13'"),
        ("0 0 * * 8", "the day of week field takes 0 to 7 or sun to sat, not '8'"),
        ("0 0 * * monday", "not 'monday'"),
        ("0 0 * mon *", "the month field takes"),
        ("jan 0 * * *", "the minute field takes"),
        ("000007 0 * * *", "not '000007'"),
        ("0 22-2 * * *", "runs backwards; write its parts: '22-23,0-2'"),
        ("0 0 * * sat-sun", "runs backwards; write its parts: '6,0'"),
        ("0 0 * * fri-mon", "runs backwards; write its parts: '5-6,0-1'"),
        ("0 0 * * 7-1", "runs backwards; write its parts: '0-1'"),
        (
            "5/15 * * * *",
            "cron engines disagree on '5/15' in the minute field; write the range as well: '5-59/15'",
        ),
        ("*/0 * * * *", "the step in '*/0' doesn't fit the minute field; write a number from 1 to 60"),
        ("*/90 * * * *", "write a number from 1 to 60"),
        ("0 */25 * * *", "write a number from 1 to 24"),
        ("0 0 * * */8", "write a number from 1 to 7"),
        ("1,,2 * * * *", "the minute field can't read ''"),
        ("*-5 * * * *", "the minute field can't read '*-5'"),
        ("5- * * * *", "the minute field can't read '5-'"),
        ("*/2/3 * * * *", "can't read '*/2/3'"),
        ("** * * * *", "can't read '**'"),
        ("? * * * *", "can't read '?'"),
        ("٣ * * * *", "can't read '٣'"),
        ("0 0 l * *", "not 'l'"),
        ("0 0 * * 5#2", "can't read '5#2'"),
        ("0 0 * * l5", "not 'l5'"),
        ("h h * * *", "not 'h'"),
        ("r(0-10) * * * *", "can't read 'r(0-10)'"),
        ("0 0 30 2 *", "can never fire: no month it names has a day 30"),
        ("0 0 31 feb,apr,jun,sep,nov *", "can never fire"),
        ("0 0 30,31 2 */2", "can never fire"),
    ],
)
def test_what_is_not_plain_cron_is_refused_with_what_to_write_instead(text: str, says: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    assert says in str(caught.value)


def test_a_day_that_comes_only_in_some_months_or_years_is_a_schedule() -> None:
    assert parse_cron("0 0 31 * *").days == (31,)
    assert parse_cron("0 0 29 2 *").months == (2,)
    assert parse_cron("0 0 30 2 mon").either_day


@st.composite
def _items(draw: st.DrawFn, low: int, high: int) -> tuple[str, set[int]]:
    """One item of a field, and what Vixie cron makes of it, worked out here by hand."""
    kind = draw(st.sampled_from(["star", "steps", "one", "range", "range steps"]))
    step = draw(st.integers(1, high - low))
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    if kind == "star":
        return "*", set(range(low, high + 1))
    if kind == "steps":
        return f"*/{step}", set(range(low, high + 1, step))
    if kind == "one":
        return f"{first}", {first}
    if kind == "range":
        return f"{first}-{last}", set(range(first, last + 1))
    return f"{first}-{last}/{step}", set(range(first, last + 1, step))


@st.composite
def _fields(draw: st.DrawFn, low: int, high: int) -> tuple[str, set[int]]:
    items = draw(st.lists(_items(low, high), min_size=1, max_size=3))
    return ",".join(text for text, _ in items), set[int]().union(*(numbers for _, numbers in items))


@given(_fields(0, 59), _fields(0, 23), _fields(1, 12), _fields(0, 7))
def test_every_list_of_ranges_and_steps_names_the_numbers_that_it_would_in_a_crontab(
    minute: tuple[str, set[int]],
    hour: tuple[str, set[int]],
    month: tuple[str, set[int]],
    weekday: tuple[str, set[int]],
) -> None:
    fields = parse_cron(f"{minute[0]} {hour[0]} * {month[0]} {weekday[0]}")
    assert set(fields.minutes) == minute[1]
    assert set(fields.hours) == hour[1]
    assert set(fields.months) == month[1]
    assert set(fields.weekdays) == {number % 7 for number in weekday[1]}
    assert list(fields.minutes) == sorted(set(fields.minutes))


_STARTED = """
import platform, sys
started, asked = [], platform.architecture
sys.addaudithook(lambda event, args: started.append(args[0]) if event == "subprocess.Popen" else None)
from loom.domain.cron import parse_cron
assert parse_cron("0 6 * * *").hours == (6,)
assert "croniter" in sys.modules and platform.architecture is asked
print(started)
"""


def test_reading_cron_text_starts_no_program() -> None:
    done = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
