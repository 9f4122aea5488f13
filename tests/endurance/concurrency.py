"""Many ticks at once, round after round: on one SQLite ledger, then over a state branch with several clones.

    python -m tests.endurance concurrency --rounds 200 --processes 8 [--clones 4 --branch-rounds 10]
        [--deaths SHARE] [--seed N]

Real processes, released together; the workers write down what they do, and the judge holds the ledger
against it. In a share of the rounds every other tick is killed at work, if it gets any.
"""

import argparse
import random
import sys
import time

from tests.crash.company import ground
from tests.crash.driving import Driver
from tests.crash.racing import race
from tests.crash.rounds import Figures


def main(argv: list[str]) -> int:
    asked = _asked(argv)
    rng = random.Random(asked.seed)  # noqa: S311  (to be drawn again)
    print(f"seed {asked.seed}", flush=True)
    bad = 0
    with ground() as (folder, environ), Driver(environ) as driver:
        for clones, rounds in ((0, asked.rounds), (asked.clones, asked.branch_rounds)):
            if rounds == 0:
                continue
            what = f"{clones} clones of one remote" if clones else "one SQLite ledger"
            processes = clones or asked.processes
            started = time.monotonic()

            def seen(figures: Figures, what: str = what, started: float = started) -> None:
                if figures.rounds % 20 == 0:
                    print(f"{time.monotonic() - started:6.0f} s  {what}: {figures.rounds} rounds", flush=True)

            total = race(
                driver,
                folder / f"{clones}",
                rounds=rounds,
                processes=processes,
                clones=clones,
                deaths=asked.deaths,
                rng=rng,
                seen=seen,
            )
            for complaint in total.complaints:
                print(f"    {complaint}")
            print(f"{processes} ticks at once on {what}, {time.monotonic() - started:.0f} s: {total}")
            bad += len(total.complaints)
    return 1 if bad else 0


def _asked(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance concurrency", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--clones", type=int, default=4)
    parser.add_argument("--branch-rounds", type=int, default=10)
    parser.add_argument("--deaths", type=float, default=0.0, help="the share of rounds in which ticks die")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
