"""A damaged ledger -> a new one in its place that holds what can be saved, and the damaged one kept aside."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from loom.errors import LedgerError
from loom.ledger.checking import Checkup, look_over
from loom.ledger.database import drafted, explained, finish, flush_folder
from loom.ledger.losses import Known
from loom.ledger.pages import Pages
from loom.ledger.place import refuse_a_link_to_nothing, refuse_what_is_no_file
from loom.ledger.refilling import Refill
from loom.ledger.salvage import Salvage
from loom.ledger.sharing import hold_alone, let_go
from loom.values import dataclass

# Where SQLite locks a file, whoever opens it: the bytes from here on.
_LOCKS_BEGIN, _LOCKS_LENGTH = 0x40000000, 512
_UNDER_REPAIR = b"Loom was repairing this ledger. The damaged one: "


@dataclass(frozen=True, slots=True)
class Repaired:
    """saved: rows by table. lost: at least so many, by table; pages: that couldn't be read, by table.
    said: what a person should know, a sentence each. unpushed: batches of entries that a state branch has
    yet to get. left: what is wrong even so. aside: where the damaged file is kept; None when all that is
    wrong is left, so that the ledger stayed as it was."""

    saved: Mapping[str, int]
    lost: Mapping[str, int]
    pages: Mapping[str, int]
    said: tuple[str, ...]
    unpushed: int
    left: Checkup
    aside: Path | None


def repair(path: Path, *, workers: Iterable[str], keep: timedelta, now: datetime) -> Repaired | None:
    """Save what can be read of the ledger at `path`. None, and nothing changed, when nothing is wrong.

    workers: ids of those that there are; each has a mark afterwards if any was lost. keep: how long closed
    records stay. now: UTC.
    Raises LedgerError when another process uses the ledger, when there is none, when it is none of this
    Loom's, or when there is no room; all is as it was then.
    """
    refuse_a_link_to_nothing(path)
    with explained(path), _alone(path), ExitStack() as files:
        _refuse_what_cannot_be_repaired(path)
        _sweep(path)
        damaged = _damaged(path)
        log = Path(f"{damaged}-wal")
        written_at = min(now, max(_written_at(each) for each in (damaged, log) if each.exists()))
        wrong = None
        if damaged == path and path.exists():
            wrong = look_over(path, keep=keep, now=now, alone=True)
            if not wrong.faults:
                return None
        file: BinaryIO = BytesIO()
        if damaged.exists():
            file = files.enter_context(damaged.open("r+b"))
            _refuse_what_is_open(file, path)
        pages = Pages(file, files.enter_context(log.open("rb")) if log.exists() else None)
        salvage = Salvage(pages)
        with drafted(path) as (draft, db):
            refill = Refill(db, salvage)
            said = refill.fill(Known(salvage.losses, frozenset(workers), written_at, now))
            finish(draft, db)
            left = look_over(draft, keep=keep, now=now, alone=True)
            aside = None if left == wrong else _put_in_place(path, draft, damaged, now)
    losses = salvage.losses
    return Repaired(
        saved=refill.saved,
        lost=+losses.rows,
        pages=+losses.pages,
        said=tuple(said),
        unpushed=refill.unpushed,
        left=left,
        aside=aside,
    )


def _refuse_what_cannot_be_repaired(path: Path) -> None:
    if path.is_symlink():
        raise LedgerError(f"the ledger {path} is a link: name {path.resolve()} under `state:` to repair it")
    if path.is_dir():
        raise LedgerError(f"the ledger {path} is a folder, which holds nothing to repair")
    if not path.exists() and not Path(f"{path}-wal").exists():
        raise LedgerError(f"there is no ledger at {path}, so there is nothing to repair")
    if path.exists():
        refuse_what_is_no_file(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = hold_alone(path.parent)
    if handle is None:
        raise LedgerError(_in_use(path))
    try:
        yield
    finally:
        let_go(handle)


def _in_use(path: Path) -> str:
    return (
        f"the ledger {path} is in use by another process, so it can't be repaired now. Wait for it to end "
        f"(`fuser {path}` names it), keep the clock from starting ticks, then try again"
    )


def _refuse_what_is_open(file: BinaryIO, path: Path) -> None:
    """Raises LedgerError when a process that isn't Loom has the file open. SQLite's locks are lost with any
    handle on the file that this process closes, so it must open and close no other one from now on."""
    import fcntl  # not there on every system

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS_LENGTH, _LOCKS_BEGIN)
    except BlockingIOError:
        raise LedgerError(_in_use(path)) from None


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _sweep(path: Path) -> None:
    """Remove what a process left behind that was killed while it made a ledger: while this one is alone, none
    is making one."""
    for ending in ("new", "new-wal", "new-shm", "note"):
        for left in path.parent.glob(f".{escape(path.name)}.*.{ending}"):
            left.unlink(missing_ok=True)


# -- in its place ----------------------------------------------------------------------------------------


def _damaged(path: Path) -> Path:
    """The file to read: the ledger's, or the one that a repair which was cut off had put aside."""
    if path.exists():
        with path.open("rb") as file:
            said = file.read(len(_UNDER_REPAIR) + 255)
        if said.startswith(_UNDER_REPAIR):
            aside = path.with_name(os.fsdecode(said.removeprefix(_UNDER_REPAIR).rstrip(b"\n")))
            if aside.exists():
                return aside
    return path


def _put_in_place(path: Path, draft: Path, damaged: Path, now: datetime) -> Path:
    """Keep the damaged files aside and move the draft to their place. Cut off at any point, the damaged ones
    are whole, and nobody takes what is in the place for a ledger."""
    aside = damaged if damaged != path else _put_aside(path, now)
    # An old log would be read into the new file.
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    flush_folder(path.parent)
    draft.replace(path)
    flush_folder(path.parent)
    return aside


def _put_aside(path: Path, now: datetime) -> Path:
    """Give the damaged files another name, and leave in their place a note that is no ledger."""
    aside = _free_name(path, now)
    note = path.with_name(f".{aside.name}.note")
    with ExitStack() as undo:
        undo.callback(note.unlink, missing_ok=True)
        note.write_bytes(_UNDER_REPAIR + os.fsencode(aside.name) + b"\n")
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{path}{suffix}").exists():
                os.link(f"{path}{suffix}", f"{aside}{suffix}")
                undo.callback(Path(f"{aside}{suffix}").unlink)
        flush_folder(path.parent)
        note.replace(path)
        undo.pop_all()
    return aside


def _free_name(path: Path, now: datetime) -> Path:
    name = f"{path.name}.broken-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = (path.with_name(name if number == 1 else f"{name}-{number}") for number in range(1, 1000))
    return next(each for each in names if not each.exists())
