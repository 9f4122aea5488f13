"""What reaches beyond Python without an event of its own: wrapped, so that it raises one."""

import contextlib
import functools
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from loom.enforcement.guarding.paths import links_themselves, opened_from


def install() -> None:
    """For the process; once is enough."""
    import _posixsubprocess
    import _thread
    import faulthandler
    import posix
    import signal
    import socket
    import sqlite3

    sqlite3.connect = sqlite3.dbapi2.connect = _announcing(sqlite3.connect)
    os.open = posix.open = _opening(os.open)
    os.mkfifo = _announced("loom.mkfifo", os.mkfifo, _making)
    os.mknod = _announced("loom.mkfifo", os.mknod, _making)
    os.lchown = _about_links(os.lchown)
    known = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks)
    for name in ("utime", "chown", "setxattr", "removexattr"):
        if hasattr(os, name):
            plain = getattr(os, name)
            setattr(os, name, _following(plain))
            for able in known:
                if plain in able:
                    able.add(getattr(os, name))
    os.supports_dir_fd |= {os.open, os.mkfifo, os.mknod}
    os.posix_spawn, os.posix_spawnp = _spawning(os.posix_spawn), _spawning(os.posix_spawnp)
    os._exit = _announced("loom.exit", os._exit, lambda _status: ())
    os.abort = _announced("loom.exit", os.abort, lambda: ())
    signal.raise_signal = _announced("os.kill", signal.raise_signal, lambda number: (os.getpid(), number))
    _thread.interrupt_main = _announced("os.kill", _thread.interrupt_main, _interrupting)
    os.closerange = posix.closerange = _announced(
        "loom.closerange", os.closerange, lambda low, high: (low, high)
    )
    faulthandler.dump_traceback_later = _announced(
        "loom.exit_later", faulthandler.dump_traceback_later, _exiting
    )
    signal.alarm = _announced("loom.alarm", signal.alarm, lambda seconds: (seconds,))
    signal.setitimer = _announced("loom.alarm", signal.setitimer, lambda _which, seconds, *_again: (seconds,))
    if hasattr(signal, "pidfd_send_signal"):
        signal.pidfd_send_signal = _announced("os.kill", signal.pidfd_send_signal, _signalling)
    socket.socket.listen = _announced("loom.listen", socket.socket.listen, lambda self, *_backlog: (self,))  # type: ignore[method-assign]
    socket.getaddrinfo = _telling(socket.getaddrinfo)
    sys.meta_path.insert(0, _Announcer())
    # How `multiprocessing` starts Python anew. `subprocess` has events of its own, and its own hold of this.
    _posixsubprocess.fork_exec = _announced("loom.fork_exec", _posixsubprocess.fork_exec, _starting)
    # Python 3.12 dies of a refusal while it makes another interpreter. From 3.13 on it tells of that within
    # the other one, where nobody hears.
    if sys.version_info >= (3, 12):
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        with contextlib.suppress(ImportError):
            interpreters: Any = importlib.import_module(name)
            interpreters.create = _announced(
                "cpython.PyInterpreterState_New", interpreters.create, lambda *_given, **_more: ()
            )


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


def _telling(look_up: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    @functools.wraps(look_up)
    def look_up_and_tell(host: Any, *arguments: Any, **options: Any) -> list[Any]:
        found = look_up(host, *arguments, **options)
        sys.audit("loom.told", host, [str(each[4][0]) for each in found])
        return found

    return look_up_and_tell


def _opening(open_: Callable[..., int]) -> Callable[..., int]:
    """The event of this one leaves out which folder the path is seen from."""

    @functools.wraps(open_)
    def open_from(*arguments: Any, dir_fd: int | None = None, **options: Any) -> int:
        if dir_fd is None:
            return open_(*arguments, **options)
        token = opened_from.set(dir_fd)
        try:
            return open_(*arguments, dir_fd=dir_fd, **options)
        finally:
            opened_from.reset(token)

    return open_from


def _following(change: Callable[..., None]) -> Callable[..., None]:
    """The events of these leave out whether a link is followed."""
    change_links = _about_links(functools.partial(change, follow_symlinks=False))

    @functools.wraps(change)
    def change_what_is_meant(*arguments: Any, follow_symlinks: bool = True, **options: Any) -> None:
        (change if follow_symlinks else change_links)(*arguments, **options)

    return change_what_is_meant


def _about_links(change: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(change)
    def change_links(*arguments: Any, **options: Any) -> None:
        token = links_themselves.set(True)
        try:
            change(*arguments, **options)
        finally:
            links_themselves.reset(token)

    return change_links


def _spawning(spawn: Callable[..., int]) -> Callable[..., int]:
    """What the program is to find open is opened by the system, once it is too late to ask."""

    @functools.wraps(spawn)
    def open_and_spawn(*arguments: Any, file_actions: Any = (), **options: Any) -> int:
        actions = tuple(file_actions or ())
        for kind, *rest in actions:
            if kind == os.POSIX_SPAWN_OPEN:
                sys.audit("open", rest[1], None, rest[2])
        return spawn(*arguments, file_actions=actions, **options)

    return open_and_spawn


def _making(path: Any, *rest: Any, dir_fd: int | None = None, **options: Any) -> tuple[Any, ...]:  # noqa: ARG001
    return path, -1 if dir_fd is None else dir_fd


def _exiting(timeout: float, repeat: bool = False, file: Any = None, exit: bool = False) -> tuple[Any, ...]:  # noqa: ARG001
    return (exit,)


def _interrupting(number: int = 2) -> tuple[Any, ...]:
    return os.getpid(), number


def _signalling(descriptor: int, number: int, *rest: Any) -> tuple[Any, ...]:  # noqa: ARG001
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as told:  # noqa: PTH123
        process = next((line.split()[1] for line in told if line.startswith("Pid:")), "0")
    return int(process), number


class _Announcer:
    """Finds no module, but is asked of each before others are: `importlib` raises no event."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG004
        sys.audit("loom.import", name)


def _starting(arguments: Any, programs: Any, *rest: Any) -> tuple[Any, ...]:
    """As `subprocess.Popen` tells it. rest: close_fds, pass_fds, cwd, env, and what doesn't matter here.
    programs: a name's places on the PATH, of which the first that is there is run."""
    cwd, env = (*rest[2:4], None, None)[:2]
    return next(filter(os.path.exists, programs), programs[0]), arguments, cwd, env
