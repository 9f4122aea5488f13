"""Measure Loom beside its peers, print a table for each question, and end with 1 if a goal was missed.

python -m tests.benchmarks --json FILE      all of it, the raw numbers into FILE
python -m tests.benchmarks --only busy      one question
python -m tests.benchmarks --show FILE      the tables of an earlier time, as Markdown; --short: as in README
"""

import argparse
import compileall
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.busy import busy_tick
from tests.benchmarks.dashboard import shown
from tests.benchmarks.footprint import footprint
from tests.benchmarks.growth import growth_of_history, growth_of_workers
from tests.benchmarks.guard import guarded_connect, guarded_open, guarded_request
from tests.benchmarks.idle import idle_tick
from tests.benchmarks.job import actions_job
from tests.benchmarks.lost_slots import lost_slots
from tests.benchmarks.peers import Peers
from tests.benchmarks.published import in_full, in_short
from tests.benchmarks.result import Result, duration
from tests.benchmarks.room import Room
from tests.benchmarks.slots import due_slots
from tests.ground.shut import REPOSITORY

MEASUREMENTS: dict[str, Callable[[Room], Result]] = {
    "slots": due_slots,
    "idle": idle_tick,
    "busy": busy_tick,
    "lost": lost_slots,
    "footprint": footprint,
    "job": actions_job,
    "history": growth_of_history,
    "workers": growth_of_workers,
    "open": guarded_open,
    "connect": guarded_connect,
    "request": guarded_request,
    "dashboard": shown,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=10, help="measured rounds, after one to warm up")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="default: all of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every raw number there")
    parser.add_argument("--folder", type=Path, help="where projects are built; default: a temporary folder")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="keep the peers' environments there")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: print what --json wrote")
    parser.add_argument("--short", action="store_true", help="with --show: what README carries of it")
    options = parser.parse_args()
    if options.show:
        kept = json.loads(options.show.read_text(encoding="utf-8"))
        print(in_short(kept) if options.short else in_full(kept), end="")
        return 0
    # Bytecode is there on any machine that runs Loom more than once.
    for package in ("loom", "tests"):
        compileall.compile_dir(REPOSITORY / package, quiet=1)
    # Without the folders, which say nothing to others.
    rounds = [f"--rounds {options.rounds}"] if options.rounds != parser.get_default("rounds") else []
    asked = " ".join(
        ["python -m tests.benchmarks", *(f"--only {name}" for name in options.only or ()), *rounds]
    )
    results: dict[str, Result] = {}
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        machine = described(Path(folder))
        print(machine, end="\n\n", flush=True)
        peers = Peers(options.peers.absolute() if options.peers else Path(folder, "peers"))
        for name in options.only or MEASUREMENTS:
            room = Room(Path(folder, name), peers, options.rounds)
            room.folder.mkdir(parents=True)
            results[name] = MEASUREMENTS[name](room)
            print(results[name], end="\n\n", flush=True)
            if options.json:  # after each, for all of them take their time
                kept = json.dumps(report(results, began, machine, asked), indent=1)
                options.json.write_text(kept + "\n", encoding="utf-8")
    return 0 if all(result.reached for result in results.values()) else 1


def report(results: dict[str, Result], began: datetime, machine: str, asked: str) -> dict[str, object]:
    return {
        "at": began.isoformat(timespec="seconds"),
        "command": asked,
        "machine": machine,
        "results": {name: result.as_json() for name, result in results.items()},
    }


def described(folder: Path) -> str:
    """What the figures were taken on. folder: on the disk that is measured."""
    with (folder / "commits").open("wb", buffering=0) as file:
        taken = []
        for _ in range(100):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; "
        f"to flush 4 KB to the disk takes {duration(statistics.median(taken))}"
    )


if __name__ == "__main__":
    sys.exit(main())
