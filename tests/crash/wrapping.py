"""A tick's real parts with mines laid around every call through a port, and around every SQL statement."""

import errno
import os
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from loom.clock import Clock
from loom.domain.registry import HookSettings, Registry
from loom.errors import LedgerError
from loom.ports import AlertHook, Guard, Ledger, Liveness, Progress
from loom.runner.parts import Executor, Parts
from tests.crash.mines import Mines

LEDGER = (
    *("snapshot", "claim", "record", "run", "output", "newest_closed", "closed_slots"),
    *("runs", "prune", "publish", "close"),
)
LIVENESS = ("claim_as", "alive", "release")
EXECUTOR = ("submit", "wait")
GUARD = ("rule_on", "revoke")
PROGRESS = ("started", "said", "finished")


class Mined:
    """`inner` with mines around its methods `calls`; whatever else it has is handed through."""

    def __init__(self, inner: Any, name: str, calls: Sequence[str], mines: Mines) -> None:
        self._inner = inner
        self._name = name
        self._calls = calls
        self._mines = mines

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        return self._mined(attribute, value) if attribute in self._calls else value

    def _mined(self, attribute: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            with self._mines.around(f"{self._name}.{attribute}"):
                return method(*arguments, **named)

        return call


class ShiftedClock:
    """`inner`, whose machine's time of day is ahead by `shift`: what a lease looks like that much later."""

    def __init__(self, inner: Clock, shift: timedelta) -> None:
        self._inner = inner
        self._shift = shift

    def now(self) -> datetime:
        return self._inner.now()

    def real(self) -> datetime:
        return self._inner.real() + self._shift

    def monotonic(self) -> float:
        return self._inner.monotonic()


def mined(parts: Parts, mines: Mines, shift: timedelta) -> Parts:
    """`parts`, made real by `loom.wiring`, with `mines` in every way through a port."""

    def open_ledger(registry: Registry | None) -> Ledger:
        with mines.around("ledger.open"):
            ledger = parts.open_ledger(registry)
        return cast(Ledger, Mined(ledger, "ledger", LEDGER, mines))

    def liveness(registry: Registry | None) -> Liveness:
        return cast(Liveness, Mined(parts.liveness(registry), "liveness", LIVENESS, mines))

    @contextmanager
    def executor() -> Iterator[Executor]:
        with parts.executor() as inner:
            yield cast(Executor, Mined(inner, "executor", EXECUTOR, mines))

    def hooks(configured: Sequence[HookSettings], secrets: Mapping[str, str]) -> tuple[AlertHook, ...]:
        return tuple(
            cast(AlertHook, Mined(hook, "hook", ("deliver",), mines))
            for hook in parts.hooks(configured, secrets)
        )

    return replace(
        parts,
        clock=ShiftedClock(parts.clock, shift) if shift else parts.clock,
        open_ledger=open_ledger,
        liveness=liveness,
        executor=cast("Callable[[], AbstractContextManager[Executor]]", executor),
        guard=lambda context, worker: cast(Guard, Mined(parts.guard(context, worker), "guard", GUARD, mines)),
        hooks=hooks,
        progress=cast(Progress, Mined(parts.progress, "progress", PROGRESS, mines)),
    )


class MinedConnection(sqlite3.Connection):
    """An SQLite connection with mines around its statements, named after their first word and their table."""

    mines: ClassVar[Mines | None] = None
    opened: ClassVar[list["MinedConnection"]] = []

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.thread = threading.get_ident()
        self.opened.append(self)

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        with _around(self.mines, sql):
            return super().execute(sql, *parameters)

    def executemany(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        with _around(self.mines, sql):
            return super().executemany(sql, *parameters)

    def rollback(self) -> None:
        with _around(self.mines, "ROLLBACK"):
            super().rollback()

    def quietly(self, sql: str) -> sqlite3.Cursor:
        return super().execute(sql)


def mined_connection(
    connect: Callable[..., sqlite3.Connection], *arguments: Any, **named: Any
) -> sqlite3.Connection:
    """As `connect`, with mines in whatever class of connection it is asked for."""
    factory = named.pop("factory", sqlite3.Connection)
    kinds = (MinedConnection,) if factory is sqlite3.Connection else (MinedConnection, factory)
    return connect(*arguments, factory=type("Mined", kinds, {}), **named)


_BEFORE_A_TABLE = {"INTO", "FROM", "UPDATE"}


@contextmanager
def _around(mines: Mines | None, sql: str) -> Iterator[None]:
    if mines is None:
        yield
        return
    words = sql.replace("(", " ").split()
    table = next((words[i + 1] for i, word in enumerate(words[:-1]) if word in _BEFORE_A_TABLE), "")
    with mines.around(f"sql.{words[0].lower()}{' ' if table else ''}{table}"):
        yield


# -- deeds: how a machine fails ----------------------------------------------------------------------------


def deeds(told: Path) -> dict[str, Callable[[str], Callable[[], None] | None]]:
    """What mines may do besides killing. told: the file to which the alerts go."""
    return {
        "refuse": _refuse,
        "full disk": _full_disk,
        "read-only disk": _read_only_disk,
        "no room": _no_room,
        "no handles": _no_handles,
        "wait": lambda _: _wait_for(told.parent.parent / "go"),
        "cut short": lambda _: _limit_files(told.stat().st_size + 20 if told.exists() else 20),
    }


def _refuse(place: str) -> None:
    """The call fails as this port fails: once, and by what it says."""
    if place.startswith("sql."):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_WRITE"
        raise error
    if place.startswith("ledger."):
        raise LedgerError(f"the ledger failed at {place}, as the test wants it to")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)


def _wait_for(go: Path) -> None:
    """Nothing happens until that file is there, or two minutes are over."""
    deadline = time.monotonic() + 120
    while not go.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def _open_connections() -> Iterator[MinedConnection]:
    for connection in MinedConnection.opened:
        if connection.thread == threading.get_ident():
            try:
                connection.quietly("SELECT 1")
            except sqlite3.ProgrammingError:
                continue  # closed meanwhile
            yield connection


def _full_disk(place: str) -> None:
    """From now on the database can't grow by a page."""
    for connection in _open_connections():
        (pages,) = connection.quietly("PRAGMA page_count").fetchone()
        connection.quietly(f"PRAGMA max_page_count = {pages}")


def _read_only_disk(place: str) -> None:
    for connection in _open_connections():
        connection.quietly("PRAGMA query_only = ON")


def _no_room(place: str) -> None:
    """From now on no file of this process grows beyond what the longest one, the write-ahead log, has now;
    a write that would is cut off in its middle, as on a full disk. Small files keep their room, so that
    the workers can go on writing down what they do."""
    logs = [
        Path(f"{path}-wal")
        for connection in _open_connections()
        for _, _, path in connection.quietly("PRAGMA database_list")
    ]
    longest = max((log.stat().st_size for log in logs if log.exists()), default=0)
    _limit_files(max(longest + 700, 98_304))


def _limit_files(size: int) -> Callable[[], None]:
    return _limit(resource.RLIMIT_FSIZE, size)


def _no_handles(place: str) -> Callable[[], None]:
    """Nothing can be opened any more."""
    return _limit(resource.RLIMIT_NOFILE, 0)


def _limit(what: int, most: int) -> Callable[[], None]:
    before = resource.getrlimit(what)
    resource.setrlimit(what, (most, before[1]))
    return lambda: resource.setrlimit(what, before)
