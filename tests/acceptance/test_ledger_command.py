"""`loom ledger`, and a ledger that can't be used: alerted with exit code 3, mended, and gone on from."""

import ctypes
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.ground.command import PROGRAM, Command, Result
from tests.ground.project import Project

HOURS = [f"2026-11-20T{hour}:10:00Z" for hour in range(12, 18)]
LATER = "2026-11-20T18:10:00Z"
PAGE = 4096


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs it leaves a project at work for the others."""
    return tmp_path_factory.mktemp("at-work") / "project"


@pytest.fixture
def at_work(loom: Command, project: Project, kept: Path) -> Project:
    """Three workers that note each slot they run, after six hourly ticks; alerts go to a file too."""
    if not kept.exists():
        _work(loom, project)
        shutil.copytree(project.root, kept)
    shutil.rmtree(project.root)
    shutil.copytree(kept, project.root)
    return project


def _work(loom: Command, project: Project) -> None:
    project.worker(
        "noting",
        """
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            with (context.project / "ran.txt").open("a") as file:
                file.write(context.slot_key + "\\n")
            return WorkerOutput(summary="done")
        """,
    )
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: stderr}, {kind: file, path: heard.jsonl}]
        workers:
          one: {schedule: "0 * * * *", entrypoint: "workers.noting:run"}
          two: {schedule: "0 * * * *", entrypoint: "workers.noting:run"}
          daily: {schedule: "0 6 * * *", entrypoint: "workers.noting:run"}
        """
    )
    for at in HOURS:
        assert loom("run", "--at", at, "--project", project.root).exit_code == 0


def heard(project: Project) -> list[str]:
    file = project.root / "heard.jsonl"
    return [json.loads(line)["event"] for line in file.read_text().splitlines()] if file.exists() else []


def ran(project: Project) -> Counter[str]:
    return Counter((project.root / "ran.txt").read_text().split())


def assert_refused_and_alerted(result: Result, project: Project) -> None:
    assert result.exit_code == 3, result
    assert "ledger" in result.stderr
    assert "ALERT ledger.broken" in result.stderr
    assert "Traceback" not in result.stderr
    assert heard(project)[-1:] == ["ledger.broken"]


# -- a ledger that can't be used --------------------------------------------------------------------------

RUINS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"no ledger at all\n" * 3000),
    "nothing": lambda path: path.write_bytes(b""),
    "a header": lambda path: os.truncate(path, 100),
    "a page": lambda path: os.truncate(path, PAGE),
    "half a page": lambda path: os.truncate(path, 5 * PAGE + 2000),
    "most of it": lambda path: os.truncate(path, path.stat().st_size - PAGE),
    "no schema": lambda path: overwrite(path, 100, PAGE),
    "no tickets": lambda path: overwrite(path, *root_of(path, "tickets")),
    "no marks": lambda path: overwrite(path, *root_of(path, "marks")),
}


def overwrite(path: Path, begin: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * (end - begin))


def root_of(path: Path, table: str) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return (root - 1) * PAGE, root * PAGE


@pytest.mark.parametrize("ruin", RUINS.values(), ids=RUINS)
def test_a_damaged_ledger_is_alerted_repaired_and_gone_on_from_and_no_finished_slot_starts_again(
    loom: Command, at_work: Project, ruin: Callable[[Path], object]
) -> None:
    ruin(at_work.ledger)
    assert_refused_and_alerted(loom("run", "--at", LATER, "--project", at_work.root), at_work)
    checked = loom("ledger", "check", "--project", at_work.root)
    assert (checked.exit_code, checked.stderr) == (3, "")
    assert "`loom ledger repair` saves what can be read" in checked.stdout

    repaired = loom("ledger", "repair", "--project", at_work.root)
    assert (repaired.exit_code, repaired.stderr) == (0, ""), repaired
    assert repaired.stdout.splitlines()[1].startswith("saved: ")
    assert repaired.stdout.splitlines()[2].startswith("lost:  ")
    (aside,) = at_work.ledger.parent.glob("ledger.db.broken-*Z")
    assert str(aside) in repaired.stdout
    assert loom("ledger", "check", "--project", at_work.root).exit_code == 0

    again = loom("run", "--at", LATER, "--json", "--project", at_work.root)
    assert again.exit_code in (0, 1), again
    assert max(ran(at_work).values()) == 1, "a slot that finished ran again"
    undecided = {"one@2026-11-20T18:00:00Z", "two@2026-11-20T18:00:00Z"}
    told = repaired.stdout
    for key in undecided - set(ran(at_work)):
        assert f"the mark of {key.partition('@')[0]} is set to" in told, "a slot was lost in silence"


def test_a_repair_names_each_slot_of_which_nothing_is_recorded_any_more(
    loom: Command, at_work: Project
) -> None:
    with closing(sqlite3.connect(at_work.ledger)) as db, db:
        # The newest slot of 'one' as a tick leaves it that dies at work: a ticket, and no run yet.
        for table, key in (("tickets", "key"), ("runs", "slot")):
            db.execute(f"DELETE FROM {table} WHERE worker = 'one' AND {key} LIKE '%2026-11-20T17%'")  # noqa: S608
    overwrite(at_work.ledger, *root_of(at_work.ledger, "tickets"))
    repaired = loom("ledger", "repair", "--project", at_work.root)
    assert repaired.exit_code == 0
    assert (
        "nothing is recorded of the slot 2026-11-20T17:00:00Z of one. What didn't run is run with: "
        "loom run --worker one --slot 2026-11-20T17:00:00Z"
    ) in repaired.stdout


@pytest.mark.parametrize("command", [["status"], ["history"], ["show", "0123456789"], ["check"], ["watch"]])
def test_every_command_that_reads_says_that_it_cannot_and_what_to_do(
    loom: Command, at_work: Project, command: list[str]
) -> None:
    os.truncate(at_work.ledger, 5 * PAGE)
    result = loom(*command, "--project", at_work.root)
    assert result.exit_code == 3, result
    assert "`loom ledger repair`" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def run_confined(project: Project, confine: Callable[[], None], *arguments: str) -> Result:
    """`loom run` in a process that was confined before it began."""
    words = ("run", "--project", str(project.root), *arguments)
    done = subprocess.run(
        [*PROGRAM, *words],
        cwd=project.root,
        preexec_fn=confine,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Result(words, done.returncode, done.stdout, done.stderr, done.stdout)


def no_file_over(size: int) -> Callable[[], None]:
    """What a full disk does: no file grows over `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


_LIBC = ctypes.CDLL(None)
_DROP_CAPABILITY, _WRITE_ANYWHERE, _READ_ANYWHERE = 24, 1, 2


def bound_by_permissions() -> None:
    """Takes from root what lets it write where nobody may; another user never had it."""
    if os.geteuid() == 0:
        for capability in (_WRITE_ANYWHERE, _READ_ANYWHERE):
            assert _LIBC.prctl(_DROP_CAPABILITY, capability, 0, 0, 0) == 0


def test_a_disk_with_no_room_for_the_claim_is_alerted_and_nothing_runs(at_work: Project) -> None:
    before = ran(at_work)
    full = run_confined(at_work, no_file_over(4000), "--at", LATER)
    assert_refused_and_alerted(full, at_work)
    assert "disk" in full.stderr
    assert ran(at_work) == before
    freed = run_confined(at_work, lambda: None, "--at", LATER)
    assert freed.exit_code == 0, freed
    assert set(ran(at_work) - before) == {"one@2026-11-20T18:00:00Z", "two@2026-11-20T18:00:00Z"}


def test_a_disk_that_fills_up_during_the_work_is_alerted_and_the_next_tick_says_what_was_left(
    loom: Command, at_work: Project
) -> None:
    at_work.worker(
        "noting",
        """
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if (context.project / "large").exists():
                return WorkerOutput(summary="x" * 3_000_000)
            return WorkerOutput(summary="small")
        """,
    )
    (at_work.root / "large").touch()
    room = at_work.ledger.stat().st_size + 500_000
    full = run_confined(at_work, no_file_over(room), "--at", LATER)
    assert_refused_and_alerted(full, at_work)
    (at_work.root / "large").unlink()
    after = loom("run", "--at", "2026-11-20T18:20:00Z", "--json", "--project", at_work.root)
    assert after.exit_code in (0, 1), after
    told = Counter((run["worker"], run["outcome"]) for run in after.json()["runs"])
    assert told[("one", "succeeded")] == told[("two", "succeeded")] == 1
    assert sum(number for (_, outcome), number in told.items() if outcome == "abandoned") >= 1


def test_no_room_for_a_first_ledger_is_alerted_and_leaves_nothing_half_made(project: Project) -> None:
    project.registry(
        """
        version: 1
        timezone: America/Chicago
        alerts: [{kind: stderr}, {kind: file, path: heard.jsonl}]
        workers: {echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}}
        """
    )
    assert_refused_and_alerted(run_confined(project, no_file_over(2000), "--at", LATER), project)
    assert not project.ledger.exists()
    assert [file.name for file in project.ledger.parent.iterdir() if file.suffix == ".new"] == []


@pytest.mark.parametrize("what", ["the file", "the folder"])
def test_a_ledger_that_may_not_be_written_is_alerted(at_work: Project, what: str) -> None:
    folder = at_work.ledger.parent
    place, mode = (at_work.ledger, 0o444) if what == "the file" else (folder, 0o555)
    before = place.stat().st_mode
    place.chmod(mode)
    try:
        refused = run_confined(at_work, bound_by_permissions, "--at", LATER)
    finally:
        place.chmod(before)
    assert_refused_and_alerted(refused, at_work)
    assert re.search("permissions|may write there", refused.stderr), refused


def test_a_folder_in_the_ledgers_place_is_alerted(loom: Command, at_work: Project) -> None:
    at_work.ledger.unlink()
    at_work.ledger.mkdir()
    refused = loom("run", "--at", LATER, "--project", at_work.root)
    assert_refused_and_alerted(refused, at_work)
    assert "is a folder; name a file" in refused.stderr


IN_ITS_PLACE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "is no file but a pipe"),
    "a device": (lambda path: path.symlink_to("/dev/null"), "is no file but a pipe"),
    "a link to what is gone": (
        lambda path: path.symlink_to("/gone/ledger.db"),
        "/gone/ledger.db, which isn't",
    ),
    "a link to itself": (
        lambda path: path.symlink_to(path.name),
        "is a link to ledger.db, which isn't there",
    ),
}


@pytest.mark.parametrize("put", IN_ITS_PLACE)
def test_what_can_be_no_ledger_is_told_as_what_it_is_by_every_command(
    loom: Command, at_work: Project, put: str
) -> None:
    here = ("--project", at_work.root)
    make, said = IN_ITS_PLACE[put]
    at_work.ledger.unlink()
    make(at_work.ledger)
    refused = loom("run", "--at", LATER, *here)
    assert_refused_and_alerted(refused, at_work)
    assert said in refused.stderr
    for words in (
        ["status"],
        ["history"],
        ["ledger", "check"],
        ["ledger", "export", "all.jsonl"],
        ["ledger", "repair"],
    ):
        asked = loom(*words, *here)
        assert asked.exit_code == 3, asked
        assert "is a link" in asked.stderr or said in asked.stdout + asked.stderr, asked


def test_a_ledger_in_a_folder_on_a_disk_that_is_gone_is_no_project_that_never_ran(
    loom: Command, at_work: Project
) -> None:
    folder = at_work.ledger.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("/gone/loom")
    for words in (["run", "--at", LATER], ["status"], ["ledger", "check"], ["ledger", "repair"]):
        asked = loom(*words, "--project", at_work.root)
        assert asked.exit_code == 3, asked
        assert "is a link to /gone/loom, which isn't there" in asked.stdout + asked.stderr, asked


def test_a_ledger_of_which_only_the_log_is_left_is_no_project_that_never_ran(
    loom: Command, at_work: Project
) -> None:
    Path(f"{at_work.ledger}-wal").write_bytes(b"what SQLite had yet to move")
    at_work.ledger.unlink()
    for words in (["run", "--at", LATER], ["status"], ["history"]):
        asked = loom(*words, "--project", at_work.root)
        assert asked.exit_code == 3, asked
        assert "is gone but" in asked.stderr


_IMPATIENT = """
import sys
from datetime import timedelta
from loom.ledger.sqlite import SqliteLedger
SqliteLedger.__init__.__kwdefaults__["busy_timeout"] = timedelta(milliseconds=100)
from loom.cli import main
main(sys.argv[1:])
"""


def test_a_ledger_that_another_process_keeps_locked_is_alerted(at_work: Project) -> None:
    words = ("run", "--at", LATER, "--project", str(at_work.root))
    with closing(sqlite3.connect(at_work.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = subprocess.run(
            [sys.executable, "-c", _IMPATIENT, *words],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert_refused_and_alerted(Result(words, done.returncode, done.stdout, done.stderr, ""), at_work)
    assert "is locked: another process has been writing to it for too long" in done.stderr
    assert f"(`fuser {at_work.ledger}` names it)" in done.stderr


# -- the command ------------------------------------------------------------------------------------------


def test_check_and_repair_of_a_whole_ledger_change_nothing(loom: Command, at_work: Project) -> None:
    before = at_work.ledger.read_bytes()
    checked = loom("ledger", "check", "--project", at_work.root)
    assert checked.exit_code == 0
    assert checked.stdout.startswith(f"{at_work.ledger} is whole: 6 ticks, 13 runs, 13 tickets, 3 marks")
    repaired = loom("ledger", "repair", "--json", "--project", at_work.root)
    assert (repaired.exit_code, repaired.json()["repaired"]) == (0, False)
    assert at_work.ledger.read_bytes() == before
    assert sorted(path.name for path in at_work.ledger.parent.iterdir()) == [
        ".gitignore",
        "ledger.db",
        "locks",
    ]


def test_without_a_ledger_check_says_so_and_makes_none(loom: Command, project: Project) -> None:
    for form in ([], ["--json"]):
        checked = loom("ledger", "check", *form, "--project", project.root)
        assert checked.exit_code == 0
    assert loom("ledger", "repair", "--project", project.root).exit_code == 3
    assert loom("ledger", "export", "--project", project.root).exit_code == 3
    assert loom("ledger", "compact", "--project", project.root).exit_code == 3
    assert not project.ledger.parent.exists()


def test_json_says_the_same(loom: Command, at_work: Project) -> None:
    overwrite(at_work.ledger, *root_of(at_work.ledger, "pauses"))
    checked = loom("ledger", "check", "--json", "--project", at_work.root)
    assert checked.exit_code == 3
    assert checked.json().keys() == {
        "ledger",
        "there",
        "problems",
        "more_problems",
        "counts",
        "exit_code",
    }
    assert checked.json()["counts"]["runs"] == 13
    repaired = loom("ledger", "repair", "--json", "--project", at_work.root).json()
    assert (repaired["repaired"], repaired["saved"]["runs"], repaired["problems"]) == (True, 13, [])
    assert any("paused" in note for note in repaired["notes"])
    assert Path(repaired["aside"]).is_file()


def test_a_broken_registry_keeps_nobody_from_repairing(loom: Command, at_work: Project) -> None:
    at_work.registry("version: 2\nworkers: [\n")
    overwrite(at_work.ledger, *root_of(at_work.ledger, "runs_by_tick"))
    repaired = loom("ledger", "repair", "--project", at_work.root)
    assert repaired.exit_code == 0
    assert "the registry can't be read, so the default place is taken" in repaired.stderr


def test_export_and_import_take_a_ledger_along(loom: Command, at_work: Project, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    exported = loom("ledger", "export", file, "--project", at_work.root)
    assert (exported.exit_code, exported.stdout) == (0, "")
    assert loom("ledger", "export", "--project", at_work.root).stdout == file.read_text()
    assert loom("ledger", "export", file, "--project", at_work.root).exit_code == 2
    assert loom("ledger", "import", file, "--project", at_work.root).exit_code == 3
    at_work.ledger.unlink()
    imported = loom("ledger", "import", file, "--project", at_work.root)
    assert imported.exit_code == 0, imported
    assert loom("ledger", "export", "--project", at_work.root).stdout == file.read_text()
    assert loom("run", "--at", LATER, "--project", at_work.root).exit_code == 0
    assert max(ran(at_work).values()) == 1
    assert loom("ledger", "import", tmp_path / "none", "--project", at_work.root).exit_code == 2


def test_a_damaged_import_names_its_lines_and_can_be_read_as_far_as_it_goes(
    loom: Command, at_work: Project, tmp_path: Path
) -> None:
    lines = loom("ledger", "export", "--project", at_work.root).stdout.splitlines(keepends=True)
    lines[7] = "scribble\n"
    at_work.ledger.unlink()
    refused = loom("ledger", "import", "-", "--project", at_work.root, stdin="".join(lines))
    assert refused.exit_code == 3
    assert "stdin:8: not a line of an export" in refused.stderr
    taken = loom("ledger", "import", "-", "--skip-damaged", "--project", at_work.root, stdin="".join(lines))
    assert taken.exit_code == 0, taken
    assert "1 place" in taken.stdout
    assert loom("ledger", "check", "--project", at_work.root).exit_code == 0


def test_compact_gives_the_room_back_beside_a_reader_too(loom: Command, at_work: Project) -> None:
    with closing(sqlite3.connect(at_work.ledger)) as db, db:
        db.execute("CREATE TABLE ballast (filling BLOB)")
        db.execute("INSERT INTO ballast VALUES (zeroblob(3000000))")
        db.execute("DROP TABLE ballast")
    before = loom("history", "--json", "--project", at_work.root).stdout
    size = at_work.ledger.stat().st_size
    done = loom("ledger", "compact", "--project", at_work.root)
    assert done.exit_code == 0, done
    assert done.stdout.startswith(f"{size:,} bytes -> ")
    assert at_work.ledger.stat().st_size < size / 10
    assert loom("history", "--json", "--project", at_work.root).stdout == before
    assert loom("ledger", "check", "--project", at_work.root).exit_code == 0
    with closing(sqlite3.connect(at_work.ledger, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()
        beside = loom("ledger", "compact", "--project", at_work.root)
        assert beside.exit_code == 0
        assert "still reading" in beside.stderr


def test_compact_forgets_what_is_older_than_state_keep(loom: Command, at_work: Project) -> None:
    registry = at_work.root / "worker-registry.yaml"
    registry.write_text(registry.read_text().replace("workers:", "state: {keep: 1s}\nworkers:", 1))
    done = loom("ledger", "compact", "--project", at_work.root)
    assert done.exit_code == 0, done
    # What the standings name stays.
    assert "10 runs older than 1.0 s forgotten" in done.stdout
    assert loom("ledger", "check", "--project", at_work.root).exit_code == 0
