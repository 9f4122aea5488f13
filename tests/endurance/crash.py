"""The crash matrix at length: ticks killed, and hit by errors, at every place they pass, on SQLite and on a
state branch; the ticks that come to mend it killed as well; and after each round the judge's word.

    python -m tests.endurance crash --rounds 1000 [--seed N] [--kind kill|error|both] [--branch SHARE]

The folders and databases lie in the system's temporary folder; TMPDIR names another, such as one in memory.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator

from tests.crash.company import Company, ground
from tests.crash.drawing import draw, survey
from tests.crash.rounds import Figures, Round


def main(argv: list[str]) -> int:
    asked = _asked(argv)
    kinds = ("kill", "error") if asked.kind == "both" else (asked.kind,)
    started = time.monotonic()
    total = Figures()

    def seen(round_: Round, figures: Figures) -> None:
        total.add(figures)
        for complaint in figures.complaints:
            print(f"\n{round_}\n    {complaint}", flush=True)
        if total.rounds % 20 == 0 or figures.complaints:
            print(f"{time.monotonic() - started:6.0f} s  {total}", flush=True)

    print(f"seed {asked.seed}", flush=True)
    with ground() as (folder, environ), Company(folder, environ, asked.players) as company:
        rng = random.Random(asked.seed)  # noqa: S311  (to be drawn again)
        grounds: list[Iterator[Round]] = [
            draw(rng, survey(company.stages[0], branch=branch), kinds, branch=branch)
            for branch in (False, True)
        ]
        rounds = (next(grounds[rng.random() < asked.branch]) for _ in itertools.count())
        company.play(itertools.islice(rounds, asked.rounds), seen)
    print(f"{total}; seed {asked.seed}, {time.monotonic() - started:.0f} s")
    return 1 if total.complaints else 0


def _asked(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--kind", choices=("kill", "error", "both"), default="both")
    parser.add_argument("--branch", type=float, default=0.2, help="the share of rounds on a state branch")
    parser.add_argument("--players", type=int, default=2, help="how many rounds at a time")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
