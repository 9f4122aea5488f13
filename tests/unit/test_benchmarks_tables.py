"""What is made of the figures: the floor of an idle tick, ratios, goals, sizes, and the workflow's steps."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.benchmarks import busy, footprint, idle, job
from tests.benchmarks.lanes import Ran, Taken
from tests.benchmarks.peers import PeerUnavailable
from tests.benchmarks.slow_flush import EXTRA_MS, slow_flush
from tests.benchmarks.ticks import FIRST_TICK, Ticks
from tests.ground.needs import needs
from tests.ground.shut import REPOSITORY

MIB = 2**20


def ran(
    name: str, seconds: Mapping[int, float], wrong: Mapping[int, int] | None = None, **told: object
) -> Ran:
    recorded = {size: size for size in seconds} | dict(wrong or {})
    return Ran(name, (Taken(seconds, recorded, told),))


def test_the_floor_of_an_idle_tick_imports_only_what_the_tick_does() -> None:
    imported = ("click.core", "yaml", "sqlite3.dbapi2", "zoneinfo", "croniter.croniter", "loom.cli", "json")
    libraries = idle.needed(imported)
    assert libraries == ("click", "yaml", "sqlite3", "zoneinfo", "croniter")
    assert "pydantic" not in idle.floor_code(libraries)
    assert idle.needed((*imported, "pydantic")) == (*libraries, "pydantic")


def test_the_floor_of_an_idle_tick_reads_the_whole_registry(tmp_path: Path) -> None:
    code = idle.floor_code(("yaml",))
    file = tmp_path / "registry.yaml"
    for text, code_of_exit in (("workers: {}\n", 0), ("workers: {}\nend: [\n", 1)):
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, check=False)
        assert done.returncode == code_of_exit


def test_an_idle_tick_is_held_against_its_floor_at_each_size() -> None:
    ours = ran("Loom: loom run", {12: 0.26, 1_000: 0.4, 10_000: 1.0})
    floor = ran("floor: imports and the file", {12: 0.2, 1_000: 0.2, 10_000: 0.4})
    result = idle.result_of([ours, floor, ran("prefect version", {12: 2.0})], ("yaml",), rounds=1)
    assert result.rows[2] == ("Loom, times the floor", "1.30", "2.00", "2.50")
    assert result.rows[3][1:] == ("2 s ± 0 us", "-", "-")
    assert [goal.reached for goal in result.goals] == [True, False]


def test_an_idle_tick_and_its_floor_are_compared_round_by_round() -> None:
    paces = (1.0, 2.0, 1.0)
    ours = Ran("Loom: loom run", tuple(Taken({12: 0.25 * pace}, {}) for pace in paces))
    floor = Ran("floor: imports and the file", tuple(Taken({12: 0.2 * pace}, {}) for pace in (1.0, 2.0, 2.0)))
    spared = ran("floor, spared what Loom spares itself", {12: 0.125})
    larger = {1_000: 0.4, 10_000: 1.0}
    rest = (ran("Loom: loom run", larger), ran("floor: imports and the file", larger))
    result = idle.result_of([ours, floor, spared, *rest], ("yaml",), rounds=3)
    assert result.rows[0][1:] == ("250 ms ± 125 ms", "400 ms ± 0 us", "1 s ± 0 us")
    assert result.rows[2] == ("Loom, times the floor", "1.25", "1.00", "1.00")
    assert result.rows[4] == ("Loom, times that", "2.00", "-", "-")


def test_an_idle_tick_without_figures_is_no_result() -> None:
    floor = ran("floor: imports and the file", {12: 0.2, 1_000: 0.2, 10_000: 0.4})
    with pytest.raises(RuntimeError, match="it broke"):
        idle.result_of([Ran("Loom: loom run", trouble="it broke"), floor], ("yaml",), rounds=1)


def test_a_busy_tick_is_held_against_its_floor_at_the_largest_size() -> None:
    sizes = {1: 0.2, 100: 0.4, 1_000: 1.9}
    floor = ran("floor: bare SQLite loop", {1: 0.001, 100: 0.1, 1_000: 1.0}, durability="SQLite")
    peer = ran("Prefect", {1: 0.5, 100: 30.0}, durability="its own")
    result = busy.result_of((ran("Loom, inline", sizes, durability="SQLite"), floor, peer), rounds=1)
    assert result.rows[0] == (
        "Loom, inline", "SQLite", "200 ms ± 0 us", "400 ms ± 0 us", "1.9 s ± 0 us", "1.90"
    )  # fmt: skip
    assert result.rows[1][-2:] == ("1.7 s ± 0 us", "1.70")
    assert result.rows[3][-2:] == ("-", "-")
    assert result.reached


def test_where_a_flush_takes_longer_it_does_for_the_floor_as_well() -> None:
    slow = ", a flush taking 2 ms more"
    contenders = (
        ran("Loom, inline", {1: 0.2, 100: 0.4, 1_000: 2.9}),
        ran("floor: bare SQLite loop", {1: 0.001, 100: 0.1, 1_000: 1.0}),
        ran(f"Loom, inline{slow}", {1_000: 6.0}),
        ran(f"floor: bare SQLite loop{slow}", {1_000: 4.0}),
    )
    result = busy.result_of(contenders, rounds=1)
    assert [row[-1] for row in result.rows] == ["2.90", "2.70", "1.00", "1.50", "1.00"]
    assert [goal.reached for goal in result.goals] == [False, True]


@needs("cc")
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's loader")
def test_a_slow_disk_is_slow_for_every_flush(tmp_path: Path) -> None:
    code = "import os, time; file = os.open('it', os.O_CREAT | os.O_WRONLY); began = time.monotonic()\n"
    code += "for _ in range(10): os.fsync(file); os.fdatasync(file)\nprint(time.monotonic() - began)"
    told = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=slow_flush(tmp_path))
    assert float(told) >= 20 * EXTRA_MS / 1000


@pytest.mark.parametrize("name", ["slow floor", "a:b"])
def test_a_folder_that_the_loader_would_take_for_two_is_refused_and_not_passed_over(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(PeerUnavailable):
        slow_flush(tmp_path / name)


@pytest.mark.parametrize(
    "ours",
    [
        ran("Loom, inline", {1: 0.2, 100: 0.4, 1_000: 2.1}),
        ran("Loom, inline", {1: 0.2, 100: 0.4, 1_000: 0.1}, {1_000: 999}),
        Ran("Loom, inline", trouble="it broke"),
    ],
    ids=["too slow", "wrong", "broken"],
)
def test_a_busy_tick_that_is_slow_or_wrong_or_not_measured_misses_the_goal(ours: Ran) -> None:
    floor = ran("floor: bare SQLite loop", {1: 0.001, 100: 0.1, 1_000: 1.0})
    assert not busy.result_of((ours, floor), rounds=1).reached


def test_the_size_of_an_installation_is_its_files_and_distributions_beyond_those_of_an_empty_one(
    tmp_path: Path,
) -> None:
    def installed(name: str, *distributions: str) -> footprint.Size:
        for distribution in distributions:
            file = tmp_path / name / "lib" / f"{distribution}.dist-info" / "METADATA"
            file.parent.mkdir(parents=True)
            file.write_text("12345", encoding="utf-8")
        (tmp_path / name / "lib64").symlink_to("lib")
        return footprint.size_of(tmp_path / name)

    empty, full = installed("empty", "pip-23"), installed("full", "pip-23", "huey-3.5.4", "six-1.0")
    assert full.beyond(empty) == footprint.Size(10, frozenset({"huey-3.5.4", "six-1.0"}))


def test_a_footprint_has_the_import_less_the_bare_interpreter() -> None:
    told = {"bytes": 24 * MIB, "distributions": ["a", "b"], "peak_bytes": 9.5 * MIB}
    takes = tuple(
        Taken({0: bare, 1: bare + extra}, {}, told) for bare, extra in ((1, 0.25), (2, 0.5), (3, 0.75))
    )
    result = footprint.result_of([Ran("huey", takes), Ran("dbos", trouble="it broke")], rounds=3)
    assert result.rows == (
        ("huey", "24 MiB", "2", "500 ms ± 250 ms", "9.5 MiB"),
        ("dbos", "-", "-", "-", "-"),
    )
    assert any("it broke" in note for note in result.notes)


def test_the_steps_of_a_job_are_the_ones_of_the_workflow() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "loom.yml").read_text(encoding="utf-8"))
    steps = job.steps_of(workflow)
    assert "pip install" in steps.install["run"]
    assert "loom run" in steps.tick["run"]
    workflow["jobs"]["tick"]["steps"].append({"name": "One more", "run": "sleep 100"})
    with pytest.raises(ValueError, match="One more"):
        job.steps_of(workflow)


def test_ticks_go_forwards_by_their_step(tmp_path: Path) -> None:
    ticks = Ticks(tmp_path, timedelta(hours=1))
    assert ticks.at == FIRST_TICK
    ticks.count += 2
    assert ticks.at == FIRST_TICK + timedelta(hours=2)
    assert ticks.arguments[-1] == "2026-03-03T20:20:00+00:00"
