"""Everything that others hand to Loom, damaged, until the time is up: nothing may be a bug of Loom's.

    python -m tests.endurance fuzz [--seconds 600] [--seed 1] [--target NAME]... [--again NAME:SEED:NUMBER]

The targets share the time. What went wrong is printed with the name by which `--again` tries it again.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fuzz.arguments import Arguments
from tests.fuzz.attempts import Tally, Target, Wrong, attempts, chance
from tests.fuzz.files import Registries, Rules
from tests.fuzz.lines import Lines
from tests.fuzz.outputs import Outputs
from tests.fuzz.projects import Projects
from tests.ground.nursery import Nursery
from tests.ground.shut import keep_this_process_in, shut

TARGETS: dict[str, Callable[[Path, Nursery], Target]] = {
    "registry": lambda folder, _: Registries(folder),
    "rules": lambda folder, _: Rules(folder),
    "projects": Projects,
    "outputs": Outputs,
    "lines": Lines,
    "arguments": Arguments,
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance fuzz")
    parser.add_argument("--seconds", type=float, default=600.0, metavar="N")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--again", metavar="NAME:SEED:NUMBER", help="one attempt that went wrong")
    given = parser.parse_args(argv)
    keep_this_process_in()
    with tempfile.TemporaryDirectory(prefix="loom-fuzz-") as temporary:
        home = Path(temporary) / "home"
        home.mkdir()
        with shut(home=home, report=home.with_suffix(".report"), own_clock=True):
            if given.again:
                return _again(given.again, Path(temporary))
            names = given.target or list(TARGETS)
            return _all(names, given.seed, given.seconds / len(names), Path(temporary))


def _all(names: Sequence[str], seed: str, seconds: float, folder: Path) -> int:
    tallies: dict[str, Tally] = {}
    for name in names:
        (folder / name).mkdir()
        with Nursery(os.environ) as nursery:
            target = TARGETS[name](folder / name, nursery)
            tallies[name] = attempts(target, f"{name}:{seed}", seconds=seconds)
        print(f"{name}: {tallies[name]}", flush=True)
        for attempt, what in tallies[name].wrong:
            print(f"WRONG {attempt}: {what}\n", flush=True)
    total, wrong = (
        sum(each) for each in zip(*((t.attempts, len(t.wrong)) for t in tallies.values()), strict=True)
    )
    print(f"targets {len(tallies)}, attempts {total}, wrong {wrong}, seed {seed}")
    return 1 if wrong or not all(tally.attempts for tally in tallies.values()) else 0


def _again(attempt: str, folder: Path) -> int:
    name = attempt.partition(":")[0]
    with Nursery(os.environ) as nursery:
        try:
            print(TARGETS[name](folder, nursery).attempt(chance(attempt)))
        except Wrong as wrong:
            print(f"WRONG {attempt}: {wrong}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
