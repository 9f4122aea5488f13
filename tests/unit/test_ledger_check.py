"""Looking a ledger over: a whole one has no fault, each broken law is told in a sentence, nothing changes."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.alert import Episode
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.errors import LedgerError
from loom.ledger.checking import Checkup, check
from loom.ledger.codec import stamp
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

KEEP = timedelta(days=400)
NOW = SIX + DAY

WHOLE: list[Entry] = [
    HooksInForce(()),
    a_tick("t1", finished_at=SIX),
    Mark("echo", SIX),
    Mark("forge", SIX),
    Pause(worker="forge", by="ann", at=SIX),
    a_ticket(state=TicketState.CLOSED, run_id="run-0001", outcome=Outcome.FAILED),
    a_run("run-0001", outcome=Outcome.FAILED, episode="e1"),
    a_ticket("forge", state=TicketState.OPEN, run_id="run-0002", reason=OpenReason.RETRY),
    a_run("run-0002", "forge", outcome=Outcome.FAILED, final=False, episode="held 1 of 2"),
    a_ticket("idle", slot=SIX - HOUR, state=TicketState.STARTED, run_id="not-yet"),
    a_request("echo", "run-0003", state=TicketState.CLOSED, outcome=Outcome.SUCCEEDED),
    a_run("run-0003", slot=None, trigger=Trigger.MANUAL, outcome=Outcome.FAILED, episode="not counted"),
    # By hand, beside the slot that was decided.
    a_run("run-0004", trigger=Trigger.BACKFILL, by_hand=True),
    an_episode("e1"),
    a_delivery("d1", "run-0001"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / ".loom" / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.record(WHOLE)
    return path


def look(path: Path) -> Checkup:
    return check(path, keep=KEEP, now=NOW)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            assert db.execute(statement).rowcount != 0, statement


def record(path: Path, *entries: Entry) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.record(entries)


def test_a_whole_ledger_has_no_fault_and_is_counted(path: Path) -> None:
    checkup = look(path)
    assert checkup.faults == ()
    assert checkup.counts == {
        "ticks": 1,
        "marks": 2,
        "pauses": 1,
        "tickets": 4,
        "standings": 2,
        "runs": 4,
        "episodes": 1,
        "deliveries": 1,
    }


BROKEN = {
    "UPDATE runs SET body = '{\"run_id\": 7}' WHERE run_id = 'run-0001'": "can't be read: runs, 'run-0001'",
    "UPDATE runs SET outcome = 'succeeded' WHERE run_id = 'run-0001'": "don't say what its text does",
    "UPDATE tickets SET closed = 1 WHERE worker = 'forge'": "don't say what its text does",
    "UPDATE tickets SET key = 'forge@2026-03-03T07:00:00Z' WHERE worker = 'forge'": "it is of the slot",
    "UPDATE marks SET at = 'yesterday' WHERE worker = 'echo'": "can't be read: Mark ('echo', 'yesterday')",
    "UPDATE deliveries SET body = 'x'": "can't be read: deliveries, 'd1'",
    "UPDATE ledger SET hooks = '{'": "HooksInForce",
    "UPDATE ledger SET renamed = '[1]'": "ids that were given up '[1]'",
    "DELETE FROM ledger": "numbers the ledger's revisions is gone",
    "DELETE FROM runs WHERE run_id = 'run-0002'": "is open and names the run run-0002, which isn't there",
    "DELETE FROM runs WHERE run_id = 'run-0004'": "the last good run of echo (run-0004) isn't there",
    "DELETE FROM episodes": "names the alert episode e1, which isn't there",
    "DELETE FROM marks WHERE worker = 'echo'": "echo has no mark, though its slot",
    "UPDATE marks SET at = '2026-03-03T05:00:00.000000+00:00'": "is behind its slot",
    "UPDATE marks SET at = '2026-03-09T05:00:00.000000+00:00'": "lies in the future",
    "DROP INDEX runs_by_slot": "the runs can't be read to the end: no such index: runs_by_slot",
    "DROP TABLE pauses": "the pauses can't be read to the end: no such table",
}


@pytest.mark.parametrize(("statement", "said"), BROKEN.items())
def test_each_broken_law_is_told(path: Path, statement: str, said: str) -> None:
    change(path, statement)
    faults = look(path).faults
    assert any(said in fault.message for fault in faults), faults


def test_a_slot_that_ended_twice_is_told_and_one_run_by_hand_again_is_not(path: Path) -> None:
    record(path, a_run("run-0005", trigger=Trigger.RETRY))
    (fault,) = look(path).faults
    assert (fault.kind, fault.message) == ("runs", f"the slot {stamp(SIX)} of echo has two final runs")


def test_a_closed_ticket_without_an_outcome_is_told(path: Path) -> None:
    record(path, a_ticket("idle", state=TicketState.CLOSED))
    (fault,) = look(path).faults
    assert fault.message == "idle@2026-03-03T06:00:00Z is closed, but has no outcome"


def test_an_episode_that_was_pruned_is_not_missed(path: Path) -> None:
    change(path, "DELETE FROM episodes")
    assert check(path, keep=timedelta(hours=1), now=NOW).faults == ()


def test_what_is_wrong_many_times_is_listed_in_part_and_counted(path: Path) -> None:
    record(path, *(a_run(f"many-{number:04}", slot=None) for number in range(50)))
    change(path, "UPDATE runs SET body = '{}' WHERE run_id LIKE 'many-%'")
    checkup = look(path)
    assert len([fault for fault in checkup.faults if fault.kind == "runs"]) == 20
    assert checkup.unlisted == {"runs": 30}


RUINS: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"this is no database"),
    lambda path: path.write_bytes(os.urandom(9000)),
    lambda path: os.truncate(path, 9000),
    lambda path: os.truncate(path, 8192),
    lambda path: change(path, "PRAGMA application_id = 0"),
]


@pytest.mark.parametrize("ruin", RUINS, ids=range(len(RUINS)))
def test_a_file_that_is_no_ledger_any_more_is_a_fault_of_the_file(
    path: Path, ruin: Callable[[Path], object]
) -> None:
    ruin(path)
    faults = look(path).faults
    assert faults
    assert {fault.kind for fault in faults} <= {"file", "ledger", "marks", "runs"}


@pytest.mark.parametrize(
    ("spoil", "lost"),
    [
        (lambda log: log[:60] + b"\xff" + log[61:], 4),
        (lambda log: bytes(600) + log[600:], 4),
        (lambda log: b"\xa5" * 32 + log[32:], 4),
        (lambda log: b"\xa5" * min(500, len(log)), 1),
    ],
    ids=["first page", "header and first page zeroed", "header", "all of it"],
)
def test_a_log_that_is_damaged_before_its_last_commit_is_told_though_sqlite_is_silent(
    path: Path, spoil: Callable[[bytes], bytes], lost: int
) -> None:
    with closing(SqliteLedger(path)) as ledger:
        for number in range(5):
            ledger.record([Mark("echo", SIX + number * HOUR)])
        saved = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    path.write_bytes(saved[0])
    Path(f"{path}-wal").write_bytes(spoil(saved[1]))
    (fault,) = look(path).faults
    assert "its write-ahead log ledger.db-wal is damaged" in fault.message
    assert f"at least {lost} transaction" in fault.message


def test_a_log_of_zeros_and_one_cut_off_in_its_last_frame_are_what_a_power_cut_leaves(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.record([Mark("echo", SIX)])
        ledger.record([Mark("echo", SIX + HOUR)])
        saved = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    for log in (bytes(9000), saved[1][:-100], saved[1][:-100] + bytes(100)):
        path.write_bytes(saved[0])
        Path(f"{path}-wal").write_bytes(log)
        assert look(path).faults == ()


@pytest.mark.parametrize("with_log", [False, True])
def test_looking_changes_nothing(path: Path, with_log: bool) -> None:
    if with_log:
        with closing(SqliteLedger(path)) as ledger:
            ledger.record([Mark("echo", SIX + HOUR)])
            left = {file: file.read_bytes() for file in path.parent.iterdir()}
        for file, content in left.items():
            file.write_bytes(content)
    before = {
        file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")
    }
    assert look(path).faults == ()
    after = {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert after == before
    assert ("ledger.db-wal" in after) == with_log


def test_looking_is_possible_while_others_read_and_write(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.record([Mark("echo", SIX + HOUR)])
        assert look(path).faults == ()
        ledger.record([Mark("echo", SIX + 2 * HOUR)])
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert look(path).faults == ()


def test_without_a_ledger_there_is_nothing_to_look_at_and_nothing_is_made(tmp_path: Path) -> None:
    for path in (tmp_path / "ledger.db", tmp_path / "none" / "ledger.db"):
        with pytest.raises(LedgerError, match="there is no ledger"):
            look(path)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_looms_ledger_and_somebody_elses_database_are_not_judged(path: Path, tmp_path: Path) -> None:
    change(path, "PRAGMA user_version = 7")
    with pytest.raises(LedgerError, match="upgrade Loom"):
        look(path)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(LedgerError, match="not one of Loom's"):
        look(other)


def test_an_open_episode_is_no_fault(path: Path) -> None:
    record(path, Episode(id="e2", subject="forge", opened_at=SIX))
    assert look(path).faults == ()
