"""What a worker starts is the worker's: its threads, what it gives to a pool, and what it leaves for the end.

Python's threads start with nothing of whoever started them (until 3.14), and the threads of a pool with what
was there when they were first needed. So what starts them is wrapped, once for the process.
"""

import _thread
import atexit
import concurrent.futures as futures
import functools
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from loom.enforcement.guarding.audit import Keeper, Loom, keeper, kept, of_thread


def install() -> None:
    """Wrap what starts threads, pool jobs and functions at exit, for the process; once is enough."""
    for module, name in (
        (_thread, "start_new_thread"),
        (_thread, "start_new"),
        (_thread, "start_joinable_thread"),
        (threading, "_start_new_thread"),
        (threading, "_start_joinable_thread"),
    ):
        if hasattr(module, name):
            setattr(module, name, _starting(getattr(module, name)))
    futures.ThreadPoolExecutor.submit = _submitting(futures.ThreadPoolExecutor.submit)  # type: ignore[method-assign]
    futures.Future.add_done_callback = _awaiting(futures.Future.add_done_callback)  # type: ignore[method-assign]
    atexit.register = _registering(atexit.register)


def _starting(start: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(start)
    def start_kept(function: Callable[..., Any], *rest: Any, **options: Any) -> Any:
        return start(_handed_on(function), *rest, **options)

    return start_kept


def _submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(submit)
    def submit_kept(pool: Any, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
        job = _handed_on(function)
        # A job of Loom's own may be the first of a worker's pool: the thread that it gets is the worker's.
        with of_thread():
            return submit(pool, job, *arguments, **options)

    return submit_kept


def _awaiting(await_: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(await_)
    def await_kept(future: Any, function: Callable[..., Any]) -> None:
        await_(future, _handed_on(function))

    return await_kept


def _registering(register: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(register)
    def register_kept(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        register(_handed_on(function), *arguments, **options)
        return function

    return register_kept


def _handed_on(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with whoever answers for it here. Loom's own errands too: a thread that they are run in may
    be a worker's."""
    by = keeper()
    return function if by is None else _Kept(by, function)


class _Kept:
    """A function that somebody answers for, wherever it is called, in the context it was handed over in."""

    def __init__(self, by: Keeper | Loom, function: Callable[..., Any]) -> None:
        self._by = by
        self._function = function
        self._context: Context = copy_context()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._context.run(self._call, arguments, options)

    def __eq__(self, other: object) -> bool:
        return self is other or self._function == other  # for atexit.unregister

    def __hash__(self) -> int:
        return hash(self._function)

    def _call(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        with kept(self._by):
            return self._function(*arguments, **options)
