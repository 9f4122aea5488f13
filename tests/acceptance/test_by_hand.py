"""The options of `loom run` for a person: --slot, --force, --param, --dry-run, --at."""

from datetime import UTC, datetime

from loom.domain.pause import Pause
from loom.ledger.sqlite import SqliteLedger
from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T15:10:00Z")


def test_a_disabled_or_paused_worker_is_skipped_unless_forced(loom: Command, project: Project) -> None:
    project.entries(
        """
        off: {schedule: "0 * * * *", entrypoint: "workers.echo:run", status: disabled}
        resting: {schedule: "0 * * * *", entrypoint: "workers.echo:run", status: paused}
        """
    )
    due = loom("run", *AT, "--json", "--project", project.root)
    assert due.exit_code == 0, due
    assert [(run["worker"], run["outcome"], run["reason"]) for run in due.json()["runs"]] == [
        ("resting", "skipped", "paused in worker-registry.yaml")
    ]
    skipped = loom(
        "run", "--worker", "off", "--worker", "resting", *LATER, "--json", "--project", project.root
    )
    assert skipped.exit_code == 1
    assert {run["outcome"] for run in skipped.json()["runs"]} == {"skipped"}
    assert all("--force" in run["reason"] for run in skipped.json()["runs"])
    forced = loom("run", "--worker", "off", "--force", "--json", "--project", project.root)
    assert forced.exit_code == 0, forced
    assert forced.json()["runs"][0]["outcome"] == "succeeded"


def test_one_slot_can_be_run_and_only_one_that_is_on_the_schedule(loom: Command, project: Project) -> None:
    loom("run", *AT, "--project", project.root)
    root = ("--project", project.root)
    odd = loom("run", "--worker", "echo", "--slot", "2026-11-20T10:30:00Z", *LATER, *root)
    assert odd.exit_code == 2
    assert "2026-11-20T10:00:00+00:00" in odd.stderr
    assert "2026-11-20T11:00:00+00:00" in odd.stderr
    future = loom("run", "--worker", "echo", "--slot", "2026-11-20T16:00:00Z", *LATER, *root)
    assert future.exit_code == 2
    assert loom("run", "--slot", "2026-11-20T10:00:00Z", *root).exit_code == 2
    naive = loom("run", "--worker", "echo", "--slot", "2026-11-20T10:00:00", *root)
    assert naive.exit_code == 2
    assert "offset" in naive.stderr

    old = loom("run", "--worker", "echo", "--slot", "2026-11-20T10:00:00Z", *LATER, "--json", *root)
    assert old.exit_code == 0, old
    (run,) = old.json()["runs"]
    assert (run["slot"], run["trigger"]) == ("2026-11-20T04:00:00-06:00", "manual")
    again = loom("run", "--worker", "echo", "--slot", "2026-11-20T10:00:00Z", "--json", *LATER, *root)
    assert again.exit_code == 1
    assert "already succeeded" in again.json()["runs"][0]["reason"]


def test_a_slot_run_by_hand_before_its_tick_is_not_run_again_by_the_tick(
    loom: Command, project: Project
) -> None:
    root = ("--project", project.root)
    loom("run", *AT, *root)
    ahead = loom("run", "--worker", "echo", "--slot", "2026-11-20T14:00:00Z", *LATER, "--json", *root)
    assert ahead.exit_code == 0, ahead
    tick = loom("run", "--at", "2026-11-20T15:30:00Z", "--json", *root).json()
    told = {(run["slot"], run["count"]): run["outcome"] for run in tick["runs"]}
    assert told == {
        ("2026-11-20T07:00:00-06:00", 1): "superseded",
        ("2026-11-20T09:00:00-06:00", 1): "succeeded",
    }


def test_a_parameter_changes_one_run_and_nothing_else(loom: Command, project: Project) -> None:
    root = ("--project", project.root)
    loom("run", "--worker", "echo", *root)
    tried = loom("run", "--worker", "echo", "--param", "word=ahoy", "--json", *root)
    assert tried.exit_code == 0, tried
    assert tried.json()["runs"][0]["output"]["summary"] == "ahoy from echo"
    status = loom("status", "--json", *root).json()["workers"][0]
    assert status["last_run"]["run_id"] != tried.json()["runs"][0]["run_id"]

    wrong = loom("run", "--worker", "echo", "--param", "wrod=ahoy", *root)
    assert wrong.exit_code == 2
    assert "wrod" in wrong.stderr
    assert "word" in wrong.stderr
    assert loom("run", "--param", "word=ahoy", *root).exit_code == 2
    assert loom("run", "--worker", "echo", "--param", "word", *root).exit_code == 2


def test_a_dry_run_says_what_would_happen_and_writes_nothing(loom: Command, project: Project) -> None:
    rehearsed = loom("run", "--dry-run", "--at", "2027-01-01T12:10:00Z", "--json", "--project", project.root)
    assert rehearsed.exit_code == 0, rehearsed
    answer = rehearsed.json()
    assert answer["runs"] == []
    assert [(each["worker"], each["action"]) for each in answer["planned"]] == [("echo", "run")]
    assert not project.ledger.exists()
    seen = loom("run", "--dry-run", *AT, "--project", project.root)
    assert "would run" in seen.stdout


def test_a_worker_is_given_its_last_valid_output(loom: Command, project: Project) -> None:
    project.worker(
        "echo",
        """
        from loom.worker import WorkerContext, WorkerOutput

        class Output(WorkerOutput):
            number: int

        def run(context: WorkerContext) -> Output:
            before = context.previous["number"] if context.previous else 0
            return Output(summary="counted", number=before + 1)
        """,
    )
    numbers = [
        loom("run", "--worker", "echo", "--json", "--project", project.root).json()["runs"][0]["output"][
            "number"
        ]
        for _ in range(3)
    ]
    assert numbers == [1, 2, 3]


def test_next_lists_slots_and_says_which_are_paused_or_fall_in_a_clock_change(
    loom: Command, project: Project
) -> None:
    project.entries('early: {schedule: "30 2 * * *", entrypoint: "workers.echo:run"}')
    root = ("--project", project.root)
    coming = loom("next", "--at", "2027-03-13T12:00:00Z", "--days", "2", "--json", *root).json()["slots"]
    assert [each["slot"] for each in coming] == ["2027-03-14T03:00:00-05:00", "2027-03-15T02:30:00-05:00"]
    assert coming[0]["note"]
    assert coming[1]["note"] is None
    loom("run", "--worker", "early", *root)
    ledger = SqliteLedger(project.ledger)
    ledger.record([Pause(worker="early", by="ann", at=datetime(2026, 11, 20, tzinfo=UTC), reason="holiday")])
    ledger.close()
    paused = loom("next", "--at", "2027-03-13T12:00:00Z", *root)
    assert "paused by ann: holiday" in paused.stdout
