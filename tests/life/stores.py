"""Where a project's ledger is kept, with a copy of it to go back to."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from loom.ledger.liveness import MemoryLiveness
from loom.ledger.memory import MemoryLedger
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger, Liveness


class Store(Protocol):
    def open(self) -> Ledger: ...

    def liveness(self, real: Callable[[], Liveness], *, host: str, pid: int) -> Liveness:
        """Of a process on a machine. real: makes the one that the product would have."""

    def copy(self) -> Any: ...

    def restore(self, copied: Any) -> None:
        """Put a copy in the ledger's place."""


class MemoryStore:
    """The in-memory twins of ledger and liveness."""

    def __init__(self) -> None:
        self._ledger = MemoryLedger()
        self._running: set[str] = set()

    def open(self) -> Ledger:
        return self._ledger

    def liveness(self, real: Callable[[], Liveness], *, host: str, pid: int) -> Liveness:
        return MemoryLiveness(self._running, host=host, pid=pid)

    def copy(self) -> Any:
        held = vars(self._ledger._tables)
        tables = {name: dict(table) for name, table in held.items() if isinstance(table, dict)}
        return tables, self._ledger._revision

    def restore(self, copied: Any) -> None:
        tables, self._ledger._revision = copied
        for name, table in tables.items():
            held = getattr(self._ledger._tables, name)
            held.clear()
            held.update(table)


class SqliteStore:
    """The file, and the locks beside it. Every process is on this one machine."""

    def __init__(self, root: Path) -> None:
        self._file = root / ".loom" / "ledger.db"
        self._copies = root / "copies"

    def open(self) -> Ledger:
        return SqliteLedger(self._file)

    def liveness(self, real: Callable[[], Liveness], *, host: str, pid: int) -> Liveness:
        return real()

    def copy(self) -> Any:
        self.open().close()  # there may be none yet
        self._copies.mkdir(exist_ok=True)
        target = self._copies / f"{len(list(self._copies.iterdir()))}.db"
        with closing(sqlite3.connect(self._file)) as ledger, closing(sqlite3.connect(target)) as copied:
            ledger.backup(copied)
        return target

    def restore(self, copied: Any) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self._file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(copied, self._file)
