"""A tick's ports, each call of which is part of a plot."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from loom.domain.alert import Alert, Delivery, Episode, Event
from loom.domain.execution import Execution
from loom.domain.record import Entry, Promises, RunQuery, RunReader, Snapshot
from loom.domain.run import Run
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.tick import Tick
from loom.execution.assignment import Assignment
from loom.execution.inline import InlineExecutor
from loom.ports import AlertHook, Ledger
from tests.life.plot import Plot

Writing = Callable[[Callable[[], None], Sequence[Entry]], None]
"""Told of a write: it calls the first argument, which may raise, and sees what was written."""


class WatchedLedger:
    """`loom.ports.Ledger`: another one. claiming, recording: do its writes. forgetting: hears of prunes."""

    def __init__(
        self,
        inner: Ledger,
        plot: Plot,
        *,
        claiming: Writing,
        recording: Writing,
        forgetting: Callable[[datetime], None],
    ) -> None:
        self._inner = inner
        self._plot = plot
        self._claiming = claiming
        self._recording = recording
        self._forgetting = forgetting

    def snapshot(self) -> Snapshot:
        return self._plot.call("snapshot", self._inner.snapshot)

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        def write() -> None:
            self._inner.claim(entries, revision=revision)

        self._plot.call("claim", lambda: self._claiming(write, entries))

    def record(self, entries: Sequence[Entry]) -> None:
        def write() -> None:
            self._inner.record(entries)

        self._plot.call("record", lambda: self._recording(write, entries))

    def run(self, run_id: str) -> Run | None:
        return self._plot.call("run", lambda: self._inner.run(run_id))

    def output(self, run_id: str) -> Mapping[str, Any] | None:
        return self._plot.call("run", lambda: self._inner.output(run_id))

    def newest_closed(self) -> datetime | None:
        return self._plot.call("read", self._inner.newest_closed)

    def closed_slots(self, worker: str, *, after: datetime) -> frozenset[datetime]:
        return self._plot.call("read", lambda: self._inner.closed_slots(worker, after=after))

    def runs(self, query: RunQuery) -> Sequence[Run]:
        return self._plot.call("read", lambda: self._inner.runs(query))

    def reader(self) -> RunReader:
        return self._inner.reader()

    def ticks(self, *, since: datetime) -> Sequence[Tick]:
        return self._plot.call("read", lambda: self._inner.ticks(since=since))

    def tick_times(
        self,
        *,
        triggers: Collection[str],
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[datetime]:
        def ask() -> Sequence[datetime]:
            return self._inner.tick_times(triggers=triggers, since=since, until=until, limit=limit)

        return self._plot.call("read", ask)

    def slot_outcomes(
        self, *, worker: str | None = None, since: datetime | None = None, limit: int
    ) -> Sequence[SlotOutcome]:
        def ask() -> Sequence[SlotOutcome]:
            return self._inner.slot_outcomes(worker=worker, since=since, limit=limit)

        return self._plot.call("read", ask)

    def deliveries(self, *, run_id: str | None = None, since: datetime | None = None) -> Sequence[Delivery]:
        return self._plot.call("read", lambda: self._inner.deliveries(run_id=run_id, since=since))

    def episodes(self, *, since: datetime) -> Sequence[Episode]:
        return self._plot.call("read", lambda: self._inner.episodes(since=since))

    def promises(self, *, since: datetime, unheard: Collection[str] = ()) -> Promises:
        return self._plot.call("read", lambda: self._inner.promises(since=since, unheard=unheard))

    def prune(self, *, before: datetime) -> int:
        self._forgetting(before)
        return self._plot.call("prune", lambda: self._inner.prune(before=before))

    def publish(self) -> Sequence[str]:
        return self._plot.call("publish", self._inner.publish)

    def close(self) -> None:
        self._inner.close()


class WatchedExecutor:
    """`loom.runner.parts.Executor`: the inline one, a run at a time so that every replay is the same.

    together: whether all that is done is handed back at once. starting: asked before each run; raises for one
    that may not start. ended: told of each whose end was handed back. killed: whether a worker has ended its
    own process since it was asked last.
    """

    def __init__(
        self,
        inner: InlineExecutor,
        plot: Plot,
        *,
        together: bool,
        starting: Callable[[Assignment], None],
        ended: Callable[[str], None],
        killed: Callable[[], bool],
    ) -> None:
        self._inner = inner
        self._plot = plot
        self._together = together
        self._starting = starting
        self._ended = ended
        self._killed = killed
        self._done: list[tuple[str, Execution]] = []

    def __enter__(self) -> "WatchedExecutor":
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def submit(self, assignment: Assignment) -> None:
        self._plot.call("submit", lambda: self._run(assignment))

    def _run(self, assignment: Assignment) -> None:
        self._starting(assignment)
        self._inner.submit(assignment)
        self._done += self._inner.wait(None)
        if self._killed():
            self._plot.die()

    def wait(self, timeout: float | None) -> list[tuple[str, Execution]]:
        return self._plot.call("wait", self._hand_back)

    def _hand_back(self) -> list[tuple[str, Execution]]:
        count = len(self._done) if self._together else 1
        handed, self._done = self._done[:count], self._done[count:]
        for key, _ in handed:
            self._ended(key)
        return handed

    def cancel(self, why: str) -> None:
        self._inner.cancel(why)


class WatchedHook:
    """`loom.ports.AlertHook`: another one."""

    def __init__(self, inner: AlertHook, plot: Plot) -> None:
        self._inner = inner
        self._plot = plot
        self.name = inner.name

    def wants(self, event: Event) -> bool:
        return self._inner.wants(event)

    def deliver(self, alert: Alert) -> None:
        self._plot.call("deliver", lambda: self._inner.deliver(alert))
