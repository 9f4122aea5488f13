"""Audit: each act of Python's that reaches beyond it is put to whoever answers for it, and may be stopped.

Whose act it is shows in a context variable, which tasks inherit, and in the thread, which the variable alone
could be lost from. What belongs to nobody is Loom's own.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from threading import get_ident
from typing import Any, Final, Protocol

from loom.enforcement.guarding.events import EVENTS
from loom.enforcement.guarding.plain import plain


class Keeper(Protocol):
    """Answers for what one worker does."""

    def consider(self, event: str, arguments: tuple[Any, ...]) -> BaseException | None:
        """What to raise instead of the act that an event of `events.EVENTS` announces; None to let it be."""


class Loom:
    """In a worker's place: Loom answers for itself."""


LOOM: Final = Loom()
_keeper: ContextVar[Any] = ContextVar("loom_keeper", default=None)
_of_thread: dict[int, Keeper] = {}
_of_process: Keeper | None = None


def keeper() -> Keeper | Loom | None:
    """Who answers for what this thread, or task, does; LOOM where Loom works for a worker that waits, None
    where no worker is about."""
    found: Keeper | Loom | None = _keeper.get()
    return _of_thread.get(get_ident(), _of_process) if found is None else found


def install() -> None:
    """Listen from now on, for as long as the process lives: Python has no way back. Once is enough."""
    sys.addaudithook(_hear)


def keep_process(whole: Keeper) -> None:
    """From now on `whole` answers for all in this process that nobody else answers for."""
    global _of_process
    _of_process = whole


def kept(by: Keeper | Loom) -> AbstractContextManager[None]:
    """Within, `by` answers for what this thread does; LOOM: it is Loom's own doing, though a worker waits."""
    return _answering(by) if isinstance(by, Loom) else _owning(by)


def of_thread() -> AbstractContextManager[None]:
    """Within, whoever this thread belongs to answers for what it does, though it does it for another."""
    return _answering(None)


@contextmanager
def _answering(who: Keeper | Loom | None) -> Iterator[None]:
    token = _keeper.set(who)
    try:
        yield
    finally:
        _keeper.reset(token)


@contextmanager
def _owning(by: Keeper) -> Iterator[None]:
    thread = get_ident()
    before = _of_thread.get(thread)
    _of_thread[thread] = by
    try:
        with _answering(by):
            yield
    finally:
        if before is None:
            del _of_thread[thread]
        else:
            _of_thread[thread] = before


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    # This is called for all that Python does; where no worker runs it must cost next to nothing.
    if not _of_thread and _of_process is None:
        return
    if event not in EVENTS:
        return
    found = _keeper.get()
    if found is None:
        found = _of_thread.get(get_ident(), _of_process)
    if found is None or found is LOOM:
        return
    told = plain(arguments)
    token = _keeper.set(LOOM)
    try:
        trouble = found.consider(event, told)
    finally:
        _keeper.reset(token)
    if trouble is not None:
        raise trouble
