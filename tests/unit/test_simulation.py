"""The simulation: real ticks on a ledger in memory, at times that a file gives, and no work done."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom.clock import ManualClock
from loom.domain.replay import Replay, TickTrace
from loom.errors import ConfigurationError, UsageError
from loom.registry import load
from loom.report.progress import SilentProgress
from loom.runner.parts import Parts
from loom.settings import read_settings
from loom.simulation.replay import by_hour, simulate
from loom.simulation.traces import Delays, TraceFile, read_traces
from loom.wiring.parts import parts_for
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def parts(root: Path) -> Parts:
    return parts_for(read_settings({}, cwd=root, project=None), ManualClock(START), SilentProgress())


def replayed(
    root: Path, *ticks: datetime, start: datetime | None = None, end: datetime | None = None
) -> Replay:
    registry = load(root / "worker-registry.yaml", project=root)
    file = TraceFile((TickTrace(name="t", ticks=tuple(sorted(ticks))),), ())
    (replay,) = simulate(parts(root), registry, file, start=start, end=end)
    return replay


def written(folder: Path, value: Any) -> Path:
    path = folder / "ticks.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_slot_runs_as_late_as_its_tick_and_one_overtaken_gives_way(project: Project) -> None:
    replay = replayed(project.root, START + timedelta(minutes=7), START + 3 * HOUR + timedelta(minutes=20))
    (echo,) = replay.workers
    assert (replay.start, replay.end) == (START, START + 3 * HOUR + timedelta(minutes=20))
    assert (echo.due, echo.run, echo.superseded, echo.missed, echo.lost) == (4, 2, 2, 0, 0)
    assert (echo.lateness_median_s, echo.lateness_max_s) == (13.5 * 60, 20 * 60)
    assert (echo.by_hour, echo.by_hour_lost, echo.by_hour_again) == (2, 0, 0)


def test_a_slot_that_falls_outside_its_catch_up_is_lost(project: Project) -> None:
    project.entries('daily: {schedule: "0 8 * * *", entrypoint: "workers.echo:run", catch_up: {within: 2h}}')
    (daily,) = replayed(project.root, START, START + 5 * HOUR, START + 24 * HOUR).workers
    assert (daily.due, daily.run, daily.missed, daily.lost) == (1, 0, 1, 1)


def test_needs_of_workers_are_taken_as_met_and_their_code_is_never_touched(project: Project) -> None:
    project.worker("echo", "raise SystemExit('imported')")
    project.entries(
        """
        needy:
          schedule: "0 * * * *"
          entrypoint: workers.echo:run
          requires: {env: [NOT_SET], paths: [not/there]}
          expect: {non_empty: [findings]}
        asleep: {schedule: "0 * * * *", entrypoint: "workers.echo:run", status: paused}
        """
    )
    (needy,) = replayed(project.root, START, START + HOUR).workers
    assert (needy.worker, needy.due, needy.run) == ("needy", 2, 2)


def test_nothing_is_written_and_nothing_is_asked_of_the_enforcement_folder(project: Project) -> None:
    (project.root / "enforcement" / "manifest.yaml").unlink()
    before = sorted(project.root.rglob("*"))
    assert replayed(project.root, START).lost == 0
    assert sorted(project.root.rglob("*")) == before


def test_the_time_looked_at_starts_and_ends_with_the_ticks_in_it(project: Project) -> None:
    ticks = [START + n * HOUR + timedelta(minutes=5) for n in range(6)]
    replay = replayed(project.root, *ticks, start=START + 2 * HOUR, end=START + 4 * HOUR)
    assert replay.trace.ticks == tuple(ticks[2:4])
    assert (replay.start, replay.end, replay.due) == (START + 2 * HOUR, ticks[3], 2)
    with pytest.raises(UsageError, match="no tick of the file comes between"):
        replayed(project.root, *ticks, start=START - 2 * HOUR, end=START)


def test_slots_between_the_start_asked_for_and_the_first_tick_are_due_too(project: Project) -> None:
    (echo,) = replayed(project.root, START + 5 * HOUR, start=START).workers
    assert (echo.due, echo.run, echo.superseded, echo.lost) == (6, 1, 5, 0)
    assert (echo.by_hour, echo.by_hour_lost) == (1, 0)


def test_hour_matching_runs_what_is_scheduled_in_the_hour_of_a_tick_and_again_for_each_further_tick() -> None:
    due = [START, START + HOUR, START + HOUR + timedelta(minutes=30), START + 5 * HOUR]
    ticks = [START + timedelta(minutes=59), *(START + HOUR + timedelta(minutes=m) for m in (1, 2))]
    assert by_hour(due, ticks, "America/Chicago") == (frozenset(due[:3]), 1)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 6 * 24 * 60), min_size=1, max_size=30))
def test_of_every_slot_there_is_exactly_one_fate_however_ticks_come(offsets: list[int]) -> None:
    ticks = [START + timedelta(minutes=offset) for offset in offsets]
    for each in replayed(REPOSITORY, *ticks).workers:
        assert each.due == each.run + each.superseded + each.missed, each
        assert each.lost == each.missed
        assert 0 <= each.by_hour_lost <= each.due - each.by_hour


@settings(max_examples=15)
@given(st.lists(st.integers(1, 23 * 60), min_size=1, max_size=12))
def test_nothing_is_lost_while_ticks_are_less_than_a_day_apart(gaps: list[int]) -> None:
    ticks = [START]
    for gap in gaps:
        ticks.append(ticks[-1] + timedelta(minutes=gap))
    assert replayed(REPOSITORY, *ticks).lost == 0


def test_a_list_of_delays_stands_for_hourly_ticks_each_late_by_the_next_of_them() -> None:
    delays = Delays("slow", (timedelta(minutes=10), timedelta(minutes=130)))
    made = delays.hourly(START, START + 5 * HOUR)
    minutes = [(at - START) / timedelta(minutes=1) for at in made.ticks]
    assert minutes == [10, 130, 190, 250]
    assert made.made


def test_delays_go_on_for_fourteen_days_from_the_first_tick_of_the_file_or_from_a_time_given(
    project: Project,
) -> None:
    registry = load(project.root / "worker-registry.yaml", project=project.root)
    delays = (Delays("slow", (timedelta(minutes=10),)),)
    traced = TraceFile((TickTrace(name="t", ticks=(START + timedelta(minutes=5),)),), delays)
    _, made = simulate(parts(project.root), registry, traced, start=None, end=None)
    assert (made.start, len(made.trace.ticks)) == (START, 14 * 24)
    alone = TraceFile((), delays)
    with pytest.raises(UsageError, match="--from 2026"):
        list(simulate(parts(project.root), registry, alone, start=None, end=None))
    (short,) = simulate(parts(project.root), registry, alone, start=START, end=START + 2 * HOUR)
    assert (short.due, short.lost) == (2, 0)


def test_a_trace_is_read_in_any_order_and_any_offset(tmp_path: Path) -> None:
    value = {
        "note": "for people",
        "traces": [
            {"name": "t", "cron": "hourly", "ticks": ["2026-09-01T15:00:00Z", "2026-09-01T07:00:00-05:00"]}
        ],
    }
    (trace,) = read_traces(written(tmp_path, value)).traces
    assert trace.ticks == (START, START + 3 * HOUR)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", ":1: isn't JSON: Expecting property name"),
        ("[" * 100_000, "isn't JSON"),
        ([], "expected an object, got a list"),
        ({}, "there is neither a trace nor a list of delays; write {"),
        ({"traces": {}}, "at key 'traces' > expected a list, got an object"),
        ({"traces": [3]}, "at trace 1 > expected an object, got a number"),
        ({"traces": [{"name": "t"}]}, "at trace 't' > at key 'ticks' > expected a list, got nothing"),
        ({"traces": [{"ticks": []}]}, "at trace 'trace 1' > at key 'ticks' > expected a list, got an empty"),
        ({"traces": [{"name": "t", "ticks": ["noon"]}]}, "at item 1 of 'ticks' > 'noon' is no ISO 8601 time"),
        ({"traces": [{"ticks": ["2026-09-01T12:00:00"]}]}, "has no offset"),
        ({"traces": [{"ticks": [1756728000]}]}, "1756728000 is no ISO 8601 time"),
        ({"lateness_minutes": [{"minutes": [4, -1]}]}, "at item 2 of 'minutes' > -1 is no delay"),
        ({"lateness_minutes": [{"minutes": [True]}]}, "True is no delay"),
        ('{"lateness_minutes": [{"minutes": [NaN]}]}', "nan is no delay"),
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_place_and_what_to_write(
    tmp_path: Path, value: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_traces(written(tmp_path, value))
    assert said in str(caught.value)
    assert "ticks.json" in str(caught.value)


def test_every_mistake_is_said_at_once_and_a_missing_file_by_name(tmp_path: Path) -> None:
    value = {
        "traces": [{"name": "t", "ticks": ["noon", "2026-09-01T12:00:00Z", None]}],
        "lateness_minutes": 3,
    }
    with pytest.raises(ConfigurationError) as caught:
        read_traces(written(tmp_path, value))
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigurationError, match=r"none\.json: can't be read: No such file"):
        read_traces(tmp_path / "none.json")
