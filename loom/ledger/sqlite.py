"""The ledger as one SQLite file."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loom.domain.alert import Delivery, Episode
from loom.domain.record import Entry, Promises, RunQuery, RunReader, Snapshot
from loom.domain.run import Run
from loom.domain.tick import Tick
from loom.errors import StaleDecision
from loom.ledger import reads
from loom.ledger.database import explained, open_database
from loom.ledger.writes import write

if TYPE_CHECKING:
    from loom.domain.slot_outcome import SlotOutcome


class SqliteLedger:
    """`loom.ports.Ledger` in the file `path`; for one thread, beside any number of other processes.

    create: make the file, and its folder (mode 0700, with a .gitignore), when there is none.
    busy_timeout: how long a write waits for another process's.
    Every method raises LedgerError, with the path and what to do, when the file can't be used.
    """

    def __init__(
        self, path: Path, *, create: bool = True, busy_timeout: timedelta = timedelta(seconds=30)
    ) -> None:
        self._path = path
        self._db = open_database(path, create=create, busy_timeout=busy_timeout)

    def snapshot(self) -> Snapshot:
        with self._transaction("BEGIN"):
            return reads.read_snapshot(self._db)

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        """As the port says; also raises ClaimLost for a ticket that is closed or has another fence."""
        with self._transaction("BEGIN IMMEDIATE"):
            held = reads.read_revision(self._db)
            if held != revision:
                raise StaleDecision(f"the ledger is at revision {held}, the decision was made at {revision}")
            write(self._db, entries, claiming=True)

    def record(self, entries: Sequence[Entry]) -> None:
        """As the port says. A version of a final Run that isn't final comes too late and is ignored."""
        with self._transaction("BEGIN IMMEDIATE"):
            write(self._db, entries, claiming=False)

    def run(self, run_id: str) -> Run | None:
        with explained(self._path):
            return reads.read_run(self._db, run_id)

    def output(self, run_id: str) -> Mapping[str, Any] | None:
        with explained(self._path):
            return reads.read_output(self._db, run_id)

    def newest_closed(self) -> datetime | None:
        with explained(self._path):
            return reads.read_newest_closed(self._db)

    def closed_slots(self, worker: str, *, after: datetime) -> frozenset[datetime]:
        with explained(self._path):
            return reads.read_closed_slots(self._db, worker, after)

    def runs(self, query: RunQuery) -> Sequence[Run]:
        """Newest `tick_at` first, then by run_id downwards. `until` is inclusive; a slot within a range
        finds the range's run."""
        with explained(self._path):
            return reads.read_runs(self._db, query)

    def reader(self) -> RunReader:
        """As the port says, by a connection of its own to the file; for as long as this ledger is open."""
        from loom.ledger.runs_in_file import RunsInFile

        return RunsInFile(self._path.absolute())

    def ticks(self, *, since: datetime) -> Sequence[Tick]:
        with explained(self._path):
            return reads.read_ticks(self._db, since)

    def tick_times(
        self,
        *,
        triggers: Collection[str],
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[datetime]:
        with explained(self._path):
            return reads.read_tick_times(self._db, triggers, since, until, limit)

    def slot_outcomes(
        self, *, worker: str | None = None, since: datetime | None = None, limit: int
    ) -> "Sequence[SlotOutcome]":
        with explained(self._path):
            return reads.read_slot_outcomes(self._db, RunQuery(worker=worker, since=since, limit=limit))

    def deliveries(self, *, run_id: str | None = None, since: datetime | None = None) -> Sequence[Delivery]:
        with explained(self._path):
            return reads.read_deliveries(self._db, run_id, since)

    def episodes(self, *, since: datetime) -> Sequence[Episode]:
        with explained(self._path):
            return reads.read_episodes(self._db, since)

    def promises(self, *, since: datetime, unheard: Collection[str] = ()) -> Promises:
        with explained(self._path):
            return reads.read_promises(self._db, since, unheard)

    def prune(self, *, before: datetime) -> int:
        from loom.ledger import pruning

        with self._transaction("BEGIN IMMEDIATE"):
            return pruning.prune(self._db, before)

    def publish(self) -> Sequence[str]:
        """Nothing to do: every process on this machine reads the one file."""
        return ()

    def close(self) -> None:
        with explained(self._path):
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        """All or nothing; also when a signal or a bug interrupts it."""
        with explained(self._path):
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise
