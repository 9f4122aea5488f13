"""A schedule comes due at the instants that its text, its zone and its clock-change policy say."""

import importlib.resources
import itertools
import struct
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from loom.domain.cron import parse_cron
from loom.domain.schedule import CatchUp, CatchUpPolicy, DstPolicy, Fold, Gap, Schedule
from loom.domain.worker import Worker
from loom.slots.calendar import (
    catch_up_within,
    due,
    first_mark,
    instants,
    is_slot,
    nearest,
    next_instant,
    period_over_a_day,
    previous_instant,
)
from loom.slots.notes import clock_change_note
from loom.slots.zones import _year, changes
from tests.ground.wall_clock import changes_between

CHICAGO = "America/Chicago"
INSTANT = timedelta(microseconds=1)


def _schedule(cron: str, zone: str = CHICAGO, gap: Gap = Gap.TRANSITION, fold: Fold = Fold.FIRST) -> Schedule:
    return Schedule(cron, parse_cron(cron), zone, DstPolicy(gap, fold))


def _day(schedule: Schedule, year: int, month: int, day: int) -> list[str]:
    """The slots of one day on the wall, as that wall clock and its offset show them."""
    zone = ZoneInfo(schedule.zone)
    start = datetime(year, month, day, tzinfo=zone)
    end = datetime(year, month, day, 23, 59, 59, 999999, tzinfo=zone, fold=1)
    found = instants(schedule, start.astimezone(UTC) - INSTANT, end)
    return [f"{at.astimezone(zone):%H:%M%z}" for at in found]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestTheTableOfTheDesign:
    """Chicago 2026: clocks go from 02:00 to 03:00 on 8 March, and from 02:00 back to 01:00 on 1 November."""

    @pytest.mark.parametrize(
        ("gap", "expected"),
        [(Gap.TRANSITION, ["03:00-0500"]), (Gap.SHIFT, ["03:30-0500"]), (Gap.SKIP, [])],
    )
    def test_a_daily_job_in_the_hour_that_is_left_out(self, gap: Gap, expected: list[str]) -> None:
        assert _day(_schedule("30 2 * * *", gap=gap), 2026, 3, 8) == expected

    @pytest.mark.parametrize(
        ("fold", "expected"),
        [
            (Fold.FIRST, ["01:30-0500"]),
            (Fold.SECOND, ["01:30-0600"]),
            (Fold.BOTH, ["01:30-0500", "01:30-0600"]),
        ],
    )
    def test_a_daily_job_in_the_hour_that_comes_twice(self, fold: Fold, expected: list[str]) -> None:
        assert _day(_schedule("30 1 * * *", fold=fold), 2026, 11, 1) == expected

    @pytest.mark.parametrize("gap", Gap)
    def test_every_second_hour_comes_at_four_only_whatever_the_policy(self, gap: Gap) -> None:
        assert _day(_schedule("0 */2 * * *", gap=gap), 2026, 3, 8)[:3] == [
            "00:00-0600",
            "04:00-0500",
            "06:00-0500",
        ]

    @pytest.mark.parametrize("fold", Fold)
    @pytest.mark.parametrize("cron", ["@hourly", "0 * * * *"])
    def test_hourly_comes_at_both_ones_whatever_the_policy(self, cron: str, fold: Fold) -> None:
        assert _day(_schedule(cron, fold=fold), 2026, 11, 1)[:4] == [
            "00:00-0500",
            "01:00-0500",
            "01:00-0600",
            "02:00-0600",
        ]


class TestGaps:
    def test_two_times_in_one_gap_are_one_slot_at_the_transition(self) -> None:
        assert _day(_schedule("15,45 2 * * *"), 2026, 3, 8) == ["03:00-0500"]

    def test_two_times_in_one_gap_are_each_shifted(self) -> None:
        assert _day(_schedule("15,45 2 * * *", gap=Gap.SHIFT), 2026, 3, 8) == ["03:15-0500", "03:45-0500"]

    @pytest.mark.parametrize("gap", Gap)
    def test_a_time_that_is_put_on_a_slot_of_its_own_right_makes_no_second_one(self, gap: Gap) -> None:
        assert _day(_schedule("0 2,3 * * *", gap=gap), 2026, 3, 8) == ["03:00-0500"]

    def test_shifted_times_mingle_in_order_with_those_of_the_new_offset(self) -> None:
        assert _day(_schedule("10,50 2,3 * * *", gap=Gap.SHIFT), 2026, 3, 8) == ["03:10-0500", "03:50-0500"]
        assert _day(_schedule("5-50/15 2,3 * * 0", gap=Gap.SHIFT), 2026, 3, 8) == [
            "03:05-0500",
            "03:20-0500",
            "03:35-0500",
            "03:50-0500",
        ]
        lord_howe = _schedule("10,40 2 * * *", "Australia/Lord_Howe", gap=Gap.SHIFT)
        assert _day(lord_howe, 2026, 10, 4) == ["02:40+1100"]

    def test_half_an_hour_left_out(self) -> None:
        assert _day(_schedule("15 2 * * *", "Australia/Lord_Howe"), 2026, 10, 4) == ["02:30+1100"]
        assert _day(_schedule("45 2 * * *", "Australia/Lord_Howe"), 2026, 10, 4) == ["02:45+1100"]

    def test_two_hours_left_out(self) -> None:
        assert _day(_schedule("30 1,2 * * *", "Antarctica/Troll"), 2026, 3, 29) == ["03:00+0200"]
        shifted = _schedule("30 1,2 * * *", "Antarctica/Troll", gap=Gap.SHIFT)
        assert _day(shifted, 2026, 3, 29) == ["03:30+0200", "04:30+0200"]

    def test_midnight_itself_left_out(self) -> None:
        assert _day(_schedule("@daily", "America/Havana"), 2026, 3, 8) == ["01:00-0400"]
        assert _day(_schedule("@daily", "America/Sao_Paulo"), 2018, 11, 4) == ["01:00-0200"]
        sunday_only = _schedule("0 0 * * sun", "America/Sao_Paulo", gap=Gap.SHIFT)
        assert _day(sunday_only, 2018, 11, 4) == ["01:00-0200"]

    def test_ireland_whose_winter_is_the_saving_time_is_like_any_other(self) -> None:
        assert _day(_schedule("30 1 * * *", "Europe/Dublin"), 2026, 3, 29) == ["02:00+0100"]
        assert _day(_schedule("30 1 * * *", "Europe/Dublin"), 2026, 10, 25) == ["01:30+0100"]

    def test_morocco_leaves_its_time_for_the_month_of_fasting(self) -> None:
        assert _day(_schedule("30 2 * * *", "Africa/Casablanca"), 2026, 2, 15) == ["02:30+0100"]
        assert _day(_schedule("30 2 * * *", "Africa/Casablanca"), 2026, 3, 22) == ["03:00+0100"]

    @pytest.mark.parametrize(
        ("zone", "before", "after", "next_day"),
        [
            (
                "Pacific/Apia",
                "2011-12-29T06:00:00-10:00",
                "2012-01-01T00:00:00+14:00",
                "2011-12-31T00:00:00+14:00",
            ),
            (
                "Pacific/Kwajalein",
                "1993-08-20T06:00:00-12:00",
                "1993-08-23T00:00:00+12:00",
                "1993-08-22T00:00:00+12:00",
            ),
        ],
    )
    def test_a_job_of_a_day_that_never_was_runs_once_as_the_next_day_begins(
        self, zone: str, before: str, after: str, next_day: str
    ) -> None:
        found = list(instants(_schedule("0 6,18 * * *", zone), _at(before) + timedelta(hours=12), _at(after)))
        assert found == [_at(next_day) + timedelta(hours=hours) for hours in (0, 6, 18)]
        skipping = _schedule("0 6,18 * * *", zone, gap=Gap.SKIP)
        assert len(list(instants(skipping, _at(before) + timedelta(hours=12), _at(after)))) == 2

    def test_a_yearly_job_whose_only_day_was_left_out_still_comes(self) -> None:
        schedule = _schedule("0 9 30 12 *", "Pacific/Apia")
        found = instants(schedule, _at("2011-06-01T00:00:00Z"), _at("2012-06-01T00:00:00Z"))
        assert list(found) == [_at("2011-12-31T00:00:00+14:00")]


class TestFolds:
    @pytest.mark.parametrize(
        ("fold", "expected"),
        [
            (Fold.FIRST, ["00:00-0500", "01:00-0500", "02:00-0600"]),
            (Fold.SECOND, ["00:00-0500", "01:00-0600", "02:00-0600"]),
            (Fold.BOTH, ["00:00-0500", "01:00-0500", "01:00-0600", "02:00-0600"]),
        ],
    )
    def test_a_list_of_hours_meets_the_repeated_one_as_the_policy_says(
        self, fold: Fold, expected: list[str]
    ) -> None:
        assert _day(_schedule("0 0,1,2 * * *", fold=fold), 2026, 11, 1) == expected

    def test_both_passes_come_in_the_order_of_time_not_of_the_wall(self) -> None:
        assert _day(_schedule("0,30 1 * * *", fold=Fold.BOTH), 2026, 11, 1) == [
            "01:00-0500",
            "01:30-0500",
            "01:00-0600",
            "01:30-0600",
        ]

    def test_half_an_hour_that_comes_twice(self) -> None:
        first = _schedule("0,45 1 * * *", "Australia/Lord_Howe")
        assert _day(first, 2026, 4, 5) == ["01:00+1100", "01:45+1100"]
        second = _schedule("0,45 1 * * *", "Australia/Lord_Howe", fold=Fold.SECOND)
        assert _day(second, 2026, 4, 5) == ["01:00+1100", "01:45+1030"]

    def test_the_last_hour_of_a_day_that_comes_twice(self) -> None:
        # Sao Paulo fell back from Sunday 00:00 to Saturday 23:00.
        for fold, expected in ((Fold.FIRST, "-0200"), (Fold.SECOND, "-0300")):
            schedule = _schedule("30 23 * * *", "America/Sao_Paulo", fold=fold)
            assert _day(schedule, 2018, 2, 17) == [f"23:30{expected}"]


class TestTheSpan:
    def test_it_is_open_at_its_start_and_closed_at_its_end(self) -> None:
        schedule = _schedule("0 6 * * *")
        slot = _at("2026-05-01T06:00:00-05:00")
        assert list(instants(schedule, slot - INSTANT, slot)) == [slot]
        assert list(instants(schedule, slot, slot + timedelta(hours=23))) == []
        assert list(instants(schedule, slot, slot)) == []
        assert list(instants(schedule, slot, slot - timedelta(days=9))) == []

    def test_slots_are_in_utc_whatever_zone_the_ends_are_given_in(self) -> None:
        schedule = _schedule("0 6 * * *")
        start = datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=9)))
        (slot,) = instants(schedule, start, start + timedelta(days=1))
        assert slot.tzinfo is UTC

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="has no time zone"):
            instants(_schedule("@daily"), datetime(2026, 1, 1), _at("2026-01-02T00:00:00Z"))  # noqa: DTZ001 - the point

    def test_times_before_standard_time_fall_on_odd_seconds(self) -> None:
        # Chicago's mean solar time was 5:50:36 behind until 18 November 1883, 12:00 new time.
        schedule = _schedule("0 6 * * *")
        found = list(instants(schedule, _at("1883-11-17T00:00:00Z"), _at("1883-11-20T00:00:00Z")))
        assert [f"{at:%d %H:%M:%S}" for at in found] == ["17 11:50:36", "18 11:50:36", "19 12:00:00"]

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", CHICAGO])
    def test_the_far_ends_of_time_are_no_error(self, zone: str) -> None:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        schedule = _schedule("0 0 1 1 *", zone)
        assert next_instant(schedule, last) is None
        assert previous_instant(schedule, first) is None
        assert next_instant(schedule, first) is not None
        assert previous_instant(schedule, last) is not None


class TestNextPreviousAndNearest:
    def test_a_month_of_minutes_has_43_200_slots(self) -> None:
        start = _at("2026-05-01T00:00:00Z")
        found = list(instants(_schedule("* * * * *"), start, start + timedelta(days=30)))
        assert len(found) == 43_200
        assert found[0] - start == found[-1] - found[-2] == timedelta(minutes=1)

    def test_the_next_slot_may_be_years_ahead(self) -> None:
        leap_day = _schedule("0 0 29 2 *")
        assert next_instant(leap_day, _at("2096-03-01T00:00:00Z")) == _at("2104-02-29T00:00:00-06:00")
        on_a_sunday = _schedule("0 0 29 2 */7")
        assert next_instant(on_a_sunday, _at("2088-03-01T00:00:00Z")) == _at("2128-02-29T00:00:00-06:00")
        assert previous_instant(on_a_sunday, _at("2128-02-28T00:00:00Z")) == _at("2088-02-29T00:00:00-06:00")

    def test_before_is_where_the_search_ends_and_counts_itself(self) -> None:
        schedule = _schedule("0 6 * * *")
        slot = _at("2026-05-02T06:00:00-05:00")
        after = _at("2026-05-01T12:00:00Z")
        assert next_instant(schedule, after, before=slot) == slot
        assert next_instant(schedule, after, before=slot - INSTANT) is None

    def test_nearest_gives_the_slot_at_or_before_and_the_one_after(self) -> None:
        schedule = _schedule("0 3 * * sun")
        slot, following = _at("2026-05-03T03:00:00-05:00"), _at("2026-05-10T03:00:00-05:00")
        assert nearest(schedule, slot) == (slot, following)
        assert nearest(schedule, slot - INSTANT) == (slot - timedelta(days=7), slot)

    def test_an_instant_is_a_slot_to_the_microsecond(self) -> None:
        schedule = _schedule("30 2 * * *")
        assert is_slot(schedule, _at("2026-03-08T03:00:00-05:00"))
        assert not is_slot(schedule, _at("2026-03-08T03:30:00-05:00"))
        assert not is_slot(schedule, _at("2026-03-09T02:30:00-05:00") + INSTANT)


def test_a_slot_that_is_near_is_found_without_reading_the_years_after_it() -> None:
    now = _at("2026-11-28T12:07:00Z")
    for zone in ("UTC", "Asia/Kolkata", CHICAGO):
        for cron, most in (("0 * * * *", 2), ("0 9 * * 1", 2), ("0 0 1 6 *", 3)):
            _year.cache_clear()
            assert next_instant(_schedule(cron, zone), now) is not None
            assert _year.cache_info().misses <= most, (zone, cron)


class TestFirstMark:
    @pytest.mark.parametrize(
        ("now", "zone", "hour"),
        [
            ("2026-05-01T10:20:30Z", CHICAGO, "2026-05-01T05:00:00-05:00"),
            ("2026-05-01T10:00:00Z", CHICAGO, "2026-05-01T05:00:00-05:00"),
            ("2026-05-01T10:20:00Z", "Asia/Kathmandu", "2026-05-01T16:00:00+05:45"),
            ("2026-05-01T10:10:00Z", "Asia/Kathmandu", "2026-05-01T15:00:00+05:45"),
            ("2026-05-01T10:20:00Z", "Asia/Kolkata", "2026-05-01T15:00:00+05:30"),
            ("2026-11-01T01:45:00-05:00", CHICAGO, "2026-11-01T01:00:00-05:00"),
            ("2026-11-01T01:45:00-06:00", CHICAGO, "2026-11-01T01:00:00-06:00"),
            ("2026-03-08T03:10:00-05:00", CHICAGO, "2026-03-08T03:00:00-05:00"),
            ("2026-10-04T02:45:00+11:00", "Australia/Lord_Howe", "2026-10-04T02:30:00+11:00"),
            ("2026-04-05T01:45:00+10:30", "Australia/Lord_Howe", "2026-04-05T01:30:00+10:30"),
            ("2026-04-05T02:05:00+10:30", "Australia/Lord_Howe", "2026-04-05T02:00:00+10:30"),
        ],
    )
    def test_it_is_a_microsecond_before_the_hour_that_the_clock_shows(
        self, now: str, zone: str, hour: str
    ) -> None:
        mark = first_mark(_at(now), zone)
        assert mark == _at(hour) - INSTANT
        assert mark.tzinfo is UTC

    def test_the_first_tick_is_a_plain_hour_match(self) -> None:
        worker = Worker("echo", _schedule("0 3 * * *"), "workers.echo:run")
        for minute in (0, 29, 59):
            now = _at(f"2026-05-01T03:{minute:02}:00-05:00")
            assert due(worker, first_mark(now, CHICAGO), now) == (_at("2026-05-01T03:00:00-05:00"),)
        for now in (_at("2026-05-01T02:59:59-05:00"), _at("2026-05-01T04:00:00-05:00")):
            assert due(worker, first_mark(now, CHICAGO), now) == ()


class TestCatchUpWithin:
    @pytest.mark.parametrize(
        ("cron", "over"),
        [
            ("0 6 * * *", False),
            ("* * * * *", False),
            ("0 6 1-31 * *", False),
            ("0 6 1 * 0-6", False),
            ("0 3 * * sun", True),
            ("0 9 * * mon-fri", True),
            ("* 9 * * mon-fri", True),
            ("0 6 1-31 * mon", False),
            ("0 6 * 1-11 *", True),
            ("0 6 */2 * *", True),
            ("0 6 1-30 * *", True),
            ("0 6 13 * 5", True),
            ("0 6 */2 * 0-6", True),
        ],
    )
    def test_a_period_is_over_a_day_when_some_day_has_no_slot(self, cron: str, over: bool) -> None:
        schedule = _schedule(cron)
        assert period_over_a_day(schedule) is over
        assert catch_up_within(Worker("w", schedule, "a:b")) == timedelta(days=3 if over else 1)

    def test_what_the_registry_says_comes_first(self) -> None:
        catch_up = CatchUp(CatchUpPolicy.ALL, timedelta(hours=2))
        assert catch_up_within(Worker("w", _schedule("0 3 * * sun"), "a:b", catch_up=catch_up)) == timedelta(
            hours=2
        )


class TestNotes:
    @pytest.mark.parametrize(
        ("schedule", "slot", "note"),
        [
            (
                _schedule("30 2 * * *"),
                "2026-03-08T03:00:00-05:00",
                "leaves out 02:30 that day, so this slot comes at 03:00 (gap: transition)",
            ),
            (
                _schedule("30 2 * * *", gap=Gap.SHIFT),
                "2026-03-08T03:30:00-05:00",
                "leaves out 02:30 that day, so this slot comes at 03:30 (gap: shift)",
            ),
            (
                _schedule("30 1 * * *"),
                "2026-11-01T01:30:00-05:00",
                "shows 01:30 twice that day, and this is the first (fold: first)",
            ),
            (
                _schedule("30 1 * * *", fold=Fold.SECOND),
                "2026-11-01T01:30:00-06:00",
                "this is the second (fold: second)",
            ),
            (
                _schedule("@hourly"),
                "2026-11-01T01:00:00-06:00",
                "this is the second (the schedule follows elapsed time)",
            ),
        ],
    )
    def test_a_slot_in_a_clock_change_says_which_policy_put_it_there(
        self, schedule: Schedule, slot: str, note: str
    ) -> None:
        assert note in (clock_change_note(schedule, _at(slot)) or "")

    @pytest.mark.parametrize(
        ("schedule", "slot"),
        [
            (_schedule("0 3 * * *"), "2026-03-08T03:00:00-05:00"),
            (_schedule("30 3 * * *"), "2026-03-08T03:30:00-05:00"),
            (_schedule("30 2,3 * * *"), "2026-03-08T03:30:00-05:00"),
            (_schedule("@hourly"), "2026-03-08T03:00:00-05:00"),
            (_schedule("0 2 * * *"), "2026-11-01T02:00:00-06:00"),
            (_schedule("0 6 * * *"), "2026-05-01T06:00:00-05:00"),
        ],
    )
    def test_a_slot_that_no_clock_change_touches_says_nothing(self, schedule: Schedule, slot: str) -> None:
        assert clock_change_note(schedule, _at(slot)) is None


def test_no_two_clock_changes_of_any_zone_lie_closer_than_the_steps_in_which_they_are_looked_for() -> None:
    closest = timedelta.max
    for key in importlib.resources.files("tzdata").joinpath("zones").read_text().split():
        at = _offset_changes(importlib.resources.files("tzdata.zoneinfo").joinpath(key).read_bytes())
        closest = min([closest, *(timedelta(seconds=b - a) for a, b in itertools.pairwise(at))])
    assert timedelta(days=5) < closest < timedelta(days=30)


def test_of_two_clock_changes_that_lie_close_together_both_are_found() -> None:
    compared = 0
    for key in importlib.resources.files("tzdata").joinpath("zones").read_text().split():
        stored = _offset_changes(importlib.resources.files("tzdata.zoneinfo").joinpath(key).read_bytes())
        for pair in itertools.pairwise(stored):
            first, second = (datetime.fromtimestamp(moment, UTC) for moment in pair)
            if first.year < 1973 or second - first > timedelta(days=60):
                continue
            start, end = first - timedelta(days=3), second + timedelta(days=3)
            watched = changes_between(key, start, end)
            assert [change.at for change in changes(key, start, end)] == watched, key
            compared += len(watched)
    assert compared > 100


def _offset_changes(tzif: bytes) -> list[int]:
    """When the offset from UTC changes, in Unix time, by the second block of a TZif file (RFC 8536)."""

    def counts(start: int) -> tuple[int, ...]:
        return struct.unpack(">6l", tzif[start + 20 : start + 44])

    isut, isstd, leap, times, types, chars = counts(0)
    start = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    *_, times, types, _ = counts(start)
    start += 44
    at = struct.unpack(f">{times}q", tzif[start : start + 8 * times])
    which = tzif[start + 8 * times : start + 9 * times]
    ends = start + 9 * times
    offsets = [struct.unpack(">l", tzif[ends + 6 * i : ends + 6 * i + 4])[0] for i in range(types)]
    found, current = [], offsets[0]
    for moment, index in zip(at, which, strict=True):
        if offsets[index] != current:
            found.append(moment)
            current = offsets[index]
    return found
