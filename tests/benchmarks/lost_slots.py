"""Which slots are lost if ticks come as they are published to come: Loom beside other schedulers.

Nothing here is about time: each contender goes once through the year 2026, woken at the ticks of six streams
(`tick_streams`), with the eleven active schedules of this repository's registry in Central Time. What was due
is what a watched wall clock says (`tests.ground.wall_clock`).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

from loom.clock import ManualClock
from loom.domain.run import Outcome, Run
from loom.domain.schedule import CatchUp, CatchUpPolicy
from loom.domain.tick import Mark
from loom.ledger.memory import MemoryLedger
from loom.registry import load
from loom.report.progress import SilentProgress
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from loom.settings import read_settings
from loom.simulation.rehearsal import only_schedules, rehearsed
from loom.simulation.traces import read_traces
from loom.wiring.parts import parts_for
from tests.benchmarks.deeds import Deed, Due, Tally, tally
from tests.benchmarks.expressions import ACTIVE_OF_THE_TWELVE
from tests.benchmarks.peers import Environment, PeerUnavailable
from tests.benchmarks.result import Goal, Result
from tests.benchmarks.room import Room
from tests.benchmarks.tick_streams import streams
from tests.ground.shut import REPOSITORY
from tests.ground.wall_clock import MINUTE, WatchedClock

_ZONE = "America/Chicago"
START = datetime(2026, 1, 1, tzinfo=ZoneInfo(_ZONE)).astimezone(UTC)
END = datetime(2027, 1, 1, tzinfo=ZoneInfo(_ZONE)).astimezone(UTC)
TRACES = REPOSITORY / "tests" / "ground" / "ticks.json"
_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)
_AFTERWARDS = timedelta(days=9)  # a weekly tick comes so late after the year's end
Contender = Callable[[Sequence[datetime], Due], Iterator[Deed]]

LOOM: Mapping[str, CatchUp] = {
    "Loom": CatchUp(),
    "Loom, catch_up: {policy: all}": CatchUp(CatchUpPolicy.ALL),
    "Loom, catch_up: {policy: all, within: 14d}": CatchUp(CatchUpPolicy.ALL, timedelta(days=14)),
}
PEERS: Mapping[str, tuple[str, str]] = {
    "huey 3.5.4": ("huey", "huey"),
    "APScheduler 3.11.3": ("apscheduler", "apscheduler"),
    "APScheduler, misfire_grace_time=None": ("apscheduler", "apscheduler-without-grace"),
    "APScheduler, the same and coalesce=False": ("apscheduler", "apscheduler-all"),
    "Celery beat 5.7.0": ("celery", "celery"),
}


def lost_slots(room: Room) -> Result:
    """A year of ticks under each published trace; deterministic, so that it is done once."""
    due = slots_due(END + _AFTERWARDS)
    contenders: dict[str, Contender] = {
        **{name: loom_at(catch_up) for name, catch_up in LOOM.items()},
        "matching the hour on the clock": by_the_hour,
    }
    troubles: list[str] = []
    for name, (peer, program) in PEERS.items():
        try:
            contenders[name] = _peer(room.peers.environment(peer), program, room.folder)
        except PeerUnavailable as trouble:
            troubles.append(f"{name}: not measured: {trouble}")
    woken = streams(read_traces(TRACES), START, END)
    jobs = list(product(woken, contenders))
    with ThreadPoolExecutor(2) as pool:
        tallies = pool.map(
            lambda job: tally(due, woken[job[0]], contenders[job[1]](woken[job[0]], due), end=END), jobs
        )
        return result_of(dict(zip(jobs, tallies, strict=True)), troubles)


def slots_due(until: datetime) -> Due:
    """The slots of each worker from the year's start up to `until`."""
    clock = WatchedClock(_ZONE, START, until - MINUTE, timedelta(hours=27))
    return {
        worker: clock.watch_for(text.lower()).slots("transition", "first")
        for worker, text in ACTIVE_OF_THE_TWELVE.items()
    }


def by_the_hour(ticks: Sequence[datetime], due: Due) -> Iterator[Deed]:
    """Run whatever is scheduled in the hour that the clock shows. (Chicago's hours are UTC's.)"""
    for tick in ticks:
        hour = tick.replace(minute=0, second=0, microsecond=0)
        for worker, slots in due.items():
            yield from (Deed(worker, tick, slot, ran=True) for slot in slots if hour <= slot < hour + _HOUR)


def loom_at(catch_up: CatchUp) -> Contender:
    """Loom's own ticks as `loom simulate` has them: everything real but the work, on a ledger in memory."""

    def deeds(ticks: Sequence[datetime], due: Due) -> Iterator[Deed]:
        registry = only_schedules(load(REPOSITORY / "worker-registry.yaml", project=REPOSITORY))
        workers = tuple(replace(worker, catch_up=catch_up) for worker in registry.workers)
        registry = replace(registry, workers=workers)
        ledger, clock = MemoryLedger(), ManualClock(START)
        ledger.record([Mark(worker.id, START - _INSTANT) for worker in workers])
        settings = read_settings({}, cwd=REPOSITORY, project=None)
        parts = rehearsed(parts_for(settings, clock, SilentProgress()), registry, ledger, clock)
        for tick in ticks:
            clock.set(tick)
            for run in run_tick(parts, TickRequest()).runs:
                yield from deeds_of(run, due[run.worker])

    return deeds


def deeds_of(run: Run, slots: Sequence[datetime]) -> Iterator[Deed]:
    """One record of Loom's: a run, or what became of a range of slots."""
    if run.slot is None or not run.final:
        return
    last = run.slot_last or run.slot
    for slot in slots:
        if run.slot <= slot <= last:
            yield Deed(run.worker, run.tick_at, slot, ran=run.outcome is Outcome.SUCCEEDED)


def _peer(environment: Environment, program: str, folder: Path) -> Contender:
    def deeds(ticks: Sequence[datetime], due: Due) -> Iterator[Deed]:
        question = {
            "zone": _ZONE,
            "start": START.timestamp(),
            "schedules": {worker: ACTIVE_OF_THE_TWELVE[worker] for worker in due},
            "ticks": [tick.timestamp() for tick in ticks],
        }
        file = folder / f"{program}-{len(ticks)}.json"
        file.write_text(json.dumps(question), encoding="utf-8")
        for worker, tick, slot, ran in environment.ask("year_of_ticks.py", program, str(file))["deeds"]:
            yield Deed(worker, _utc(tick), None if slot is None else _utc(slot), ran)

    return deeds


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def result_of(found: Mapping[tuple[str, str], Tally], troubles: Sequence[str] = ()) -> Result:
    """The table of what each contender made of each stream. Loom's goals: nothing lost, nothing twice,
    nothing later than at the first tick."""
    ours = [one for (_, name), one in found.items() if name in LOOM]
    lost, later, again = (sum(getattr(one, what) for one in ours) for what in ("lost", "later", "again"))
    return Result(
        title="what became of a year's slots, by when the ticks came",
        columns=("", "ticks as", "due", "at the first tick", "later", "recorded", "lost", "twice"),
        rows=tuple(
            (name, stream, *(f"{number:,}" for number in asdict(one).values()))
            for (stream, name), one in found.items()
        ),
        goals=(
            Goal(f"Loom lost {lost} slots (at most 0)", lost == 0),
            Goal(f"Loom ran {again} twice (at most 0)", again == 0),
            Goal(
                f"Loom ran {later} later than at the first tick after they were due (at most 0)", later == 0
            ),
        ),
        notes=(
            "One run of each, for nothing in it is chance: the year 2026 in Chicago with both clock changes.",
            "Ticks come by the published gaps of four clocks that should strike each hour or oftener, and by "
            "the published delays of one that should each day and of one each Sunday, over and over.",
            "At each tick a scheduler begins anew from what it keeps: Loom its ledger, APScheduler a job "
            "store in a file, Celery's beat the last_run_at of its entries, huey (in local time) nothing.",
            "Recorded: not run, and it is said why. Loom's ledger keeps `superseded` (a newer slot of the "
            "worker ran instead) and `missed` (older than catch-up reaches, 24 h or 3 d unless set); of "
            "APScheduler the missed event counts, which it tells its listeners and keeps nowhere.",
            "Lost: neither run nor recorded. Of those that run once for several due slots, the newest counts "
            "as run.",
            *troubles,
        ),
        raw={"tallies": [{"ticks": s, "contender": name, **asdict(one)} for (s, name), one in found.items()]},
    )
