"""A ledger's file made as small as what it holds."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from loom.ledger.database import explained, open_database
from loom.ledger.pruning import prune
from loom.values import dataclass

_LOG_WAIT_MS = 1000


@dataclass(frozen=True, slots=True)
class Compacted:
    """runs: how many were forgotten. size_before, size: of the file and its log, in bytes. read: whether
    somebody reads the log still, so that the file shrinks when they end."""

    runs: int
    size_before: int
    size: int
    read: bool


def compact(
    path: Path, *, forget_before: datetime, busy_timeout: timedelta = timedelta(minutes=2)
) -> Compacted:
    """Forget what was over `forget_before` (UTC), and give the room back. Ticks may come meanwhile: they wait
    for it, and it for them, so long. For a while it takes twice the room.

    Raises LedgerError when another process keeps writing, when there is no room, or no ledger.
    """
    with (
        explained(path),
        closing(open_database(path, create=False, busy_timeout=busy_timeout)) as db,
    ):
        before = _size(path)
        db.execute("BEGIN IMMEDIATE")
        try:
            runs = prune(db, forget_before)
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise
        db.execute("VACUUM")
        # The room is given back; who reads the log keeps it from being cut, and isn't waited for.
        db.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")
        (busy, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return Compacted(runs=runs, size_before=before, size=_size(path), read=bool(busy))


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, Path(f"{path}-wal")) if each.exists())
