"""What must hold once damaged lines are taken in: no other line is lost, compaction changes nothing."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from loom.domain.record import Snapshot
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Mark
from loom.ledger.database import open_database
from loom.ledger.folding import fold
from loom.ledger.following import read, take_in
from loom.ledger.lines import Written
from loom.ledger.reads import read_snapshot
from loom.ledger.working_copy import damage, prepare
from tests.fuzz.attempts import Wrong
from tests.ground.branch import STATE


@dataclass(frozen=True)
class Damaged:
    """path, text: the file. rows: its lines. touched: numbers (from 1) of those that aren't as written."""

    path: str
    text: bytes
    rows: list[bytes]
    touched: frozenset[int]


@contextmanager
def a_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """A working copy that holds nothing yet."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    db = open_database(path, create=True, busy_timeout=timedelta())
    with closing(db):
        db.execute("BEGIN")
        prepare(db, STATE, "origin")
        yield db
        if db.in_transaction:
            db.commit()


def check_kept(db: sqlite3.Connection, after: Snapshot, case: Damaged) -> None:
    """No line is lost that nobody touched; and of all that are taken in, runs stay, what is closed stays
    closed, and marks only move forwards."""
    rows = read(case.path, case.text).rows
    touched = b"\n".join(case.rows[number - 1] for number in case.touched)
    if b"Renamed" in touched:
        return
    left_out = {problem.line for problem in damage(db) if "left out" in problem.message}
    held = _Held({}, {}, datetime.min.replace(tzinfo=UTC))
    read_numbers = {row.number for row in rows}
    for number, text in enumerate(case.rows, 1):
        if number not in case.touched and number not in read_numbers and text.strip():
            raise Wrong(f"line {number} is as it was written, but it isn't read")
    for number, entry, _ in rows:
        if number not in left_out:
            _check_entry(db, number, entry, after, held)
        elif number not in case.touched and not (isinstance(entry, Ticket) and entry.key.encode() in touched):
            raise Wrong(f"line {number} is as it was written, but it is left out")
    for key, number in held.closed_by.items():
        states = db.execute(
            "SELECT closed FROM tickets WHERE key IN (?, ?)", (key, key.replace("new@", "old@"))
        )
        if 1 not in {closed for (closed,) in states}:
            raise Wrong(f"{key} was closed on line {number}, and is open again")


@dataclass
class _Held:
    """What the lines up to here say of tickets: the fence of each, and which line closed it for good."""

    fences: dict[str, int]
    closed_by: dict[str, int]
    never: datetime


def _check_entry(db: sqlite3.Connection, number: int, entry: Written, after: Snapshot, held: _Held) -> None:
    match entry:
        case Run(run_id=run_id):
            if db.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone() is None:
                raise Wrong(f"the run {run_id} of line {number} isn't kept")
        case Ticket():
            key = re.sub("^old(?=[@#])", "new", entry.key)
            if key not in held.closed_by and entry.fence >= held.fences.get(key, 0):
                held.fences[key] = entry.fence
                if entry.state is TicketState.CLOSED:
                    held.closed_by[key] = number
        case Mark(worker, at):
            names = ("old", "new") if worker in ("old", "new") else (worker,)
            if max(after.marks.get(name, held.never) for name in names) < at:
                raise Wrong(f"line {number} puts the mark of {worker} at {at}, but it lies before that")


def check_folded(db: sqlite3.Connection, before: Snapshot, folder: Path) -> None:
    """Compaction says the same of all that a decision depends on."""
    try:
        folded = fold(db, until=datetime(2026, 6, 8, tzinfo=UTC), redact=None)
    except Exception as error:
        raise Wrong(f"folding it: {type(error).__name__}: {error}") from error
    with a_copy(folder / "folded.db") as other:
        for path, text in folded.items():
            take_in(other, path, text)
        after, told = read_snapshot(other), damage(other)
    if told:
        raise Wrong(f"what compaction wrote can't be read: {told[0]}")
    for what in ("marks", "tickets", "standings", "episodes", "pauses", "hooks"):
        one, two = getattr(before, what), getattr(after, what)
        if one != two:
            raise Wrong(f"compaction changed the {what}: {_difference(one, two)}")


def _difference(one: Any, two: Any) -> str:
    if isinstance(one, dict) and isinstance(two, dict):
        keys = [key for key in {*one, *two} if one.get(key) != two.get(key)]
        return "; ".join(f"{key!r}: {one.get(key)} became {two.get(key)}" for key in keys[:3])
    return f"{one} became {two}"


def newer(rows: list[bytes]) -> bool:
    for row in rows:
        try:
            version = json.loads(row)["v"]
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(version, int) and version > 1:
            return True
    return False
