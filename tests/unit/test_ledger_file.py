"""The ledger as a file: made, found, migrated, refused, and whole after whatever happened to it."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.record import Renamed, RunQuery
from loom.domain.run import Outcome
from loom.domain.tick import Mark
from loom.errors import LedgerError
from loom.ledger.checking import check
from loom.ledger.codec import stamp
from loom.ledger.database import open_database
from loom.ledger.schema import APPLICATION_ID, MIGRATIONS
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger
from tests.contracts.ledger_entries import HOUR, SIX, a_run, a_tick, a_ticket
from tests.ground.shut import REPOSITORY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".loom" / "ledger.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """A ledger that was written and closed, some pages long."""
    with closing(SqliteLedger(path)) as ledger:
        ledger.record(
            [Mark("echo", SIX), *(a_run(f"run-{number:04}", log="x" * 500) for number in range(60))]
        )
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- made -------------------------------------------------------------------------------------------------


def test_the_ledger_and_its_folder_are_made_for_their_owner_alone_and_kept_out_of_git(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.record([Mark("echo", SIX)])
        assert {file.name for file in path.parent.iterdir()} == {
            ".gitignore",
            "ledger.db",
            "ledger.db-wal",
            "ledger.db-shm",
        }
        assert {mode(file) for file in path.parent.glob("ledger.db*")} == {0o600}
    assert mode(path.parent) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    SqliteLedger(tmp_path / "ledger.db").close()
    assert mode(tmp_path) == 0o755
    assert not (tmp_path / ".gitignore").exists()


def test_every_write_is_on_disk_before_it_is_reported(path: Path) -> None:
    with closing(open_database(path, create=True, busy_timeout=timedelta())) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_without_create_nothing_is_made(path: Path) -> None:
    with pytest.raises(LedgerError, match=r"no ledger at .*ledger\.db yet; the first `loom run` makes it"):
        SqliteLedger(path, create=False)
    assert not path.parent.exists()


def test_a_path_with_letters_that_mean_something_in_a_uri_is_just_a_path(tmp_path: Path) -> None:
    path = tmp_path / "50% #1?mode=memory é" / "ledger.db"
    SqliteLedger(path).close()
    assert path.is_file()
    SqliteLedger(path, create=False).close()


def test_processes_that_make_the_ledger_at_once_share_one(path: Path) -> None:
    gate = threading.Barrier(4)
    broken: list[Exception] = []

    def work(me: int) -> None:
        gate.wait()
        try:
            with closing(SqliteLedger(path)) as ledger:
                ledger.record([Mark(f"worker-{me}", SIX)])
        except Exception as error:  # noqa: BLE001  (told in the test's own thread)
            broken.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    with closing(SqliteLedger(path)) as ledger:
        assert set(ledger.snapshot().marks) == {f"worker-{me}" for me in range(4)}
    assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", "ledger.db"]


# -- migrated ---------------------------------------------------------------------------------------------


def test_an_older_ledger_is_migrated_step_by_step_and_keeps_what_it_holds(filled: Path) -> None:
    newer = (
        *MIGRATIONS,
        "CREATE TABLE notes (text TEXT); -- a remark; with a semicolon\nINSERT INTO notes VALUES ('a;b');",
        "ALTER TABLE notes ADD COLUMN at TEXT;\nUPDATE notes SET at = (SELECT at FROM marks);",
    )
    for _ in range(2):
        with closing(open_database(filled, create=False, busy_timeout=timedelta(), migrations=newer)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 2,)
            assert db.execute("SELECT text, at FROM notes").fetchall() == [("a;b", stamp(SIX))]
            assert db.execute("SELECT count(*) FROM runs").fetchone() == (60,)


def test_a_ledger_of_the_first_schema_is_sound_and_is_read_and_written_on(path: Path) -> None:
    first = MIGRATIONS[:1]
    with closing(open_database(path, create=True, busy_timeout=timedelta(), migrations=first)) as db:
        db.execute("INSERT INTO marks (worker, at) VALUES ('echo', ?)", (stamp(SIX),))
    assert check(path, keep=timedelta(days=400), now=SIX).faults == ()
    with closing(SqliteLedger(path)) as ledger:
        snapshot = ledger.snapshot()
        assert (snapshot.marks, snapshot.renamed) == ({"echo": SIX}, {})
        ledger.record([Renamed("echo", "forge")])
        assert ledger.snapshot().renamed == {"echo": "forge"}


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(filled: Path) -> None:
    broken = (*MIGRATIONS, "CREATE TABLE notes (text TEXT);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(LedgerError, match="nowhere"):
        open_database(filled, create=False, busy_timeout=timedelta(), migrations=broken)
    with closing(SqliteLedger(filled)) as ledger:
        assert ledger.snapshot().marks == {"echo": SIX}
    with closing(sqlite3.connect(filled)) as db:
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchone() is None


def test_a_newer_ledger_is_refused_and_left_alone(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as db:
        db.execute("PRAGMA user_version = 7")
    before = filled.read_bytes()
    with pytest.raises(
        LedgerError, match=rf"newer Loom \(schema 7; this one knows {len(MIGRATIONS)}\): upgrade"
    ):
        SqliteLedger(filled)
    assert filled.read_bytes() == before


# -- refused ----------------------------------------------------------------------------------------------


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(LedgerError, match="not one of Loom's"):
        SqliteLedger(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]


@pytest.mark.parametrize("text", [b"this is no database", b"no database\n" * 1000])
def test_a_file_that_is_no_database_is_refused(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(LedgerError, match=r"ledger\.db isn't an SQLite database"):
        SqliteLedger(path)
    assert path.read_bytes() == text


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_ledger_that_was_cut_off_is_refused(filled: Path, share: float) -> None:
    os.truncate(filled, int(filled.stat().st_size * share))
    with pytest.raises(LedgerError, match=r"ledger\.db (is damaged|is empty|isn't an SQLite)"):
        SqliteLedger(filled)


def test_damage_in_the_middle_is_told_when_it_is_met(filled: Path) -> None:
    with filled.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (filled.stat().st_size - 4096))
    ledger = SqliteLedger(filled)
    with closing(ledger), pytest.raises(LedgerError, match="is damaged"):
        ledger.snapshot()


def test_a_record_that_cannot_be_read_is_told_with_its_text(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as db, db:
        db.execute("UPDATE runs SET body = '{\"run_id\":7}' WHERE run_id = 'run-0003'")
    with closing(SqliteLedger(filled)) as ledger, pytest.raises(LedgerError, match="holds a record"):
        ledger.run("run-0003")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is a folder; name a file"):
        SqliteLedger(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match=r"Not a directory|File exists"):
        SqliteLedger(tmp_path / "file" / "ledger.db")


def test_what_is_left_of_a_ledger_that_is_gone_is_not_taken_for_a_new_ones(filled: Path) -> None:
    Path(f"{filled}-wal").write_bytes(b"x")
    filled.unlink()
    with pytest.raises(LedgerError, match=r"is gone but .*-wal is still there"):
        SqliteLedger(filled)


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere; for as long as this holds, this process is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    """A folder that an ordinary user can reach; pytest's own are closed to others."""
    folder = tmp_path / "reachable"
    folder.mkdir()
    for place in (folder, *folder.parents):
        if place.owner() == tmp_path.owner() and place != Path("/"):
            place.chmod(mode(place) | 0o055)
        if place.name.startswith("pytest-of"):
            break
    return folder


@pytest.mark.parametrize(
    "use",
    [
        lambda path: SqliteLedger(path, create=False).snapshot(),
        lambda path: SqliteLedger(path, create=False).record([Mark("echo", SIX)]),
        lambda path: SqliteLedger(path.with_name("new.db")),
        lambda path: SqliteLedger(path.parent / "sub" / "new.db"),
    ],
    ids=["read", "write", "make a file", "make a folder"],
)
def test_a_folder_that_is_read_only_is_told(open_to_all: Path, use: Callable[[Path], object]) -> None:
    path = open_to_all / "ledger.db"
    SqliteLedger(path).close()
    path.chmod(0o444)
    open_to_all.chmod(0o555)
    try:
        with as_an_ordinary_user(), pytest.raises(LedgerError, match=r"permissions|may write there"):
            use(path)
    finally:
        open_to_all.chmod(0o755)


def test_a_ledger_that_stays_locked_is_told_and_nothing_is_written(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ledger = SqliteLedger(filled, busy_timeout=timedelta(milliseconds=20))
        with closing(ledger):
            assert ledger.snapshot().marks == {"echo": SIX}, "readers never wait"
            for write in (
                lambda: ledger.record([Mark("echo", SIX + HOUR)]),
                lambda: ledger.claim([Mark("echo", SIX + HOUR)], revision=1),
                lambda: ledger.prune(before=SIX),
            ):
                with pytest.raises(LedgerError, match="is locked: another process") as caught:
                    write()
                assert f"`fuser {filled}` names it" in str(caught.value)
            other.execute("ROLLBACK")
            assert ledger.snapshot().marks == {"echo": SIX}
            ledger.record([Mark("echo", SIX + HOUR)])


def test_a_second_writer_waits_for_the_first(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
        timer.start()
        with closing(SqliteLedger(filled)) as ledger:
            ledger.record([Mark("echo", SIX + HOUR)])
            assert ledger.snapshot().marks == {"echo": SIX + HOUR}
        timer.join()


_FULL_DISK = """
import resource, sys
from pathlib import Path
from loom.errors import LedgerError
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import a_run
path = Path(sys.argv[1])
ledger = SqliteLedger(path)
ledger.record([a_run("run-before")])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    ledger.record([a_run("run-after", log="x" * 1_000_000)])
except LedgerError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert ledger.run("run-before") is not None
assert ledger.run("run-after") is None
ledger.record([a_run("run-later")])
"""


def child(program: str, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def test_a_disk_that_takes_no_more_is_told_and_the_ledger_goes_on_when_there_is_room(path: Path) -> None:
    with child(_FULL_DISK, path) as process:
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert str(path) in told
    assert "Nothing of this write was kept" in told
    with closing(SqliteLedger(path)) as ledger:
        assert [run.run_id for run in ledger.runs(RunQuery())] == ["run-later", "run-before"]


def test_no_method_lets_an_error_of_sqlite_escape(filled: Path) -> None:
    ledger = SqliteLedger(filled)
    ledger.close()
    uses: list[Callable[[Ledger], object]] = [
        lambda held: held.snapshot(),
        lambda held: held.claim([], revision=0),
        lambda held: held.record([]),
        lambda held: held.run("run-0001"),
        lambda held: held.closed_slots("echo", after=SIX),
        lambda held: held.runs(RunQuery()),
        lambda held: held.ticks(since=SIX),
        lambda held: held.tick_times(triggers=("schedule",)),
        lambda held: held.deliveries(run_id="run-0001"),
        lambda held: held.promises(since=SIX),
        lambda held: held.prune(before=SIX),
    ]
    for use in uses:
        with pytest.raises(LedgerError, match=r"ledger\.db can't be used"):
            use(ledger)


def test_an_instant_without_a_zone_is_refused_before_anything_is_written(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        with pytest.raises(ValueError, match="no time zone"):
            ledger.record([a_tick("t1"), Mark("echo", SIX.replace(tzinfo=None))])
        assert ledger.snapshot().last_tick is None


# -- killed -----------------------------------------------------------------------------------------------

_WRITES_FOR_EVER = """
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import HOUR, SIX, a_run, a_ticket
ledger = SqliteLedger(Path(sys.argv[1]))
for number in count(1):
    at = SIX + number * HOUR
    ticket = a_ticket(slot=at, state=TicketState.CLOSED)
    ledger.record([Mark("echo", at), ticket, a_run(f"run-{number:05}", slot=at, log="x" * 20_000)])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 25, 60])
def test_killed_in_the_middle_of_writing_it_holds_whole_batches_and_all_it_reported(
    path: Path, after: int
) -> None:
    with child(_WRITES_FOR_EVER, path) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= after:
                break
        process.kill()
        reported = max([after, *(int(line) for line in process.stdout.read().split())])
    with closing(SqliteLedger(path)) as ledger:
        written = len(ledger.runs(RunQuery(limit=100_000)))
        assert reported <= written <= reported + 1
        assert ledger.snapshot().marks == {"echo": SIX + written * HOUR}
        assert len(ledger.closed_slots("echo", after=SIX)) == written
        assert ledger.snapshot().standings["echo"].last_run_id == f"run-{written:05}"
        ledger.record([a_run("run-after", outcome=Outcome.FAILED), a_ticket("other")])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
