"""Alerts as JSON lines in a file."""

import fcntl
import os
import stat
import time
from collections.abc import Container
from pathlib import Path

from loom.alerts.payload import encode
from loom.domain.alert import EVERY_EVENT, Alert, Event
from loom.errors import DeliveryFailed

_LOCK_TRIES = 100
_LOCK_WAIT = 0.02


class FileHook:
    """path: absolute; its folders are made when they are missing."""

    def __init__(self, path: Path, *, name: str = "file", events: Container[Event] = EVERY_EVENT) -> None:
        self.name = name
        self._path = path
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """Append one line and wait until it is on the disk. Raises DeliveryFailed."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # For reading too: the last byte is looked at, and a pipe opens without waiting for a reader.
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(self._path, flags, 0o644)
            try:
                _lock(handle)
                _append(handle, encode(alert) + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            why = error.strerror or str(error)
            raise DeliveryFailed(
                f"{self._path} can't be written: {why}; make it writable or change 'path'"
            ) from error


def _lock(handle: int) -> None:
    """Wait for another Loom that is writing to the same file, but not for ever."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_WAIT)
        else:
            return
    raise OSError(f"another process has been writing for {_LOCK_TRIES * _LOCK_WAIT:g} s")


def _append(handle: int, line: bytes) -> None:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it isn't a regular file")
    if status.st_size and os.pread(handle, 1, status.st_size - 1) != b"\n":
        # A write that was cut short (a full disk) left half a line: what follows must stay readable.
        line = b"\n" + line
    # One write: with O_APPEND not even a writer that knows no lock can come in between.
    if os.write(handle, line) != len(line):
        raise OSError("only part of the line could be written, the disk may be full")
    os.fsync(handle)
