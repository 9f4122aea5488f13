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

from loom.ledger.database import open_database
from loom.ledger.folding import fold
from loom.ledger.following import take_in
from loom.ledger.reads import read_snapshot
from loom.ledger.working_copy import damage, prepare
from loom.ports import Snapshot
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
    """What the untouched lines say still holds, where no touched one says anything of the same thing."""
    touched = b"\n".join(case.rows[number - 1] for number in sorted(case.touched))
    if b"Renamed" in touched or b"\x00" in touched:
        return
    for number, row in enumerate(case.rows, 1):
        if number in case.touched or not row.startswith(b'{"v":1,'):
            continue
        form = json.loads(row)
        value = form["value"]
        name = str(value.get("key") or value.get("run_id") or "")
        if name and re.search(re.escape(name[-12:]).encode(), touched):
            continue
        if form["kind"] == "Run":
            held = db.execute("SELECT 1 FROM runs WHERE run_id = ?", (value["run_id"],)).fetchone()
            if held is None:
                raise Wrong(f"line {number} is as it was, but its run {value['run_id']} isn't kept")
        if form["kind"] == "Ticket" and value["state"] == "closed" and "@" in value["key"]:
            key = value["key"].replace("old@", "new@")
            held = db.execute(
                "SELECT closed FROM tickets WHERE key IN (?, ?)", (key, value["key"])
            ).fetchone()
            if held is not None and not held[0]:
                raise Wrong(f"{key} was closed on line {number}, and is open again")
        if form["kind"] == "Marks":
            at = datetime.fromisoformat(value["at"])
            for worker in value["workers"]:
                names = (worker, "new") if worker == "old" else (worker,)
                marks = [after.marks[name] for name in names if name in after.marks]
                if max(marks, default=datetime.min.replace(tzinfo=UTC)) < at:
                    raise Wrong(f"line {number} puts the mark of {worker} at {at}, but it is at {marks}")


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
