"""The program that ticks: ``python -m tests.crash.driver``, a process that forks one for each tick.

It reads orders from stdin, a JSON list per line: ticks to be released at once. Each is the real command,
`loom.cli.main`, in a process of its own, which finds the rooms of Loom loaded and nothing else: no ledger, no
workers, no thread. The answer is a JSON list of how each ended: {"status", "out", "err", "passed"}.
"""

import importlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from tests.crash.mines import Mine, Mines
from tests.crash.wrapping import MinedConnection, deeds, mined, mined_connection
from tests.ground.forkserver.server import get_ready

sqlite3.connect = partial(mined_connection, sqlite3.connect)  # type: ignore[assignment]

PATIENCE_S = 300.0
HUNG = "hung"


def tick(order: dict[str, Any], go: int) -> NoReturn:
    """One tick, in the process that is to die of it."""
    folder = Path(order["folder"])
    for number, name in ((0, os.devnull), (1, folder / "out"), (2, folder / "err")):
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    os.environ.update(order["environ"])
    passed = os.open(folder / "passed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    mine = Mine(**order["mine"]) if order["mine"] else None
    mines = Mines(mine, passed, deeds(Path(order["project"]) / "told.jsonl"))
    lay(mines, order)
    os.read(go, 1)  # end of file: the gun
    from loom.cli import main

    main([*order["arguments"], "--json", "--project", order["project"]])


def lay(mines: Mines, order: dict[str, Any]) -> None:
    """What `loom.wiring` makes from now on, for whichever command, has mines in it."""
    from loom.wiring import parts as wiring

    real = wiring.parts_for
    makers = [module for module in sys.modules.values() if getattr(module, "parts_for", None) is real]
    bug = order["sabotage"]
    sabotage = getattr(importlib.import_module("tests.crash.sabotage"), bug) if bug else None

    def parts_for(*arguments: Any, **named: Any) -> Any:
        parts = real(*arguments, **named)
        return mined(sabotage(parts) if sabotage else parts, mines, timedelta(seconds=order["shift_s"]))

    for module in makers:
        module.parts_for = parts_for  # type: ignore[attr-defined]
    MinedConnection.mines = mines


def release(orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fork a tick for each order, let all go at once, and wait until every one is over."""
    go, held = os.pipe()
    started: list[int] = []
    for order in orders:
        pid = os.fork()
        if pid == 0:
            try:
                os.close(held)
                tick(order, go)
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(end.code if isinstance(end.code, int) else 1)
            except BaseException:  # noqa: BLE001  (nothing of a tick may go on in this program)
                sys.excepthook(*sys.exc_info())
                os._exit(99)
        started.append(pid)
    os.close(go)
    os.close(held)
    begun = time.monotonic()
    return [
        {"status": wait(pid, begun, order), **heard(Path(order["folder"]))}
        for pid, order in zip(started, orders, strict=True)
    ]


def wait(pid: int, begun: float, order: dict[str, Any]) -> int | str:
    """The exit code; negative for the signal that ended it; `HUNG` for one that had to be ended."""
    shot = order["shot_after_s"]
    deadline = begun + (PATIENCE_S if shot is None else shot)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if shot is None:
        return HUNG
    with (Path(order["folder"]) / "passed").open("a", encoding="ascii") as passed:
        passed.write("!\n")
    return os.waitstatus_to_exitcode(status)


def heard(folder: Path) -> dict[str, str]:
    return {
        name: (folder / name).read_text(encoding="utf-8", errors="replace")
        if (folder / name).exists()
        else ""
        for name in ("out", "err", "passed")
    }


def serve() -> None:
    get_ready()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(release(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
