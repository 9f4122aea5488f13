"""Audit: each act of Python's that reaches beyond it is put to whoever answers for it, and may be stopped.

Whose act it is shows in a context variable, which tasks inherit, and in the thread, which the variable alone
could be lost from. What belongs to nobody is Loom's own.
"""

import sys
from contextlib import AbstractContextManager
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


class _answering:  # noqa: N801  (a context manager, read as a verb; as a class it is a third of the cost)
    __slots__ = ("_token", "_who")

    def __init__(self, who: Keeper | Loom | None) -> None:
        self._who = who

    def __enter__(self) -> None:
        self._token = _keeper.set(self._who)

    def __exit__(self, *_: object) -> None:
        _keeper.reset(self._token)


class _owning:  # noqa: N801  (as above)
    __slots__ = ("_before", "_by", "_thread", "_token")

    def __init__(self, by: Keeper) -> None:
        self._by = by

    def __enter__(self) -> None:
        self._thread = get_ident()
        self._before = _of_thread.get(self._thread)
        _of_thread[self._thread] = self._by
        self._token = _keeper.set(self._by)

    def __exit__(self, *_: object) -> None:
        _keeper.reset(self._token)
        if self._before is None:
            del _of_thread[self._thread]
        else:
            _of_thread[self._thread] = self._before


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
