"""Offspring: a process that this one started, until it has ended."""

import os
import signal
import threading
import time
from contextlib import suppress

_SHORTEST_S = 0.0005
_LONGEST_S = 0.05


class Offspring:
    """May be used by several threads. returncode: its exit code, or a signal's number with a minus; None
    until `wait` has seen its end, and 0 if somebody else took it in."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._lock = threading.Lock()
        self.returncode: int | None = None

    def kill(self) -> None:
        """With SIGKILL. Its id is no other's as long as nobody has taken it in."""
        with self._lock:
            if self.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        until, pause = time.monotonic() + seconds, _SHORTEST_S
        while not self._ended():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_S)
        return True

    def _ended(self) -> bool:
        with self._lock:
            if self.returncode is None:
                try:
                    pid, status = os.waitpid(self._pid, os.WNOHANG)
                except ChildProcessError:  # a worker waits for whoever ends
                    self.returncode = 0
                else:
                    self.returncode = os.waitstatus_to_exitcode(status) if pid else None
            return self.returncode is not None
