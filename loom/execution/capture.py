"""RunLog: what one run said, bounded. Written to by several threads, read once."""

import logging
import threading
from collections.abc import Callable
from typing import Any

KEPT_EACH_END = 32 * 1024


class RunLog:
    """The first 32 KB and the last 32 KB of what a run logs and prints.

    `logger` belongs to this run alone: it is in no registry of loggers, and passes nothing on. Each line
    that is logged starts with the seconds since the run began and the level; printed text is kept as it is.
    """

    def __init__(
        self,
        name: str,
        monotonic: Callable[[], float],
        *,
        began: float | None = None,
        keep: int = KEPT_EACH_END,
    ) -> None:
        self._monotonic = monotonic
        self._began = monotonic() if began is None else began
        self._keep = keep
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0
        self._at_line_start = True
        self._closed = False
        # What the collector comes upon in here may have something to say.
        self._lock = threading.RLock()
        self.logger = logging.Logger(name, logging.DEBUG)
        self.logger.addHandler(_ToRunLog(self))

    def write(self, text: str) -> None:
        """Append text as it is; dropped once the log is closed."""
        plain = str.__str__(text)  # a worker's own kind of text would run its code while the lock is held
        with self._lock:
            self._append(plain)

    def line(self, level: str, text: str) -> None:
        """Append a line that starts with the time since the run began, and the level."""
        since = self._monotonic() - self._began
        # Outside the lock: to read a worker's text may run its code, which may log in its turn.
        said = f"+{since:.3f}s {level:<7} {text}\n"
        with self._lock:
            if not self._at_line_start:
                self._append("\n")
            self._append(said)

    def close(self) -> None:
        """From now on nothing is added: a run that overran has said what counts."""
        with self._lock:
            self._closed = True

    def since(self, said: int) -> tuple[int, bytes, int]:
        """What was said after the first `said` bytes, for who reads along: how many bytes there are by
        now, the last of them, and how many in between aren't to be had."""
        with self._lock:
            everything = self._head + self._tail
            begin = len(self._head) + self._left_out if self._left_out else 0
            new = self._tail[max(0, said - begin) :] if self._left_out else everything[said:]
            return self.said, bytes(new), max(0, begin - said)

    @property
    def said(self) -> int:
        """How many bytes were said by now."""
        return len(self._head) + self._left_out + len(self._tail)

    def text(self) -> str:
        """What was said, with the number of bytes left out in the middle, if any."""
        with self._lock:
            tail = self._tail[-self._keep :]
            left_out = self._left_out + len(self._tail) - len(tail)
            head = bytes(self._head)
        if not left_out:
            return (head + tail).decode()
        # Each cut may have gone through a character. The dots tell masking where half a secret may stand.
        start, end = (part.decode(errors="ignore") for part in (head, tail))
        return f"{start}\n... {left_out:,} bytes left out ...\n{end}"

    def _append(self, text: str) -> None:
        if self._closed or not text:
            return
        self._at_line_start = text.endswith("\n")
        self._take(text.encode(errors="backslashreplace"))

    def _take(self, data: bytes) -> None:
        room = self._keep - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 4 * self._keep:
            surplus = len(self._tail) - self._keep
            del self._tail[:surplus]
            self._left_out += surplus


class UnlockedHandler(logging.Handler):
    """Holds no lock while a record is formatted: that runs a worker's code, and may hang."""

    def createLock(self) -> None:  # noqa: N802 - logging's name
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        # Python's own takes the lock, from 3.13 on without asking whether there is one.
        shown: Any = self.filter(record)
        if shown:
            # From 3.12 on a filter may put another record in its place.
            self.emit(shown if isinstance(shown, logging.LogRecord) else record)
        return bool(shown)


class _ToRunLog(UnlockedHandler):
    def __init__(self, log: RunLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        record_to(self._log, record, self)


def record_to(log: RunLog, record: logging.LogRecord, handler: logging.Handler) -> None:
    """Write a log record as a line; a record that can't be formatted is reported as logging reports it."""
    try:
        log.line(record.levelname, handler.format(record))
    except Exception:  # noqa: BLE001 - what a worker logs may fail when it is formatted
        handler.handleError(record)
