"""The user's three uses, through the real command: the hourly cron, one worker by hand, status."""

import re

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

RUN_KEYS = {
    "run_id", "worker", "agent", "slot", "trigger", "outcome", "final", "reason", "attempts", "started_at",
    "finished_at", "duration_s", "output", "error", "enforcement_digest",
}  # fmt: skip
WORKER_KEYS = {
    "id", "agent", "schedule", "status", "health", "next_slot", "last_run", "last_success_at",
    "consecutive_failures",
}  # fmt: skip


def test_the_hourly_tick_runs_what_is_due_once(loom: Command, project: Project) -> None:
    first = loom("run", "--at", "2026-11-20T12:10:00Z", "--json", "--project", project.root)

    assert first.exit_code == 0, first
    answer = first.json()
    assert answer["tick"].keys() == {"id", "at", "trigger"}
    assert answer["tick"]["at"] == "2026-11-20T06:10:00-06:00"
    assert answer["exit_code"] == 0
    (run,) = answer["runs"]
    assert run.keys() >= RUN_KEYS
    assert (run["worker"], run["agent"], run["outcome"]) == ("echo", "Echo", "succeeded")
    assert (run["slot"], run["trigger"], run["final"]) == ("2026-11-20T06:00:00-06:00", "schedule", True)
    assert run["attempts"] == 1
    assert run["error"] is None
    assert run["output"]["summary"] == "hello from echo"
    assert run["enforcement_digest"].startswith("sha256:")

    again = loom("run", "--at", "2026-11-20T12:40:00Z", "--json", "--project", project.root)
    assert again.exit_code == 0, again
    assert again.json()["runs"] == []


def test_a_tick_that_comes_late_runs_what_was_due_and_says_what_it_passed_over(
    loom: Command, project: Project
) -> None:
    loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root)
    late = loom("run", "--at", "2026-11-20T17:20:00Z", "--json", "--project", project.root).json()

    told = [(run["outcome"], run["slot"], run["count"]) for run in late["runs"]]
    assert ("superseded", "2026-11-20T07:00:00-06:00", 4) in told
    assert ("succeeded", "2026-11-20T11:00:00-06:00", 1) in told


def test_a_worker_is_run_by_hand_by_id_or_agent_in_any_case_and_uses_up_no_slot(
    loom: Command, project: Project
) -> None:
    loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root)
    by_hand = loom(
        "run", "--worker", "ECHO", "--at", "2026-11-20T13:05:00Z", "--json", "--project", project.root
    )
    assert by_hand.exit_code == 0, by_hand
    (run,) = by_hand.json()["runs"]
    assert (run["worker"], run["trigger"], run["slot"]) == ("echo", "manual", None)

    due = loom("run", "--at", "2026-11-20T13:10:00Z", "--json", "--project", project.root).json()
    assert [run["slot"] for run in due["runs"]] == ["2026-11-20T07:00:00-06:00"]


def test_an_agent_with_two_workers_is_refused_with_both_ids(loom: Command, project: Project) -> None:
    project.entries(
        """
        media-distribution: {agent: Broadcast, schedule: "0 10 * * *", entrypoint: "workers.echo:run"}
        media-youtube-comments: {agent: Broadcast, schedule: "0 8 * * *", entrypoint: "workers.echo:run"}
        """
    )
    refused = loom("run", "--worker", "broadcast", "--project", project.root)
    assert refused.exit_code == 2
    assert "media-distribution" in refused.stderr
    assert "media-youtube-comments" in refused.stderr


def test_an_unknown_worker_is_a_usage_error_that_suggests_one(loom: Command, project: Project) -> None:
    refused = loom("run", "--worker", "ecko", "--project", project.root)
    assert refused.exit_code == 2
    assert "Did you mean echo?" in refused.stderr


def test_status_shows_how_each_worker_stands(loom: Command, project: Project) -> None:
    before = loom("status", "--json", "--project", project.root).json()
    assert [worker["health"] for worker in before["workers"]] == ["new"]
    assert not project.ledger.exists(), "reading must not make a ledger"

    loom("run", "--worker", "echo", "--project", project.root)
    status = loom("status", "--json", "--project", project.root)
    assert status.exit_code == 0, status
    answer = status.json()
    assert answer.keys() >= {"at", "timezone", "workers", "ticks", "alerts"}
    assert answer["timezone"] == "America/Chicago"
    assert answer["alerts"] == {"undelivered": 0}
    (worker,) = answer["workers"]
    assert worker.keys() >= WORKER_KEYS
    assert worker["health"] == "up"
    assert worker["last_run"]["outcome"] == "succeeded"
    assert worker["consecutive_failures"] == 0
    assert worker["last_success_at"] is not None

    seen = loom.in_terminal("status", "--project", project.root, columns=80)
    assert "echo" in seen.stdout
    assert "up" in seen.stdout
    assert all(len(line) <= 80 for line in seen.stdout.splitlines()), seen.stdout


def test_a_tick_with_nothing_due_says_what_comes_next(loom: Command, project: Project) -> None:
    loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root)
    for idle in (
        loom("run", "--at", "2026-11-20T12:20:00Z", "--project", project.root),
        loom.in_terminal("run", "--at", "2026-11-20T12:30:00Z", "--project", project.root),
    ):
        assert idle.exit_code == 0, idle
        assert "Nothing was due." in idle.stdout
        assert "Next: echo, Fri 20 Nov 07:00 CST" in idle.stdout


def test_history_and_show_tell_of_a_run(loom: Command, project: Project) -> None:
    project.worker("echo", "raise_ = 1\n\ndef run(context):\n    pass\n")
    ran = loom("run", "--worker", "echo", "--json", "--project", project.root)
    assert ran.exit_code == 1
    (run,) = ran.json()["runs"]

    listed = loom("history", "--json", "--project", project.root).json()
    assert [each["run_id"] for each in listed["runs"]] == [run["run_id"]]
    shown = loom("show", run["run_id"][-12:], "--project", project.root)
    assert shown.exit_code == 0, shown
    assert "failed" in shown.stdout
    assert re.search(r"worker\.down +by stderr: delivered", shown.stdout)
    in_full = loom("show", run["run_id"], "--json", "--project", project.root).json()
    assert in_full["alerts"][0]["delivered"] is True
    assert loom("show", "nonsense", "--project", project.root).exit_code == 2


def test_the_project_is_found_from_a_folder_inside_it(loom: Command, project: Project) -> None:
    inside = project.root / "workers"
    assert loom("run", "--worker", "echo", cwd=inside).exit_code == 0
    nowhere = loom("run")
    assert nowhere.exit_code == 3
    assert "worker-registry.yaml" in nowhere.stderr
    assert "loom init" in nowhere.stderr
