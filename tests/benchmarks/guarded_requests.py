"""guarded_requests.py PORT TIMES: prints the processor seconds of so many requests by the guarded client
and by plain httpx, in turns, each for another page of the same."""

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from loom.domain.enforcement import EnforcementContext
from loom.domain.rules import HttpAllowance, HttpRule
from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.judges.places import places_of
from loom.enforcement.reading.loader import load

_WARM_UP = 100


def main(port: str, times: str) -> None:
    base = f"http://127.0.0.1:{port}/crm/v3/objects/contacts"
    allowed = HttpAllowance(("GET", "HEAD"), ("/crm/v3/objects/*/*", "/crm/v3/objects/*/search"))
    rule = HttpRule(id="measured", why="It is measured.", hosts=(f"127.0.0.1:{port}",), allow=(allowed,))
    shipped = load(Path(__file__).parents[2] / "enforcement")
    context = EnforcementContext(digest="none", rules=(*shipped.rules, rule))
    places = places_of(Path.cwd(), {})
    guard = RunGuard(context, worker_id="relationship-sentinel", agent="Sentinel", places=places)
    ours: list[float] = []
    theirs: list[float] = []
    with httpx.Client(trust_env=False) as plain:
        guarded = guard.http()
        for turn in range(int(times) + _WARM_UP):
            # Each goes first as often as the other: what one has just done the other finds in the caches.
            taken = {}
            for client in (guarded, plain) if turn % 2 else (plain, guarded):
                url = f"{base}/search?limit=100&after={turn}{'g' if client is guarded else 'p'}"
                with guard.inside() if client is guarded else nullcontext():
                    taken[client] = _timed(client, url)
            mine, other = taken[guarded], taken[plain]
            if turn >= _WARM_UP:
                ours.append(mine)
                theirs.append(other)
    print(json.dumps({"ours": ours, "theirs": theirs}))


def _timed(client: httpx.Client, url: str) -> float:
    # Of the processor: how long the server takes is its own affair, and the machine's.
    began = time.thread_time()
    client.get(url)
    return time.thread_time() - began


main(*sys.argv[1:])
