"""How Loom stands beside a ledger of a million runs: `python -m tests.endurance size [--runs N]`.

Builds one in a temporary folder through the ledger's own writes (a few minutes), then runs whole processes
in turns on it and on an empty one. Prints one table; ends with 1 if a goal is missed.
"""

import argparse
import compileall
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path

from loom.domain.record import RunQuery
from loom.ledger.sqlite import SqliteLedger
from tests.benchmarks.measure import environment
from tests.benchmarks.project import NOOP
from tests.ground.command import PROGRAM
from tests.ground.history import CRON, STEP, WORKERS, History, in_haste, write, write_at_once
from tests.ground.project import Project, build_project
from tests.ground.shut import REPOSITORY

TICKS_AT_ONCE = 24
STATUS_GOAL = 3.0
IDLE_GOAL_MB = 80.0
BYTES_GOAL = 2048.0

# A process is charged with what the one that started it held at that moment: this one holds next to nothing.
_LAUNCHER = """
import os, sys, time
began = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(pid, 0)
print(time.perf_counter() - began, used.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one whole process took."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. empty: beside an empty ledger, or None where there is nothing to compare.
    goal: what was promised, in words, and whether it was kept; None where nothing was."""

    what: str
    empty: Taken | None
    big: Taken
    goal: tuple[str, bool] | None = None

    def promised(self, words: str, *, at_most: float = math.inf, megabytes: float = math.inf) -> "Line":
        """Held to a goal: so many times as long as beside the empty one, so much memory."""
        slowest = at_most * self.empty.seconds if self.empty else math.inf
        kept = self.big.seconds <= slowest and self.big.megabytes < megabytes
        return replace(self, goal=(words, kept))

    def __str__(self) -> str:
        before = f"{self.empty.seconds:8.3f} s" if self.empty else " " * 10
        ratio = f"{self.big.seconds / self.empty.seconds:7.2f}x" if self.empty else " " * 8
        kept = "" if self.goal is None else f"  {self.goal[0]}: {'reached' if self.goal[1] else 'MISSED'}"
        return f"{self.what:30}{before}{self.big.seconds:14.3f} s{ratio}{self.big.megabytes:8.0f} MB{kept}"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance size", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument(
        "--rounds", type=int, default=7, help="of each pair of processes, after one to warm up"
    )
    parser.add_argument("--repair", action="store_true", help="damage and repair it too; that takes longest")
    parser.add_argument("--folder", type=Path, help="where it is built; default: a temporary folder")
    options = parser.parse_args(argv)
    # Bytecode is there on any machine that runs Loom more than once.
    compileall.compile_dir(REPOSITORY / "loom", quiet=1)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="loom-size-") as folder:
        empty, big = project(Path(folder) / "empty"), project(Path(folder) / "big")
        began = time.perf_counter()
        small = fill(empty.ledger, 0)
        large = fill(big.ledger, options.runs)
        print(f"built in {time.perf_counter() - began:.0f} s")
        return report(Side(empty, small), Side(big, large), rounds=options.rounds, mend=options.repair)


@dataclass(frozen=True, slots=True)
class Side:
    """A project, and the history in its ledger."""

    project: Project
    history: History


def project(root: Path) -> Project:
    """A project with the workers of the history, which do nothing."""
    made = build_project(root)
    made.worker("noop", NOOP)
    made.entries(
        "".join(
            f'{worker}:\n  agent: {worker.title()}\n  schedule: "{CRON}"\n  entrypoint: workers.noop:run\n'
            for worker in WORKERS
        )
    )
    return made


def fill(path: Path, runs: int) -> History:
    """Write a history of about so many runs that ended shortly before midnight, three days ago: at the same
    instant however many they are, so that what lies in the last days is the same too."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    # Now and then a tick is missed, so it takes somewhat longer than its runs would.
    history = History(end - round(runs / len(WORKERS) * 1.02) * STEP)
    step = max(1, runs // 10)
    with closing(in_haste(SqliteLedger(path))) as ledger:
        ledger.record(history.first())
        # A tick that comes after a missed one takes as long as four.
        while history.now < end - 4 * TICKS_AT_ONCE * STEP:
            before = history.runs
            write_at_once(ledger, history, TICKS_AT_ONCE)
            if history.runs // step > before // step:
                print(f"{history.runs:>12,} runs, {path.stat().st_size:>14,} bytes", flush=True)
        # The last ones as they are written for real.
        write(ledger, history.tick())
        while runs and f"{history.now:%H:%M}" != "23:55":
            write(ledger, history.tick())
    return history


def report(empty: Side, big: Side, *, rounds: int, mend: bool) -> int:
    size = big.project.ledger.stat().st_size
    each = (size - empty.project.ledger.stat().st_size) / big.history.runs
    show = [["show", newest(side.project)] for side in (empty, big)]
    ticks = [idle_ticks(side.history) for side in (empty, big)]
    one_tick = [["run", "--at", (side.history.now + STEP).isoformat()] for side in (empty, big)]
    sides = (empty.project, big.project)
    within = f"at most {STATUS_GOAL:g}x"
    lines = [
        pair("status", sides, repeat(["status"]), rounds).promised(within, at_most=STATUS_GOAL),
        pair("status --json", sides, repeat(["status", "--json"]), rounds).promised(
            within, at_most=STATUS_GOAL
        ),
        pair("history", sides, repeat(["history"]), rounds),
        pair("history --worker", sides, repeat(["history", "--worker", WORKERS[3]]), rounds),
        pair("history --outcome failed", sides, repeat(["history", "--outcome", "failed"]), rounds),
        pair("show", sides, repeat(*show), rounds),
        pair("idle tick", sides, ticks, rounds).promised(
            f"under {IDLE_GOAL_MB:g} MB", megabytes=IDLE_GOAL_MB
        ),
        # One second before midnight nothing is due, and at midnight everything is; then the old is forgotten.
        pair("the day's first tick, 12 runs", sides, repeat(*one_tick), 0),
        *(
            Line(f"ledger {word}", None, launch(big.project, ["ledger", word]))
            for word in ("check", "export")
        ),
        Line("ledger compact", None, launch(big.project, ["ledger", "compact"])),
    ]
    if mend:
        damage(big.project.ledger)
        lines.append(Line("ledger repair", None, launch(big.project, ["ledger", "repair"])))
    print(f"\n{'':30}{'empty':>10}{f'{big.history.runs:,} runs':>16}{'':8}{'peak':>8}")
    for line in lines:
        print(line)
    kept = each < BYTES_GOAL
    print(f"bytes for each run: {each:.0f}, under {BYTES_GOAL:g}: {'reached' if kept else 'MISSED'}")
    missed = [line.what for line in lines if line.goal is not None and not line.goal[1]]
    figures = {line.what: [line.big.seconds, line.big.megabytes] for line in lines}
    print(
        json.dumps({"runs": big.history.runs, "bytes": size, "bytes_each": each, "missed": missed, **figures})
    )
    return 0 if kept and not missed else 1


def damage(path: Path) -> None:
    """Spoil one page in the middle of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)


def newest(of: Project) -> str:
    with closing(SqliteLedger(of.ledger)) as ledger:
        return ledger.runs(RunQuery(limit=1))[0].run_id


def repeat(*words: list[str]) -> list[Iterator[list[str]]]:
    """For each side its words, again and again; the same for both if there is but one."""
    return [cycle([each]) for each in (words if len(words) > 1 else words * 2)]


def idle_ticks(history: History) -> Iterator[list[str]]:
    """Ticks after the last one and before the next slot, each later than the one before."""
    return (["run", "--at", (history.now + timedelta(seconds=2 * n)).isoformat()] for n in count(1))


def pair(what: str, sides: Sequence[Project], words: Sequence[Iterator[list[str]]], rounds: int) -> Line:
    """The medians of both sides, run in turns; with no rounds, just once."""
    taken = [
        [launch(side, next(said)) for side, said in zip(sides, words, strict=True)] for _ in range(rounds + 1)
    ]
    before, after = (median(list(each)) for each in zip(*(taken[1:] or taken), strict=True))
    return Line(what, before, after)


def median(taken: Sequence[Taken]) -> Taken:
    """Of the times the median, of the memory the most."""
    return Taken(statistics.median(each.seconds for each in taken), max(each.megabytes for each in taken))


def launch(of: Project, words: Sequence[str]) -> Taken:
    """Run `loom` with these words. Raises RuntimeError if it fails."""
    command = [sys.executable, "-S", "-E", "-c", _LAUNCHER, *PROGRAM, *words, "--project", str(of.root)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    seconds, peak, code = done.stdout.split()
    # 1: a run that was tried again, or was passed over, ended badly in the history.
    if code not in ("0", "1"):
        raise RuntimeError(f"loom {' '.join(words)} ended with {code}: {done.stderr[-2000:]}")
    return Taken(float(seconds), float(peak) / (1024 if sys.platform == "linux" else 1024 * 1024))
