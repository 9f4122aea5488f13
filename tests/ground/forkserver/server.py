"""The process that commands are forks of: imports what they import, and forks for each.

Its arguments: the descriptor it is told through, the console script that each fork runs, and Python to run
once. It ends when nobody holds the other end of that descriptor any more.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import time
import types
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

_NOT_FOR_COMMANDS = ("loom.__main__", "loom.child", "loom.starter")
_WHEN_NEEDED = ("asyncio", "click._textwrap", "croniter", "httpx")
"""What commands import late, of which most need some."""
_RULES = Path(__file__).parents[3] / "enforcement"


class Order(NamedTuple):
    """streams: what are 0, 1 and 2 of the fork, and where its id and its exit code are told."""

    words: list[str]
    cwd: str
    environ: dict[str, str]
    streams: tuple[int, ...]


def get_ready() -> None:
    """Import all that a command may. Nothing of it may look at the environment, or start a thread."""
    import loom

    for module in pkgutil.walk_packages(loom.__path__, "loom."):
        if not module.name.startswith(_NOT_FOR_COMMANDS):
            importlib.import_module(module.name)
    for name in _WHEN_NEEDED:
        importlib.import_module(name)
    _make_what_is_made_once()
    gc.collect()
    gc.freeze()  # what is here already isn't looked through again, nor copied for that


def _make_what_is_made_once() -> None:
    """What every process makes when it first needs it, and would be made by each fork again: the patterns of
    the rules that are shipped, and how values are made."""
    from loom.domain.rules import OutputRule
    from loom.enforcement.judges.output import rule_on
    from loom.enforcement.reading.loader import load
    from loom.errors import EnforcementError

    with suppress(EnforcementError):  # tests of their own say what is wrong with them
        rule_on([rule for rule in load(_RULES).rules if isinstance(rule, OutputRule)], {})
    for name, module in list(sys.modules.items()):
        for each in list(vars(module).values()) if name.startswith("loom.") else ():
            if isinstance(each, type) and each.__init__.__qualname__.startswith("_first_init."):  # type: ignore[misc]
                with suppress(TypeError):
                    each()


def serve(control: socket.socket) -> Order | None:
    """Fork for each order. Returns it in the fork, and None here once nobody asks any more."""
    waker, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    waiting: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), waker], [], [])
        if waker in ready:
            os.read(waker, 4096)
            _tell_ends(waiting)
        if control.fileno() in ready:
            order = _hear(control)
            if order is None:
                return None
            pid = os.fork()
            if pid == 0:
                control.detach()
                return order
            *streams, told = order.streams
            for handle in streams:
                os.close(handle)
            waiting[pid] = told
            _tell(told, pid)


def become(order: Order) -> None:
    """Be as a process that was started with this order; its id is told already."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, handle in enumerate(order.streams[:3]):
        os.dup2(handle, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(order.environ)
    time.tzset()
    os.chdir(order.cwd)


def _hear(control: socket.socket) -> Order | None:
    head, handles, _, _ = socket.recv_fds(control, 8, 4)
    if not head:
        return None
    length, body = int.from_bytes(head), b""
    while len(body) < length:
        part = control.recv(length - len(body))
        if not part:
            return None  # whoever was asking has gone
        body += part
    said = json.loads(body)
    return Order(said["words"], said["cwd"], said["environ"], tuple(handles))


def _tell_ends(waiting: dict[int, int]) -> None:
    for pid in list(waiting):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            told = waiting.pop(pid)
            _tell(told, os.waitstatus_to_exitcode(status))
            os.close(told)


def _tell(handle: int, number: int) -> None:
    try:
        os.write(handle, f"{number}\n".encode())
    except BrokenPipeError:
        return  # whoever asked has gone


def main() -> None:
    control, script = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    sys.path[0] = str(Path(script).parent)  # where it is when the script itself is started
    get_ready()
    exec(sys.argv[3], {})  # noqa: S102  (what a test says)
    order = serve(control)
    if order is None:
        return
    become(order)
    sys.argv[:] = [script, *order.words]
    module = types.ModuleType("__main__")
    module.__file__ = script
    sys.modules["__main__"] = module
    try:
        exec(compile(Path(script).read_bytes(), script, "exec"), module.__dict__)  # noqa: S102  (as Python does)
    except SystemExit as end:
        if isinstance(end.code, int):
            leave(end.code)
        raise


def leave(code: int) -> NoReturn:
    """As Python ends, but for taking every module to pieces, which would take most of a fork's time."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
