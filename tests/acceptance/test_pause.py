"""`loom pause` and `loom resume`, by the real command: on one machine, and over a state branch."""

import json
import re
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loom.domain.pause import Pause
from loom.domain.record import RunQuery
from loom.domain.run import Outcome
from loom.errors import StaleDecision
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import SIX
from tests.ground.branch import STATE, Remote, git
from tests.ground.command import Command, Result
from tests.ground.project import Project, build_project

DAY = "2026-11-20"
FORGE = """
    echo:
      agent: Echo
      schedule: "0 * * * *"
      entrypoint: workers.echo:run
      catch_up: {policy: all}
"""


def at(hour_and_minute: str) -> tuple[str, str]:
    return "--at", f"{DAY}T{hour_and_minute}:00Z"


def fates(result: Result) -> list[tuple[str, str]]:
    return [(run["outcome"], run["reason"]) for run in result.json()["runs"]]


@pytest.fixture
def hourly(project: Project) -> Project:
    project.entries(FORGE)
    return project


def test_what_comes_due_during_a_pause_is_skipped_by_name_and_never_runs(
    loom: Command, hourly: Project
) -> None:
    root = ("--project", hourly.root)
    loom("run", *at("12:05"), *root)
    paused = loom("pause", "ECHO", "--by", "Ada", "--reason", "budget freeze", *at("12:30"), *root)
    assert paused.exit_code == 0, paused
    assert "Ada: budget freeze" in paused.stdout
    assert "loom resume echo" in paused.stdout
    ticked = loom("run", *at("13:05"), "--json", *root)
    assert fates(ticked) == [("skipped", "paused by Ada: budget freeze")]
    assert ticked.json()["next"] is None, "a worker that stands still isn't what comes next"
    by_hand = loom("run", "--worker", "echo", *at("13:10"), *root)
    assert by_hand.exit_code == 1
    assert "paused by Ada: budget freeze; `loom resume echo` lets it go on" in by_hand.stdout
    # No tick comes at 14 or 15 o'clock: those slots are decided after the pause is over.
    resumed = loom("resume", "echo", "--by", "Bob", *at("15:30"), *root)
    assert resumed.exit_code == 0, resumed
    assert "3 came due meanwhile and never run" in resumed.stdout
    assert "the next tick records 2 of them" in resumed.stdout
    assert "Fri 20 Nov 10:00 CST (in 30 min)" in resumed.stdout
    after = loom("run", *at("16:05"), "--json", *root)
    assert [(run["outcome"], run["slot"], run["count"]) for run in after.json()["runs"]] == [
        ("skipped", f"{DAY}T08:00:00-06:00", 2),
        ("succeeded", f"{DAY}T10:00:00-06:00", 1),
    ]
    calm = loom("resume", "echo", *at("16:10"), *root)
    assert (calm.exit_code, "not paused" in calm.stdout) == (0, True)


def test_a_pause_that_takes_anothers_place_says_so_and_forgets_no_slot_of_it(
    loom: Command, hourly: Project
) -> None:
    root = ("--project", hourly.root)
    loom("run", *at("12:05"), *root)
    loom("pause", "echo", "--by", "Ada", "--until", "1h30m", *at("12:30"), *root)
    second = loom("pause", "echo", "--by", "Bob", "--until", "3h", *at("13:10"), "--json", *root).json()
    assert (second["before"]["by"], second["pause"]["by"]) == ("Ada", "Bob")
    assert second["pause"]["until"] == f"{DAY}T10:10:00-06:00"
    assert (second["slots_waiting"], second["slots_to_come"]) == (1, 3)
    assert second["next_slot"] == f"{DAY}T11:00:00-06:00"
    assert fates(loom("run", *at("17:05"), "--json", *root)) == [
        ("skipped", "paused by Ada"),
        ("skipped", "paused by Bob until 2026-11-20T10:10-06:00"),
        ("succeeded", None),
    ]


def test_who_pauses_is_named_or_known_from_actions_git_or_the_login(loom: Command, hourly: Project) -> None:
    def by(*words: str, **env: str) -> str:
        done = loom("pause", "echo", *words, "--json", "--project", hourly.root, env=env)
        return str(done.json()["pause"]["by"])

    assert by("--by", "  Ada\tL ", GITHUB_ACTOR="octocat") == "Ada L"
    assert by(GITHUB_ACTOR="octocat") == "octocat"
    git(hourly.root, "init", "--quiet")
    assert by(LOGNAME="ada") == "ada"
    git(hourly.root, "config", "user.name", "Ada Lovelace")
    assert by(LOGNAME="ada") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["echo", "--until", "2020-01-01T00:00:00Z"], "is over already"),
        (["echo", "--until", "tomorrow"], "such as 90m, 36h or 7d"),
        (["echo", "--until", "9999-01-01T00:00:00Z"], "too far away"),
        (["ecoh"], "ecoh: no worker has this id or agent. Did you mean echo?"),
        (["--until", "3d"], "loom pause WORKER --until 3d"),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_what_to_write(
    loom: Command, hourly: Project, words: list[str], said: str
) -> None:
    refused = loom("pause", *words, "--project", hourly.root)
    assert refused.exit_code == 2, refused
    assert said in refused.stderr
    assert not hourly.ledger.exists()


def test_a_pause_in_the_registry_is_lifted_only_there(loom: Command, project: Project) -> None:
    project.entries(f"{FORGE.rstrip()}\n      status: paused\n")
    line = project.root.joinpath("worker-registry.yaml").read_text().split("status:")[0].count("\n") + 1
    place = f"worker-registry.yaml:{line} says `status: paused`"
    root = ("--project", project.root)
    refused = loom("resume", "echo", *root)
    assert refused.exit_code == 2
    assert place in refused.stderr
    again = loom("pause", "echo", "--by", "Ada", *root)
    assert again.exit_code == 2
    assert f"{place}, so it stands still already" in again.stderr
    listed = loom("pause", "--json", *root).json()
    assert listed["pauses"] == []
    assert listed["registry"] == [{"worker": "echo", "says": place}]


def test_a_pause_by_hand_of_a_worker_that_was_then_paused_in_the_registry_too_is_one_of_two(
    loom: Command, hourly: Project
) -> None:
    root = ("--project", hourly.root)
    loom("pause", "echo", "--by", "Ada", *root)
    hourly.entries(f"{FORGE.rstrip()}\n      status: paused\n")
    listed = loom("pause", "--json", *root).json()
    assert [each["by"] for each in listed["pauses"]] == ["Ada"]
    assert [each["worker"] for each in listed["registry"]] == ["echo"]
    lifted = loom("resume", "echo", "--json", *root)
    assert lifted.exit_code == lifted.json()["exit_code"] == 2, "it still stands still"
    assert (lifted.json()["resumed"], "paused" in lifted.json()["registry"]) == (True, True)


def test_a_worker_that_is_disabled_has_nothing_to_pause(loom: Command, project: Project) -> None:
    project.entries(f"{FORGE.rstrip()}\n      status: disabled\n")
    refused = loom("pause", "echo", "--project", project.root)
    assert refused.exit_code == 2
    assert "says `status: disabled`: it has no slots" in refused.stderr


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_an_order_is_not_dated_before_what_was_done_without_it(
    loom: Command, hourly: Project, command: str
) -> None:
    root = ("--project", hourly.root)
    loom("run", *at("12:05"), *root)
    early = loom(command, "echo", *at("12:04"), *root)
    assert early.exit_code == 2
    assert "is before the ledger's last tick (2026-11-20T12:05:00+00:00)" in early.stderr
    loom("pause", "echo", "--by", "Ada", *at("12:30"), *root)
    early = loom(command, "echo", *at("12:20"), *root)
    assert early.exit_code == 2
    assert "is before the last order (2026-11-20T12:30:00+00:00, by Ada)" in early.stderr
    assert loom("pause", "--json", *at("12:40"), *root).json()["pauses"][0]["by"] == "Ada"


def test_resume_says_what_became_of_the_slots_and_how_to_run_one_all_the_same(
    loom: Command, hourly: Project
) -> None:
    root = ("--project", hourly.root)
    loom("run", *at("12:05"), *root)
    loom("pause", "echo", *at("12:30"), *root)
    loom("run", *at("14:05"), *root)
    resumed = loom("resume", "echo", *at("15:10"), *root)
    said = " ".join(resumed.stdout.split())
    assert "3 came due meanwhile and never run" in said
    assert "the next tick records 1 of them as skipped: paused" in said
    found = re.search(r"loom run --worker echo --slot (\S+)", resumed.stdout)
    assert found
    assert fates(loom("run", "--worker", "echo", "--slot", found[1], *at("15:12"), "--json", *root))[0][
        0
    ] == ("succeeded")
    loom("pause", "echo", *at("15:20"), *root)
    form = loom("resume", "echo", "--json", *at("15:30"), *root).json()
    assert (form["slots_passed"], form["slots_to_record"]) == (0, 0)


def test_nothing_passed_in_a_pause_of_a_worker_before_any_tick_knew_it(
    loom: Command, hourly: Project
) -> None:
    root = ("--project", hourly.root)
    loom("pause", "echo", "--at", "2026-10-01T12:30:00Z", *root)
    form = loom("resume", "echo", "--json", *at("15:30"), *root).json()
    assert (form["slots_passed"], form["slots_to_record"]) == (1, 1)


def test_pause_says_what_waits_what_runs_and_which_alert_stays_open(loom: Command, project: Project) -> None:
    project.worker(
        "sick",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            raise TransientError("the other side is down")
        """,
    )
    project.entries(
        'sick: {schedule: "0 * * * *", entrypoint: "workers.sick:run", retry: {attempts: 1, later_ticks: 2}}'
    )
    root = ("--project", project.root)
    loom("run", *at("12:05"), *root)
    told = loom("pause", "sick", *at("12:30"), *root)
    assert "1 slot that waited will be closed as skipped: paused on the next tick" in told.stdout
    assert re.search(r"one is open since Fri 20 Nov 06:05 CST \(1 bad outcome\)", told.stdout)
    assert fates(loom("run", *at("13:05"), "--json", *root)) == [("skipped", f"paused by {_name(told)}")]


def _name(told: Result) -> str:
    found = re.search(r"^by +(.+?) *$", told.stdout, re.MULTILINE)
    assert found
    return found[1]


def test_a_pause_takes_back_what_a_tick_has_claimed_and_not_begun(loom: Command, project: Project) -> None:
    project.worker(
        "slow",
        """
        import time

        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            (context.project / "begun").touch()
            while not (context.project / "go").exists():
                time.sleep(0.02)
            return WorkerOutput(summary="done")
        """,
    )
    project.entries('slow: {schedule: "0 * * * *", entrypoint: "workers.slow:run", catch_up: {policy: all}}')
    root = ("--project", project.root)
    go, begun = project.root / "go", project.root / "begun"
    go.touch()
    loom("run", *at("12:05"), *root)
    go.unlink()
    begun.unlink()
    tick = loom.start("run", *at("16:05"), "--json", *root)
    try:
        while not begun.exists() and tick.poll() is None:
            time.sleep(0.02)
        told = loom("pause", "slow", "--by", "Ada", *at("16:06"), *root)
        again = loom("pause", "slow", "--by", "Ada", *at("16:07"), "--json", *root).json()
    finally:
        go.touch()
        told_by_tick = tick.communicate(timeout=120)[0]
    assert re.search(r"is at work .*and goes on", told.stdout)
    assert "3 slots that waited will be closed as skipped: paused" in told.stdout
    assert (again["slots_waiting"], again["slots_claimed"]) == (3, 0)
    assert tick.returncode == 0
    assert [run["outcome"] for run in json.loads(told_by_tick)["runs"]] == ["succeeded"]
    with closing(SqliteLedger(project.ledger)) as ledger:
        assert [run.outcome for run in ledger.runs(RunQuery(worker="slow"))] == [Outcome.SUCCEEDED] * 2
    (skipped,) = loom("run", *at("16:35"), "--json", *root).json()["runs"]
    assert (skipped["outcome"], skipped["count"]) == ("skipped", 3)


def test_a_pause_makes_the_decision_of_a_tick_that_was_deciding_stale(loom: Command, hourly: Project) -> None:
    root = ("--project", hourly.root)
    loom("run", *at("12:05"), *root)
    with closing(SqliteLedger(hourly.ledger)) as ledger:
        decided_on = ledger.snapshot()
        assert loom("pause", "echo", *at("12:30"), *root).exit_code == 0
        with pytest.raises(StaleDecision):
            ledger.claim([], revision=decided_on.revision)
        before = ledger.snapshot()
        assert loom("resume", "echo", *at("12:40"), *root).exit_code == 0
        with pytest.raises(StaleDecision):
            ledger.claim([], revision=before.revision)


def test_a_secret_in_a_reason_or_a_name_is_not_kept(loom: Command, project: Project) -> None:
    project.entries(f"{FORGE.rstrip()}\n      requires: {{env: [API_TOKEN]}}\n")
    env = {"API_TOKEN": "swordfish-4711"}
    words = ("--by", "swordfish-4711", "--reason", "rotate swordfish-4711", "--project", project.root)
    done = loom("pause", "echo", *words, env=env)
    assert "swordfish" not in str(done).partition("exit code")[2]
    with closing(SqliteLedger(project.ledger)) as ledger:
        (pause,) = ledger.snapshot().pauses.values()
    assert (pause.by, pause.reason) == ("***", "rotate ***")


def test_check_reminds_of_a_pause_that_somebody_may_have_forgotten(loom: Command, hourly: Project) -> None:
    root = ("--project", hourly.root)
    loom("pause", "echo", "--by", "Ada", "--at", "2026-02-01T00:00:00Z", *root)
    said = loom("check", "--json", *root).json()["answers"]
    (warning,) = [each for each in said if "paused by Ada" in each["detail"]]
    assert warning["level"] == "warning"
    assert "loom resume echo" in warning["do"]


def test_without_a_worker_the_pauses_in_force_are_listed_at_any_width(loom: Command, hourly: Project) -> None:
    root = ("--project", hourly.root)
    assert loom("pause", *root).stdout == "No worker is paused.\n"
    reason = "budget freeze until the board has met and said how much there is to spend"
    loom("pause", "echo", "--by", "Ada", "--until", "3d", "--reason", reason, *root)
    for columns in (40, 80, 140):
        shown = loom.in_terminal("pause", *root, columns=columns).stdout
        assert "echo" in shown
        assert max(map(len, shown.splitlines())) <= columns
        assert " ".join(shown.split()).count("how much there is to spend") == 1, shown
        assert ("since" in shown, "until" in shown) == (True, True)


class TestOnABranch:
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        remote = Remote(tmp_path)
        project = build_project(tmp_path / "made")
        Project(project.root).entries(FORGE, top=f"state: {{branch: {STATE}}}")
        clone = remote.clone("author")
        for path in project.root.iterdir():
            path.rename(clone / path.name)
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "-m", "the project")
        git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        git(remote.bare, "symbolic-ref", "HEAD", "refs/heads/main")
        return remote

    def test_a_pause_on_a_laptop_holds_on_the_runner_and_so_does_its_end(
        self, loom: Command, remote: Remote
    ) -> None:
        laptop, runner = remote.clone("laptop"), remote.clone("runner")
        loom("run", *at("12:05"), cwd=runner)
        paused = loom("pause", "echo", "--by", "Ada", *at("12:30"), cwd=laptop)
        assert paused.exit_code == 0, paused
        assert f"pushed to the branch {STATE}" in paused.stdout
        assert fates(loom("run", *at("13:05"), "--json", cwd=runner)) == [("skipped", "paused by Ada")]
        assert loom("resume", "echo", *at("13:30"), cwd=laptop).exit_code == 0
        assert fates(loom("run", *at("14:05"), "--json", cwd=runner))[0][0] == "succeeded"

    def test_what_cannot_be_pushed_does_not_hold_and_ends_with_4(self, loom: Command, remote: Remote) -> None:
        laptop = remote.clone("laptop")
        loom("run", *at("12:05"), cwd=laptop)
        remote.refuse(why="the branch is protected")
        refused = loom("pause", "echo", "--json", *at("12:30"), cwd=laptop)
        assert refused.exit_code == 4, refused
        message = refused.json()["error"]["message"]
        assert message.startswith("echo is not paused, and nothing was changed; try again. The state ")
        assert "keep that folder" not in message
        assert "the branch is protected" in refused.stderr
        assert loom("pause", "--offline", cwd=laptop).exit_code in (0, 2)
        with closing(remote.ledger(laptop)) as ledger:
            assert ledger.snapshot().pauses == {}

    def test_where_the_branch_cannot_be_reached_it_says_that_nothing_holds(
        self, loom: Command, remote: Remote
    ) -> None:
        laptop = remote.clone("laptop")
        loom("run", *at("12:05"), cwd=laptop)
        remote.bare.rename(remote.bare.with_name("gone"))
        refused = loom("pause", "echo", *at("12:30"), cwd=laptop)
        assert refused.exit_code == 3, refused
        assert "echo is not paused" in refused.stderr

    def test_of_two_who_push_at_once_both_land(self, loom: Command, remote: Remote) -> None:
        one, two = remote.clone("one"), remote.clone("two")
        loom("run", *at("12:05"), cwd=one)
        racing = [
            # Not before the tick's time: where that lands first, it would come too late.
            loom.start("pause", "echo", "--by", "Ada", "--json", *at("13:05"), cwd=one),
            loom.start("run", *at("13:05"), "--json", cwd=two),
        ]
        try:
            said = [process.communicate(timeout=120) for process in racing]
        finally:
            for process in racing:
                process.kill()
                process.communicate()
        assert [process.returncode for process in racing] == [0, 0], said
        (outcome,) = {run["outcome"] for run in json.loads(said[1][0])["runs"] if run["slot"]}
        with closing(remote.ledger(remote.clone("judge"))) as judge:
            assert judge.snapshot().pauses["echo"].by == "Ada"
            newest = judge.runs(RunQuery(worker="echo", limit=1))[0]
        assert newest.outcome == outcome
        assert outcome in (Outcome.SUCCEEDED, Outcome.SKIPPED)


def test_a_pause_lands_though_another_pushes_just_before_it(tmp_path: Path) -> None:
    from loom.pausing import pause
    from loom.registry import load

    remote, project = Remote(tmp_path), build_project(tmp_path / "project")
    registry = load(project.root / "worker-registry.yaml", project=project.root)
    (echo,) = registry.workers
    with (
        closing(remote.ledger(remote.clone("here"))) as here,
        closing(remote.ledger(remote.clone("there"))) as there,
    ):
        rivals = iter(range(3))
        claim = here.claim

        def raced(entries: Any, *, revision: int) -> None:
            for number in rivals:
                other = Pause(worker=f"other-{number}", by="rival", at=SIX)
                there.claim([other], revision=there.snapshot().revision)
                break
            claim(entries, revision=revision)

        here.claim = raced  # type: ignore[method-assign]
        now = SIX + timedelta(minutes=1)
        done = pause(registry, here, echo, by="Ada", reason="", now=now, until=None, alive=lambda _: False)
    assert done.pause.by == "Ada"
    with closing(remote.ledger(remote.clone("judge"))) as judge:
        assert set(judge.snapshot().pauses) == {"echo", "other-0", "other-1", "other-2"}
