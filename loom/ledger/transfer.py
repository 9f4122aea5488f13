"""A whole ledger <-> lines of JSON in the form of the state branch; with logs, as they stay on this machine.

The batches of an export are numbered, ``export-3-of-17``, so that whoever reads it sees what is missing.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from loom.domain.record import Renamed
from loom.domain.tick import Mark
from loom.errors import LedgerError, Problem
from loom.ledger.codec import UnreadableEntry, encode, read_stamp
from loom.ledger.database import explained, open_database
from loom.ledger.following import Row, replay_rows
from loom.ledger.lines import Form, Line, forms, read_line, to_text
from loom.ledger.losses import Known, all_lost
from loom.ledger.mending import mend
from loom.ledger.reads import STANDINGS, read_renamed
from loom.ledger.rows import read_standing
from loom.ledger.working_copy import is_empty
from loom.values import dataclass

V = TypeVar("V")

_AT_ONCE = 500
_BATCH = re.compile(r"export-(\d+)-of-(\d+)")
_LISTED = 20
# What each kind is called, where it lies, and which columns say what its JSON may have wrong since a rename.
_TABLES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Tick", "ticks", "at, id", ()),
    ("Run", "runs", "id", ("worker",)),
    ("Ticket", "tickets", "key", ("key", "worker")),
    ("Episode", "episodes", "id", ("subject",)),
    ("Delivery", "deliveries", "number", ()),
    ("Pause", "pauses", "worker", ("worker",)),
)


@dataclass(frozen=True, slots=True)
class Imported:
    """entries: how many were taken. left_out: what couldn't be, and where it stands. said: what a person
    should know, if anything was left out."""

    entries: int
    left_out: tuple[Problem, ...]
    said: tuple[str, ...]


def export(path: Path, *, busy_timeout: timedelta = timedelta(seconds=30)) -> Iterator[bytes]:
    """The ledger at `path` as it is at one moment, some lines at a time. Raises LedgerError."""
    with (
        explained(path),
        closing(open_database(path, create=False, busy_timeout=busy_timeout)) as db,
    ):
        db.execute("BEGIN")
        few = list(_few(db))
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for _, table, *_ in _TABLES]  # noqa: S608
        # Each kind begins a batch of its own.
        total = sum(-(-count // _AT_ONCE) for count in (*counts, len(few)))
        number = 0
        for said in (*(_many(db, *table) for table in _TABLES), few):
            for some in _by(_AT_ONCE, said):
                number += 1
                yield to_text(f"export-{number}-of-{total}", some)
        db.rollback()


def export_to(path: Path, file: Path) -> int:
    """The ledger at `path` into `file`, whole or not at all; returns its size in bytes. Raises LedgerError,
    FileExistsError when the file is there, and OSError when it can't be written."""
    if file.exists():
        raise FileExistsError(file)
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            for some in export(path):
                stream.write(some)
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        os.link(draft, file)
    finally:
        draft.unlink()
    return size


def import_into(
    path: Path,
    name: str,
    lines: Iterable[bytes],
    *,
    skip_damaged: bool,
    workers: Iterable[str],
    written_at: datetime,
    now: datetime,
    busy_timeout: timedelta = timedelta(seconds=30),
) -> Imported:
    """Put the export `lines`, called `name` in what is said of it, into the ledger at `path`: all of it, or
    nothing. The ledger is made if it isn't there.

    skip_damaged: leave out what can't be read. Then each of `workers` (ids of those that there are) without
    a mark gets one; nothing in the export is later than `written_at` (UTC).
    Raises LedgerError for a ledger that holds anything, and for an export that can't be read whole.
    """
    with (
        explained(path),
        closing(open_database(path, create=True, busy_timeout=busy_timeout)) as db,
    ):
        db.execute("BEGIN IMMEDIATE")
        try:
            if not is_empty(db):
                raise LedgerError(
                    f"the ledger {path} holds entries already, and an import takes an empty one. Move it "
                    "away with its -wal and -shm files, or name another file under `state:`, then try again"
                )
            reading = _Reading(name, lines)
            taken, damage = 0, list[Problem]()
            for some in _by(_AT_ONCE, reading.rows()):
                taken += len(some)
                damage += replay_rows(db, name, some, folded=True)
            damage = sorted([*reading.damage, *damage], key=lambda problem: problem.line or 0)
            if damage and not skip_damaged:
                raise LedgerError(_refusal(damage))
            said: list[str] = []
            if damage:
                said = mend(db, Known(all_lost(), frozenset(workers), written_at, now))
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise
    return Imported(taken, tuple(damage), tuple(said))


def _many(
    db: sqlite3.Connection, kind: str, table: str, order: str, columns: tuple[str, ...]
) -> Iterator[Form]:
    statement = f"SELECT {', '.join(('body', *columns))} FROM {table} ORDER BY {order}"  # noqa: S608  (constants only)
    for body, *held in db.execute(statement):
        try:
            value: dict[str, Any] = json.loads(body)
            value.update(zip(columns, held, strict=True))
        except (ValueError, TypeError, AttributeError) as error:
            raise UnreadableEntry(f"{kind} {str(body)[:80]!r}: {error}") from error
        yield kind, value


def _few(db: sqlite3.Connection) -> Iterator[Form]:
    yield from forms([Renamed(*pair) for pair in read_renamed(db).items()])
    marks = db.execute("SELECT worker, at FROM marks ORDER BY at, worker").fetchall()
    yield from forms([Mark(worker, read_stamp(at)) for worker, at in marks])
    for row in db.execute(f"{STANDINGS} ORDER BY worker"):
        yield "Standing", encode(read_standing(row))
    row = db.execute("SELECT hooks FROM ledger").fetchone()
    if row is not None and row[0] is not None:
        yield "HooksInForce", json.loads(row[0])


class _Reading:
    """Line by line, so that no export is ever held whole. damage: known when `rows` has ended."""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        self._name = name
        self._lines = lines
        self.damage: list[Problem] = []

    def rows(self) -> Iterator[Row]:
        """Raises LedgerError for lines of a newer Loom, and for what is no export at all."""
        before: Line | None = None
        number, intact = 0, True
        for number, text in enumerate(self._lines, 1):
            try:
                line = read_line(text.rstrip(b"\r\n"))
                if _BATCH.fullmatch(line.batch) is None:
                    raise UnreadableEntry(f"the batch {line.batch!r} is none of an export")
            except UnreadableEntry as error:
                intact = self._say(number, f"not a line of an export: {error}")
                continue
            except LedgerError as error:
                raise LedgerError(f"{self._name}:{number}: {error}") from None
            if intact and not _follows(before, line):
                self._say(number, "it doesn't follow the line before it: something between them is missing")
            before, intact = line, True
            for entry in line.entries:
                yield Row(number, entry, line.body)
        if before is None:
            raise LedgerError(
                f"{self._name} holds no line of a ledger: name a file that `loom ledger export` made"
            )
        if intact and not _is_last(before):
            self._say(number, f"the export ends within it: it stops at {before.batch}")

    def _say(self, number: int, message: str) -> bool:
        self.damage.append(Problem(self._name, number, (), message))
        return False


def _place(line: Line) -> tuple[int, int]:
    match = _BATCH.fullmatch(line.batch)
    assert match is not None  # noqa: S101  (asked where it was read)
    return int(match[1]), int(match[2])


def _follows(before: Line | None, line: Line) -> bool:
    number, total = _place(line)
    if before is None:
        return (number, line.part) == (1, 1)
    previous, of = _place(before)
    if previous == number:
        return line.part == before.part + 1
    return (previous + 1, before.part, line.part, of) == (number, before.of, 1, total)


def _is_last(line: Line) -> bool:
    number, total = _place(line)
    return number == total and line.part == line.of


def _refusal(damage: Sequence[Problem]) -> str:
    listed = [str(problem) for problem in damage[:_LISTED]]
    if len(damage) > _LISTED:
        listed.append(f"and {len(damage) - _LISTED} more")
    return "\n".join(
        [
            "the export is damaged, so nothing was imported. Take another one, or leave out what can't be "
            "read with --skip-damaged:",
            *listed,
        ]
    )


def _by(size: int, values: Iterable[V]) -> Iterator[list[V]]:
    left = iter(values)
    while some := list(islice(left, size)):
        yield some
