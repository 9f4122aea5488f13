"""Every property with values drawn anew: `python -m tests.endurance draws [--rounds N]`.

The tests draw the same values every time, so that what fails is the change and not the day. This looks for
what those draws miss. A failure prints its example, to be kept as an `@example` beside the property.
"""

import argparse
import subprocess
import sys
import time

from tests.ground.shut import REPOSITORY

PROFILE = "drawn-anew"


def properties() -> list[str]:
    """The files that hold properties, as paths from the repository's root."""
    tests = REPOSITORY / "tests"
    return sorted(
        str(file.relative_to(REPOSITORY))
        for file in tests.rglob("test_*.py")
        if "from hypothesis import" in file.read_text(encoding="utf-8")
    )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance draws", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often each property draws (default 10)")
    asked = parser.parse_args(argv)
    files = properties()
    began = time.monotonic()
    failed = 0
    for number in range(1, asked.rounds + 1):
        done = subprocess.run(_command(files), cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            failed += 1
            print(done.stdout, done.stderr, sep="\n", flush=True)
        last = done.stdout.strip().rpartition("\n")[2]
        print(f"round {number} of {asked.rounds}: {last}", flush=True)
    took = time.monotonic() - began
    print(f"{len(files)} files, {asked.rounds} rounds, {failed} failed, {took:.0f} s")
    return 1 if failed else 0


def _command(files: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "--hypothesis-profile", PROFILE, *files]
