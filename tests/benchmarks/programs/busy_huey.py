"""busy_huey.py FOLDER SIZES [fsync]: so many no-op tasks through a consumer of SqliteHuey, for each size.

Counted: the consumer from its start until the last task is done and its result stored. Queueing is told
apart."""

import json
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from huey.signals import SIGNAL_COMPLETE

MODES = ("OFF", "NORMAL", "FULL", "EXTRA")


def main(folder: str, sizes: str, *options: str) -> None:
    logging.disable(logging.CRITICAL)
    ready = time.monotonic()
    told: dict[int, dict[str, Any]] = {}
    durability = ""
    for size in map(int, sizes.split(",")):
        keeping = {"fsync": True} if "fsync" in options else {}
        huey = SqliteHuey("busy", filename=str(Path(folder, f"huey-{size}.db")), **keeping)
        told[size] = _measured(huey, size)
        journal = huey.storage.sql("pragma journal_mode", results=True)[0][0]
        synchronous = huey.storage.sql("pragma synchronous", results=True)[0][0]
        durability = f"SQLite, {journal.upper()}, synchronous {MODES[synchronous]}"
    print(json.dumps({"ready_at_s": ready, "runs": told, "durability": durability}))


def _measured(huey: SqliteHuey, size: int) -> dict[str, Any]:
    done = threading.Semaphore(0)

    @huey.task()
    def nothing() -> dict[str, str]:
        return {"summary": "nothing"}

    # Told after the result is stored.
    @huey.signal(SIGNAL_COMPLETE)
    def completed(signal: str, task: Any) -> None:
        done.release()

    before = time.perf_counter()
    results = [nothing() for _ in range(size)]
    began = time.perf_counter()
    consumer = huey.create_consumer(workers=1, periodic=False, check_worker_health=False)
    consumer.start()
    for _ in range(size):
        done.acquire()
    took = time.perf_counter() - began
    consumer.stop()
    for worker, _ in consumer.worker_threads:
        worker.stop_flag.set()
    recorded = sum(result.get(preserve=True) == {"summary": "nothing"} for result in results)
    return {"seconds": took, "queued_s": began - before, "recorded": recorded}


main(*sys.argv[1:])
