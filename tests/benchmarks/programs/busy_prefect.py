"""busy_prefect.py FOLDER SIZES: so many runs of a no-op flow, one after another, for each size, against the
API that Prefect itself starts, on SQLite in FOLDER.

Counted: from the call of the first flow to the return of the last; the API is up by then. The flows are
asynchronous, since the end of a synchronous one waits up to a second for the thread of its heartbeat."""

import asyncio
import json
import logging
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {
    "PREFECT_HOME": str(Path(sys.argv[1], "home")),
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
}

from prefect import flow, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType


@flow(name="warm-up")
async def first() -> dict[str, str]:
    return {"summary": "nothing"}


@flow
async def nothing() -> dict[str, str]:
    return {"summary": "nothing"}


async def main(folder: str, sizes: str) -> None:
    logging.disable(logging.CRITICAL)
    await first()
    ready = time.monotonic()
    told: dict[int, dict[str, Any]] = {}
    for size in map(int, sizes.split(",")):
        before = _completed()
        began = time.perf_counter()
        results = [await nothing() for _ in range(size)]
        took = time.perf_counter() - began
        right = sum(result == {"summary": "nothing"} for result in results)
        told[size] = {"seconds": took, "recorded": min(_completed() - before, right)}
    print(json.dumps({"ready_at_s": ready, "runs": told, "durability": _durability()}))


def _completed() -> int:
    with get_client(sync_client=True) as client:
        wanted = {"state": {"type": {"any_": [StateType.COMPLETED]}}}
        asked = FlowRunFilter.model_validate(wanted).model_dump(mode="json")
        answer = client.request("POST", "/flow_runs/count", json={"flow_runs": asked})
        return int(answer.json())


def _durability() -> str:
    with sqlite3.connect(Path(os.environ["PREFECT_HOME"], "prefect.db")) as db:
        journal = db.execute("pragma journal_mode").fetchone()[0]
    # The API sets that for each of its own connections: it can't be asked for, but stands in its source.
    return f"SQLite, {journal.upper()}, synchronous NORMAL"


asyncio.run(main(*sys.argv[1:]))
