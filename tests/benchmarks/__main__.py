"""Measure, print each ratio beside its goal, and end with 1 if a goal was missed."""

import argparse
import compileall
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.dashboard import shown
from tests.benchmarks.guard import guarded_connect, guarded_open, guarded_request
from tests.benchmarks.measure import Comparison, Surcharge
from tests.benchmarks.ticks import busy_tick, crowded_tick, idle_tick
from tests.ground.command import PROGRAM
from tests.ground.shut import REPOSITORY

MEASUREMENTS: dict[str, Callable[..., Comparison | Surcharge]] = {
    "idle": idle_tick,
    "crowded": crowded_tick,
    "busy": busy_tick,
    "open": guarded_open,
    "connect": guarded_connect,
    "request": guarded_request,
    "dashboard": shown,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="measured rounds, after one to warm up")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="default: all of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every raw number there")
    parser.add_argument("--folder", type=Path, help="where projects are built; default: a temporary folder")
    options = parser.parse_args()
    # Bytecode is there on any machine that runs Loom more than once.
    compileall.compile_dir(REPOSITORY / "loom", quiet=1)
    comparisons: list[Comparison | Surcharge] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in options.only or MEASUREMENTS:
            comparison = MEASUREMENTS[name](Path(folder), rounds=options.rounds)
            comparisons.append(comparison)
            print(comparison, flush=True)
    if options.json:
        options.json.write_text(json.dumps(report(comparisons), indent=2) + "\n", encoding="utf-8")
    return 0 if all(comparison.reached for comparison in comparisons) else 1


def report(comparisons: list[Comparison | Surcharge]) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "command": PROGRAM,
        "comparisons": [comparison.as_json() for comparison in comparisons],
    }


if __name__ == "__main__":
    sys.exit(main())
