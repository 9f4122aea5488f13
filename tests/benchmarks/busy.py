"""What it costs to have many runs done and on record: Loom, peers, and a bare loop of SQLite commits."""

import functools
import itertools
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.measure import environment
from tests.benchmarks.peers import Peers
from tests.benchmarks.postgres import postgresql
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Goal, Result, times
from tests.benchmarks.room import Room
from tests.benchmarks.slow_flush import EXTRA_MS, slow_flush
from tests.benchmarks.ticks import HOURLY, Ticks, outcomes

_SIZES = (1, 100, 1_000)
# A run of these costs so much that a thousand would be minutes.
_FEW = (1, 100)
_BUDGET_S = 45.0
_GOAL = 2.0
_INLINE, _FLOOR = "Loom, inline", "floor: bare SQLite loop"
_SLOW = f", a flush taking {EXTRA_MS} ms more"
_BEYOND = f"{_INLINE}, beyond the first run"
_LARGEST = _SIZES[-1]
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
    f"{_BEYOND}: each round's time less that of its single run, as starts aren't counted for others.",
    f"The rows with{_SLOW}: the same on a disk that is slower to flush, made so by a library that waits "
    "before each fsync and fdatasync. They are held against each other.",
    "Prefect's flows are asynchronous: the end of a synchronous one waits up to a second for its heartbeat.",
)


def busy_tick(room: Room) -> Result:
    """1, 100 and 1,000 runs that do nothing, done and on record."""
    with ExitStack() as stack:
        lanes = (
            Lane(_INLINE, _loom_inline(room.folder / "inline", _SIZES)),
            Lane("Loom, a process each", _loom(room.folder / "process", _FEW, "process")),
            Lane(_FLOOR, _floor(room.folder / "floor", _SIZES)),
            Lane(_INLINE + _SLOW, _slowly(room.folder / "slow", _loom_inline)),
            Lane(_FLOOR + _SLOW, _slowly(room.folder / "slow-floor", _floor)),
            *_peer_lanes(room, stack),
        )
        ran = run_in_turns(lanes, rounds=room.rounds, budget_s=_BUDGET_S)
    return result_of(ran, rounds=room.rounds)


def result_of(ran: tuple[Ran, ...], *, rounds: int) -> Result:
    """The table of what they took; the last column holds the largest size against the floor's."""
    by_name = {each.name: each for each in ran}

    def ratio(each: Ran) -> float | None:
        floor = by_name.get(_FLOOR + _SLOW if each.name.endswith(_SLOW) else _FLOOR)
        timed, least = each.timed(_LARGEST), floor.timed(_LARGEST) if floor else None
        return timed.median / least.median if timed and least else None

    def row(each: Ran) -> tuple[str, ...]:
        kept = str(each.told.get("durability", "not measured"))
        many = ratio(each)
        return each.name, kept, *(each.cell(size) for size in _SIZES), "-" if many is None else times(many)

    def goal(name: str) -> Goal:
        ours = ratio(by_name[name])
        said = "not measured" if ours is None else f"{times(ours)} times the floor"
        what = name.removeprefix("Loom, ")
        return Goal(
            f"{_LARGEST:,} runs, {what}: {said} (at most {_GOAL:g})", ours is not None and ours <= _GOAL
        )

    return Result(
        title="Busy tick: runs that do nothing, done and on record",
        columns=("", "kept in", *(f"{size:,} run{'s' if size > 1 else ''}" for size in _SIZES), "times"),
        rows=(*map(row, ran[:1]), row(_beyond_the_first(ran[0])), *map(row, ran[1:])),
        goals=tuple(goal(name) for name in (_INLINE, _INLINE + _SLOW) if name in by_name),
        notes=tuple(filter(None, (*_NOTES, rounds_of(ran, rounds), *troubles_of(ran)))),
        raw={each.name: each.as_json() for each in ran},
    )


def _beyond_the_first(ran: Ran) -> Ran:
    """What the runs took beyond the process's start and its first run."""

    def beyond(take: Taken) -> Taken:
        one = take.seconds[_SIZES[0]]
        more = {size: seconds - one for size, seconds in take.seconds.items() if size != _SIZES[0]}
        return Taken(more, take.recorded, take.told)

    return Ran(_BEYOND, tuple(map(beyond, ran.takes)), ran.trouble)


_Environment = Mapping[str, str]
_AS_IT_IS: _Environment = MappingProxyType({})


def _loom_inline(root: Path, sizes: tuple[int, ...], more: _Environment = _AS_IT_IS) -> Callable[[], Taken]:
    return _loom(root, sizes, "inline", more)


def _loom(
    root: Path, sizes: tuple[int, ...], isolation: str, more: _Environment = _AS_IT_IS
) -> Callable[[], Taken]:
    root.mkdir()
    projects = {
        size: project_of(root / str(size), workers=size, schedule=HOURLY, isolation=isolation)
        for size in sizes
    }
    ticks = {size: Ticks(project.root, timedelta(hours=1), more) for size, project in projects.items()}

    def go() -> Taken:
        at = {size: ticks[size].at for size in sizes}
        seconds = {size: ticks[size]() for size in sizes}
        recorded = {size: outcomes(projects[size].ledger, at[size])["succeeded"] for size in sizes}
        return Taken(seconds, recorded, {"durability": _WAL})

    return go


def _slowly(
    folder: Path, contender: Callable[[Path, tuple[int, ...], _Environment], Callable[[], Taken]]
) -> Callable[[], Taken]:
    """The contender at the largest size, on a disk that is slower to flush."""
    folder.mkdir()

    @functools.cache
    def prepared() -> Callable[[], Taken]:
        return contender(folder / "ledgers", (_LARGEST,), slow_flush(folder))

    return lambda: prepared()()


def _floor(folder: Path, sizes: tuple[int, ...], more: _Environment = _AS_IT_IS) -> Callable[[], Taken]:
    folder.mkdir()
    program = str(Path(__file__).with_name("bare_loop.py"))
    files = (folder / f"{number}.db" for number in itertools.count())

    def go() -> Taken:
        seconds, recorded = {}, {}
        for size in sizes:
            file = next(files)
            loop = [sys.executable, program, str(file), str(size)]
            seconds[size] = float(subprocess.check_output(loop, env={**environment(), **more}, text=True))
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
