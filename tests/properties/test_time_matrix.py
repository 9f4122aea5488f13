"""Loom's calendar and a wall clock watched minute by minute, through the changes of six zones.

All other zones, and eighteen years of changes: ``python -m tests.endurance zones``.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loom.domain.schedule import Fold, Gap
from loom.domain.worker import Worker
from loom.slots.calendar import due
from tests.endurance.zones import grouped, main, zone_names
from tests.ground.time_matrix import EVERYWHERE, Comparison, Due, around, generated, through
from tests.ground.wall_clock import Crontab, WatchedClock, changes_between

CHICAGO = "America/Chicago"
# An hour at two o'clock; half an hour; the month of fasting; two hours; a quarter of an hour, for good; a
# summer time as long as it lasted, and the day that never was. With how many changes there were.
YEARS = [
    (CHICAGO, 2026, 2),
    ("Australia/Lord_Howe", 2026, 2),
    ("Africa/Casablanca", 2025, 2),
    ("Antarctica/Troll", 2026, 2),
    ("Asia/Kathmandu", 1985, 1),
    ("Asia/Kathmandu", 2026, 0),
    ("Pacific/Apia", 2011, 3),
    ("Pacific/Apia", 2021, 1),
]


@pytest.mark.parametrize(("zone", "year", "count"), YEARS)
def test_around_a_change_loom_and_whoever_watches_the_wall_name_the_same_slots(
    zone: str, year: int, count: int
) -> None:
    start = datetime(year, 1, 1, tzinfo=UTC)
    changes = changes_between(zone, start, start.replace(year=year + 1))
    assert len(changes) == count
    comparison, chance = Comparison(due), random.Random(year)  # noqa: S311  (repeatable, guards nothing)
    for change in changes or [start]:
        texts = [*EVERYWHERE, *around(zone, change), *generated(30, number=year)]
        through(comparison, zone, change, texts, chance)
    assert comparison.differences == []
    assert comparison.slots > 10_000


# -- the oracle -------------------------------------------------------------------------------------------


def _on(zone: str, day: str, text: str, gap: str = "transition", fold: str = "first") -> list[str]:
    """What a watched clock makes of one day, as that wall shows it."""
    info = ZoneInfo(zone)
    start = datetime.fromisoformat(day).replace(tzinfo=info).astimezone(UTC)
    end = (datetime.fromisoformat(day) + timedelta(hours=23, minutes=59)).replace(tzinfo=info, fold=1)
    clock = WatchedClock(zone, start, end.astimezone(UTC), timedelta(hours=27))
    return [f"{at.astimezone(info):%H:%M%z}" for at in clock.watch_for(text).slots(gap, fold)]


def test_a_watched_clock_says_what_the_table_of_the_design_says_of_debian_cron() -> None:
    spring, autumn = "2026-03-08", "2026-11-01"
    assert _on(CHICAGO, spring, "30 2 * * *") == ["03:00-0500"]
    assert _on(CHICAGO, spring, "30 2 * * *", gap="shift") == ["03:30-0500"]
    assert _on(CHICAGO, spring, "30 2 * * *", gap="skip") == []
    assert _on(CHICAGO, autumn, "30 1 * * *") == ["01:30-0500"]
    assert _on(CHICAGO, autumn, "30 1 * * *", fold="second") == ["01:30-0600"]
    assert _on(CHICAGO, autumn, "30 1 * * *", fold="both") == ["01:30-0500", "01:30-0600"]
    assert _on(CHICAGO, spring, "0 */2 * * *")[:3] == ["00:00-0600", "04:00-0500", "06:00-0500"]
    assert _on(CHICAGO, autumn, "@hourly")[:3] == ["00:00-0500", "01:00-0500", "01:00-0600"]


def test_a_job_of_the_day_that_samoa_never_had_comes_as_the_next_day_begins() -> None:
    noon = "0 12 30 12 *"
    assert _on("Pacific/Apia", "2011-12-31", noon) == ["00:00+1400"]
    assert _on("Pacific/Apia", "2011-12-31", noon, gap="shift") == ["12:00+1400"]
    assert _on("Pacific/Apia", "2011-12-31", noon, gap="skip") == []
    assert _on("Pacific/Apia", "2011-12-31", "0 12 * * *") == ["00:00+1400", "12:00+1400"]


def test_the_oracle_reads_a_crontab_line_as_its_manual_says() -> None:
    line = Crontab.read("5,50-59/4 8-9 1-3 jan,dec mon-tue,7")
    assert line.times == {hour * 60 + minute for hour in (8, 9) for minute in (5, 50, 54, 58)}
    assert [sorted(each) for each in (line.days, line.months, line.weekdays)] == [
        [1, 2, 3],
        [1, 12],
        [0, 1, 2],
    ]
    assert (line.both_days, line.elapsed) == (False, False)
    assert Crontab.read("*/20 3 * * 1").elapsed
    assert Crontab.read("1 * */2 * 1").both_days


# -- can it fail? -----------------------------------------------------------------------------------------


def _with(**policy: Gap | Fold) -> Due:
    """A calendar that takes every worker to have chosen this policy."""

    def wrong(worker: Worker, mark: datetime, now: datetime) -> Sequence[datetime]:
        dst = replace(worker.schedule.dst, **policy)  # type: ignore[arg-type]
        return due(replace(worker, schedule=replace(worker.schedule, dst=dst)), mark, now)

    return wrong


def _reading(**fields: bool) -> Due:
    """A calendar that reads every schedule so."""

    def wrong(worker: Worker, mark: datetime, now: datetime) -> Sequence[datetime]:
        read = replace(worker.schedule.fields, **fields)  # type: ignore[arg-type]
        return due(replace(worker, schedule=replace(worker.schedule, fields=read)), mark, now)

    return wrong


def _closed_below(worker: Worker, mark: datetime, now: datetime) -> Sequence[datetime]:
    """A calendar that takes the mark itself to be due: a slot at a cut comes twice."""
    return due(worker, mark - timedelta(microseconds=1), now)


def _an_hour_on(worker: Worker, mark: datetime, now: datetime) -> Sequence[datetime]:
    hour = timedelta(hours=1)
    return [at + hour for at in due(worker, mark - hour, now - hour)]


FAULTS: list[tuple[str, Callable[..., Sequence[datetime]]]] = [
    *((f"gap {gap}", _with(gap=gap)) for gap in Gap),
    *((f"fold {fold}", _with(fold=fold)) for fold in Fold),
    *((f"elapsed {value}", _reading(elapsed=value)) for value in (True, False)),
    *((f"either day {value}", _reading(either_day=value)) for value in (True, False)),
    ("closed below", _closed_below),
    ("an hour on", _an_hour_on),
]


@pytest.mark.parametrize("fault", [fault for _, fault in FAULTS], ids=[name for name, _ in FAULTS])
def test_no_fault_in_a_calendar_gets_past_the_matrix(fault: Due) -> None:
    comparison = Comparison(fault)
    for text in ("2026-03-08T08:00Z", "2026-11-01T07:00Z"):
        change = datetime.fromisoformat(text)
        chance = random.Random(1)  # noqa: S311  (repeatable, guards nothing)
        through(comparison, CHICAGO, change, [*EVERYWHERE, *around(CHICAGO, change)], chance)
    assert comparison.different > 0
    assert all("Loom alone has" in sentence for sentence in comparison.differences)


# -- the long mode ----------------------------------------------------------------------------------------


def test_the_zones_that_the_long_mode_compares_are_those_that_change_and_each_once() -> None:
    groups = grouped(["US/Central", CHICAGO, "Etc/UTC", "Asia/Tokyo", "Asia/Kathmandu"], 2026, 2027)
    assert [(group.names, len(group.changes)) for group in groups if group.changes] == [
        ((CHICAGO, "US/Central"), 4)
    ]
    assert len(zone_names()) > 500


def test_the_long_mode_prints_its_figures_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    years = ["--from", "2026", "--to", "2026", "--generated", "2", "--jobs", "1"]
    assert main([*years, "--zone", "Pacific/Norfolk"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("zones 1 (wall clocks 1), transitions 2, expressions ")
    assert "differences 0" in last
