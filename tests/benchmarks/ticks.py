"""The three measurements the project holds itself to."""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loom.ledger.sqlite import SqliteLedger
from loom.ports import RunQuery
from tests.benchmarks.measure import Comparison, environment, seconds, side_by_side
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Result
from tests.benchmarks.room import Room
from tests.ground.command import PROGRAM

# In Chicago: 12:20 on a Tuesday in March, long after the day's only slot at 03:00.
FIRST_TICK = datetime(2026, 3, 3, 18, 20, tzinfo=UTC)
DAILY, HOURLY = "0 3 * * *", "0 * * * *"

_LIBRARIES = "import click, yaml, zoneinfo, sqlite3, croniter; from pydantic import BaseModel"
_READING = "import sys, yaml; yaml.load(open(sys.argv[1], encoding='utf-8'), Loader=yaml.CSafeLoader)"


def idle_tick(room: Room) -> Result:
    """12 workers, nothing due, against importing the libraries that the user chose."""
    project = project_of(room.folder / "idle", workers=12, schedule=DAILY)
    libraries = [sys.executable, "-c", _LIBRARIES]
    ours, theirs = side_by_side(
        _ticks(project.root), lambda: seconds(libraries, cwd=project.root), rounds=room.rounds
    )
    return Comparison("idle tick, 12 workers", "importing the libraries", ours, theirs, goal=1.5).result()


def crowded_tick(room: Room, *, workers: int = 10_000) -> Result:
    """10,000 workers, nothing due, against a process that reads the same file with yaml.CSafeLoader."""
    project = project_of(room.folder / "crowded", workers=workers, schedule=DAILY)
    reading = [sys.executable, "-c", _READING, str(project.root / "worker-registry.yaml")]
    ours, theirs = side_by_side(
        _ticks(project.root), lambda: seconds(reading, cwd=project.root), rounds=room.rounds
    )
    return Comparison(
        f"idle tick, {workers:,} workers", "reading the same file", ours, theirs, goal=2.0
    ).result()


def busy_tick(room: Room, *, runs: int = 1_000) -> Result:
    """1,000 runs that do nothing, against a bare SQLite loop that claims and finishes each durably, its
    start-up not counted. A rate of at least a quarter is a time of at most four times.
    """
    project = project_of(room.folder / "busy", workers=runs, schedule=HOURLY)
    files = itertools.count()

    def bare_loop() -> float:
        file = project.root / ".loom" / f"bare-{next(files)}.db"
        loop = [sys.executable, str(Path(__file__).with_name("bare_loop.py")), str(file), str(runs)]
        return float(subprocess.check_output(loop, env=environment(), text=True))

    ours, theirs = side_by_side(_ticks(project.root, step=timedelta(hours=1)), bare_loop, rounds=room.rounds)
    _expect_succeeded(project.ledger, runs * (room.rounds + 2))
    return Comparison(f"busy tick, {runs:,} runs", "a bare SQLite loop", ours, theirs, goal=4.0).result()


def _ticks(root: Path, *, step: timedelta = timedelta(seconds=30)) -> Callable[[], float]:
    """What runs `loom run` each time it is called, every time `step` later, and gives its seconds. The first
    tick of all, which writes the marks, is done here."""
    count = itertools.count()

    def tick() -> float:
        at = FIRST_TICK + next(count) * step
        return seconds([*PROGRAM, "run", "--project", str(root), "--at", at.isoformat()], cwd=root)

    tick()
    return tick


def _expect_succeeded(file: Path, expected: int) -> None:
    """Raises RuntimeError unless the ledger says that so many runs succeeded: nothing was measured that
    wasn't done."""
    ledger = SqliteLedger(file, create=False)
    try:
        runs = ledger.runs(RunQuery(since=FIRST_TICK, limit=10 * expected))
    finally:
        ledger.close()
    outcomes = Counter(run.outcome.value for run in runs)
    if outcomes != {"succeeded": expected}:
        raise RuntimeError(f"expected {expected} runs that succeeded; by outcome: {dict(outcomes)}")
