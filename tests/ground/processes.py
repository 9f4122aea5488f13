"""Whether processes have ended, by their ids."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_S = 120.0


def alive(pid: int) -> bool:
    """Whether there is such a process. One that has ended and waits to be reaped by its parent isn't."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return stat.parent.parent.exists() is False


def left_alive(pids: Iterable[int], *, within_s: float = PATIENCE_S) -> list[int]:
    """Those that haven't ended within so many seconds."""
    until = time.monotonic() + within_s
    left = list(pids)
    while (left := [pid for pid in left if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.02)
    return left
