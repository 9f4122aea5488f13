"""busy_apscheduler.py FOLDER SIZES: so many date jobs in an SQLAlchemy job store on SQLite, all due, for each
size.

Counted: from the moment at which the scheduler may run them until the last has ended. Adding is told
apart."""

import json
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text

MODES = ("OFF", "NORMAL", "FULL", "EXTRA")


def nothing() -> dict[str, str]:
    return {"summary": "nothing"}


def main(folder: str, sizes: str) -> None:
    logging.disable(logging.CRITICAL)
    ready = time.monotonic()
    told: dict[int, dict[str, Any]] = {}
    durability = ""
    for size in map(int, sizes.split(",")):
        store = SQLAlchemyJobStore(url=f"sqlite:///{Path(folder, f'apscheduler-{size}.db')}")
        told[size] = _measured(store, size)
        with store.engine.connect() as connection:
            journal = connection.execute(text("pragma journal_mode")).scalar()
            synchronous = connection.execute(text("pragma synchronous")).scalar()
        durability = f"SQLite, {journal.upper()}, synchronous {MODES[synchronous]}; results not kept"
    print(json.dumps({"ready_at_s": ready, "runs": told, "durability": durability}))


def _measured(store: SQLAlchemyJobStore, size: int) -> dict[str, Any]:
    ended = threading.Semaphore(0)
    values: list[object] = []

    def heard(event: JobExecutionEvent) -> None:
        values.append(event.retval if event.code == EVENT_JOB_EXECUTED else None)
        ended.release()

    scheduler = BackgroundScheduler(
        jobstores={"default": store}, executors={"default": ThreadPoolExecutor(10)}, timezone=UTC
    )
    scheduler.add_listener(heard, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    scheduler.start(paused=True)
    before = time.perf_counter()
    due = datetime.now(UTC)
    for _ in range(size):
        scheduler.add_job(nothing, "date", run_date=due, misfire_grace_time=None)
    began = time.perf_counter()
    scheduler.resume()
    for _ in range(size):
        ended.acquire()
    took = time.perf_counter() - began
    left = len(store.get_all_jobs())
    # The job's row is gone by now: to the store, that is the record that it ran.
    while left and time.perf_counter() < began + took + 60:
        time.sleep(0.01)
        left = len(store.get_all_jobs())
        took = time.perf_counter() - began
    recorded = min(sum(value == {"summary": "nothing"} for value in values), size - left)
    scheduler.shutdown()
    return {"seconds": took, "queued_s": began - before, "recorded": recorded}


main(*sys.argv[1:])
