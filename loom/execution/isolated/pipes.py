"""The ends of pipes in a worker's process, whose code may close any descriptor or give it to another file."""

import errno
import os
import threading

from loom.execution.capture import RunLog
from loom.execution.isolated.frames import frame


class Pipe:
    """An end of a pipe as long as its descriptor is still that pipe's."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._is = os.fstat(handle)

    def fileno(self) -> int:
        """Raises OSError when the descriptor is closed or another file's."""
        if not os.path.samestat(os.fstat(self._handle), self._is):
            raise OSError(errno.EBADF, "the descriptor is another file's now")
        return self._handle

    def write(self, data: bytes) -> None:
        """All of it. Raises OSError."""
        while data:
            data = data[os.write(self.fileno(), data) :]


class Channel:
    """Frames to Loom. Safe to use from several threads; safe frames also from several processes."""

    def __init__(self, handle: int) -> None:
        self._pipe = Pipe(handle)
        self._lock = threading.RLock()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Raises OSError when the worker's code has closed the pipe, or Loom is gone."""
        whole = frame(kind, payload)
        with self._lock:
            self._pipe.write(whole)

    def forked(self) -> None:
        """In a copy of this process: whoever held the lock isn't here."""
        self._lock = threading.RLock()


class PipeLog(RunLog):
    """A run's log that keeps nothing and passes everything on, to where programs that the worker starts
    write too. What can't be written is lost, as with any program whose output is closed.

    handle: the pipe's descriptor, of which 1 is another as long as the worker's code leaves it alone.
    name, began: as for RunLog.
    """

    def __init__(self, handle: int, name: str, began: float) -> None:
        from time import monotonic

        super().__init__(name, monotonic, began=began)
        self._pipes = [Pipe(handle), Pipe(1)]

    def _take(self, data: bytes) -> None:
        for pipe in self._pipes:
            try:
                pipe.write(data)
            except OSError:
                continue
            return

    def forked(self) -> None:
        """In a copy of this process: whoever held the lock isn't here."""
        self._lock = threading.RLock()
