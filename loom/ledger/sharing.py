"""Who uses the ledger's file shares its folder's lock; who puts another file in its place holds it alone.

SQLite's own locks are on the file: a process that waits for one would get it on the file that was moved away,
and go on writing there beside the new one's log.
"""

import contextlib
import os
import time
from datetime import timedelta
from pathlib import Path

from loom.errors import LedgerError

_PAUSE_S = 0.05
_held: set[int] = set()


def _forget_held() -> None:
    # A forked child would share its parent's lock for as long as it lives.
    for handle in _held:
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_held)


def share(folder: Path, *, wait: timedelta) -> int:
    """A handle that keeps the ledgers in `folder` in their place until it is let go. Waits so long for one
    who holds it alone.

    Raises LedgerError when they hold it longer, OSError when the folder can't be opened.
    """
    deadline = time.monotonic() + wait.total_seconds()
    while (handle := _locked(folder, alone=False)) is None:
        if time.monotonic() >= deadline:
            raise LedgerError(
                f"the ledger in {folder} is being repaired by another process. "
                "Wait for it to end, then run again"
            )
        time.sleep(_PAUSE_S)
    return handle


def hold_alone(folder: Path) -> int | None:
    """A handle that keeps everybody else from the ledgers in `folder` until it is let go; None when somebody
    uses one. Raises OSError when the folder can't be opened."""
    return _locked(folder, alone=True)


def let_go(handle: int) -> None:
    if handle in _held:
        _held.discard(handle)
        os.close(handle)


def _locked(folder: Path, *, alone: bool) -> int | None:
    import fcntl  # not there on every system

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    # A file system without such locks has SQLite's own and no others.
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
    _held.add(handle)
    return handle
