"""Whether a ledger is whole: what SQLite says of its file, and Loom's own laws. Changes nothing."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from loom.domain.record import HooksInForce
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.standing import Standing
from loom.errors import LedgerError
from loom.ledger.codec import UnreadableEntry, from_json
from loom.ledger.database import DamagedLedger, explained, opened_to_look
from loom.ledger.pages import read_log
from loom.ledger.place import refuse_a_link_to_nothing
from loom.ledger.reads import read_ids
from loom.ledger.rows import TABLES, read_mark, read_row
from loom.ledger.sharing import let_go, share
from loom.values import dataclass

_EACH = 20
_AHEAD = timedelta(days=1)
_PATIENCE = timedelta(seconds=5)
_PAUSE_S = 0.05
_NOT_DAMAGE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_NOMEM",
    "SQLITE_INTERRUPT",
)
# Where these stand in a row of `runs`.
_SLOTS, _SLOT, _SLOT_LAST = 7, 11, 12
_FINAL_SLOTS = (
    "SELECT slot, worker FROM runs INDEXED BY runs_by_slot"
    " WHERE slot IS NOT NULL AND final = 1 AND slots > 0 ORDER BY slot"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. kind: 'file', 'schema', or the table it is in. message: a sentence."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """faults: at most 20 of each kind. unlisted: how many more there are, by kind. counts: rows by table."""

    faults: tuple[Fault, ...]
    unlisted: Mapping[str, int]
    counts: Mapping[str, int]


def check(path: Path, *, keep: timedelta, now: datetime) -> Checkup:
    """Look the ledger at `path` over. keep: how long closed records stay. now: UTC.

    Raises LedgerError when there is none, when somebody keeps it locked, or when it is no ledger of this
    Loom at all: another program's database, or a newer Loom's.
    """
    with explained(path):
        if not path.parent.is_dir():
            refuse_a_link_to_nothing(path)
            raise LedgerError(f"there is no ledger at {path} yet; the first `loom run` makes it")
        handle = share(path.parent, wait=_PATIENCE)
        try:
            return look_over(path, keep=keep, now=now)
        finally:
            let_go(handle)


def look_over(path: Path, *, keep: timedelta, now: datetime, alone: bool = False) -> Checkup:
    """As `check`, for who holds the ledger's folder already; alone: for nobody else."""
    notes = _Notes()
    with explained(path):
        _look_at_log(path, notes, alone=alone)
        try:
            with opened_to_look(path) as db:
                db.execute("BEGIN")
                _look_at_file(db, notes)
                _look_at_ledger(db, notes, now)
                _look_at_entries(db, notes, keep_from=now - keep)
        except DamagedLedger as error:
            notes.add("file", str(error))
        except UnicodeDecodeError:
            notes.add("file", "SQLite can't read it: what it says of it is garbled")
        except sqlite3.DatabaseError as error:
            if str(getattr(error, "sqlite_errorname", "")).startswith(_NOT_DAMAGE):
                raise
            notes.add("file", f"SQLite can't read it: {error}")
    return notes.checkup()


def _look_at_log(path: Path, notes: "_Notes", *, alone: bool) -> None:
    log = Path(f"{path}-wal")
    # Somebody may be writing: what is damaged stays so.
    for pause in (0.0,) if alone else (0.0, _PAUSE_S, _PAUSE_S):
        time.sleep(pause)
        try:
            with log.open("rb") as file:
                lost = read_log(file).lost
        except FileNotFoundError:
            return
        if not lost:
            return
    notes.add(
        "file",
        f"its write-ahead log {log.name} is damaged: of what was written last, at least {lost} "
        f"{'transaction is' if lost == 1 else 'transactions are'} not read",
    )


def _look_at_file(db: sqlite3.Connection, notes: "_Notes") -> None:
    with _noted(notes, "file"):
        for (said,) in db.execute("PRAGMA integrity_check"):
            if said != "ok":
                notes.add("file", f"SQLite finds: {' '.join(str(said).split())}")


def _look_at_ledger(db: sqlite3.Connection, notes: "_Notes", now: datetime) -> None:
    """The one row that holds for all, and the marks."""
    with _noted(notes, "ledger"):
        # All of it: who only looks leaves a ledger at its older schema, in which the row is shorter.
        row = db.execute("SELECT * FROM ledger").fetchone()
        if row is None or not isinstance(row[1], int):
            notes.add("ledger", "the row that numbers the ledger's revisions is gone")
        else:
            _, _, hooks, *renamed = row
            if hooks is not None:
                from_json(HooksInForce, hooks)
            for text in renamed:
                read_ids(text)
    with _noted(notes, "marks"):
        for worker, at in db.execute("SELECT worker, at FROM marks").fetchall():
            with _noted(notes, "marks"):
                if read_mark((worker, at)).at > now + _AHEAD:
                    notes.add(
                        "marks", f"the mark of {worker} lies in the future ({at}): until then it never runs"
                    )


def _look_at_entries(db: sqlite3.Connection, notes: "_Notes", keep_from: datetime) -> None:
    is_copy = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'branch'").fetchone() is not None
    decided: dict[str, str] = {}
    for table in TABLES:
        with _noted(notes, table):
            for row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608  (constants only)
                notes.counts[table] += 1
                try:
                    entry = read_row(table, row)
                except UnreadableEntry as error:
                    notes.add(table, f"a record can't be read: {error}")
                    continue
                if isinstance(entry, Ticket):
                    _look_at_ticket(db, entry, notes)
                elif isinstance(entry, Run):
                    if row[_SLOTS]:
                        decided[entry.worker] = max(
                            decided.get(entry.worker, ""), row[_SLOT_LAST] or row[_SLOT]
                        )
                    # A state branch doesn't carry episodes that are over.
                    if not is_copy and entry.bad and entry.tick_at >= keep_from:
                        _look_at_episode(db, entry, notes)
                elif isinstance(entry, Standing):
                    _look_at_standing(db, entry, notes)
    with _noted(notes, "marks"):
        marks = dict(db.execute("SELECT worker, at FROM marks").fetchall())
        for worker, slot in decided.items():
            if worker not in marks:
                notes.add("marks", f"{worker} has no mark, though its slot {slot} is decided")
            elif marks[worker] < slot:
                notes.add(
                    "marks",
                    f"the mark of {worker} ({marks[worker]}) is behind its slot {slot}, which is decided",
                )
    with _noted(notes, "runs"):
        _look_for_doubles(db, notes)


def _look_at_ticket(db: sqlite3.Connection, ticket: Ticket, notes: "_Notes") -> None:
    if ticket.state is TicketState.CLOSED and ticket.outcome is None:
        notes.add("tickets", f"{ticket.key} is closed, but has no outcome")
    # One that is claimed or started names the run that it will have.
    if ticket.state is TicketState.OPEN and ticket.run_id is not None and not _has(db, "runs", ticket.run_id):
        notes.add("tickets", f"{ticket.key} is open and names the run {ticket.run_id}, which isn't there")


def _look_at_standing(db: sqlite3.Connection, standing: Standing, notes: "_Notes") -> None:
    for which, run_id in (("last run", standing.last_run_id), ("last good run", standing.previous_run_id)):
        if run_id is not None and not _has(db, "runs", run_id):
            notes.add("standings", f"the {which} of {standing.worker} ({run_id}) isn't there")


def _look_at_episode(db: sqlite3.Connection, run: Run, notes: "_Notes") -> None:
    # Words, such as "held 1 of 3", say why there is none.
    if run.episode and " " not in run.episode and not _has(db, "episodes", run.episode):
        notes.add("runs", f"the run {run.run_id} names the alert episode {run.episode}, which isn't there")


def _look_for_doubles(db: sqlite3.Connection, notes: "_Notes") -> None:
    """In the order of an index, so that no list of slots is ever held."""
    slot, workers = "", set[str]()
    for at, worker in db.execute(_FINAL_SLOTS):
        if at != slot:
            slot, workers = at, set()
        if worker in workers:
            notes.add("runs", f"the slot {at} of {worker} has two final runs")
        workers.add(worker)


def _has(db: sqlite3.Connection, table: str, id_: str) -> bool:
    key = "run_id" if table == "runs" else "id"
    return db.execute(f"SELECT 1 FROM {table} WHERE {key} = ?", (id_,)).fetchone() is not None  # noqa: S608


@contextmanager
def _noted(notes: "_Notes", kind: str) -> Iterator[None]:
    """What can't be read is a fault, and the next table is looked at all the same."""
    try:
        yield
    except (UnreadableEntry, UnicodeDecodeError) as error:
        notes.add(kind, f"a record can't be read: {error}")
    except sqlite3.DatabaseError as error:
        if str(getattr(error, "sqlite_errorname", "")).startswith(_NOT_DAMAGE):
            raise
        notes.add(kind, f"the {kind} can't be read to the end: {error}")


class _Notes:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._number: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def add(self, kind: str, message: str) -> None:
        self._number[kind] += 1
        if self._number[kind] <= _EACH:
            self._faults.append(Fault(kind, message))

    def checkup(self) -> Checkup:
        unlisted = {kind: number - _EACH for kind, number in self._number.items() if number > _EACH}
        return Checkup(tuple(self._faults), unlisted, dict(self.counts))
