"""What is salvaged of a damaged ledger -> a new one, lawful again."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice

from loom.domain.record import HooksInForce, Renamed
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Mark
from loom.ledger import working_copy
from loom.ledger.codec import UnreadableEntry, from_json
from loom.ledger.lines import from_form
from loom.ledger.losses import Known
from loom.ledger.mending import mend
from loom.ledger.reads import read_ids
from loom.ledger.rows import TABLES, Recorded, Row
from loom.ledger.salvage import LEDGER, UNPUSHED, Found, Salvage
from loom.ledger.writes import replay, replay_folded
from loom.values import replace

_AT_ONCE = 2000


class Refill:
    """What is salvaged -> a new ledger. saved: rows by table. unpushed: batches."""

    def __init__(self, db: sqlite3.Connection, salvage: Salvage) -> None:
        self._db = db
        self._salvage = salvage
        self._doubtful: list[Ticket] = []
        self._batches: list[tuple[str, str]] = []
        self.saved: Mapping[str, int] = {}

    @property
    def unpushed(self) -> int:
        return len(self._batches)

    def fill(self, known: Known) -> list[str]:
        """Returns what a person should know."""
        db, salvage = self._db, self._salvage
        rows = salvage.rows()
        while some := list(islice(rows, _AT_ONCE)):
            db.execute("BEGIN")
            self._take_in([found for found in some if not self._is_doubtful(found)])
            db.execute("COMMIT")
        self.saved = {table: _count(db, table) for table in TABLES}
        salvage.settle(self.saved)
        ask = not salvage.losses.whole("tickets") and not salvage.losses.commits
        states = tuple(self._unread()) if ask else ()
        db.execute("BEGIN")
        said = mend(db, replace(known, doubtful=tuple(self._doubtful), states=states))
        if self._batches:
            working_copy.prepare(db, "", "")
            db.executemany("INSERT INTO unpushed (batch, entries) VALUES (?, ?)", self._batches)
        db.execute("COMMIT")
        return said

    def _is_doubtful(self, found: Found) -> bool:
        """Whether it may be an older version that must not speak for the newest: an open ticket may be closed
        by now, a mark may have moved, and a batch have been pushed."""
        is_newest = found.trusted or self._salvage.orphans_are_sound
        if isinstance(found.entry, Ticket) and found.entry.state is not TicketState.CLOSED:
            if is_newest and not self._salvage.losses.commits:
                return False
            self._doubtful.append(found.entry)
            return True
        if is_newest:
            return False
        return isinstance(found.entry, Mark) or found.table == UNPUSHED

    def _take_in(self, some: Iterable[Found]) -> None:
        entries: list[Recorded] = []
        bodies: list[str | None] = []
        for found in some:
            if found.entry is not None:
                entries.append(found.entry)
                bodies.append(found.row[-1])
            elif found.table == LEDGER:
                self._take_in_settings(found)
            elif found.table == UNPUSHED and _is_batch(found.row):
                self._batches.append(found.row[1:])
        replay_folded(self._db, entries, bodies)

    def _take_in_settings(self, found: Found) -> None:
        # One that was written before ids were kept in it is shorter.
        hooks, renamed = (*found.row, None, None)[2:4]
        if hooks is not None:
            # What can't be read of these, the next tick says again.
            with suppress(UnreadableEntry):
                replay(self._db, [from_json(HooksInForce, hooks)])
        if found.trusted:
            with suppress(UnreadableEntry):
                replay(self._db, [Renamed(*pair) for pair in read_ids(renamed).items()])

    def _unread(self) -> Iterator[tuple[str, bool]]:
        for key, closed in self._salvage.states():
            if self._db.execute("SELECT 1 FROM tickets WHERE key = ?", (key,)).fetchone() is None:
                yield key, closed


def _is_batch(row: Row) -> bool:
    """Whether a row of what is unpushed can be read."""
    try:
        return all(list(from_form((kind, value))) for kind, value in json.loads(row[2]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _count(db: sqlite3.Connection, table: str) -> int:
    (number,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  (constants only)
    return int(number)
