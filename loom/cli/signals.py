"""SIGINT, SIGTERM and SIGHUP while a tick works: the first asks it to stop, a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from loom.errors import ExitCode
from loom.runner.request import Stop

_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}
_DONE = b"\0"  # no signal's number


@contextmanager
def obeying(stop: Stop, say: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile these signals go to `stop`; afterwards they do what they did before. One that is ignored, as
    SIGHUP is under nohup, stays so. For the main thread.

    A thread of its own reads them as they arrive: the main one may be waiting inside SQLite or git, where
    Python runs no signal handler. say: called in that thread, with what a person should know.
    """
    heard, written = os.pipe()
    os.set_blocking(written, False)
    heeded = [number for number in _CODES if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, _left_to_the_listener) for number in heeded}
    before = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    copies = _Copies(heeded)
    listener = threading.Thread(target=_listen, args=(heard, stop, say), name="loom signals", daemon=True)
    listener.start()
    try:
        yield
    finally:
        copies.end()
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        # A word, not the pipe's end alone: a worker's code may have made itself copies of what is open.
        with suppress(BlockingIOError):
            os.write(written, _DONE)
        os.close(written)
        listener.join()
        os.close(heard)


class _Copies:
    """What a worker makes of this process by forking isn't Loom: it ends when told to, unheard."""

    def __init__(self, heeded: Sequence[signal.Signals]) -> None:
        self._heeded = heeded
        self._masks: dict[int, set[int]] = {}
        self._over = False
        os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._let_go)

    def end(self) -> None:
        self._over = True

    def _hold(self) -> None:
        # What is sent to the copy at once waits until it has handlers of its own.
        self._masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, self._heeded)

    def _release(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.pop(threading.get_ident()))

    def _let_go(self) -> None:
        if not self._over:
            signal.set_wakeup_fd(-1)
            for number in self._heeded:
                signal.signal(number, signal.SIG_DFL)
        self._release()


def _left_to_the_listener(signum: int, frame: FrameType | None) -> None:
    """Python tells the listener only of signals that have a handler."""


def _listen(heard: int, stop: Stop, say: Callable[[str], None]) -> None:
    while (received := os.read(heard, 1)) not in (b"", _DONE):
        number = received[0]
        if number not in _CODES:
            continue
        code = _CODES[signal.Signals(number)]
        if stop.asked and number == signal.SIGHUP:
            continue  # a terminal that closes may send it more than once
        if stop.asked:
            # The ledger holds what was claimed and started, which is all that the next tick needs.
            os._exit(code)
        name = signal.Signals(number).name
        stop.ask(f"stopped by {name}", code)
        say(
            f"{name}: stopping; runs are asked to end, and what they did is recorded. Once more ends at once."
        )
