"""Opening the SQLite file: made, checked, migrated, or refused with a sentence that says what to do."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from loom.errors import LedgerError
from loom.ledger.codec import UnreadableEntry
from loom.ledger.schema import APPLICATION_ID, MIGRATIONS


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
        _find(path, create=create, migrations=migrations)
        db = _connect(path, busy_timeout)
        undo.callback(db.close)
        _migrate(db, path, migrations)
        undo.pop_all()
        return db


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
        if isinstance(error, UnreadableEntry):
            raise LedgerError(
                f"the ledger {self._path} holds a record that this Loom can't read: {error}. "
                "If a newer Loom wrote it, upgrade; else restore the ledger from a copy"
            ) from error
        if isinstance(error, OSError):
            raise LedgerError(
                f"the ledger {self._path} can't be used: {error.strerror or error} ({error.filename}). "
                "Check that its folder exists and that you may write there"
            ) from error


_EXPLANATIONS = {
    "SQLITE_BUSY": "is locked: another process has been writing to it for too long. "
    "Wait for it to end (`fuser {file}` names it), then run again",
    "SQLITE_NOTADB": "isn't an SQLite database. Restore it from a copy, or move it away: "
    "the next `loom run` begins a new one",
    "SQLITE_CORRUPT": "is damaged. Restore it from a copy, or move it away with its -wal and -shm files: "
    "the next `loom run` begins a new one",
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
            return f"{explanation.format(file=shlex.quote(str(path)))} (SQLite: {error})"
    return f"can't be used. SQLite says: {error}"


def _find(path: Path, *, create: bool, migrations: Sequence[str]) -> None:
    # Asked first: a process that makes the ledger right now shows its file before its -wal.
    orphan = Path(f"{path}-wal").exists()
    if path.is_dir():
        raise LedgerError(
            f"the ledger {path} is a folder; name a file, as in `state: {{ledger: .loom/ledger.db}}`"
        )
    if not path.exists():
        if not create:
            raise LedgerError(f"there is no ledger at {path} yet; the first `loom run` makes it")
        if orphan:
            raise LedgerError(
                f"the ledger {path} is gone but {path}-wal is still there. Put the ledger back, "
                f"or remove {path}-wal and {path}-shm to begin a new one"
            )
        _make(path, migrations)
    elif path.stat().st_size == 0:
        raise LedgerError(
            f"the ledger {path} is empty, so it was cut off. Restore it from a copy, or remove it: "
            "the next `loom run` begins a new one"
        )


def _make(path: Path, migrations: Sequence[str]) -> None:
    """Make the ledger beside its place and link it there whole: nobody ever sees half of one, and of
    two processes that make it at once the first one's stays."""
    _make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    try:
        # Outputs may hold personal data; SQLite gives its -wal and -shm files the same mode.
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with contextlib.closing(_connect(draft, timedelta())) as db:
            _migrate(db, path, migrations)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _flush_folder(path.parent)
    finally:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="ascii")


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connect(path: Path, busy_timeout: timedelta) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_timeout.total_seconds(),
        isolation_level=None,
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
