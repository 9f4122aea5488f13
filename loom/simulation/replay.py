"""Registry x tick traces -> what would have become of every slot, by the very code of a tick."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from loom.clock import ManualClock
from loom.domain.registry import Registry
from loom.domain.replay import Replay, TickTrace, WorkerReplay
from loom.domain.run import Outcome, Run
from loom.domain.tick import Mark
from loom.domain.worker import Worker
from loom.errors import UsageError
from loom.ledger.memory import MemoryLedger
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from loom.simulation.rehearsal import only_schedules, rehearsed
from loom.simulation.traces import TraceFile
from loom.slots.calendar import hour_start, instants

MADE_DAYS = 14
"""How long the ticks made from a list of delays go on, when nothing else is asked for."""

_INSTANT = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)


def simulate(
    parts: Parts, registry: Registry, file: TraceFile, *, start: datetime | None, end: datetime | None
) -> Iterator[Replay]:
    """Replay every trace of `file` on a ledger of its own, in their order.

    start, end (UTC, both included): the time looked at; None: from the hour of a trace's first tick to its
    last one. Lists of delays have no time of their own: their ticks start with `start`, else with the file's
    first tick, and go on to `end`, else for 14 days. Raises UsageError when no tick comes in that time.
    """
    bare = only_schedules(registry)
    within = [_within(trace, start, end) for trace in _traces(registry, file, start, end)]
    if not any(trace.ticks for trace in within):
        raise UsageError(
            "no tick of the file comes between --from and --to; choose a time in which there are some"
        )
    for trace in within:
        if trace.ticks:
            yield _replay(parts, bare, trace, start or hour_start(trace.ticks[0], registry.zone))


def _traces(
    registry: Registry, file: TraceFile, start: datetime | None, end: datetime | None
) -> Iterator[TickTrace]:
    yield from file.traces
    if not file.delays:
        return
    first = start or min((trace.ticks[0] for trace in file.traces), default=None)
    if first is None:
        raise UsageError("a file of delays alone says no time: give one with --from 2026-09-01T00:00:00Z")
    last = end or first + timedelta(days=MADE_DAYS)
    for delays in file.delays:
        yield delays.hourly(hour_start(first, registry.zone), last)


def _within(trace: TickTrace, start: datetime | None, end: datetime | None) -> TickTrace:
    kept = (at for at in trace.ticks if (start is None or at >= start) and (end is None or at <= end))
    return TickTrace(name=trace.name, ticks=tuple(kept), made=trace.made)


@dataclass(slots=True)
class _Fates:
    """The final outcomes of one worker's slots. superseded: the instants. late: seconds, of those run."""

    late: list[float] = field(default_factory=list)
    superseded: set[datetime] = field(default_factory=set)
    missed: int = 0

    def take(self, run: Run, due: Sequence[datetime]) -> None:
        if not run.final or run.slot is None:
            return
        if run.outcome is Outcome.SUCCEEDED:
            self.late.append((run.tick_at - run.slot).total_seconds())
        elif run.outcome is Outcome.SUPERSEDED:
            self.superseded |= {at for at in due if run.slot <= at <= (run.slot_last or run.slot)}
        elif run.outcome is Outcome.MISSED:
            self.missed += run.count


def _replay(parts: Parts, registry: Registry, trace: TickTrace, start: datetime) -> Replay:
    end = trace.ticks[-1]
    due = {worker.id: list(instants(worker.schedule, start - _INSTANT, end)) for worker in registry.workers}
    fates = {worker.id: _Fates() for worker in registry.workers}
    ledger, clock = MemoryLedger(), ManualClock(start)
    ledger.record([Mark(worker.id, start - _INSTANT) for worker in registry.workers])
    rehearsal = rehearsed(parts, registry, ledger, clock)
    for at in trace.ticks:
        clock.set(at)
        for run in run_tick(rehearsal, TickRequest()).runs:
            fates[run.worker].take(run, due[run.worker])
    workers = tuple(_told(worker, due[worker.id], fates[worker.id], trace) for worker in registry.workers)
    return Replay(trace=trace, start=start, end=end, workers=workers)


def _told(worker: Worker, due: Sequence[datetime], fates: _Fates, trace: TickTrace) -> WorkerReplay:
    matched, again = by_hour(due, trace.ticks, worker.schedule.zone)
    return WorkerReplay(
        worker=worker.id,
        agent=worker.agent,
        due=len(due),
        run=len(fates.late),
        superseded=len(fates.superseded),
        missed=fates.missed,
        lateness_median_s=median(fates.late) if fates.late else None,
        lateness_max_s=max(fates.late, default=None),
        by_hour=len(matched),
        by_hour_lost=len(set(due) - matched - fates.superseded),
        by_hour_again=again,
    )


def by_hour(due: Sequence[datetime], ticks: Iterable[datetime], zone: str) -> tuple[frozenset[datetime], int]:
    """What a runner would have run that starts whatever is scheduled in the hour on the clock of `zone`: the
    slots of `due` (ascending) whose hour a tick came in, and how often an hour's slots ran once more."""
    matched: set[datetime] = set()
    again = 0
    for tick in ticks:
        hour = hour_start(tick, zone)
        slots = due[bisect_left(due, hour) : bisect_left(due, hour + _HOUR)]
        again += bool(slots) and matched.issuperset(slots)
        matched.update(slots)
    return frozenset(matched), again
