"""Laws of the calendar: the split law, a brute-force reading of every minute, and two other engines."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loom.domain.cron import CronFields, parse_cron
from loom.domain.schedule import DstPolicy, Fold, Gap, Schedule
from loom.slots.calendar import first_mark, instants, is_slot, next_instant, previous_instant

MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
AROUND = timedelta(hours=30)

# One change of each kind there is: an hour, half an hour, two hours, fifteen minutes, a whole day, at
# midnight, before midnight, with summer as the standard time, and for the month of fasting.
CHANGES = tuple(
    (zone, datetime.fromisoformat(at))
    for zone, at in [
        ("America/Chicago", "2026-03-08T08:00Z"),
        ("America/Chicago", "2026-11-01T07:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
        ("Africa/Casablanca", "2026-02-15T02:00Z"),
        ("Africa/Casablanca", "2026-03-22T02:00Z"),
        ("Antarctica/Troll", "2026-03-29T01:00Z"),
        ("Antarctica/Troll", "2026-10-25T01:00Z"),
        ("Asia/Kathmandu", "1985-12-31T18:30Z"),
        ("Asia/Pyongyang", "2015-08-14T15:00Z"),
        ("Asia/Pyongyang", "2018-05-04T15:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T12:00Z"),
        ("Europe/Dublin", "2026-03-29T01:00Z"),
        ("Europe/Dublin", "2026-10-25T01:00Z"),
        ("America/Havana", "2026-03-08T05:00Z"),
        ("America/Sao_Paulo", "2018-02-18T02:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00Z"),
        ("America/St_Johns", "2007-11-04T02:31Z"),
    ]
)
ZONES = tuple(sorted(key for key in available_timezones() if key.startswith(("A", "E", "P", "I"))))


@lru_cache
def _changes_in_year(zone: str, year: int) -> tuple[datetime, ...]:
    """The changes of the zone, each to the minute before which it falls, found by looking every six hours."""
    info, step = ZoneInfo(zone), timedelta(hours=6)
    looks = [datetime(year, 1, 1, tzinfo=UTC) + step * i for i in range(4 * 365)]
    found = []
    for one, other in pairwise(looks):
        if one.astimezone(info).utcoffset() != other.astimezone(info).utcoffset():
            minutes = (one + MINUTE * i for i in range(1, 361))
            found.append(
                next(
                    at
                    for at in minutes
                    if at.astimezone(info).utcoffset() != one.astimezone(info).utcoffset()
                )
            )
    return tuple(found)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and an instant at or near a clock change of it."""
    if draw(st.booleans()):
        return draw(st.sampled_from(CHANGES))
    zone, year = draw(st.sampled_from(ZONES)), draw(st.integers(1975, 2090))
    found = _changes_in_year(zone, year)
    return zone, draw(st.sampled_from(found)) if found else datetime(year, 7, 1, tzinfo=UTC)


def _field(low: int, high: int, near: list[int]) -> st.SearchStrategy[str]:
    number = st.one_of(st.sampled_from(near), st.integers(low, high))
    pair = st.tuples(number, number).map(sorted)
    step = st.integers(1, max(2, (high - low) // 2))
    item = st.one_of(
        number.map(str),
        pair.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(pair, step).map(lambda each: f"{each[0][0]}-{each[0][1]}/{each[1]}"),
    )
    return st.one_of(
        st.just("*"), step.map(lambda n: f"*/{n}"), item, st.lists(item, min_size=2, max_size=3).map(",".join)
    )


expressions = st.builds(
    lambda *fields: " ".join(fields),
    _field(0, 59, [0, 15, 29, 30, 31, 45, 59]),
    _field(0, 23, [0, 1, 2, 3, 4, 22, 23]),
    st.one_of(st.just("*"), _field(1, 28, [1, 2, 15])),
    st.just("*"),
    st.one_of(st.just("*"), _field(0, 6, [0, 6])),
)
policies = st.builds(DstPolicy, st.sampled_from(Gap), st.sampled_from(Fold))
offsets = st.one_of(
    st.integers(-30 * 60, 30 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from([-3600, -1800, -1, 0, 1, 1800, 3600, 7200, 86400]).map(lambda s: timedelta(seconds=s)),
    st.sampled_from([-INSTANT, INSTANT]),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)


@settings(max_examples=200, deadline=None)
@given(places(), expressions, policies, st.lists(offsets, min_size=3, max_size=3).map(sorted))
def test_the_slots_of_a_span_are_those_of_its_two_parts(
    place: tuple[str, datetime], cron: str, dst: DstPolicy, cuts: list[timedelta]
) -> None:
    zone, change = place
    schedule = Schedule(cron, parse_cron(cron), zone, dst)
    a, b, c = (change + cut for cut in cuts)
    whole = list(islice(instants(schedule, a, c), 5000))
    assume(len(whole) < 5000)
    assert whole == [*instants(schedule, a, b), *instants(schedule, b, c)]
    assert whole == sorted(set(whole))
    assert all(a < slot <= c and slot.tzinfo is UTC for slot in whole)
    assert next_instant(schedule, a, before=c) == (whole[0] if whole else None)
    if whole:
        assert is_slot(schedule, whole[-1])
        assert previous_instant(schedule, c) == whole[-1]


def _names(fields: CronFields, wall: datetime) -> bool:
    """Whether the fields name this wall-clock minute; said in the plainest way."""
    if wall.minute not in fields.minutes or wall.hour not in fields.hours or wall.month not in fields.months:
        return False
    by_day, by_weekday = wall.day in fields.days, date.isoweekday(wall) % 7 in fields.weekdays
    return (by_day or by_weekday) if fields.either_day else (by_day and by_weekday)


@lru_cache(maxsize=256)
def _walls(zone: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Every minute of [start, end), with what the clock on the wall shows then."""
    info, found, at = ZoneInfo(zone), [], start
    while at < end:
        found.append((at, at.astimezone(info).replace(tzinfo=None)))
        at += MINUTE
    return found


def _brute_force(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """The slots in [start, end): watch the clock minute by minute, as a person would."""
    fields, elapsed = schedule.fields, schedule.fields.elapsed
    watched = _walls(schedule.zone, start - AROUND, end + AROUND)
    first_seen: dict[datetime, datetime] = {}
    last_seen: dict[datetime, datetime] = {}
    for at, wall in watched:
        first_seen.setdefault(wall, at)
        last_seen[wall] = at
    found: set[datetime] = set()
    expected = watched[0][1]
    for at, wall in watched:
        jumped_from = at
        while not elapsed and expected < wall:
            if _names(fields, expected):
                if schedule.dst.gap is Gap.TRANSITION:
                    found.add(at)
                elif schedule.dst.gap is Gap.SHIFT:
                    found.add(jumped_from)
            expected += MINUTE
            jumped_from += MINUTE
        expected = wall + MINUTE
        if not _names(fields, wall):
            continue
        if (
            elapsed
            or schedule.dst.fold is Fold.BOTH
            or (schedule.dst.fold is Fold.FIRST and first_seen[wall] == at)
            or (schedule.dst.fold is Fold.SECOND and last_seen[wall] == at)
        ):
            found.add(at)
    return sorted(at for at in found if start <= at < end)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("step", [timedelta(minutes=37), timedelta(minutes=60)])
def test_ticks_through_a_change_see_what_one_look_at_the_whole_sees(
    zone: str, change: datetime, step: timedelta
) -> None:
    start, count = change - timedelta(hours=26), timedelta(hours=52) // step
    fields = parse_cron("0-59/10 0-23 * * *")
    for dst in (DstPolicy(gap, fold) for gap in Gap for fold in Fold):
        schedule = Schedule("0-59/10 0-23 * * *", fields, zone, dst)
        spans = [instants(schedule, start + step * i, start + step * (i + 1)) for i in range(count)]
        assert [at for span in spans for at in span] == list(
            instants(schedule, start, start + step * count)
        ), dst


@settings(max_examples=150, deadline=None)
@given(places(), expressions, policies)
def test_a_person_who_watches_the_clock_for_two_days_counts_the_same_slots(
    place: tuple[str, datetime], cron: str, dst: DstPolicy
) -> None:
    zone, change = place
    start, end = change - timedelta(hours=26), change + timedelta(hours=26)
    assume(all(at.second == 0 for at in (start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone)))))
    schedule = Schedule(cron, parse_cron(cron), zone, dst)
    assert list(instants(schedule, start - INSTANT, end - INSTANT)) == _brute_force(schedule, start, end)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_each_kind_of_change_is_read_right_under_every_policy(zone: str, change: datetime) -> None:
    start, end = change - timedelta(hours=26), change + timedelta(hours=26)
    for cron in (
        "30 0-3,23 * * *",
        "0,15,45 0,1,2,3 * * *",
        "*/20 * * * *",
        "0-59 0-23 * * *",
        "5 */2 * * *",
    ):
        for dst in (DstPolicy(gap, fold) for gap in Gap for fold in Fold):
            schedule = Schedule(cron, parse_cron(cron), zone, dst)
            found = list(instants(schedule, start - INSTANT, end - INSTANT))
            assert found == _brute_force(schedule, start, end), (cron, dst)


def _quiet(schedule: Schedule, start: datetime, engine: Iterator[datetime], count: int) -> None:
    """The next `count` instants of another engine are Loom's too."""
    theirs = [at.astimezone(UTC) for at in islice(engine, count)]
    ours = list(islice(instants(schedule, start, theirs[-1]), count + 1))
    assert ours == theirs


@settings(max_examples=150, deadline=None)
@given(
    expressions,
    st.integers(0, 115 * 365 * 1440).map(lambda minutes: datetime(1975, 1, 1, tzinfo=UTC) + MINUTE * minutes),
    st.sampled_from(["UTC", "Asia/Tokyo"]),
)
def test_where_no_clock_changes_croniter_and_cronsim_agree(cron: str, at: datetime, zone: str) -> None:
    # croniter reads '5-5' as every value there is.
    assume(not re.search(r"\b([0-9]+)-\1\b", cron))
    start = at.astimezone(ZoneInfo(zone))
    schedule = Schedule(cron, parse_cron(cron), zone)
    _quiet(schedule, start, CronSim(cron, start), 20)
    _quiet(schedule, start, croniter(cron, start, ret_type=datetime, implement_cron_bug=True), 20)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 59), st.integers(4, 22), st.sampled_from(["*", "1", "*/3"]), st.sampled_from(["*", "1-5"])
)
def test_away_from_the_changed_hours_cronsim_agrees_for_a_whole_year(
    minute: int, hour: int, day: str, weekday: str
) -> None:
    cron = f"{minute} {hour} {day} * {weekday}"
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("America/Chicago"))
    _quiet(Schedule(cron, parse_cron(cron), "America/Chicago"), start, CronSim(cron, start), 60)


@settings(max_examples=200, deadline=None)
@given(places(), offsets)
def test_a_first_mark_lies_less_than_an_hour_back_on_a_full_hour_or_a_clock_change(
    place: tuple[str, datetime], away: timedelta
) -> None:
    zone, change = place
    now = change + away
    hour = first_mark(now, zone) + INSTANT
    assert now - timedelta(hours=1) < hour <= now
    shown, shown_now = hour.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    before = (hour - INSTANT).astimezone(ZoneInfo(zone))
    assert shown.hour == shown_now.hour
    assert (shown.minute, shown.second) == (0, 0) or before.utcoffset() != shown.utcoffset()
