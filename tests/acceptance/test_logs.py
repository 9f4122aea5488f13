"""`loom logs`, and what a run says before it is recorded: real runs, followed while they work."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loom.domain.run import Trigger
from loom.domain.slot import Ticket, TicketState
from loom.ledger.sqlite import SqliteLedger
from tests.ground.command import Command
from tests.ground.project import Project

TALKER = """
    import sys, time

    from loom.worker import WorkerContext, WorkerOutput


    def run(context: WorkerContext) -> WorkerOutput:
        context.log.info("looking at %d things", 3)
        print("the first is fine")
        sys.stdout.write("and the sec")
        sys.stdout.flush()
        while not (context.project / "go").exists():
            time.sleep(0.02)
        print("ond too")
        if (context.project / "fail").exists():
            raise ValueError("the third is not")
        return WorkerOutput(summary="all three are fine")
"""
AT = ("--at", "2026-11-20T12:05:00Z")
ENTRY = 'talker: {schedule: "0 * * * *", entrypoint: "workers.talker:run", agent: Tom%s}'


@pytest.fixture
def talking(project: Project) -> Project:
    project.worker("talker", TALKER)
    project.entries(ENTRY % "")
    return project


def live(project: Project) -> list[Path]:
    return sorted(project.root.glob(".loom/live/*.log"))


def until(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.02)


@contextmanager
def at_work(loom: Command, project: Project, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A tick whose one run has said its first lines, and waits for the file `go`."""
    process = loom.start("run", *words, "--project", project.root)
    try:
        until(lambda: any("is fine" in file.read_text() for file in live(project)), "the run has spoken")
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("isolation", "fails"), [("", False), (", isolation: process", True)], ids=str)
def test_who_follows_a_run_reads_it_as_it_comes_and_hears_how_it_ended(
    loom: Command, talking: Project, isolation: str, fails: bool
) -> None:
    talking.entries(ENTRY % isolation)
    if fails:
        talking.root.joinpath("fail").touch()
    root = ("--project", talking.root)
    with at_work(loom, talking, "--worker", "tom") as tick:
        so_far = loom("logs", "TOM", *root)
        assert so_far.exit_code == 0, so_far
        assert so_far.stdout.endswith("looking at 3 things\nthe first is fine\n"), "an unfinished line waits"
        assert "is under way" in so_far.stderr
        shown = loom("show", "talker", *root)
        assert "under way" in shown.stdout
        assert "the first is fine" in shown.stdout
        (run_id,) = {file.name.partition(".")[0] for file in live(talking)}
        follower = loom.start("logs", run_id[-12:], "--follow", *root)
        assert follower.stdout is not None
        first = [follower.stdout.readline() for _ in range(2)]
        talking.root.joinpath("go").touch()
        rest, talk = follower.communicate(timeout=120)
        tick.communicate(timeout=120)
    recorded = loom("logs", "talker", "--json", *root).json()
    assert (recorded["run_id"], recorded["state"]) == (run_id, "recorded")
    assert "".join(first) + rest == recorded["log"]
    assert "and the second too" in rest
    assert follower.returncode == (1 if fails else 0)
    assert ("failed after" if fails else "succeeded after") in talk
    assert live(talking) == [], "what is recorded needs no file any more"


def test_what_a_killed_process_had_said_is_in_the_record_of_its_run(loom: Command, talking: Project) -> None:
    root = ("--project", talking.root)
    with at_work(loom, talking, "--at", "2026-11-20T12:05:00Z") as tick:
        tick.send_signal(signal.SIGKILL)
        tick.wait()
        followed = loom("logs", "talker", "--follow", *root)
        died = "its process died; the next tick records that"
        assert (followed.exit_code, died in followed.stderr) == (1, True), followed
        assert "the first is fine" in followed.stdout
        so_far = loom("logs", "talker", *root)
        assert (so_far.exit_code, died in so_far.stderr) == (0, True), so_far
        assert "the first is fine" in so_far.stdout
        shown = loom("show", "talker", *root).stdout
        assert "its process died" in shown.splitlines()[0]
        assert "under way" not in shown
        assert "the next tick records it as abandoned" in " ".join(shown.split())
        assert "--follow" not in shown
        for asked in (("logs", "talker"), ("logs", "talker", "--follow"), ("show", "talker")):
            assert loom(*asked, "--json", *root).json()["state"] == "died", asked
    talking.root.joinpath("go").touch()
    loom("run", "--at", "2026-11-20T13:05:00Z", *root)
    (died,) = loom("history", "--outcome", "abandoned", "--json", *root).json()["runs"]
    assert "the first is fine" in loom("show", died["run_id"], "--json", *root).json()["log"]
    assert live(talking) == []


def test_what_a_killed_process_had_said_is_cleaned_as_a_whole_before_it_is_recorded(
    loom: Command, talking: Project
) -> None:
    root = ("--project", talking.root)
    key = ("-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7bq8kJ2l0Xs9", "-----END RSA PRIVATE KEY-----")
    with at_work(loom, talking, "--at", "2026-11-20T12:05:00Z") as tick:
        tick.send_signal(signal.SIGKILL)
        tick.wait()
    (said,) = live(talking)
    said.write_text("\n".join(["begun", *key, "done", ""]))
    talking.root.joinpath("go").touch()
    loom("run", "--at", "2026-11-20T13:05:00Z", *root)
    (died,) = loom("history", "--outcome", "abandoned", "--json", *root).json()["runs"]
    log = loom("show", died["run_id"], "--json", *root).json()["log"]
    assert ("begun" in log, "MIIE" in log) == (True, False)


def test_a_run_that_is_cut_off_with_its_tick_keeps_what_it_said(loom: Command, talking: Project) -> None:
    with at_work(loom, talking, "--worker", "talker") as tick:
        follower = loom.start("logs", "talker", "--follow", "--project", talking.root)
        assert follower.stdout is not None
        follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert "the run goes on" in follower.communicate(timeout=120)[1]
        assert follower.returncode == 130
        tick.send_signal(signal.SIGTERM)
        tick.communicate(timeout=120)
    (cut,) = loom("history", "--json", "--project", talking.root).json()["runs"]
    assert cut["outcome"] == "abandoned"
    assert "the first is fine" in loom("logs", "talker", "--project", talking.root).stdout
    assert live(talking) == []


def test_no_secret_is_in_a_live_log(loom: Command, talking: Project) -> None:
    secret = "swordfish-4711-swordfish"  # noqa: S105  (nobody's)
    source = TALKER.replace('"looking at %d things", 3', '"the token is %s", context.secret("API_TOKEN")')
    talking.worker("talker", source.replace('"and the sec"', 'context.secret("API_TOKEN")[:12]'))
    talking.entries(ENTRY % ", requires: {env: [API_TOKEN]}")
    talking_to = Command(loom.cwd, {**loom.environ, "API_TOKEN": secret})
    with at_work(talking_to, talking, "--worker", "talker"):
        until(lambda: any("the token is" in file.read_text() for file in live(talking)), "it has spoken")
        time.sleep(0.4)
        said = "".join(file.read_text() for file in live(talking))
        assert "the token is ***" in said
        assert "swordfish" not in said
        assert "swordfish" not in talking_to("logs", "tom", "--project", talking.root).stdout


def test_a_run_is_none_the_worse_where_no_live_log_can_be_written(loom: Command, talking: Project) -> None:
    talking.root.joinpath("go").touch()
    talking.write(".loom/live", "in the way")
    done = loom("run", "--worker", "talker", "--json", "--project", talking.root)
    assert (done.exit_code, done.json()["runs"][0]["outcome"]) == (0, "succeeded")
    assert "and the second too" in loom("logs", "talker", "--project", talking.root).stdout


@pytest.mark.parametrize("ledger", [".loom/ledger.db", "ledger.db"])
def test_a_worker_has_no_business_in_the_folder_of_live_logs(
    loom: Command, talking: Project, ledger: str
) -> None:
    talking.entries(ENTRY % "", top=f"state: {{ledger: {ledger}}}")
    there = '(context.project / ".loom" / "live" / "mine.log")'
    head = TALKER.partition("        context.log.info")[0]
    talking.worker(
        "talker", f'{head}        {there}.write_text("x")\n        return WorkerOutput(summary="s")\n'
    )
    talking.write(".loom/live/.keep", "")
    done = loom("run", "--worker", "talker", "--json", "--project", talking.root)
    assert done.json()["runs"][0]["outcome"] == "blocked"


def test_what_nobody_took_away_is_swept_by_the_first_tick_of_another_day(
    loom: Command, project: Project
) -> None:
    root = ("--project", project.root)
    loom("run", "--at", "2026-11-20T12:05:00Z", *root)
    assert not project.root.joinpath(".loom/live").exists(), "who says nothing costs nothing"
    left = project.write(".loom/live/01a21f9f-5311-764c-8b3d-697ebdd440ee.0.log", "said\n")
    loom("run", "--at", "2026-11-20T13:05:00Z", *root)
    assert left.exists()
    loom("run", "--at", "2026-11-21T12:05:00Z", *root)
    assert not left.exists()


def test_the_project_s_own_log_files_are_left_alone(loom: Command, project: Project) -> None:
    project.entries(
        "echo: {schedule: '0 * * * *', entrypoint: 'workers.echo:run'}", top="state: {ledger: l.db}"
    )
    run = "01a21f9f-5311-764c-8b3d-697ebdd440ee.0.log"
    own = [
        project.write(f"{folder}/app-2026.1.log", "mine\n") for folder in ("logs", ".loom/live", ".loom/logs")
    ]
    own.append(project.write(f"logs/{run}", "mine too\n"))
    for day in (20, 21):
        loom("run", "--at", f"2026-11-{day}T12:05:00Z", "--project", project.root)
    assert all(file.exists() for file in own)


def test_a_run_on_another_machine_is_known_as_one(loom: Command, project: Project) -> None:
    with closing(SqliteLedger(project.ledger)) as ledger:
        ticket = Ticket(
            key="echo@2026-11-20T12:00:00Z",
            worker="echo",
            slot=datetime(2026, 11, 20, 12, tzinfo=UTC),
            trigger=Trigger.SCHEDULE,
            state=TicketState.STARTED,
            starts=1,
            run_id="01a21f9f-5311-764c-8b3d-697ebdd440ee",
            claimer="far-away.0a1b2c3d-77-aaaa",
            lease_until=datetime(2100, 1, 1, tzinfo=UTC),
        )
        ledger.record([ticket])
    said = loom("logs", "697ebdd440ee", "--project", project.root)
    assert (said.exit_code, said.stdout) == (0, "")
    assert "under way on far-away" in said.stderr
    offline = loom("logs", "697ebdd440ee", "--follow", "--offline", "--project", project.root)
    assert offline.exit_code == 2, offline
    assert "--offline" in offline.stderr


def test_a_worker_s_newest_run_is_the_one_that_was_skipped_since(loom: Command, project: Project) -> None:
    root = ("--project", project.root)
    loom("run", "--at", "2026-11-20T12:05:00Z", *root)
    registry = project.root / "worker-registry.yaml"
    registry.write_text(registry.read_text() + "    status: paused\n")
    skipped = loom("run", "--at", "2026-11-20T13:05:00Z", "--json", *root).json()["runs"]
    assert [run["outcome"] for run in skipped] == ["skipped"]
    assert loom("show", "echo", "--json", *root).json()["run_id"] == skipped[0]["run_id"]
    assert loom("logs", "echo", "--json", *root).json()["run_id"] == skipped[0]["run_id"]


def test_of_a_tick_that_superseded_slots_the_run_is_the_newest(loom: Command, project: Project) -> None:
    root = ("--project", project.root)
    loom("run", "--at", "2026-11-20T12:05:00Z", *root)
    ran = loom("run", "--at", "2026-11-20T18:05:00Z", "--json", *root).json()["runs"]
    assert {run["outcome"] for run in ran} == {"succeeded", "superseded"}
    newest = loom("show", "echo", "--json", *root).json()
    assert newest["outcome"] == "succeeded"
    assert newest["slot"] == "2026-11-20T12:00:00-06:00"


def test_which_run_is_meant_is_said_plainly(loom: Command, project: Project) -> None:
    root = ("--project", project.root)
    never = loom("logs", "echo", *root)
    assert (never.exit_code, "echo has not run yet" in never.stderr) == (2, True)
    unknown = loom("logs", "nobody", *root)
    assert (unknown.exit_code, "loom history" in unknown.stderr) == (2, True)
    ran = [loom("run", "--worker", "echo", "--json", *AT, *root).json()["runs"][0]["run_id"] for _ in "ab"]
    short = loom("show", "zz", *root)
    assert (short.exit_code, "'zz' is too short" in short.stderr) == (2, True), short
    none = loom("logs", "00000000", *root)
    assert (none.exit_code, "no run is called '00000000'" in none.stderr) == (2, True), none
    several = loom("show", ran[0][:8], *root)
    assert (several.exit_code, f"more than one run is called '{ran[0][:8]}'" in several.stderr) == (2, True)
    assert all(each in several.stderr for each in ran)
    quiet = loom("logs", "echo", *root)
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert "left no log" in quiet.stderr
