"""Opening the SQLite file: made, checked, migrated, or refused with a sentence that says what to do."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from loom.errors import LedgerError
from loom.ledger.codec import UnreadableEntry
from loom.ledger.place import refuse_a_link_to_nothing, refuse_what_is_no_file
from loom.ledger.schema import APPLICATION_ID, MIGRATIONS
from loom.ledger.sharing import let_go, share


def open_database(
    path: Path,
    *,
    create: bool,
    busy_timeout: timedelta,
    migrations: Sequence[str] = MIGRATIONS,
) -> sqlite3.Connection:
    """A connection to the ledger at `path`, at the newest schema, in WAL mode with full durability.

    create: whether to make the file (and its folder, kept out of git) when there is none.
    busy_timeout: how long to wait for another process that writes.
    Raises LedgerError with the path, what is wrong, and what to do.
    """
    with explained(path), contextlib.ExitStack() as undo:
        if create:
            _make_folder_of(path)
        handle = share(path.parent, wait=busy_timeout) if path.parent.is_dir() else None
        if handle is not None:
            undo.callback(let_go, handle)
        _find(path, create=create, migrations=migrations)
        torn = _ends_within_a_page(path)
        db = _connect(path, busy_timeout)
        undo.callback(db.close)
        if torn:
            raise DamagedLedger(f"the ledger {path} is damaged, cut off in the middle of a page: {_REPAIR}")
        _migrate(db, path, migrations)
        db.folder = handle
        undo.pop_all()
        return db


@contextlib.contextmanager
def opened_to_look(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the ledger at `path` that writes nothing, for who shares its folder already.

    Raises LedgerError for no ledger of this Loom, DamagedLedger for one that can't be opened, sqlite3.Error.
    """
    _find(path, create=False, migrations=MIGRATIONS)
    torn, log = _ends_within_a_page(path), Path(f"{path}-wal")
    # Closing a log that was left behind would move what is in it into the file.
    how = "mode=ro" if log.exists() and log.stat().st_size else "mode=rw"
    address = path.absolute().as_uri()
    try:
        db = _look(f"{address}?{how}")
    except sqlite3.OperationalError as error:
        if log.exists() or error.sqlite_errorname not in ("SQLITE_CANTOPEN", "SQLITE_READONLY"):
            raise
        # Where nobody may write, nobody will.
        db = _look(f"{address}?immutable=1")
    with contextlib.closing(db):
        if torn:
            raise DamagedLedger(f"the ledger {path} is damaged, cut off in the middle of a page: {_REPAIR}")
        if _version(db, path, MIGRATIONS) == 0:
            raise DamagedLedger(f"the ledger {path} holds nothing, not even its tables: {_REPAIR}")
        yield db


def _look(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, timeout=_PATIENCE_S, isolation_level=None)
    try:
        db.execute("PRAGMA query_only = 1")
        db.execute("PRAGMA schema_version").fetchone()
    except BaseException:
        db.close()
        raise
    return db


class _Connection(sqlite3.Connection):
    """folder: the handle that shares the ledger's folder, let go when this is closed."""

    folder: int | None = None

    def close(self) -> None:
        super().close()
        if self.folder is not None:
            let_go(self.folder)


class DamagedLedger(LedgerError):
    """What `loom ledger repair` is for."""


class explained:  # noqa: N801  (a context manager, read as a verb; as a class it is half the cost)
    """Turns what SQLite and the file system say about the ledger at `path` into a LedgerError."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise LedgerError(f"the ledger {self._path} {_explain(error, self._path)}") from error
        if isinstance(error, UnicodeDecodeError):
            # What SQLite said of a damaged page quotes it.
            raise LedgerError(f"the ledger {self._path} is damaged: {_REPAIR}") from error
        if isinstance(error, UnreadableEntry):
            raise LedgerError(
                f"the ledger {self._path} holds a record that this Loom can't read: {error}. "
                f"If a newer Loom wrote it, upgrade; else {_REPAIR}"
            ) from error
        if isinstance(error, OSError):
            raise LedgerError(
                f"the ledger {self._path} can't be used: {error.strerror or error} ({error.filename}). "
                "Check that its folder exists and that you may write there"
            ) from error


_PAGE = 4096
_PATIENCE_S = 5.0
_REPAIR = "`loom ledger repair` saves what can be read and keeps the damaged file aside"

_EXPLANATIONS = {
    "SQLITE_BUSY": "is locked: another process has been writing to it for too long. "
    "Wait for it to end (`fuser {path}` names it), then run again",
    "SQLITE_NOTADB": f"isn't an SQLite database: {_REPAIR}",
    "SQLITE_CORRUPT": f"is damaged: {_REPAIR}",
    "SQLITE_READONLY": "can't be written. Check the permissions of the file and of its folder",
    "SQLITE_CANTOPEN": "can't be opened. Check the permissions of the file and of its folder",
    "SQLITE_FULL": "couldn't grow: the disk is full. Nothing of this write was kept; "
    "make room, then run again",
    "SQLITE_IOERR": "can't be read or written: the disk reports an error. Nothing of this write was kept; "
    "check the disk and its free space, then run again",
}


def _explain(error: sqlite3.Error, path: Path) -> str:
    import shlex  # only trouble needs it

    name: str = getattr(error, "sqlite_errorname", "")
    for code, explanation in _EXPLANATIONS.items():
        if name.startswith(code):
            return f"{explanation.format(path=shlex.quote(str(path)))} (SQLite: {error})"
    return f"can't be used (SQLite: {error}). If `loom ledger check` finds it damaged, {_REPAIR}"


def _ends_within_a_page(path: Path) -> bool:
    """SQLite reads what is missing of a page as zeros. While a log is there, it may still come."""
    return path.stat().st_size % _PAGE != 0 and not Path(f"{path}-wal").exists()


def _find(path: Path, *, create: bool, migrations: Sequence[str]) -> None:
    # Asked first: a process that makes the ledger right now shows its file before its -wal.
    orphan = Path(f"{path}-wal").exists()
    if path.is_dir():
        raise LedgerError(
            f"the ledger {path} is a folder; name a file, as in `state: {{ledger: .loom/ledger.db}}`"
        )
    if not path.exists():
        refuse_a_link_to_nothing(path)
        if not create:
            raise LedgerError(f"there is no ledger at {path} yet; the first `loom run` makes it")
        if orphan:
            raise DamagedLedger(
                f"the ledger {path} is gone but {path}-wal is still there. Put the ledger back; if it can't "
                "be found, `loom ledger repair` saves what that file holds"
            )
        _make(path, migrations)
    elif path.stat().st_size == 0:
        refuse_what_is_no_file(path)
        raise DamagedLedger(f"the ledger {path} is empty, so it was cut off: {_REPAIR}")


def _make(path: Path, migrations: Sequence[str]) -> None:
    """Link the ledger to its place whole: nobody ever sees half of one, and of two processes that make it at
    once the first one's stays."""
    with drafted(path, migrations) as (draft, db):
        finish(draft, db)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        flush_folder(path.parent)


@contextlib.contextmanager
def drafted(path: Path, migrations: Sequence[str] = MIGRATIONS) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A new ledger beside `path`, gone when this ends; who moves or links it calls `finish` first. Nothing
    waits for the disk before that: nobody needs half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        # Outputs may hold personal data; SQLite gives its -wal and -shm files the same mode.
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with contextlib.closing(_connect(draft, timedelta())) as db:
            db.execute("PRAGMA synchronous = OFF")
            _migrate(db, path, migrations)
            yield draft, db
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def finish(draft: Path, db: sqlite3.Connection) -> None:
    """Close a draft, all of it on the disk in its one file."""
    db.close()
    with draft.open("rb") as file:
        os.fsync(file.fileno())


def _make_folder_of(path: Path) -> None:
    folder = path.parent
    if folder.exists():
        return
    refuse_a_link_to_nothing(path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="ascii")


def flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connect(path: Path, busy_timeout: timedelta) -> _Connection:
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_timeout.total_seconds(),
        isolation_level=None,
        factory=_Connection,
    )
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    if _version(db, path, migrations) == len(migrations):
        return
    db.execute("BEGIN IMMEDIATE")
    with contextlib.ExitStack() as undo:
        undo.callback(db.rollback)
        # Read again under the lock: another process may have migrated it meanwhile.
        for step in migrations[_version(db, path, migrations) :]:
            for statement in _statements(step):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(migrations)}")
        db.execute("COMMIT")
        undo.pop_all()


def _version(db: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> int:
    """The ledger's schema; 0 for a database that holds nothing yet. Raises LedgerError if it isn't ours."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    if owner == APPLICATION_ID and 0 < version <= len(migrations):
        return int(version)
    if owner == APPLICATION_ID and version > len(migrations):
        raise LedgerError(
            f"the ledger {path} was written by a newer Loom "
            f"(schema {version}; this one knows {len(migrations)}): upgrade Loom"
        )
    if (owner, version) == (0, 0) and db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return 0
    if db.execute("SELECT 1 FROM sqlite_master WHERE name IN ('ledger', 'marks')").fetchone() is not None:
        raise DamagedLedger(f"the ledger {path} no longer says that it is one of Loom's: {_REPAIR}")
    raise LedgerError(
        f"the ledger {path} is an SQLite database, but not one of Loom's. "
        "Name another file under `state:` in worker-registry.yaml"
    )


def _statements(script: str) -> Iterator[str]:
    # `executescript` would commit the transaction that a migration must stay within.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a migration ends in the middle of a statement: {statement.strip()!r}")
