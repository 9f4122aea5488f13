"""What it costs to have many runs done and on record: Loom, peers, and a bare loop of SQLite commits."""

import itertools
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.measure import environment
from tests.benchmarks.peers import Peers
from tests.benchmarks.postgres import postgresql
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Goal, Result, times
from tests.benchmarks.room import Room
from tests.benchmarks.ticks import HOURLY, Ticks, outcomes

_SIZES = (1, 100, 1_000)
# A run of these costs so much that a thousand would be minutes.
_FEW = (1, 100)
_BUDGET_S = 45.0
_GOAL = 2.0
_INLINE, _FLOOR = "Loom, inline", "floor: bare SQLite loop"
_WAL = "SQLite, WAL, synchronous FULL"
_FINISHED = "SELECT count(*) FROM slots WHERE state = 'succeeded'"
_NOTES = (
    "A run is a function that returns a small dict; it counts when its result is on record. All of one "
    "contender's runs are checked, each round.",
    "Loom: the whole process, from its start to its end, on a ledger that grows from round to round. Floor: "
    "a claim and a finish for each run, each a commit; its start isn't counted.",
    "Peers: neither their start nor their stop is counted, and each begins a round with an empty store. "
    "huey and APScheduler: from the start of the consumer or scheduler until the last run is done with, one "
    "consumer thread and ten pool threads as they come; putting the runs into the queue isn't counted. DBOS, "
    "Dagster and Prefect: from the first call to the return of the last, one after another. Start and "
    "queueing are among the raw numbers.",
    "APScheduler keeps no results: it deletes the job's row when it has handed the job to its pool.",
    "Loom in processes, Dagster and Prefect: no 1,000 runs, which would take minutes.",
    "DBOS on SQLite runs with the SQLite of pysqlite3-binary in place of Python's own, since it needs 3.42.",
    "Prefect's flows are asynchronous: the end of a synchronous one waits up to a second for its heartbeat.",
)


def busy_tick(room: Room) -> Result:
    """1, 100 and 1,000 runs that do nothing, done and on record."""
    with ExitStack() as stack:
        lanes = (
            Lane(_INLINE, _loom(room.folder / "inline", "inline", _SIZES)),
            Lane("Loom, a process each", _loom(room.folder / "process", "process", _FEW)),
            Lane(_FLOOR, _floor(room.folder / "floor")),
            *_peer_lanes(room, stack),
        )
        ran = run_in_turns(lanes, rounds=room.rounds, budget_s=_BUDGET_S)
    return result_of(ran, rounds=room.rounds)


def result_of(ran: tuple[Ran, ...], *, rounds: int) -> Result:
    """The table of what they took; the last column holds the largest size against the floor's."""
    largest = _SIZES[-1]
    by_name = {each.name: each for each in ran}
    floor = by_name[_FLOOR].timed(largest)

    def ratio(each: Ran) -> float | None:
        timed = each.timed(largest)
        return timed.median / floor.median if timed and floor else None

    def row(each: Ran) -> tuple[str, ...]:
        kept = str(each.told.get("durability", "not measured"))
        many = ratio(each)
        return each.name, kept, *(each.cell(size) for size in _SIZES), "-" if many is None else times(many)

    ours = ratio(by_name[_INLINE])
    said = "not measured" if ours is None else f"{times(ours)} times the floor"
    return Result(
        title="Busy tick: runs that do nothing, done and on record",
        columns=("", "kept in", *(f"{size:,} run{'s' if size > 1 else ''}" for size in _SIZES), "times"),
        rows=tuple(row(each) for each in ran),
        goals=(
            Goal(f"{largest:,} runs, inline: {said} (at most {_GOAL:g})", ours is not None and ours <= _GOAL),
        ),
        notes=tuple(filter(None, (*_NOTES, rounds_of(ran, rounds), *troubles_of(ran)))),
        raw={each.name: each.as_json() for each in ran},
    )


def _loom(root: Path, isolation: str, sizes: tuple[int, ...]) -> Callable[[], Taken]:
    root.mkdir()
    projects = {
        size: project_of(root / str(size), workers=size, schedule=HOURLY, isolation=isolation)
        for size in sizes
    }
    ticks = {size: Ticks(project.root, timedelta(hours=1)) for size, project in projects.items()}

    def go() -> Taken:
        at = {size: ticks[size].at for size in sizes}
        seconds = {size: ticks[size]() for size in sizes}
        recorded = {size: outcomes(projects[size].ledger, at[size])["succeeded"] for size in sizes}
        return Taken(seconds, recorded, {"durability": _WAL})

    return go


def _floor(folder: Path) -> Callable[[], Taken]:
    folder.mkdir()
    program = str(Path(__file__).with_name("bare_loop.py"))
    files = (folder / f"{number}.db" for number in itertools.count())

    def go() -> Taken:
        seconds, recorded = {}, {}
        for size in _SIZES:
            file = next(files)
            loop = [sys.executable, program, str(file), str(size)]
            seconds[size] = float(subprocess.check_output(loop, env=environment(), text=True))
            with closing(sqlite3.connect(file)) as db:
                (recorded[size],) = db.execute(_FINISHED).fetchone()
        return Taken(seconds, recorded, {"durability": _WAL})

    return go


@dataclass(frozen=True, slots=True)
class _Peer:
    """A program in the environment of a peer, given a new folder in `folder` each time, and the sizes."""

    peers: Peers
    folder: Path
    environment: str
    program: str
    sizes: tuple[int, ...]

    def lane(self, more: Callable[[], tuple[str, ...]] = tuple) -> Lane:
        """more: what the program is given besides, asked for each time."""
        folders = (self.folder / str(number) for number in itertools.count())
        return Lane(self.folder.name, lambda: self._go(next(folders), more))

    def _go(self, folder: Path, more: Callable[[], tuple[str, ...]]) -> Taken:
        folder.mkdir(parents=True)
        sizes = ",".join(map(str, self.sizes))
        installed = self.peers.environment(self.environment)
        began = time.monotonic()
        told = installed.ask(self.program, str(folder), sizes, *more())
        told["start_s"] = told.pop("ready_at_s") - began
        runs = {int(size): run for size, run in told.pop("runs").items()}
        told["queued_s"] = {size: run["queued_s"] for size, run in runs.items() if "queued_s" in run}
        return Taken(
            {size: run["seconds"] for size, run in runs.items()},
            {size: run["recorded"] for size, run in runs.items()},
            told,
        )


def _peer_lanes(room: Room, stack: ExitStack) -> tuple[Lane, ...]:
    databases = itertools.count()
    server: list[str] = []

    def database() -> tuple[str, ...]:
        if not server:
            server.append(stack.enter_context(postgresql()))
        return (f"{server[0]}busy_{next(databases)}",)

    def peer(name: str, environment: str, program: str, sizes: tuple[int, ...] = _SIZES) -> _Peer:
        return _Peer(room.peers, room.folder / name, environment, program, sizes)

    return (
        peer("huey, SqliteHuey", "huey", "busy_huey.py").lane(),
        peer("huey, fsync=True", "huey", "busy_huey.py").lane(lambda: ("fsync",)),
        peer("DBOS, SQLite", "dbos-sqlite", "busy_dbos.py").lane(),
        peer("DBOS, PostgreSQL", "dbos", "busy_dbos.py").lane(database),
        peer("APScheduler 3", "apscheduler", "busy_apscheduler.py").lane(),
        peer("Dagster, in process", "dagster", "busy_dagster.py", _FEW).lane(),
        peer("Prefect", "prefect", "busy_prefect.py", _FEW).lane(),
    )
