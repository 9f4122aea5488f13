"""What the guard costs: where no worker runs, and for each request that passes it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Surcharge, environment
from tests.benchmarks.result import Result
from tests.benchmarks.room import Room
from tests.ground.shut import REPOSITORY

_FOLDER = Path(__file__).parent


def guarded_open(room: Room) -> Result:
    """`open` of /dev/null, in processes with the guard installed and no worker running, and without."""
    ours, theirs = _paired_acts("open", room.rounds)
    return Surcharge("open, guard installed", "without", ours, theirs, goal=1e-6).result()


def guarded_connect(room: Room) -> Result:
    """As `guarded_open`, for `socket.connect` (UDP, so that nobody has to answer)."""
    ours, theirs = _paired_acts("connect", room.rounds)
    return Surcharge("socket.connect, guard installed", "without", ours, theirs, goal=1e-6).result()


def guarded_request(room: Room) -> Result:
    """A GET through the guarded client inside a run, and through plain httpx, in turns, on kept-alive
    connections to a server in a process of its own."""
    with _server() as port:
        told = _python("guarded_requests.py", str(port), str(room.rounds * 200))
    return Surcharge(
        "guarded HTTP request", "plain httpx", tuple(told["ours"]), tuple(told["theirs"]), goal=25e-6
    ).result()


def _paired_acts(act: str, rounds: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    def seconds(guard: str) -> float:
        return float(_python("bare_acts.py", act, guard)["seconds"])

    pairs = [(seconds("guarded"), seconds("bare")) for _ in range(rounds)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def _python(program: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(_FOLDER / program), *arguments]
    said: dict[str, Any] = json.loads(
        subprocess.check_output(command, env=environment(), cwd=REPOSITORY, text=True)
    )
    return said


@contextmanager
def _server() -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, str(_FOLDER / "small_server.py")],
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
