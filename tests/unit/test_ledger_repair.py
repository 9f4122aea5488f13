"""A repair saves what can be read, derives what can't, says what nobody knows, and is all or nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed, RunQuery, Snapshot
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.errors import LedgerError
from loom.ledger.checking import check
from loom.ledger.repairing import Repaired, repair
from loom.ledger.sharing import hold_alone, let_go
from loom.ledger.sqlite import SqliteLedger
from tests.contracts.ledger_entries import (
    DAY,
    HOUR,
    SIX,
    a_delivery,
    a_request,
    a_run,
    a_tick,
    a_ticket,
    an_episode,
)
from tests.ground.branch import START, Remote
from tests.ground.shut import REPOSITORY

KEEP = timedelta(days=400)
SEVEN, EIGHT, NINE = SIX + HOUR, SIX + 2 * HOUR, SIX + 3 * HOUR
# Nothing was written later; a person repairs it the next day.
WRITTEN, NOW = NINE, SIX + DAY
PAGE = 4096

ENTRIES: list[Entry] = [
    HooksInForce(()),
    a_tick("t1", SIX, finished_at=SIX),
    a_tick("t2", EIGHT, finished_at=EIGHT),
    a_tick("by-hand", EIGHT + HOUR / 2, trigger="manual", finished_at=EIGHT + HOUR / 2),
    Mark("echo", EIGHT),
    Mark("forge", EIGHT),
    a_ticket(state=TicketState.CLOSED, run_id="run-six", outcome=Outcome.SUCCEEDED, starts=1),
    a_run("run-six", output={"summary": "good"}, started_at=SIX),
    a_ticket(slot=SEVEN, state=TicketState.CLOSED, run_id="run-seven", outcome=Outcome.FAILED, starts=1),
    a_run("run-seven", slot=SEVEN, outcome=Outcome.FAILED, tick_at=SEVEN, episode="e1"),
    a_ticket(slot=EIGHT, run_id="run-eight", reason=OpenReason.RETRY, outcome=Outcome.FAILED, starts=1),
    a_run("run-eight", slot=EIGHT, outcome=Outcome.FAILED, final=False, tick_at=EIGHT, episode="e1"),
    a_request("forge", "run-hand", state=TicketState.CLOSED, outcome=Outcome.SUCCEEDED),
    a_run("run-hand", "forge", slot=None, trigger=Trigger.MANUAL, by_hand=True, tick_at=EIGHT),
    Pause(worker="forge", by="ann", at=SIX),
    an_episode("e1"),
    a_delivery("d1", "run-seven"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / ".loom" / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.record(ENTRIES)
    return path


def ruin(path: Path, *names: str) -> None:
    """Overwrite the page on which each of these tables and indexes begins (here: all of it)."""
    with closing(sqlite3.connect(path)) as db:
        roots = dict(db.execute("SELECT name, rootpage FROM sqlite_master"))
    with path.open("r+b") as file:
        for name in names:
            file.seek((roots[name] - 1) * PAGE)
            file.write(b"\xa5" * PAGE)
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))


def mend(path: Path, now: datetime = NOW) -> Repaired:
    done = repair(path, workers=["echo", "forge", "new"], keep=KEEP, now=now)
    assert done is not None
    assert done.left.faults == ()
    assert done.aside is not None
    assert check(path, keep=KEEP, now=now).faults == ()
    return done


@contextmanager
def opened(path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(path, create=False, busy_timeout=timedelta(seconds=1))) as ledger:
        yield ledger


def snapshot_of(path: Path) -> Snapshot:
    with opened(path) as ledger:
        return ledger.snapshot()


def run_of(path: Path, run_id: str) -> Run | None:
    with opened(path) as ledger:
        return ledger.run(run_id)


def without_log(content: dict[str, bytes]) -> dict[str, bytes]:
    """SQLite makes these for whoever reads."""
    return {name: each for name, each in content.items() if not name.endswith(("-wal", "-shm"))}


def assert_said(done: Repaired, words: str) -> None:
    assert any(words in each for each in done.said), done.said


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


# -- saved ------------------------------------------------------------------------------------------------


def test_a_ledger_that_is_whole_is_left_alone(path: Path) -> None:
    before = files(path)
    assert repair(path, workers=["echo"], keep=KEEP, now=NOW) is None
    assert files(path) == before


def test_what_only_an_index_lost_is_saved_whole_and_the_damaged_file_is_kept(path: Path) -> None:
    whole = snapshot_of(path)
    ruin(path, "runs_by_outcome", "ticks_by_time")
    damaged = path.read_bytes()
    done = mend(path)
    assert (done.lost, done.pages, done.said) == ({}, {}, ())
    assert done.saved["runs"] == 4
    aside = path.with_name("ledger.db.broken-20260304T060000Z")
    assert done.aside == aside
    assert aside.read_bytes() == damaged
    assert sorted(files(path)) == [".gitignore", "ledger.db", aside.name]
    assert snapshot_of(path) == Snapshot(
        **{name: getattr(whole, name) for name in Snapshot.__slots__ if name != "revision"},
        revision=snapshot_of(path).revision,
    )
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("columns", [3, 4], ids=["of the first schema", "of today's"])
def test_the_row_that_holds_for_all_is_saved(path: Path, columns: int) -> None:
    with opened(path) as ledger:
        ledger.record([Renamed("old", "new"), HooksInForce(())])
    if columns == 3:
        with closing(sqlite3.connect(path)) as db:
            db.execute("ALTER TABLE ledger DROP COLUMN renamed")
            db.execute("PRAGMA user_version = 1")
    ruin(path, "runs_by_outcome")
    assert mend(path).lost == {}
    assert snapshot_of(path).renamed == ({} if columns == 3 else {"old": "new"})
    assert snapshot_of(path).hooks == ()


def test_ids_that_were_given_up_and_are_lost_are_told(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record([Renamed("old", "new")])
    ruin(path, "ledger")
    assert_said(mend(path), "which ids workers had before")
    assert snapshot_of(path).renamed == {}


def spoil(path: Path, begin: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * (end - begin))
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))


def test_with_its_header_gone_its_tables_are_found_all_the_same(path: Path) -> None:
    whole = snapshot_of(path)
    spoil(path, 0, 100)
    assert mend(path).saved["runs"] == 4
    snapshot = snapshot_of(path)
    assert (snapshot.tickets, snapshot.marks) == (whole.tickets, whole.marks)


def test_with_its_schema_gone_everything_is_told_by_its_shape(path: Path) -> None:
    whole = snapshot_of(path)
    spoil(path, 100, PAGE)
    assert mend(path).saved["runs"] == 4
    snapshot = snapshot_of(path)
    assert (snapshot.tickets, snapshot.standings) == (whole.tickets, whole.standings)
    assert (snapshot.deliveries, snapshot.hooks) == (whole.deliveries, whole.hooks)
    # Nothing says that there was no other mark, nor a later tick.
    assert snapshot.marks == {**whole.marks, "new": WRITTEN}


def test_without_either_what_may_be_an_old_version_does_not_speak_for_the_newest(path: Path) -> None:
    spoil(path, 0, PAGE)
    done = mend(path)
    snapshot = snapshot_of(path)
    assert snapshot.tickets == {}, "an open ticket may be closed by now"
    assert snapshot.marks == dict.fromkeys(["echo", "forge", "new"], WRITTEN)
    assert_said(done, "echo@2026-03-03T08:00:00Z: it failed, and what came after is lost")
    last = run_of(path, "run-eight")
    assert last is not None
    assert last.final


def test_what_waits_in_the_log_is_saved(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record([a_run("run-log", slot=None), Mark("echo", NINE)])
        kept = files(path)
    for name, content in kept.items():
        (path.parent / name).write_bytes(content)
    spoil(path, 0, 100)
    done = mend(path)
    assert run_of(path, "run-log") is not None
    assert Path(f"{done.aside}-wal").read_bytes() == kept["ledger.db-wal"]
    assert not Path(f"{path}-wal").exists()


def test_a_log_without_its_file_is_saved(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record([a_run("run-log", slot=None, log="x" * 9000)])
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    mend(path)
    assert run_of(path, "run-log") is not None


# -- derived ----------------------------------------------------------------------------------------------


def test_a_lost_mark_is_the_newest_decided_slot_while_the_history_is_whole(path: Path) -> None:
    ruin(path, "marks")
    done = mend(path)
    assert snapshot_of(path).marks == {"echo": EIGHT, "forge": EIGHT, "new": EIGHT}
    assert "the mark of echo is set to 2026-03-03T08:00:00Z, its newest recorded slot" in done.said
    assert_said(
        done,
        "the mark of forge is set to 2026-03-03T08:00:00Z, the last tick. Slots up to it count as decided; "
        "one that didn't run is run with: loom run --worker forge",
    )


def test_a_lost_mark_is_the_last_tick_when_records_of_slots_are_lost_too(path: Path) -> None:
    ruin(path, "marks", "runs", "runs_by_tail", "sqlite_autoindex_runs_1")
    done = mend(path)
    assert snapshot_of(path).marks == {"echo": EIGHT, "forge": EIGHT, "new": EIGHT}
    assert_said(done, "the mark of echo is set to 2026-03-03T08:00:00Z, the last tick. Slots after")


def test_a_lost_mark_is_when_it_was_last_written_when_nothing_else_is_known(path: Path) -> None:
    path.write_bytes(b"nothing of a ledger is left here")
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    done = mend(path)
    assert snapshot_of(path).marks == dict.fromkeys(["echo", "forge", "new"], WRITTEN)
    assert set(done.saved.values()) == {0}
    assert "the mark of echo is set to 2026-03-03T09:00:00Z, when the ledger was last written" in done.said[0]


def test_a_mark_that_a_flipped_bit_moved_is_set_right(path: Path) -> None:
    for wrong in ("2025-03-03T08:00:00.000000+00:00", "3026-03-03T08:00:00.000000+00:00"):
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE marks SET at = ? WHERE worker = 'echo'", (wrong,))
        mend(path)
        assert snapshot_of(path).marks["echo"] == EIGHT


def test_what_a_flipped_bit_puts_into_the_future_moves_no_mark(path: Path) -> None:
    ruin(path, "tickets")
    with path.open("r+b") as file:
        content = file.read()
        at = content.index(b"echo@2026-03-03T07:00:00Z")
        file.seek(at + len("echo@"))
        file.write(b"3")
    mend(path)
    snapshot = snapshot_of(path)
    assert (snapshot.marks["echo"], len(snapshot.tickets)) == (EIGHT, 1)


def test_a_lost_ticket_is_known_to_the_index_of_their_states(path: Path) -> None:
    ruin(path, "tickets")
    done = mend(path)
    snapshot = snapshot_of(path)
    (again,) = snapshot.tickets.values()
    assert (again.key, again.state, again.starts) == ("echo@2026-03-03T08:00:00Z", TicketState.STARTED, 1)
    assert again.claimer is None, "the next tick finds that nobody works on it"
    (said,) = [each for each in done.said if "echo@" in each]
    assert said.startswith("echo@2026-03-03T08:00:00Z: its record was lost")
    with opened(path) as ledger:
        assert ledger.closed_slots("echo", after=SIX - HOUR) == {SIX, SEVEN}


def test_a_slot_whose_every_record_but_that_it_is_closed_is_lost_is_closed_and_named(path: Path) -> None:
    ruin(path, "tickets", "runs", "sqlite_autoindex_runs_1")
    done = mend(path)
    named = [each for each in done.said if each.startswith("echo@")]
    assert [each.partition(":00:00Z: ")[0] for each in named] == [
        "echo@2026-03-03T06",
        "echo@2026-03-03T07",
        "echo@2026-03-03T08",
    ]
    assert "to do that: loom run --worker echo --slot 2026-03-03T06:00:00Z" in named[0]
    assert "takes it for a run whose process died" in named[2]
    lost = run_of(path, "lost-echo@2026-03-03T06:00:00Z")
    assert lost is not None
    assert (lost.outcome, lost.final, lost.bad) == (Outcome.ABANDONED, True, True)


def test_with_no_index_either_a_slot_that_waited_for_its_next_try_is_given_back(path: Path) -> None:
    ruin(path, "tickets", "tickets_by_state")
    mend(path)
    assert list(snapshot_of(path).tickets) == ["echo@2026-03-03T08:00:00Z"]


def test_lost_runs_are_what_their_tickets_say_of_them(path: Path) -> None:
    ruin(path, "runs")
    done = mend(path)
    assert done.lost["runs"] == 4
    seven, eight, hand = (run_of(path, run_id) for run_id in ("run-seven", "run-eight", "run-hand"))
    assert seven is not None
    assert eight is not None
    assert hand is not None
    assert (seven.outcome, seven.slot, seven.final) == (Outcome.FAILED, SEVEN, True)
    assert "its record was lost" in seven.reason
    assert (eight.outcome, eight.final, eight.open_reason) == (Outcome.FAILED, False, OpenReason.RETRY)
    assert (hand.slot, hand.by_hand, hand.trigger) == (None, True, Trigger.MANUAL)


def test_lost_standings_are_worked_out_anew(path: Path) -> None:
    whole = snapshot_of(path).standings
    ruin(path, "standings")
    mend(path)
    assert snapshot_of(path).standings == whole


def test_what_lost_pauses_and_alerts_mean_is_said(path: Path) -> None:
    ruin(path, "pauses", "deliveries", "episodes", "sqlite_autoindex_deliveries_1")
    done = mend(path)
    assert_said(done, "a worker that was paused so runs again")
    assert_said(done, "alerts were lost")


def test_a_flipped_bit_in_the_name_of_an_episode_leaves_no_run_without_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE runs SET body = json_set(body, '$.episode', 'a1') WHERE run_id = 'run-seven'")
    mend(path)
    seven = run_of(path, "run-seven")
    assert seven is not None
    assert seven.episode == "a1"
    assert [each.id for each in snapshot_of(path).episodes.values()] == ["e1"], "the one nobody has is over"


def test_two_ends_of_one_slot_stay_and_are_told(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record([a_run("run-twice", slot=SEVEN)])
    before = files(path)
    done = repair(path, workers=["echo", "forge"], keep=KEEP, now=NOW)
    assert done is not None
    assert done.aside is None, "what can't be undone is no reason to write it anew"
    assert files(path) == before
    ruin(path, "runs_by_outcome")
    done = repair(path, workers=["echo", "forge"], keep=KEEP, now=NOW)
    assert done is not None
    assert done.aside is not None
    assert [fault.kind for fault in done.left.faults] == ["runs"]


def test_commits_lost_in_the_log_leave_no_mark_and_no_open_ticket_standing(path: Path) -> None:
    with opened(path) as ledger:
        for entry in (Mark("echo", NINE), a_run("run-log", slot=None), Mark("echo", NINE + HOUR)):
            ledger.record([entry])
        log = bytearray(Path(f"{path}-wal").read_bytes())
        file = path.read_bytes()
    log[60] ^= 1
    path.write_bytes(file)
    Path(f"{path}-wal").write_bytes(log)
    for each in (path, Path(f"{path}-wal")):
        os.utime(each, (WRITTEN.timestamp() + 7200, WRITTEN.timestamp() + 7200))
    done = mend(path)
    snapshot = snapshot_of(path)
    assert snapshot.marks["echo"] == WRITTEN + 2 * HOUR
    assert snapshot.tickets == {}
    assert_said(done, "what its log said is lost")


# -- refused ----------------------------------------------------------------------------------------------


_READS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT * FROM ticks").fetchone()
print("reading", flush=True)
input()
"""


def test_a_ledger_in_use_is_not_repaired_and_stays_as_it_is(path: Path) -> None:
    ruin(path, "marks")
    before = files(path)
    with closing(SqliteLedger(path)), pytest.raises(LedgerError, match="in use by another process"):
        repair(path, workers=[], keep=KEEP, now=NOW)
    with subprocess.Popen(
        [sys.executable, "-c", _READS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "reading\n"
        with pytest.raises(LedgerError, match="in use by another process"):
            repair(path, workers=[], keep=KEEP, now=NOW)
        shell.communicate("\n")
    assert {
        name: content for name, content in files(path).items() if not name.endswith(("-wal", "-shm"))
    } == before


def test_who_comes_while_it_is_repaired_waits_and_gets_the_new_one(path: Path) -> None:
    handle = hold_alone(path.parent)
    assert handle is not None
    with pytest.raises(LedgerError, match="is being repaired by another process"):
        SqliteLedger(path, busy_timeout=timedelta(milliseconds=60))
    timer = threading.Timer(0.2, let_go, [handle])
    timer.start()
    with closing(SqliteLedger(path, busy_timeout=timedelta(seconds=30))) as ledger:
        assert ledger.snapshot().marks["echo"] == EIGHT
    timer.join()


def test_what_is_no_ledger_of_this_loom_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nothing to repair"):
        repair(tmp_path / "none.db", workers=[], keep=KEEP, now=NOW)
    with pytest.raises(LedgerError, match="is a folder"):
        repair(tmp_path, workers=[], keep=KEEP, now=NOW)
    link = path.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(LedgerError, match="is a link"):
        repair(link, workers=[], keep=KEEP, now=NOW)
    link.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    before = files(path)
    with pytest.raises(LedgerError, match="upgrade Loom"):
        repair(path, workers=[], keep=KEEP, now=NOW)
    assert files(path) == before


def test_a_forked_child_keeps_nobody_from_a_repair(path: Path) -> None:
    reader, writer = os.pipe()
    with closing(SqliteLedger(path)):
        child = os.fork()
        if child == 0:
            os.write(writer, b"alive")
            time.sleep(30)
            os._exit(0)
    try:
        assert os.read(reader, 5) == b"alive"
        handle = hold_alone(path.parent)
        assert handle is not None
        let_go(handle)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


# -- all or nothing ---------------------------------------------------------------------------------------

_REPAIRS = """
import os, resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from loom.errors import LedgerError
from loom.ledger.repairing import repair
path, limit, dies_at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
left = dies_at
def counted(act):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return act(*arguments, **options)
    return step
os.link = counted(os.link)
os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)
Path.write_bytes = counted(Path.write_bytes)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    done = repair(path, workers=["echo"], keep=timedelta(days=400), now=datetime.now(UTC))
except LedgerError as error:
    print(error)
"""


def child(path: Path, *, limit: int = 0, dies_at: int = 0) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _REPAIRS, str(path), str(limit), str(dies_at)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_killed_at_any_step_the_damaged_one_is_whole_and_the_next_repair_goes_on(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record([a_run("run-log", slot=None)])
        kept = files(path)
    killed = 0
    for step in range(1, 40):
        for each in path.parent.iterdir():
            each.unlink()
        for name, content in kept.items():
            (path.parent / name).write_bytes(content)
        ruin_kept(path, kept["ledger.db"])
        done = child(path, dies_at=step)
        if done.returncode == 0:
            break
        assert (done.returncode, done.stderr) == (9, "")
        killed += 1
        with pytest.raises(LedgerError) if damaged(path) else closing(SqliteLedger(path, create=False)):
            SqliteLedger(path, create=False).close()
        child(path)
        assert check(path, keep=KEEP, now=NOW).faults == (), step
        assert [name for name in files(path) if name.endswith((".new", ".note"))] == [], step
        with opened(path) as ledger:
            assert {run.run_id for run in ledger.runs(RunQuery())} >= {"run-log", "run-six"}, step
            assert ledger.snapshot().marks["echo"] == EIGHT, step
    assert killed >= 8, "the steps that were counted are those that are taken"


def ruin_kept(path: Path, content: bytes) -> None:
    """Spoil an index of the file, its log left as it is."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(content[:18] + b"\x01\x01" + content[20:])
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ticks_by_time'").fetchone()
    spoilt = bytearray(content)
    spoilt[(root - 1) * PAGE : root * PAGE] = b"\xa5" * PAGE
    path.write_bytes(spoilt)


def damaged(path: Path) -> bool:
    return bool(path.read_bytes()[:16] != b"SQLite format 3\x00")


@pytest.mark.parametrize("limit", [1, 5000, 60_000])
def test_with_no_room_for_the_new_one_all_is_as_it_was(path: Path, limit: int) -> None:
    ruin(path, "ticks_by_time")
    before = files(path)
    done = child(path, limit=limit)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ledger.db" in done.stdout
    assert without_log(files(path)) == before
    mend(path)


# -- with a state branch ----------------------------------------------------------------------------------


def test_with_a_state_branch_it_is_fetched_anew_and_what_was_unpushed_goes_on_top(
    tmp_path: Path,
) -> None:
    remote = Remote(tmp_path)
    clone = remote.clone("runner")
    path = clone / ".loom" / "ledger.db"
    with closing(remote.ledger(clone)) as ledger:
        ledger.record([a_run("run-pushed", tick_at=START), Mark("echo", START)])
        ledger.publish()
        ledger.record([a_run("run-unpushed", tick_at=START)])
    ruin(path, "runs", "marks", "branch")
    done = mend(path)
    assert done.unpushed == 1
    with closing(remote.ledger(clone)) as ledger:
        assert ledger.snapshot().marks == {"echo": START}
        assert {run.run_id for run in ledger.runs(RunQuery())} == {"run-pushed", "run-unpushed"}
        ledger.publish()
    with closing(remote.ledger(remote.clone("other"))) as other:
        other.sync()
        assert other.run("run-unpushed") is not None
