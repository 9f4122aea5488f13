"""The lost-slots benchmark: its streams of ticks, its counting, and what it takes for Loom's own word."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from loom.registry import load
from loom.simulation.rehearsal import only_schedules
from loom.simulation.traces import read_traces
from tests.benchmarks.deeds import Deed, Tally, tally
from tests.benchmarks.expressions import ACTIVE_OF_THE_TWELVE
from tests.benchmarks.lost_slots import END, LOOM, START, TRACES, by_the_hour, loom_at, result_of, slots_due
from tests.benchmarks.tick_streams import streams
from tests.ground.shut import REPOSITORY

STREAMS = streams(read_traces(TRACES), START, END)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DUE = {"w": [NOON, NOON + HOUR, NOON + 3 * HOUR]}
TICKS = [NOON + timedelta(minutes=30), NOON + 2 * HOUR, NOON + 3 * HOUR]


def _told(*deeds: tuple[int, int | None, bool], end: datetime = NOON + 4 * HOUR) -> Tally:
    """Deeds by the place of their tick and of their slot."""
    made = [
        Deed("w", TICKS[tick], None if slot is None else DUE["w"][slot], ran) for tick, slot, ran in deeds
    ]
    return tally(DUE, TICKS, made, end=end)


# -- when ticks come --------------------------------------------------------------------------------------


def test_every_stream_begins_in_the_first_days_and_ends_with_the_first_tick_after_the_year() -> None:
    assert len(STREAMS) == 6
    for name, ticks in STREAMS.items():
        assert START <= ticks[0] < START + timedelta(days=8), name
        assert ticks[-2] < END <= ticks[-1], name
        assert all(one < other for one, other in pairwise(ticks)), name


def test_a_trace_goes_on_by_its_own_gaps_over_and_over() -> None:
    (trace,) = (each for each in read_traces(TRACES).traces if each.name == "notiongit")
    gaps = [other - one for one, other in pairwise(trace.ticks)]
    ticks = STREAMS["notiongit"]
    assert ticks[0] == START + timedelta(minutes=12)
    assert [other - one for one, other in pairwise(ticks)][:7] == [*gaps, *gaps, gaps[0]]


def test_delays_are_those_of_a_clock_that_strikes_at_midnight_each_day_or_each_sunday() -> None:
    daily, weekly = STREAMS["agentdeals daily"], STREAMS["netcanon weekly"]
    assert [f"{at:%a %H:%M}" for at in daily[:4]] == ["Fri 00:44", "Sat 04:46", "Sun 12:12", "Mon 00:44"]
    assert {f"{at:%a}" for at in weekly} == {"Sun"}
    assert weekly[0] == datetime(2026, 1, 4, 3, 30, tzinfo=UTC)


# -- what was due -----------------------------------------------------------------------------------------


def test_the_eleven_are_the_active_workers_of_the_registry() -> None:
    registry = only_schedules(load(REPOSITORY / "worker-registry.yaml", project=REPOSITORY))
    assert {each.id: each.schedule.cron for each in registry.workers} == ACTIVE_OF_THE_TWELVE


# -- counting ---------------------------------------------------------------------------------------------


def test_a_slot_ran_at_its_first_tick_or_later_or_is_told_of_or_lost() -> None:
    assert _told((0, 0, True), (2, 1, True)) == Tally(due=3, first=1, later=1, told=0, lost=1, again=0)
    assert _told((1, 0, False), (2, 2, True)) == Tally(due=3, first=1, later=0, told=1, lost=1, again=0)


def test_a_slot_that_ran_after_it_was_told_of_has_run() -> None:
    assert _told((1, 0, False), (2, 0, True)) == Tally(due=3, first=0, later=1, told=0, lost=2, again=0)


def test_a_second_run_of_a_slot_is_one_too_many_and_so_is_one_of_no_slot() -> None:
    assert _told((0, 0, True), (1, 0, True)).again == 1
    stray = tally(DUE, TICKS, [Deed("w", TICKS[0], NOON + timedelta(minutes=5), ran=True)], end=NOON + HOUR)
    assert stray == Tally(due=1, first=0, later=0, told=0, lost=1, again=1)


def test_who_does_not_say_which_slot_is_taken_to_mean_the_newest_one() -> None:
    assert _told((1, None, True)) == Tally(due=3, first=1, later=0, told=0, lost=2, again=0)
    assert _told((0, None, True), (0, None, True)).again == 1


def test_slots_after_the_end_are_not_counted_whatever_became_of_them() -> None:
    within = _told((0, 0, True), (2, 2, True), (2, None, True), end=NOON + 3 * HOUR)
    assert within == Tally(due=2, first=1, later=0, told=0, lost=1, again=0)


def test_matching_the_hour_runs_what_a_tick_falls_in_the_hour_of_each_time_one_does() -> None:
    ticks = [NOON + timedelta(minutes=7), NOON + timedelta(minutes=50), NOON + 2 * HOUR]
    found = tally(DUE, ticks, by_the_hour(ticks, DUE), end=NOON + 2 * HOUR)
    assert found == Tally(due=2, first=1, later=0, told=0, lost=1, again=1)


# -- Loom -------------------------------------------------------------------------------------------------


def test_under_a_week_of_late_ticks_loom_loses_nothing_and_what_it_passes_over_is_on_record() -> None:
    week = START + timedelta(days=7)
    ticks = [at for at in STREAMS["agentdeals daily"] if at < week]
    due = slots_due(week)
    tallies = {
        name: tally(due, ticks, loom_at(each)(ticks, due), end=ticks[-1]) for name, each in LOOM.items()
    }
    default, *_, everything = tallies.values()
    assert default.told > 0
    assert everything.told == 0
    for each in tallies.values():
        assert (each.lost, each.later, each.again) == (0, 0, 0)
        assert each.first + each.told == each.due > 30


def test_a_goal_is_missed_if_loom_loses_doubles_or_delays_one_slot() -> None:
    good = Tally(due=9, first=8, later=0, told=1, lost=0, again=0)
    bad = Tally(due=9, first=0, later=0, told=0, lost=9, again=3)
    assert result_of({("stream", "Loom"): good, ("stream", "huey 3.5.4"): bad}).reached
    for lost, later, again in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        worse = Tally(due=9, first=8 - lost - later, later=later, told=1, lost=lost, again=again)
        assert not result_of({("stream", "Loom"): worse}).reached
