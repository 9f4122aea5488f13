"""bare_acts.py open|connect guarded|bare: prints the processor seconds of one act, the least of several."""

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

_TIMES = 20_000
_GOES = 9


def _open() -> None:
    open("/dev/null").close()  # noqa: PTH123  (that is what is measured)


def main(act: str, guard: str) -> None:
    if guard == "guarded":
        _install()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    place = ("127.0.0.1", 9)
    do = _open if act == "open" else lambda: datagrams.connect(place)
    print(json.dumps({"seconds": min(_timed(do) for _ in range(_GOES))}))


def _timed(do: Callable[[], None]) -> float:
    began = time.thread_time()
    for _ in range(_TIMES):
        do()
    return (time.thread_time() - began) / _TIMES


def _install() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from loom.domain.enforcement import EnforcementContext
    from loom.enforcement.guarding.guard import RunGuard
    from loom.enforcement.judges.places import places_of

    context = EnforcementContext(digest="none")
    guard = RunGuard(context, worker_id="measured", agent=None, places=places_of(Path.cwd(), {}))
    with guard.inside():
        pass  # from here on it listens


main(*sys.argv[1:])
