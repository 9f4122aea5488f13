"""What reaches beyond Python without an event of its own: wrapped, so that it raises one."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

_wrapped = False


def install() -> None:
    """Does it once for the process."""
    global _wrapped
    if _wrapped:
        return
    _wrapped = True
    import _posixsubprocess
    import sqlite3

    sqlite3.connect = sqlite3.dbapi2.connect = _announcing(sqlite3.connect)
    os.mkfifo = _announced("loom.mkfifo", os.mkfifo, _making)
    os.mknod = _announced("loom.mkfifo", os.mknod, _making)
    # How `multiprocessing` starts Python anew. `subprocess` has events of its own, and its own hold of this.
    _posixsubprocess.fork_exec = _announced("loom.fork_exec", _posixsubprocess.fork_exec, _starting)


def _announced(
    event: str, function: Callable[..., Any], told: Callable[..., tuple[Any, ...]]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def announce_and_do(*arguments: Any, **options: Any) -> Any:
        sys.audit(event, *told(*arguments, **options))
        return function(*arguments, **options)

    return announce_and_do


def _announcing(connect: Callable[..., Any]) -> Callable[..., Any]:
    """SQLite tells of a connection when nothing can be done with it yet."""

    @functools.wraps(connect)
    def connect_and_announce(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **options)
        sys.audit("loom.database", connection)
        return connection

    return connect_and_announce


def _making(path: Any, *rest: Any, dir_fd: int | None = None, **options: Any) -> tuple[Any, ...]:  # noqa: ARG001
    return path, -1 if dir_fd is None else dir_fd


def _starting(arguments: Any, programs: Any, *rest: Any) -> tuple[Any, ...]:
    """As `subprocess.Popen` tells it. rest: close_fds, pass_fds, cwd, env, and what doesn't matter here."""
    cwd, env = (*rest[2:4], None, None)[:2]
    return programs[0], arguments, cwd, env
