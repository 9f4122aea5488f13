"""`loom why`, the command: what a person and a program get from it, after real ticks."""

import shutil
from pathlib import Path

import pytest

from tests.ground.branch import STATE, Remote
from tests.ground.command import Command
from tests.ground.project import Project
from tests.unit.why_life import utc, young

WORKERS = """
    relationship-sentinel:
      agent: Sentinel
      schedule: "0 6 * * *"
      entrypoint: workers.echo:run
      requires: {env: [CRM_TOKEN]}
    rude:
      schedule: "0 6 * * *"
      entrypoint: workers.rude:run
      retry: {attempts: 1}
    typo: {schedule: "0 6 * *", entrypoint: "workers.echo:run"}
"""
RUDE = r"""
    from loom.worker import WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        raise ValueError("[red]oh[/red]\x1b[31m " + "a long tale " * 40)
"""
SECRET = {"CRM_TOKEN": "kept-to-itself-4711"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ticks at 05:17 and, late, at 11:02 in Chicago."""
    root = tmp_path_factory.mktemp("why") / "project"
    with young(root, WORKERS, utc(20, "11:17")) as life:
        life.project.worker("rude", RUDE)
        life.rehearsal.secrets.update(SECRET)
        for day, time in ((20, "11:17"), (20, "12:02"), (21, "11:17"), (21, "17:02")):
            life.tick(utc(day, time))
    return root


@pytest.fixture
def lived(built: Path, tmp_path: Path) -> Project:
    shutil.copytree(built, tmp_path / "lived")
    return Project(tmp_path / "lived")


def test_the_answer_is_the_first_thing_a_person_reads_and_all_is_there_at_any_width(
    loom: Command, lived: Project
) -> None:
    before = lived.ledger.read_bytes()
    asked = ("why", "sentinel", "--at", "2026-11-21T06:00-06:00", "--project", lived.root)
    for columns in (60, 80, 140):
        shown = loom.in_terminal(*asked, columns=columns, env=SECRET)
        assert shown.exit_code == 0, shown
        lines = shown.stdout.splitlines()
        assert max(map(len, lines)) <= columns
        flat = " ".join(shown.stdout.split())
        assert (
            "relationship-sentinel ran 5 h 2 min late for its slot of Sat 21 Nov 06:00 CST, and succeeded: "
            "no tick came between 05:17 and 11:02."
        ) in flat
        assert "✓ succeeded" in shown.stdout
        for topic in ("slot", "mark", "ticks", "next"):
            assert any(line.startswith(topic) for line in lines), shown
    assert lived.ledger.read_bytes() == before, "asking writes nothing"


def test_a_narrow_terminal_shows_the_cron_text_whole_and_how_late_each_slot_ran(
    loom: Command, lived: Project
) -> None:
    asked = ("why", "sentinel", "--project", lived.root)
    for columns in (60, 80, 140):
        shown = loom.in_terminal(*asked, columns=columns, rows=60, env=SECRET).stdout
        assert "('0 6 * * *')" in shown
    late = next(line for line in shown.splitlines() if line.startswith("Sat 21 Nov 06:00 CST"))
    assert " 5 h 2 min " in late
    assert any(line.split() == ["slot", "outcome", "late", "run"] for line in shown.splitlines()), shown
    on_time = next(line for line in shown.splitlines() if line.startswith("Fri 20 Nov 06:00 CST"))
    assert " 2 min " in on_time


def test_what_a_worker_wrote_is_shown_as_text_on_lines_that_fit(loom: Command, lived: Project) -> None:
    shown = loom.in_terminal("why", "rude", columns=80, rows=100, cwd=lived.root, env=SECRET)
    assert "[red]oh[/red]" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "\x1b[31m a long" not in shown.raw


def test_a_program_gets_the_same_with_every_key(loom: Command, lived: Project) -> None:
    asked = ("why", "SENTINEL", "--at", "2026-11-21T12:00:00Z", "--json", "--project", lived.root)
    answer = loom(*asked, env=SECRET).json()
    assert answer.keys() >= {"worker", "agent", "at", "verdict", "facts", "slots", "next", "exit_code"}
    assert (answer["worker"], answer["agent"]) == ("relationship-sentinel", "Sentinel")
    assert (answer["at"], answer["exit_code"]) == ("2026-11-21T06:00:00-06:00", 0)
    (slot,) = answer["slots"]
    assert slot.keys() >= {"slot", "outcome", "final", "reason", "run_id", "tick_at", "late_s", "note"}
    assert (slot["slot"], slot["outcome"], slot["final"]) == ("2026-11-21T06:00:00-06:00", "succeeded", True)
    assert (slot["tick_at"], slot["late_s"]) == ("2026-11-21T11:02:00-06:00", 18_120.0)
    assert slot["late_because"] == "no tick came between 05:17 and 11:02"
    assert all(fact.keys() >= {"topic", "says"} for fact in answer["facts"])
    assert answer["next"].keys() == {"slot", "note", "would"}
    assert loom("show", slot["run_id"], "--json", "--project", lived.root).json()["slot"] == slot["slot"]


def test_what_a_tick_would_do_is_what_a_dry_run_says_and_a_tick_does(loom: Command, lived: Project) -> None:
    root = ("--project", lived.root)
    answer = loom("why", "sentinel", "--json", *root, env=SECRET).json()
    dry = loom("run", "--dry-run", "--json", *root, env=SECRET).json()["planned"]
    keys = ("action", "slot", "count")
    planned = [tuple(each[k] for k in keys) for each in dry if each["worker"] == "relationship-sentinel"]
    assert [tuple(each[k] for k in keys) for each in answer["next"]["would"]] == planned
    assert {action for action, *_ in planned} >= {"run"}, "days have passed since the last tick"
    done = loom("run", "--json", *root, env=SECRET).json()["runs"]
    ran = [run["slot"] for run in done if run["worker"] == "relationship-sentinel" and run["started_at"]]
    assert ran == [slot for action, slot, _ in planned if action == "run"]


def test_a_secret_that_is_missing_here_is_named_and_one_that_is_there_never_shown(
    loom: Command, lived: Project
) -> None:
    missing = loom("why", "sentinel", "--project", lived.root)
    assert "CRM_TOKEN is not set, in this machine's environment" in missing.stdout
    there = loom("why", "sentinel", "--project", lived.root, env=SECRET)
    assert "CRM_TOKEN" in there.stdout
    assert SECRET["CRM_TOKEN"] not in there.stdout + there.stderr


def test_of_a_broken_entry_it_says_what_is_wrong_and_ends_well(loom: Command, lived: Project) -> None:
    answer = loom("why", "typo", "--project", lived.root)
    assert answer.exit_code == 0, answer
    assert "typo doesn't run, because its entry in worker-registry.yaml has mistakes." in answer.stdout
    assert "expected five fields, got four" in answer.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ecko",), "Did you mean echo?"),
        (("echo", "--at", "yesterday"), "write it like 2026-03-08T09:00:00Z"),
        (("echo", "--at", "2026-11-21T06:00"), "2026-11-21T06:00-06:00"),
        (("echo", "--at", "2026-11-21"), "2026-11-21T00:00-06:00"),
        ((), "NAME"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_to_write(
    loom: Command, project: Project, words: tuple[str, ...], said: str
) -> None:
    refused = loom("why", *words, "--project", project.root)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused


def test_with_a_state_branch_it_fetches_first_unless_it_is_to_stay_offline(
    loom: Command, project: Project, tmp_path: Path
) -> None:
    remote = Remote(tmp_path)
    laptop = remote.clone("laptop")
    for path in project.root.iterdir():
        path.rename(laptop / path.name)
    shutil.copytree(laptop, runner := tmp_path / "runner")
    branch = {"LOOM_STATE_BRANCH": STATE}
    ticked = loom("run", "--at", "2026-11-20T12:10:00Z", cwd=runner, env=branch)
    assert ticked.exit_code == 0, ticked
    asked = ("why", "echo", "--at", "2026-11-20T12:00Z")
    offline = loom(*asked, "--offline", cwd=laptop, env=branch)
    assert "never fetched" in offline.stderr
    assert "no record for Fri 20 Nov 06:00 CST: no tick has seen the worker yet." in offline.stdout
    fetched = loom(*asked, cwd=laptop, env=branch)
    assert "echo ran for Fri 20 Nov 06:00 CST and succeeded, on time." in fetched.stdout, fetched


def test_a_registry_that_no_tick_could_use_is_the_answer(loom: Command, project: Project) -> None:
    project.write("worker-registry.yaml", "version: 7\n")
    answer = loom("why", "echo", "--project", project.root)
    assert answer.exit_code == 3, answer
    assert "'version'" in answer.stderr


def test_before_the_first_tick_it_answers_and_makes_no_ledger(
    loom: Command, project: Project, tmp_path: Path
) -> None:
    answer = loom("why", "echo", "--project", project.root)
    assert answer.exit_code == 0, answer
    assert "echo hasn't run yet: no clock has called Loom yet." in answer.stdout
    assert not project.ledger.exists()
