"""`loom simulate`: the published tick traces against this repository's own registry."""

import json
from pathlib import Path

from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

TRACES = REPOSITORY / "tests" / "ground" / "ticks.json"
NAMES = [
    "fpl-intelligence", "nodejs-build", "notiongit", "aprender", "agentdeals daily", "netcanon weekly"
]  # fmt: skip


def test_under_the_published_traces_no_slot_of_this_repository_is_lost_and_hour_matching_loses_some(
    loom: Command,
) -> None:
    simulated = loom("simulate", "--ticks", TRACES, "--json", "--project", REPOSITORY)
    assert simulated.exit_code == 0, simulated
    answer = simulated.json()
    assert [trace["name"] for trace in answer["traces"]] == NAMES
    assert answer["lost"] == 0
    assert answer["due"] == sum(trace["due"] for trace in answer["traces"]) > 200
    assert answer["hour_matching_lost"] > 50
    for trace in answer["traces"]:
        assert trace["lost"] == 0, trace
        assert trace["hour_matching_lost"] > 0, trace
        for worker in trace["workers"]:
            assert worker["due"] == worker["run"] + worker["superseded"], worker
            assert worker["hour_matching"].keys() == {"run", "lost", "run_again"}


def test_after_the_first_tick_hour_matching_runs_2_of_8_and_1_of_3_and_loom_all_of_them(
    loom: Command, tmp_path: Path
) -> None:
    traces = json.loads(TRACES.read_text(encoding="utf-8"))["traces"]
    for name, due, matched in (("fpl-intelligence", 8, 2), ("nodejs-build", 3, 1)):
        (trace,) = (each for each in traces if each["name"] == name)
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"traces": [trace]}), encoding="utf-8")
        simulated = loom(
            "simulate", "--ticks", file, "--from", trace["ticks"][0], "--json", "--project", REPOSITORY
        )
        assert simulated.exit_code == 0, simulated
        (replay,) = simulated.json()["traces"]
        assert (replay["due"], replay["lost"]) == (due, 0)
        assert sum(worker["run"] for worker in replay["workers"]) == due
        assert sum(worker["hour_matching"]["run"] for worker in replay["workers"]) == matched


def test_the_table_fits_80_columns_and_says_both_sums(loom: Command) -> None:
    seen = loom.in_terminal("simulate", "--ticks", TRACES, "--project", REPOSITORY, columns=80, rows=200)
    assert seen.exit_code == 0, seen
    lines = seen.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines), seen
    assert "Loom lost 0 of 9 slots; hour matching lost 6 of 9." in lines
    assert any(line.startswith("All of them: Loom lost 0 of ") for line in lines)
    assert any(line.startswith("pattern-memory-analyzer ") for line in lines), "a name was cut"
    assert "…" not in seen.stdout


def test_a_lost_slot_is_counted_and_makes_the_exit_code_1(loom: Command, project: Project) -> None:
    project.entries('daily: {schedule: "0 8 * * *", entrypoint: "workers.echo:run", catch_up: {within: 2h}}')
    ticks = ["2026-09-01T12:00:00Z", "2026-09-01T18:00:00Z"]
    file = project.write("ticks.json", json.dumps({"traces": [{"name": "mine", "ticks": ticks}]}))
    simulated = loom("simulate", "--ticks", file, "--project", project.root)
    assert simulated.exit_code == 1, simulated
    assert "Loom lost 1 of 1 slot; hour matching lost 1 of 1." in simulated.stdout


def test_nothing_is_run_and_nothing_is_written(loom: Command, project: Project) -> None:
    project.worker("echo", "raise SystemExit('a worker was imported')")
    before = sorted(project.root.rglob("*"))
    simulated = loom("simulate", "--ticks", TRACES, "--project", project.root)
    assert simulated.exit_code == 0, simulated
    assert sorted(project.root.rglob("*")) == before


def test_mistakes_in_the_file_or_the_time_are_said_with_what_to_do(loom: Command, project: Project) -> None:
    file = project.write("ticks.json", '{"traces": [{"name": "mine", "ticks": ["noon"]}]}')
    broken = loom("simulate", "--ticks", file, "--project", project.root)
    assert broken.exit_code == 3
    assert "at trace 'mine' > at item 1 of 'ticks' > 'noon' is no ISO 8601 time" in broken.stderr
    wrong = loom("simulate", "--ticks", TRACES, "--from", "noon", "--project", project.root)
    assert wrong.exit_code == 2
    assert "--from 'noon' is no ISO 8601 time" in wrong.stderr
    empty = loom("simulate", "--ticks", TRACES, "--to", "2020-01-01T00:00:00Z", "--project", project.root)
    assert empty.exit_code == 2
    assert "no tick of the file comes between" in empty.stderr
