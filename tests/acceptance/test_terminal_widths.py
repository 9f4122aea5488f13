"""However narrow the terminal: health, outcomes and the ids of runs stand whole, one line for each."""

import re
from pathlib import Path

import pytest

from loom.domain.health import Health
from loom.registry import load
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

WIDTHS = (60, 80, 100, 140)
LONGEST = "a-worker-whose-name-tells-everything-it-does"
SHIPPED = [worker.id for worker in load(REPOSITORY / "worker-registry.yaml", project=REPOSITORY).workers]
IDS = [*SHIPPED, LONGEST]
_WAYS = ("good", "bad", "skip")


@pytest.fixture
def long_lived(loom: Command, project: Project) -> Project:
    """The shipped ids and a longer one, after four ticks in which they succeeded, failed, skipped, missed."""
    assert len(LONGEST) == 44
    entries = [
        f'{id_}: {{agent: "Agent of {id_}", schedule: "0 {number} * * *", '
        f'entrypoint: "workers.ways:{_WAYS[number % 3]}", retry: {{attempts: 1, later_ticks: 0}}}}'
        for number, id_ in enumerate(IDS)
    ]
    entries.append('broken-one: {schedule: "0 3 * *", entrypoint: "workers.ways:good"}')
    project.entries("\n".join(entries))
    project.worker(
        "ways",
        """
        from loom.worker import Skip, TransientError, WorkerContext, WorkerOutput

        def good(context: WorkerContext) -> WorkerOutput:
            return WorkerOutput(summary="12 records looked at, 3 of them want attention before Friday " * 3)

        def bad(context: WorkerContext) -> WorkerOutput:
            raise TransientError("the answer from the other side has no field 'results' where one is")

        def skip(context: WorkerContext) -> WorkerOutput:
            raise Skip("nothing new since yesterday")
        """,
    )
    for at in ("17T19:10", "18T19:10", "21T04:10", "21T19:10"):
        ticked = loom("run", "--at", f"2026-11-{at}:00Z", "--project", project.root)
        assert "Traceback" not in ticked.stderr
    return project


def stands_for(shown: str, id_: str) -> bool:
    """Whether `shown` is `id_`, or its beginning and its end."""
    head, cut, tail = shown.partition("…")
    return shown == id_ or (cut == "…" and len(shown) >= 8 and id_.startswith(head) and id_.endswith(tail))


def test_history_shows_every_run_with_its_outcome_under_its_day(loom: Command, long_lived: Project) -> None:
    asked = ("history", "--limit", "40", "--project", long_lived.root)
    runs = loom(*asked, "--json").json()["runs"]
    assert {run["outcome"] for run in runs} >= {"succeeded", "failed", "skipped", "missed"}
    for columns in WIDTHS:
        seen = loom.in_terminal(*asked, columns=columns, rows=200)
        assert seen.exit_code == 0, seen
        lines = seen.stdout.splitlines()
        assert max(map(len, lines)) <= columns
        days = [line for line in lines if re.fullmatch(r"\w+day \d+ \w+ 2026", line)]
        assert days == sorted(days, key=lambda day: int(day.split()[1]), reverse=True)
        assert len(days) == len(set(days)) > 1
        for run in runs:
            (line,) = [line for line in lines if run["run_id"][-12:] in line.split()]
            words = line.split()
            assert run["outcome"] in words, (columns, line)
            assert any(stands_for(word, run["worker"]) for word in words), (columns, line)
            if run["outcome"] == "failed":
                after = lines[lines.index(line) + 1]
                assert "TransientError: the" in line or "TransientError: the answer from" in after


def test_status_shows_health_worker_and_last_outcome_of_every_worker(
    loom: Command, long_lived: Project
) -> None:
    asked = ("status", "--project", long_lived.root)
    workers = loom(*asked, "--json").json()["workers"]
    assert {worker["health"] for worker in workers} >= {"down", "broken"}
    for columns in WIDTHS:
        seen = loom.in_terminal(*asked, columns=columns, rows=200)
        assert seen.exit_code == 0, seen
        lines = seen.stdout.splitlines()
        assert max(map(len, lines)) <= columns
        rows = [line for line in lines if re.match(r"\S (?:\w+)  +\S+  ", line)]
        assert len(rows) == len(workers)
        for worker, row in zip(workers, rows, strict=True):
            sign, health, id_, *rest = row.split()
            assert len(sign) == 1
            assert health == worker["health"]
            assert health in [*Health, "broken"]
            assert stands_for(id_, worker["id"]), (columns, id_)
            assert len(id_) >= 20 or id_ == worker["id"] or columns == 60
            if worker["last_run"]:
                assert worker["last_run"]["outcome"] in rest
                assert "ago" in rest
            if columns >= 80 and worker["recent"]:
                shown = {"succeeded": "✓", "failed": "✗", "missed": "✗"}
                newest = worker["recent"][-1]
                sign = shown.get(newest["outcome"], "–") if newest["final"] else "◐"
                assert any(re.fullmatch(rf"[✓✗–◐·]{{6,13}}{sign}", word) for word in rest), (columns, row)


def test_next_shows_every_slot_and_what_a_clock_change_does_to_it(loom: Command, long_lived: Project) -> None:
    asked = ("next", "--at", "2027-03-13T12:00:00Z", "--days", "1", "--project", long_lived.root)
    slots = loom(*asked, "--json").json()["slots"]
    notes = [slot["note"] for slot in slots if slot["note"]]
    assert notes
    for columns in WIDTHS:
        lines = loom.in_terminal(*asked, columns=columns, rows=200).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        rows = [line for line in lines if re.match(r"[ !] \d\d:\d\d C[SD]T", line)]
        days = [lines.index(day) for day in ("Saturday 13 March", "Sunday 14 March")]
        assert len(rows) == len(slots)
        for slot, row in zip(slots, rows, strict=True):
            assert any(stands_for(word, slot["worker"]) for word in row.split())
            assert slot["slot"][11:16] in row
            assert row.startswith("!") is bool(slot["note"])
            assert (lines.index(row) > days[1]) is slot["slot"].startswith("2027-03-14")
        whole = " ".join(" ".join(lines).split())
        assert all(note in whole for note in notes), columns
        assert "gap: transition" in whole


def test_in_a_log_nothing_is_shortened(loom: Command, long_lived: Project) -> None:
    shown = loom("history", "--limit", "40", "--project", long_lived.root).stdout
    shown += loom("status", "--project", long_lived.root).stdout
    assert "…" not in shown
    for id_ in IDS:
        assert f"  {id_}  " in shown


def test_the_figures_of_a_simulation_stand_whole(loom: Command, long_lived: Project, tmp_path: Path) -> None:
    ticks = tmp_path / "ticks.json"
    ticks.write_text(
        '{"traces": [{"name": "mine", "ticks": ["2026-09-01T13:06:00Z", "2026-09-29T19:06:00Z"]}]}',
        encoding="utf-8",
    )
    asked = ("simulate", "--ticks", ticks, "--project", long_lived.root)
    (trace,) = loom(*asked, "--json").json()["traces"]
    for columns in WIDTHS:
        seen = loom.in_terminal(*asked, columns=columns, rows=200)
        rows = [line.split() for line in seen.stdout.splitlines() if re.search(r"  \d+$", line)]
        for worker, row in zip(trace["workers"], rows, strict=True):
            assert stands_for(row[0], worker["worker"])
            assert str(worker["due"]) in row
            assert str(worker["lost"]) in row
