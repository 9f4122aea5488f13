"""busy_dagster.py FOLDER SIZES: so many runs in this process of a job with one no-op op, for each size,
recorded by a persistent instance in FOLDER.

Counted: from the first `execute_in_process` to the end of the last."""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import dagster

MODES = ("OFF", "NORMAL", "FULL", "EXTRA")


@dagster.op
def nothing() -> dict[str, str]:
    return {"summary": "nothing"}


@dagster.job
def busy() -> None:
    nothing()


def main(folder: str, sizes: str) -> None:
    home = Path(folder, "home")
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    logging.disable(logging.CRITICAL)
    with dagster.DagsterInstance.get() as instance:
        instance.get_runs_count()
        ready = time.monotonic()
        told: dict[int, dict[str, Any]] = {}
        for size in map(int, sizes.split(",")):
            before = instance.get_runs_count()
            began = time.perf_counter()
            results = [busy.execute_in_process(instance=instance) for _ in range(size)]
            took = time.perf_counter() - began
            kept = dagster.RunsFilter(statuses=[dagster.DagsterRunStatus.SUCCESS])
            recorded = min(
                instance.get_runs_count(kept) - before,
                sum(each.output_for_node("nothing") == {"summary": "nothing"} for each in results),
            )
            told[size] = {"seconds": took, "recorded": recorded}
    print(json.dumps({"ready_at_s": ready, "runs": told, "durability": _durability(home)}))


def _durability(home: Path) -> str:
    import sqlite3

    # How SQLite comes, which Dagster leaves as it is.
    with sqlite3.connect(home / "history" / "runs.db") as db:
        journal = db.execute("pragma journal_mode").fetchone()[0]
        synchronous = db.execute("pragma synchronous").fetchone()[0]
    return f"SQLite, {journal.upper()}, synchronous {MODES[synchronous]}; a file of events for each run"


main(*sys.argv[1:])
