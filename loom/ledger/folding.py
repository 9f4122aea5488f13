"""A ledger -> the files of a state branch that say the same in as few lines as can be.

Of each value its last version; of a slot that is decided for good, its run alone. What is open, the marks
and the standings come last, in the newest file.
"""

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from loom.domain.record import Renamed
from loom.domain.tick import Mark
from loom.errors import Problem
from loom.ledger.codec import encode, read_stamp
from loom.ledger.database import explained, open_database
from loom.ledger.following import take_in
from loom.ledger.layout import in_order, month_file
from loom.ledger.lines import Form, Redact, forms, outward, to_text
from loom.ledger.pruning import prune
from loom.ledger.reads import STANDINGS, read_renamed
from loom.ledger.rows import read_standing
from loom.ledger.working_copy import damage, prepare

# A closed ticket of a slot that its worker's mark has passed says nothing that its run doesn't: nobody
# decides such a slot again, and an unknown ticket is refused to whoever held it.
_TICKETS = (
    "SELECT key, tickets.worker, body FROM tickets LEFT JOIN marks ON marks.worker = tickets.worker"
    " WHERE closed = 0 OR (tickets.at > marks.at OR marks.at IS NULL) ORDER BY key"
)
_MONTHLY = (
    ("Tick", "SELECT at, NULL, body FROM ticks ORDER BY at, id"),
    ("Run", "SELECT tick_at, worker, body FROM runs ORDER BY id"),
    ("Delivery", "SELECT changed_at, NULL, body FROM deliveries ORDER BY number"),
)


def fold(db: sqlite3.Connection, *, until: datetime, redact: Redact | None) -> dict[str, bytes]:
    """The content of the month files that stand for all that `db` holds, by path.

    until: records that bear a later time are put under the month of this one.
    """
    newest = _month(until)
    months: dict[str, list[Form]] = {}
    for kind, statement in _MONTHLY:
        for at, worker, body in db.execute(statement):
            value: dict[str, Any] = json.loads(body)
            if worker is not None:
                value["worker"] = worker
            months.setdefault(min(_month(read_stamp(at)), newest), []).append((kind, value))
    months.setdefault(max(months, default=newest), []).extend(_state(db))
    return {
        month_file(month): to_text(f"fold-{month}", [outward(form, redact) for form in said])
        for month, said in sorted(months.items())
    }


def compacted(
    texts: Mapping[str, bytes], *, until: datetime, forget_before: datetime, folder: Path
) -> tuple[dict[str, bytes], bytes]:
    """The month files that stand for the files `texts` (by path), without what was over `forget_before`;
    and the lines that had to be left out, each below a line that says where it was and why.

    folder: where a ledger is made for as long as it takes.
    """
    with _scratch(folder) as db:
        for path in in_order(texts):
            take_in(db, path, texts[path])
        prune(db, forget_before)
        folded = fold(db, until=until, redact=None)
        damaged = [b"# %s\n%s\n" % (str(each).encode(), _row(texts, each)) for each in damage(db)]
    return folded, b"".join(damaged)


def _state(db: sqlite3.Connection) -> Iterator[Form]:
    """What isn't of any month: who stands where, and what is open."""
    # Before any mark: of an id that has one again there is nothing to carry over.
    yield from forms([Renamed(*pair) for pair in read_renamed(db).items()])
    marks = db.execute("SELECT worker, at FROM marks ORDER BY at, worker").fetchall()
    yield from forms([Mark(worker, read_stamp(at)) for worker, at in marks])
    for kind, table, key in (("Pause", "pauses", "worker"), ("Episode", "episodes", "subject")):
        condition = "lifted = 0" if kind == "Pause" else "closed_at IS NULL"
        statement = f"SELECT {key}, body FROM {table} WHERE {condition} ORDER BY {key}"  # noqa: S608
        for name, body in db.execute(statement):
            yield kind, {**json.loads(body), key: name}
    for key, worker, body in db.execute(_TICKETS):
        yield "Ticket", {**json.loads(body), "key": key, "worker": worker}
    (hooks,) = db.execute("SELECT hooks FROM ledger").fetchone()
    if hooks is not None:
        yield "HooksInForce", json.loads(hooks)
    for row in db.execute(f"{STANDINGS} ORDER BY worker"):
        yield "Standing", encode(read_standing(row))


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="fold-") as temporary:
        path = Path(temporary) / "ledger.db"
        opened = open_database(path, create=True, busy_timeout=timedelta())
        with explained(path), contextlib.closing(opened) as db:
            db.execute("BEGIN")
            prepare(db, "", "")
            yield db
            db.rollback()


def _row(texts: Mapping[str, bytes], problem: Problem) -> bytes:
    assert problem.line is not None  # noqa: S101  (damage always has one)
    return texts[problem.file].split(b"\n")[problem.line - 1]


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"
