"""What makes an SQLite ledger the working copy of a state branch: how far it has followed, what it has yet
to push, which lines it couldn't read. Tables beside the ledger's own, made when a branch is first used.

The caller opens and ends the transactions; what is said of the branch changes with what came from it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from loom.domain.record import Entry
from loom.domain.standing import Standing
from loom.errors import ClaimLost, Problem
from loom.ledger.codec import UnreadableEntry, plain, read_stamp, stamp
from loom.ledger.git import Stored
from loom.ledger.lines import Form, forms, from_form
from loom.ledger.writes import write
from loom.values import dataclass

# tip: the commit whose lines are all in the ledger's tables; null while the branch isn't there.
# revision: the ledger's when Loom last wrote here with the branch in mind. Another one now means that
# something was written which the branch will never hear of. seeded: 0 while the ledger holds what is neither
# on the branch nor in `unpushed`. in_step_at: when the remote was last asked.
# unpushed: batches written here first, oldest first; entries: a JSON list of [kind, value].
_TABLES = (
    "CREATE TABLE IF NOT EXISTS branch (only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL,"
    " remote TEXT NOT NULL, tip TEXT, revision INTEGER NOT NULL, seeded INTEGER NOT NULL, in_step_at TEXT)",
    "CREATE TABLE IF NOT EXISTS branch_files (path TEXT PRIMARY KEY, blob TEXT NOT NULL,"
    " size INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS branch_damage (file TEXT NOT NULL, line INTEGER NOT NULL,"
    " message TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS unpushed (number INTEGER PRIMARY KEY, batch TEXT NOT NULL UNIQUE,"
    " entries TEXT NOT NULL)",
)
_HISTORY = ("ticks", "marks", "pauses", "tickets", "standings", "runs", "episodes", "deliveries")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where this copy has followed the branch. related: whether it is a copy of that branch at all.
    files: what it has read, by path; empty with a tip of None."""

    related: bool
    tip: str | None
    files: Mapping[str, Stored]
    seeded: bool


def is_prepared(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'unpushed'").fetchone() is not None


def prepare(db: sqlite3.Connection, branch: str, remote: str) -> None:
    """Make the tables; a ledger that holds nothing yet becomes a copy of the branch."""
    for table in _TABLES:
        db.execute(table)
    if is_empty(db):
        db.execute("INSERT OR IGNORE INTO branch VALUES (1, ?, ?, NULL, 0, 1, NULL)", (branch, remote))


def is_empty(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever recorded here."""
    held = " OR ".join(f"EXISTS (SELECT 1 FROM {table})" for table in _HISTORY)  # noqa: S608  (constants only)
    return bool(db.execute(f"SELECT NOT ({held})").fetchone()[0])


def position(db: sqlite3.Connection, branch: str, remote: str) -> Position:
    row = db.execute(
        "SELECT tip, seeded, branch.revision = ledger.revision FROM branch, ledger"
        " WHERE name = ? AND remote = ?",
        (branch, remote),
    ).fetchone()
    if row is None or not row[2]:
        return Position(related=False, tip=None, files={}, seeded=False)
    files = {
        path: Stored(blob, size)
        for path, blob, size in db.execute("SELECT path, blob, size FROM branch_files")
    }
    return Position(related=True, tip=row[0], files=files, seeded=row[1] == 1)


def advance(
    db: sqlite3.Connection,
    branch: str,
    remote: str,
    reached: Position,
    at: datetime,
) -> None:
    """From now on the copy is at `reached`; `at`: now, UTC."""
    db.execute(
        "INSERT OR REPLACE INTO branch (only, name, remote, tip, revision, seeded, in_step_at)"
        " SELECT 1, ?, ?, ?, revision, ?, ? FROM ledger",
        (branch, remote, reached.tip, reached.seeded, stamp(at)),
    )
    db.execute("DELETE FROM branch_files")
    db.executemany(
        "INSERT INTO branch_files (path, blob, size) VALUES (?, ?, ?)",
        [(path, *stored) for path, stored in reached.files.items()],
    )


def in_step_at(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT in_step_at FROM branch").fetchone()
    try:
        return None if row is None or row[0] is None else read_stamp(row[0])
    except (ValueError, TypeError) as error:
        raise UnreadableEntry(f"when the branch was read last: {error}") from error


def empty(db: sqlite3.Connection) -> None:
    """Forget everything but what is unpushed; a decision made on it is stale."""
    for table in (*_HISTORY, "branch_files", "branch_damage"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608  (constants only)
    db.execute("UPDATE ledger SET hooks = NULL, renamed = NULL, revision = revision + 1")


# -- what was written here and not yet pushed ------------------------------------------------------------


def keep(db: sqlite3.Connection, batch: str, entries: Sequence[Entry]) -> None:
    """Remember that `entries`, just written to the ledger, are to be pushed."""
    db.execute("INSERT INTO unpushed (batch, entries) VALUES (?, ?)", (batch, _dump(forms(entries))))
    db.execute("UPDATE branch SET revision = (SELECT revision FROM ledger)")


def unpushed(db: sqlite3.Connection) -> tuple[str | None, list[Form]]:
    """The id of the newest unpushed batch, under which all of them are pushed, and what they say."""
    rows = db.execute("SELECT batch, entries FROM unpushed ORDER BY number").fetchall()
    try:
        said = [(kind, value) for _, entries in rows for kind, value in json.loads(entries)]
    except (ValueError, TypeError) as error:
        raise UnreadableEntry(f"what is to be pushed: {error}") from error
    return (rows[-1][0] if rows else None), said


def pushed(db: sqlite3.Connection, batches: Iterable[str]) -> None:
    """Forget the unpushed batches that turn out to be on the branch: these, and those pushed with them."""
    db.executemany(
        "DELETE FROM unpushed WHERE number <= (SELECT number FROM unpushed WHERE batch = ?)",
        [(batch,) for batch in batches],
    )


def all_pushed(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM unpushed")


def write_again(db: sqlite3.Connection) -> list[str]:
    """Write what is unpushed on top of what others wrote meanwhile.

    What is said of a ticket that another runner took over is dropped, with its run, its alerts, and what
    that did to the worker's episode.
    Returns the keys of those tickets.
    """
    batch, left = unpushed(db)
    lost: list[str] = []
    while left:
        db.execute("SAVEPOINT again")
        try:
            write(db, list(_entries(left)), claiming=False)
            break
        except ClaimLost as error:
            db.execute("ROLLBACK TO again")
            lost += error.keys
            left = _without(left, frozenset(error.keys))
        finally:
            db.execute("RELEASE again")
    if lost:
        db.execute("DELETE FROM unpushed")
        if left:
            db.execute("INSERT INTO unpushed (batch, entries) VALUES (?, ?)", (batch, _dump(left)))
    return list(dict.fromkeys(lost))


def _entries(said: Sequence[Form]) -> Iterator[Entry]:
    # Decoding takes the values for its own.
    for kind, value in json.loads(_dump(said)):
        for entry in from_form((kind, value)):
            if not isinstance(entry, Standing):
                yield entry


def _without(said: Sequence[Form], keys: frozenset[str]) -> list[Form]:
    """`said` without these tickets, the runs they name, and what was to be told of those. An episode that
    such a run opened would silence the next one: nobody heard of it."""
    taken = [value for kind, value in said if kind == "Ticket" and value["key"] in keys]
    lost = {value.get("run_id") for value in taken} - {None}
    workers = {value["worker"] for value in taken}

    def stays(kind: str, value: Mapping[str, Any]) -> bool:
        match kind:
            case "Ticket":
                return value["key"] not in keys
            case "Run":
                return value["run_id"] not in lost
            case "Delivery":
                return value["alert"].get("run_id") not in lost
            case "Episode":
                return value["subject"] not in workers
        return True

    return [(kind, value) for kind, value in said if stays(kind, value)]


def _dump(said: Sequence[Form]) -> str:
    return json.dumps(said, separators=(",", ":"), default=plain)


# -- what couldn't be read ---------------------------------------------------------------------------------


def note_damage(db: sqlite3.Connection, found: Iterable[Problem]) -> None:
    db.executemany(
        "INSERT INTO branch_damage (file, line, message) VALUES (?, ?, ?)",
        [
            # What can't be read may hold half a character, which no database takes.
            (problem.file, problem.line or 0, problem.message.encode(errors="backslashreplace").decode())
            for problem in found
        ],
    )


def forget_damage(db: sqlite3.Connection, files: Iterable[str]) -> None:
    """For files that are gone from the branch."""
    db.executemany("DELETE FROM branch_damage WHERE file = ?", [(file,) for file in files])


def damage(db: sqlite3.Connection) -> tuple[Problem, ...]:
    rows = db.execute("SELECT file, line, message FROM branch_damage ORDER BY rowid")
    return tuple(Problem(file, line, (), message) for file, line, message in rows)
