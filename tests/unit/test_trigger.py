"""Trigger health: ticks expected and received, how late, and the longest silence."""

import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.registry import Registry
from loom.domain.schedule import Schedule
from loom.domain.tick import Tick
from loom.domain.trigger import EARLY, TriggerHealth
from loom.ledger.memory import MemoryLedger
from loom.report.trigger import as_json, sentences
from loom.slots.trigger import expected_at, lateness, quantile, trigger_health

NOW = datetime(2026, 11, 20, 18, 50, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 0, 17, tzinfo=UTC)

FOUR = timedelta(minutes=4)


def cron(text: str, zone: str = "America/Chicago") -> Schedule:
    return Schedule(text, parse_cron(text), zone)


HOURLY = cron("17 * * * *")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours_back(*hours: float) -> list[datetime]:
    """Expected instants, counted back from the newest one."""
    newest = datetime(2026, 11, 20, 18, 17, tzinfo=UTC)
    return [newest - timedelta(hours=hour) for hour in sorted(hours, reverse=True)]


def health(came: list[datetime], *, now: datetime = NOW, trigger: str = "schedule") -> TriggerHealth:
    ledger = MemoryLedger()
    ledger.record([Tick(id=f"t{number}", at=at, trigger=trigger) for number, at in enumerate(came)])
    return trigger_health(HOURLY, ledger, now=now)


def steady(late: timedelta = FOUR, until: datetime = NOW) -> list[datetime]:
    """Every tick of three weeks, each `late`."""
    return [at for n in range(24 * 21) if (at := FIRST + timedelta(hours=n) + late) <= until]


def test_a_clock_that_keeps_to_its_time_has_dropped_nothing() -> None:
    found = health(steady())
    assert (found.day.expected, found.day.received, found.day.dropped) == (24, 24, 0)
    assert (found.week.expected, found.week.received) == (168, 168)
    assert found.day.lateness_median_s == found.week.lateness_p95_s == 240
    assert found.day.longest_gap_s == 3600


def test_ticks_that_never_came_are_dropped_and_said_plainly() -> None:
    missing = {*hours_back(3, 4, 5), *hours_back(10), *hours_back(15, 20), *hours_back(100)}
    found = health([at for at in steady() if at - minutes(4) not in missing])
    assert (found.day.expected, found.day.received, found.day.dropped) == (24, 18, 6)
    assert (found.week.expected, found.week.received) == (168, 161)
    assert found.day.longest_gap_s == 4 * 3600
    assert found.day.lateness_median_s == 240, "a dropped tick doesn't make later ones look late"
    assert sentences(found) == (
        "18 of 24 ticks came in the last 24 h; 6 were dropped by the trigger; longest gap 4 h; "
        "lateness median 4 min, 95% within 4 min.",
        "161 of 168 ticks came in the last 7 days; 7 were dropped by the trigger; longest gap 4 h; "
        "lateness median 4 min, 95% within 4 min.",
    )


def test_a_tick_that_may_still_be_on_its_way_is_not_called_dropped() -> None:
    found = health(steady(until=NOW - minutes(45)))
    assert (found.day.expected, found.day.received) == (23, 23)
    later = health(steady(until=NOW - minutes(45)), now=NOW + minutes(40))
    assert (later.day.expected, later.day.dropped) == (23, 1), "the next one is due: now it is"


def test_two_ticks_that_were_held_up_and_come_together_stand_for_two() -> None:
    held = hours_back(1, 2)
    came = [at for at in steady() if at - minutes(4) not in held]
    found = health(sorted([*came, held[1] + minutes(30), held[1] + minutes(31)]))
    assert (found.day.expected, found.day.dropped) == (24, 0)
    assert found.day.lateness_p95_s is not None
    assert found.day.lateness_p95_s > 240


def test_ticks_by_hand_do_not_count_and_those_of_an_outside_clock_do() -> None:
    by_hand = health(steady(), trigger="manual")
    assert (by_hand.day.expected, by_hand.day.received, by_hand.day.longest_gap_s) == (0, 0, None)
    assert sentences(by_hand) == ("No clock has brought a tick yet; expected: 17 * * * * (America/Chicago).",)


def test_a_clock_that_stopped_long_ago_is_not_taken_for_one_that_never_came() -> None:
    (said,) = sentences(health([NOW - timedelta(days=61)]))
    assert said == "No clock has brought a tick for 61 d; expected: 17 * * * * (America/Chicago)."
    for outside in ("repository_dispatch", "workflow_dispatch"):
        assert health(steady(), trigger=outside).day.received == 24


def test_a_second_clock_beside_the_first_changes_no_count() -> None:
    found = health(sorted([*steady(), *steady(late=minutes(20))]))
    assert (found.week.expected, found.week.received) == (168, 168)
    assert found.week.lateness_p95_s == 240


def test_nothing_is_expected_before_the_first_tick_that_a_clock_brought() -> None:
    found = health([at + minutes(2) for at in hours_back(0, 1, 2, 3)])
    assert (found.day.expected, found.week.expected) == (4, 4)
    assert found.week.longest_gap_s == 3600


def test_a_clock_that_fell_silent_has_dropped_everything_since() -> None:
    found = health(steady(until=NOW - timedelta(days=2)))
    assert (found.day.expected, found.day.received) == (23, 0)
    assert found.day.lateness_median_s is None
    assert found.day.longest_gap_s == 24 * 3600
    assert (found.week.expected, found.week.received) == (167, 120)
    assert found.week.longest_gap_s == 2 * 86400 + minutes(29).total_seconds()
    assert sentences(found)[0] == (
        "0 of 23 ticks came in the last 24 h; 23 were dropped by the trigger; longest gap 24 h."
    )


@pytest.mark.parametrize(("silent_h", "lost", "dead"), [(0.5, 0, False), (2.7, 2, False), (3.7, 3, True)])
def test_a_clock_is_dead_when_three_expected_ticks_in_a_row_have_not_come(
    silent_h: float, lost: int, dead: bool
) -> None:
    last = datetime(2026, 11, 20, 15, 17, tzinfo=UTC)
    by_hand = Tick(id="by-hand", at=NOW, trigger="manual")
    ledger = MemoryLedger()
    ledger.record([Tick(id="t", at=last, trigger="schedule"), by_hand])
    found = trigger_health(HOURLY, ledger, now=last + timedelta(hours=silent_h) + minutes(40))
    assert (found.last, found.lost, found.dead) == (last, lost, dead)


def test_a_clock_that_never_came_is_not_dead_and_one_that_came_long_ago_is() -> None:
    never = health(steady(), trigger="manual")
    assert (never.last, never.lost, never.dead) == (None, 0, False)
    ledger = MemoryLedger()
    long_ago = NOW - timedelta(days=90)
    ledger.record([Tick(id="t", at=long_ago, trigger="schedule"), Tick(id="m", at=NOW, trigger="manual")])
    found = trigger_health(HOURLY, ledger, now=NOW)
    assert (found.last, found.dead, found.silent_s) == (long_ago, True, 90 * 86400)


def test_slots_are_settled_once_three_ticks_after_them_were_to_come() -> None:
    assert health(steady()).settled == datetime(2026, 11, 20, 16, 17, tzinfo=UTC) - timedelta(microseconds=1)


def test_a_day_without_an_expected_tick_is_said_to_be_one() -> None:
    ledger = MemoryLedger()
    ledger.record([Tick(id="t", at=NOW - timedelta(days=2), trigger="schedule")])
    found = trigger_health(cron("50 12 * * 3"), ledger, now=NOW)
    assert sentences(found)[0] == "No tick was expected in the last 24 h."


def test_a_tick_a_little_before_its_time_is_that_tick() -> None:
    (newest,) = hours_back(0)
    assert expected_at(HOURLY, newest - timedelta(seconds=20)) == newest
    assert expected_at(HOURLY, newest - minutes(2)) == newest - timedelta(hours=1)
    late = lateness(HOURLY, [newest - timedelta(seconds=20)], now=newest - timedelta(seconds=10))
    assert late == {newest: timedelta()}


def test_a_tick_more_than_a_day_late_stands_for_nothing() -> None:
    daily = cron("0 6 * * 1", zone="UTC")
    monday = datetime(2026, 11, 16, 6, tzinfo=UTC)
    came = [monday - timedelta(days=7), monday + timedelta(hours=24, minutes=1)]
    assert lateness(daily, came, now=NOW) == {came[0]: timedelta(), monday: None}
    assert lateness(daily, [came[0], monday + timedelta(hours=23)], now=NOW)[monday] == timedelta(hours=23)


def test_a_clock_change_moves_what_is_expected() -> None:
    morning = cron("0 6 * * *")
    came = [datetime(2026, 10, 31, 11, 5, tzinfo=UTC), datetime(2026, 11, 1, 12, 5, tzinfo=UTC)]
    late = lateness(morning, came, now=datetime(2026, 11, 1, 13, tzinfo=UTC))
    assert list(late.values()) == [minutes(5), minutes(5)]


def test_the_json_form_has_every_figure_of_both_spans() -> None:
    form = as_json(health(steady()))
    assert form == {
        "schedule": "17 * * * *",
        "timezone": "America/Chicago",
        **{f"expected_{name}": number for name, number in (("24h", 24), ("7d", 168))},
        **{f"received_{name}": number for name, number in (("24h", 24), ("7d", 168))},
        **{f"dropped_{name}": 0 for name in ("24h", "7d")},
        **{f"lateness_{which}_{name}_s": 240.0 for which in ("median", "p95") for name in ("24h", "7d")},
        **{f"longest_gap_{name}_s": 3600.0 for name in ("24h", "7d")},
    }


def test_a_registry_that_does_not_say_expects_a_tick_at_every_hour() -> None:
    assert Registry(zone="UTC", workers=()).ticks_expected == cron("0 * * * *", zone="UTC")
    assert Registry(zone="UTC", workers=(), tick=HOURLY).ticks_expected is HOURLY


@given(
    st.lists(st.integers(0, 14 * 24 * 60 * 2), unique=True, max_size=200),
    st.integers(-60, 7 * 24 * 60 * 2),
)
def test_how_late_the_ticks_of_a_week_were_is_told_without_those_before_it(
    half_minutes: list[int], since: int
) -> None:
    start = NOW - timedelta(days=14)
    came = sorted(start + minutes(half / 2) for half in half_minutes)
    after = start + minutes(since / 2)
    recent = [*came[:1], *(at for at in came[1:] if at >= after - EARLY)]
    whole = lateness(HOURLY, came, now=NOW)
    assert lateness(HOURLY, recent, now=NOW, since=after) == {
        at: late for at, late in whole.items() if at > after
    }


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=40))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    values.sort()
    hundredths = statistics.quantiles(values, n=100, method="inclusive")
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values))
    assert quantile(values, 0.95) == pytest.approx(hundredths[94])


@given(
    st.lists(st.integers(0, 7 * 24 * 60 - 1), unique=True, max_size=200),
    st.integers(0, 7 * 24 * 60),
)
def test_every_expected_instant_is_matched_at_most_once_and_never_by_a_tick_before_it(
    offsets: list[int], until: int
) -> None:
    start = NOW - timedelta(days=7)
    came = sorted(start + minutes(offset) for offset in offsets if offset <= until)
    late = lateness(HOURLY, came, now=start + minutes(until))
    arrived = [at + delay for at, delay in late.items() if delay is not None]
    assert all(delay is None or delay >= timedelta() for delay in late.values())
    assert len(arrived) == len(set(arrived)) <= len(came)
    assert set(arrived) <= set(came)
    # An hour in which a tick came was received, whatever came before or after it.
    for at in late:
        if any(at <= tick < at + timedelta(hours=1) for tick in came):
            assert late[at] is not None, at
