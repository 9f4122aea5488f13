"""What a person runs again: one run with `loom retry`, a span of slots with --from and --to."""

import json
from typing import Any

import pytest

from tests.ground.command import Command, Result
from tests.ground.project import Project

LATER = ("--at", "2026-11-20T12:30:00Z")
FLAKY = """
    from loom.worker import WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        with (context.project / "order.txt").open("a") as file:
            file.write(f"{context.slot:%H} " if context.slot else "- ")
        if not (context.project / "mended").exists():
            raise ValueError("broken")
        return WorkerOutput(summary="fine")
"""


@pytest.fixture
def flaky(project: Project) -> Project:
    project.worker("flaky", FLAKY)
    project.entries('flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run"}')
    return project


def tick(loom: Command, project: Project, at: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = loom("run", "--at", at, "--json", "--project", project.root).json()["runs"]
    return runs


def told(result: Result) -> list[tuple[object, ...]]:
    return [
        (run["slot"][11:16] if run["slot"] else None, run["trigger"], run["outcome"])
        for run in result.json()["runs"]
    ]


def test_a_failed_run_is_done_once_more_for_the_same_slot(loom: Command, flaky: Project) -> None:
    (failed,) = tick(loom, flaky, "2026-11-20T12:10:00Z")
    root = ("--project", flaky.root)
    still = loom("retry", failed["run_id"][-12:], *LATER, "--json", *root)
    assert (still.exit_code, told(still)) == (1, [("06:00", "retry", "failed")]), still
    (flaky.root / "mended").touch()
    again = loom("retry", failed["run_id"], *LATER, "--json", *root)
    assert (again.exit_code, told(again)) == (0, [("06:00", "retry", "succeeded")]), again
    assert (flaky.root / "order.txt").read_text() == "06 06 06 "
    assert [alert["event"] for alert in again.json()["alerts"]] == ["worker.recovered"]
    over = loom("retry", failed["run_id"], *LATER, "--json", *root)
    assert over.exit_code == 1
    assert "already succeeded" in over.json()["runs"][0]["reason"]


def test_a_slot_that_waits_for_its_next_try_is_closed_by_a_retry(loom: Command, project: Project) -> None:
    project.worker(
        "flaky",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if not (context.project / "mended").exists():
                raise TransientError("later")
            return WorkerOutput(summary="fine")
        """,
    )
    project.entries('flaky: {schedule: "0 6 * * *", entrypoint: "workers.flaky:run", retry: {attempts: 1}}')
    (waiting,) = tick(loom, project, "2026-11-20T12:10:00Z")
    assert (waiting["final"], waiting["open_reason"]) == (False, "retry")
    (project.root / "mended").touch()
    again = loom("retry", waiting["run_id"], *LATER, "--json", "--project", project.root)
    assert told(again) == [("06:00", "retry", "succeeded")]
    assert tick(loom, project, "2026-11-20T13:10:00Z") == []
    history = loom("history", "--json", "--project", project.root).json()["runs"]
    assert [(run["outcome"], run["final"], run["open_reason"]) for run in history] == [
        ("succeeded", True, None),
        ("failed", False, None),
    ]


def test_a_run_with_parameters_is_retried_with_them_and_one_that_succeeded_only_by_force(
    loom: Command, project: Project
) -> None:
    root = ("--project", project.root)
    first = loom("run", "--worker", "echo", "--param", "word=ahoy", "--json", *root).json()["runs"][0]
    refused = loom("retry", first["run_id"], *root)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    again = loom("retry", first["run_id"], "--force", "--json", *root)
    assert again.json()["runs"][0]["output"]["summary"] == "ahoy from echo"
    unknown = loom("retry", "deadbeef", *root)
    assert unknown.exit_code == 2
    assert "loom history" in unknown.stderr


def test_a_run_of_several_slots_points_to_the_way_to_run_them(loom: Command, flaky: Project) -> None:
    tick(loom, flaky, "2026-11-18T12:10:00Z")
    runs = tick(loom, flaky, "2026-11-20T12:10:00Z")
    (missed,) = [run for run in runs if run["outcome"] == "missed"]
    refused = loom("retry", missed["run_id"], "--project", flaky.root)
    assert refused.exit_code == 2
    assert "--from 2026-11-18T13:00:00+00:00 --to 2026-11-19T12:00:00+00:00" in refused.stderr, refused


class TestBackfill:
    SPAN = ("--from", "2026-11-20T08:00:00Z", "--to", "2026-11-20T12:00:00Z")
    AT = ("--at", "2026-11-20T12:30:00Z")

    def backfill(self, loom: Command, project: Project, *options: str, stdin: str = "") -> Result:
        return loom(
            "run", "--worker", "flaky", *self.SPAN, *self.AT, *options, "--project", project.root, stdin=stdin
        )

    def test_it_runs_the_slots_of_a_span_oldest_first_and_leaves_what_succeeded(
        self, loom: Command, flaky: Project
    ) -> None:
        (flaky.root / "mended").touch()
        tick(loom, flaky, "2026-11-20T10:10:00Z")
        (flaky.root / "order.txt").unlink()
        done = self.backfill(loom, flaky, "--yes", "--json")
        assert (done.exit_code, told(done)) == (
            0,
            [(f"{hour}:00", "backfill", "succeeded") for hour in ("02", "03", "05", "06")],
        ), done
        assert (flaky.root / "order.txt").read_text() == "02 03 05 06 "
        assert done.json()["notes"] == ["1 slot succeeded before and stays as recorded"]
        again = self.backfill(loom, flaky, "--yes", "--json")
        assert (again.exit_code, again.json()["runs"]) == (0, [])
        assert tick(loom, flaky, "2026-11-20T12:40:00Z") == [], "the undecided ones were closed by it"

    def test_it_lists_and_asks_and_a_no_runs_nothing(self, loom: Command, flaky: Project) -> None:
        (flaky.root / "mended").touch()
        refused = self.backfill(loom, flaky, stdin="n\n")
        assert refused.exit_code == 2
        assert refused.stdout.count("would run") == 5
        assert "Run 5 slots?" in refused.stderr
        assert not (flaky.root / "order.txt").exists()
        nobody = self.backfill(loom, flaky)
        assert (nobody.exit_code, "--yes" in nobody.stderr) == (2, True)
        as_json = self.backfill(loom, flaky, "--json")
        assert (as_json.exit_code, "--yes" in as_json.stderr) == (2, True)
        agreed = self.backfill(loom, flaky, stdin="y\n")
        assert agreed.exit_code == 0, agreed
        assert (flaky.root / "order.txt").read_text() == "02 03 04 05 06 "

    def test_the_secrets_that_a_worker_requires_are_there_after_the_question(
        self, loom: Command, flaky: Project
    ) -> None:
        (flaky.root / "mended").touch()
        flaky.entries(
            'flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run", requires: {env: [SOME_TOKEN]}}'
        )
        options = (*self.SPAN, *self.AT, "--project", flaky.root)
        done = loom("run", "--worker", "flaky", *options, stdin="y\n", env={"SOME_TOKEN": "value"})
        assert done.exit_code == 0, done

    def test_one_slot_that_fails_stops_none_of_the_others(self, loom: Command, flaky: Project) -> None:
        done = self.backfill(loom, flaky, "--yes", "--json")
        assert done.exit_code == 1
        assert [outcome for _, _, outcome in told(done)] == ["failed"] * 5
        assert [alert["event"] for alert in done.json()["alerts"]] == ["worker.down"]

    def test_a_dry_run_only_lists(self, loom: Command, flaky: Project) -> None:
        listed = self.backfill(loom, flaky, "--dry-run", "--json")
        assert listed.exit_code == 0
        assert [each["action"] for each in listed.json()["planned"]] == ["run"] * 5
        assert not (flaky.root / "order.txt").exists()

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--from", "2026-11-20T08:00:00Z"), "give both"),
            (("--from", "2026-11-20T08:00:00Z", "--to", "2026-11-20T07:00:00Z"), "swap them"),
            (("--from", "2026-11-20T08:00:00Z", "--to", "2026-11-20T19:00:00Z"), "hasn't come yet"),
            (("--from", "2026-11-20T08:10:00Z", "--to", "2026-11-20T08:20:00Z"), "the nearest"),
            (("--from", "1999-01-01T00:00:00Z", "--to", "2026-11-20T08:20:00Z"), "run them in parts"),
            (("--yes",), "give both"),
            (
                (
                    "--from",
                    "2026-11-20T08:00:00Z",
                    "--to",
                    "2026-11-20T09:00:00Z",
                    "--slot",
                    "2026-11-20T08:00:00Z",
                ),
                "one or the other",
            ),
        ],
    )
    def test_a_span_that_makes_no_sense_is_refused_with_what_to_do(
        self, loom: Command, flaky: Project, options: tuple[str, ...], said: str
    ) -> None:
        refused = loom("run", "--worker", "flaky", *options, *self.AT, "--project", flaky.root)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused
        ledger = json.loads(loom("history", "--json", "--project", flaky.root).stdout)
        assert ledger["runs"] == []
