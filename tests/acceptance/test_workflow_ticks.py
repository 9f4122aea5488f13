"""The very steps of loom.yml, run as GitHub runs them, tick after tick."""

from pathlib import Path

import pytest

from tests.ground.command import Command
from tests.ground.github import GitHub, git, github_with
from tests.ground.needs import needs
from tests.ground.project import Project

pytestmark = needs("git")


@pytest.fixture
def github(tmp_path: Path, project: Project) -> GitHub:
    project.worker(
        "flaky",
        """
        from loom.worker import Finding, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if context.slot.hour == 8:
                raise ValueError("broken at eight")
            before = context.previous["metrics"]["runs"] if context.previous else 0
            finding = Finding(severity="warning", title="look here", subject="somewhere")
            return WorkerOutput(summary="fine", findings=[finding], metrics={"runs": before + 1})
        """,
    )
    project.entries('flaky: {agent: Flake, schedule: "0 * * * *", entrypoint: "workers.flaky:run"}')
    return github_with(project, tmp_path)


def test_state_is_carried_from_runner_to_runner_and_late_ticks_catch_up(github: GitHub) -> None:
    first = github.tick("2026-11-20T12:17:00Z")
    assert (first.exit_code, first.outcomes) == (0, {"flaky": "succeeded"}), first.log
    assert "look here" in first.summary

    idle = github.tick("2026-11-20T12:47:00Z")
    assert (idle.exit_code, idle.outcomes) == (0, {}), idle.log

    # The tick of 07:17 is dropped, the one of 08:17 comes at 08:41.
    failed = github.tick("2026-11-20T14:41:00Z")
    assert (failed.exit_code, failed.outcomes) == (1, {"flaky": "failed"}), failed.log
    assert failed.outputs["failed"] == "true"
    (error,) = failed.reading.named("error")
    assert "broken at eight" in error.data
    assert error.properties["file"] == "workers/flaky.py"
    assert "worker.down" in failed.log
    assert "superseded" in failed.summary

    mended = github.tick("2026-11-20T15:17:00Z")
    assert (mended.exit_code, mended.outcomes) == (0, {"flaky": "succeeded"}), mended.log
    assert "worker.recovered" in mended.log
    assert git("log", "--oneline", "main", cwd=github.origin).count("\n") == 1, (
        "only its own branch is pushed"
    )
    assert "loom-state" in git("branch", "--list", cwd=github.origin)


def test_an_idle_tick_makes_at_most_one_commit(github: GitHub) -> None:
    github.tick("2026-11-20T12:17:00Z")
    before = git("rev-list", "--count", "loom-state", cwd=github.origin)
    github.tick("2026-11-20T12:47:00Z")
    assert int(git("rev-list", "--count", "loom-state", cwd=github.origin)) <= int(before) + 1


def test_a_tick_that_cannot_push_says_so_alerts_and_names_the_folder_to_keep(github: GitHub) -> None:
    github.tick("2026-11-20T12:17:00Z")
    hook = github.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    stuck = github.tick("2026-11-20T13:17:00Z")
    assert stuck.exit_code == 4, stuck.log
    assert "state.unpushed" in stuck.log
    assert "keep that folder" in stuck.log
    hook.unlink()
    after = github.tick("2026-11-20T13:47:00Z")
    assert (after.exit_code, after.outcomes) == (0, {"flaky": "succeeded"}), after.log


def test_a_person_runs_one_worker_from_the_workflows_page(github: GitHub) -> None:
    job = github.tick("2026-11-20T12:17:00Z", WORKER="flake", SLOT="2026-11-20T11:00:00Z")
    assert (job.exit_code, job.outcomes) == (0, {"flaky": "succeeded"}), job.log
    rehearsed = github.tick("2026-11-20T12:20:00Z", DRY_RUN="true")
    assert rehearsed.exit_code == 0
    assert "would run" in rehearsed.log


def test_a_laptop_reads_the_branch_and_says_how_old_it_is(github: GitHub) -> None:
    github.tick("2026-11-20T12:17:00Z")
    laptop = github.folder / "laptop"
    git("clone", "--quiet", github.origin, laptop, cwd=github.folder)
    loom = Command(laptop, {**github.environ, "LOOM_STATE_BRANCH": "loom-state"})

    status = loom("status", "--json")
    assert status.exit_code == 0, status
    assert status.json()["workers"][0]["last_run"]["outcome"] == "succeeded"
    assert "this copy of the state branch is as of" in status.stderr
    (run,) = loom("history", "--json").json()["runs"]
    assert loom("show", run["run_id"]).exit_code == 0

    github.tick("2026-11-20T14:41:00Z")
    assert len(loom("history", "--json", "--offline").json()["runs"]) == 1
    assert len(loom("history", "--json").json()["runs"]) == 3


def test_a_watch_elsewhere_says_that_no_tick_came_from_the_branch_alone(github: GitHub) -> None:
    github.tick("2026-11-20T12:17:00Z")
    elsewhere = github.folder / "elsewhere"
    git("clone", "--quiet", github.origin, elsewhere, cwd=github.folder)
    loom = Command(elsewhere, {**github.environ, "LOOM_STATE_BRANCH": "loom-state"})
    overdue = loom("watch")
    assert overdue.exit_code == 1, overdue
    assert "tick.overdue" in overdue.stderr
