"""While workers run: what they print and log goes to their own run's log, everything else where it went.

Which run speaks is a context variable, so tasks inherit it; threads inherit it because `Thread.start` hands
it on while anything runs. A thread pool's threads belong to the run that made them start: a pool that
several workers share should not be.
"""

import contextvars
import io
import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from loom.execution.capture import RunLog, UnlockedHandler, record_to

Streams = tuple[TextIO | None, TextIO | None]
"""`sys.stdout` and `sys.stderr`; None where there is none, as when it was closed from the start."""

_KEPT = 16

_speaking: contextvars.ContextVar[RunLog | None] = contextvars.ContextVar("loom_run_log", default=None)


def speak_into(log: RunLog | None) -> contextvars.Token[RunLog | None]:
    """From here on this thread's, or task's, printed text belongs to `log`."""
    return _speaking.set(log)


def speak_again(token: contextvars.Token[RunLog | None]) -> None:
    """Undo a `speak_into`."""
    _speaking.reset(token)


@contextmanager
def undisturbed() -> Iterator[None]:
    """For worker code outside any run, such as a module that is imported to be looked at: what it prints
    goes to stderr, and what it makes of `sys.stdout` and `sys.stderr` is undone."""
    if _speaking.get() is not None:
        yield
        return
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


class Diversion:
    """In place while anyone holds it: an executor, and each run whose threads still live."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._streams: Streams = (None, None)
        self._in_place: Streams = (None, None)
        # `print` doesn't hold on to the stream that it finds (python/cpython#130163): what was in place while
        # a worker printed must outlive that, so the newest are kept, and one is laid over a stream but once.
        self._laid: deque[_Diverted] = deque(maxlen=_KEPT)
        self._handler = _RootHandler()
        self._start = threading.Thread.start
        self._handing_on = self._start
        self._covered: list[logging.Handler] | None = None

    def hold(self) -> Streams:
        """Put it in place, also over streams and handlers that were put there since the last call. Returns
        the streams it lies over."""
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._hand_on()
            self._cover((sys.stdout, sys.stderr))
            return self._streams

    def release(self, found: Streams | None = None) -> None:
        """Take it away again, once nobody holds it. found: the streams to go back to, whatever workers have
        left in their place."""
        with self._lock:
            self._holders -= 1
            if found is not None:
                self._cover(found)
            if self._holders == 0:
                self._uncover()

    def _hand_on(self) -> None:
        self._start = threading.Thread.start
        self._handing_on = _handing_on(self._start)
        threading.Thread.start = self._handing_on  # type: ignore[method-assign]  # 3.11 threads inherit no context

    def _cover(self, streams: Streams) -> None:
        root = logging.getLogger()
        (out, err), before = streams, self._streams
        laid = out is self._in_place[0] and err is self._in_place[1]
        if not laid or not (_open(before[0]) is before[0] and _open(before[1]) is before[1]):
            self._streams = _open(_real(out)) or _open(before[0]), _open(_real(err)) or _open(before[1])
            self._in_place = self._diverted(self._streams[0]), self._diverted(self._streams[1])
            sys.stdout, sys.stderr = self._in_place
        if root.handlers == self._covered:
            return
        if self._handler not in root.handlers:
            root.addHandler(self._handler)
        for handler in root.handlers:
            if handler is not self._handler:
                handler.addFilter(_outside_runs)
        self._covered = list(root.handlers)

    def _diverted(self, stream: TextIO | None) -> TextIO | None:
        if stream is None:
            return None
        laid = next((each for each in self._laid if each._stream is stream), None)
        if laid is None:
            laid = _Diverted(stream)
            self._laid.append(laid)
        return cast(TextIO, laid)

    def _uncover(self) -> None:
        if threading.Thread.start is self._handing_on:
            threading.Thread.start = self._start  # type: ignore[method-assign]  # put back
        root = logging.getLogger()
        root.removeHandler(self._handler)
        for handler in root.handlers:
            handler.removeFilter(_outside_runs)
        self._covered, self._in_place = None, (None, None)
        # Whoever has replaced them since will put back what they found, and that passes text on.
        sys.stdout, sys.stderr = _real(sys.stdout), _real(sys.stderr)
        self._streams = (None, None)


def _real(stream: Any) -> TextIO | None:
    return stream._stream if isinstance(stream, _Diverted) else stream


def _open(stream: TextIO | None) -> TextIO | None:
    """None for a stream that is closed: whatever was there before is better."""
    try:
        closed = stream is not None and stream.closed
    except (AttributeError, ValueError):  # of a worker's own making, or detached
        closed = True
    return None if closed else stream


class _Diverted:
    """A text stream that asks at each write who is speaking."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        log = _speaking.get()
        if log is None:
            return self._stream.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        log.write(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if _speaking.get() is None:
            self._stream.flush()

    def close(self) -> None:
        if _speaking.get() is None:
            self._stream.close()

    def detach(self) -> Any:
        if _speaking.get() is None:
            return self._stream.detach()  # type: ignore[attr-defined]  # as TextIOWrapper has it
        raise io.UnsupportedOperation("a worker's output goes to its run's log, which lies on nothing else")

    def reconfigure(self, **changes: Any) -> None:
        if _speaking.get() is None:
            self._stream.reconfigure(**changes)  # type: ignore[attr-defined]  # as above

    def isatty(self) -> bool:
        return _speaking.get() is None and self._stream.isatty()

    def fileno(self) -> int:
        if _speaking.get() is None:
            return self._stream.fileno()
        raise io.UnsupportedOperation("a worker's output goes to its run's log, which is no file")

    @property
    def buffer(self) -> Any:
        log = _speaking.get()
        return self._stream.buffer if log is None else _Bytes(log)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Bytes(io.RawIOBase):
    def __init__(self, log: RunLog) -> None:
        self._log = log

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._log.write(bytes(data).decode(errors="replace"))
        return len(data)


class _RootHandler(UnlockedHandler):
    def emit(self, record: logging.LogRecord) -> None:
        log = _speaking.get()
        if log is not None:
            record_to(log, record, self)
            return
        # Without us there would be no handler at all, and Python would print warnings itself.
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and logging.getLogger().handlers == [self]:
            last.handle(record)


def _outside_runs(record: logging.LogRecord) -> bool:  # noqa: ARG001 - the shape of a logging filter
    return _speaking.get() is None


def _handing_on(start: Any) -> Any:
    def start_within(thread: threading.Thread) -> None:
        if _speaking.get() is not None:
            inherited = contextvars.copy_context()
            run = thread.run

            def run_within() -> None:
                # Set rather than entered: what the thread reports after its end belongs to the run too.
                for variable, value in inherited.items():
                    variable.set(value)
                try:
                    run()
                finally:
                    DIVERSION.release()

            thread.run = run_within  # type: ignore[method-assign]  # this one thread's
            DIVERSION.hold()
        start(thread)

    return start_within


DIVERSION = Diversion()
"""One for the process, as there is one `sys.stdout`."""
