"""The life of a project, many times over: `machine --examples 500 --steps 60 [--seed N] [--sqlite]`.

Ends with the seed, what was lived through, and how long it took; a broken promise is printed as the shortest
list of steps that breaks it.
"""

import argparse
import os
import time
import traceback

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.life.machine import Life, LifeInSqlite


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="how many lives")
    parser.add_argument("--steps", type=int, default=60, help="steps in each")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--sqlite", action="store_true", help="with the ledger in a file")
    options = parser.parse_args(argv)
    kind = LifeInSqlite if options.sqlite else Life
    print(f"machine: seed {options.seed}", flush=True)
    began, broken = time.monotonic(), False
    try:
        run_state_machine_as_test(
            seed(options.seed)(kind),
            settings=settings(
                max_examples=options.examples,
                stateful_step_count=options.steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception:  # noqa: BLE001  (a broken promise, or whatever else came of a step)
        traceback.print_exc()
        broken = True
    lived = ", ".join(f"{number:,} {name}" for name, number in kind.figures.items())
    print(
        f"machine: {'BROKEN' if broken else 'every promise held'}; {lived}; {time.monotonic() - began:.0f} s"
    )
    return int(broken)
