"""The in-memory twin of the SQLite ledger: the same laws, gone with the process."""

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from loom.domain.alert import Delivery, DeliveryState, Episode
from loom.domain.record import Entry, Promises, RunQuery, RunReader, Snapshot
from loom.domain.run import Run
from loom.domain.slot import Slot
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.tick import Tick
from loom.errors import ClaimLost, StaleDecision
from loom.ledger.laws import scheduled_slots, still_renamed
from loom.ledger.tables import NEWEST, Tables


class MemoryLedger:
    """`loom.ports.Ledger` in dictionaries; several threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables = Tables()
        self._revision = 0

    def snapshot(self) -> Snapshot:
        with self._lock:
            held = self._tables
            return Snapshot(
                revision=self._revision,
                marks=dict(held.marks),
                renamed=still_renamed(held.renamed, held.marks),
                tickets=dict(held.open_tickets),
                pauses={worker: pause for worker, pause in held.pauses.items() if not pause.lifted},
                standings=dict(held.standings),
                episodes={
                    episode.subject: episode
                    for episode in sorted(
                        held.open_episodes.values(), key=lambda one: (one.opened_at, one.id)
                    )
                },
                deliveries=tuple(held.unsent.values()),
                last_tick=held.last_tick.get(NEWEST),
                hooks=held.hooks.get(NEWEST),
            )

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        """As the port says; also raises ClaimLost for a ticket that is closed or has another fence."""
        with self._lock:
            if self._revision != revision:
                raise StaleDecision(
                    f"the ledger is at revision {self._revision}, the decision was made at {revision}"
                )
            self._write(entries, claiming=True)

    def record(self, entries: Sequence[Entry]) -> None:
        """As the port says. A version of a final Run that isn't final comes too late and is ignored."""
        with self._lock:
            self._write(entries, claiming=False)

    def _write(self, entries: Sequence[Entry], *, claiming: bool) -> None:
        self._tables.begin()
        try:
            lost = [key for entry in entries for key in self._tables.enter(entry, claiming=claiming)]
            if lost:
                raise ClaimLost(lost)
        except BaseException:
            self._tables.roll_back()
            raise
        self._revision += self._tables.moved

    def run(self, run_id: str) -> Run | None:
        with self._lock:
            exact = self._tables.runs.get(run_id)
            if exact is not None or len(run_id) < 8:
                return exact
            runs = self._tables.runs
            found = [run for key, run in runs.items() if key.startswith(run_id) or key.endswith(run_id)]
            return found[0] if len(found) == 1 else None

    def output(self, run_id: str) -> Mapping[str, Any] | None:
        with self._lock:
            run = self._tables.runs.get(run_id)
            return None if run is None else run.output

    def newest_closed(self) -> datetime | None:
        with self._lock:
            slots = (ticket.slot for ticket in self._tables.closed_tickets.values())
            return max((slot for slot in slots if slot is not None), default=None)

    def closed_slots(self, worker: str, *, after: datetime) -> frozenset[datetime]:
        with self._lock:
            return frozenset(
                ticket.slot
                for ticket in self._tables.closed_tickets.values()
                if ticket.slot is not None
                and ticket.slot > after
                and ticket.key == Slot(worker, ticket.slot).key
            )

    def runs(self, query: RunQuery) -> Sequence[Run]:
        """Newest `tick_at` first, then by run_id downwards. `until` is inclusive; a slot within a range
        finds the range's run."""
        with self._lock:
            fitting = [run for run in self._tables.runs.values() if _fits(run, query)]
        fitting.sort(key=lambda run: (run.tick_at, run.run_id), reverse=True)
        return fitting[: max(query.limit, 0)]

    def reader(self) -> RunReader:
        """As the port says. Another process gets what is held when it is sent there."""
        return self.runs

    def __getstate__(self) -> tuple[Tables, int]:
        with self._lock:
            return self._tables, self._revision

    def __setstate__(self, state: tuple[Tables, int]) -> None:
        self._lock = threading.Lock()
        self._tables, self._revision = state

    def ticks(self, *, since: datetime) -> Sequence[Tick]:
        with self._lock:
            fitting = [tick for tick in self._tables.ticks.values() if tick.at >= since]
        return sorted(fitting, key=lambda tick: (tick.at, tick.id))

    def tick_times(
        self,
        *,
        triggers: Collection[str],
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[datetime]:
        with self._lock:
            times = [tick.at for tick in self._tables.ticks.values() if tick.trigger in triggers]
        fitting = [at for at in times if (since is None or at >= since) and (until is None or at <= until)]
        return sorted(fitting, reverse=True)[:limit]

    def slot_outcomes(
        self, *, worker: str | None = None, since: datetime | None = None, limit: int
    ) -> Sequence[SlotOutcome]:
        runs = self.runs(RunQuery(worker=worker, since=since, limit=limit))
        return [
            SlotOutcome(
                worker=run.worker,
                run_id=run.run_id,
                first=run.slot,
                last=run.slot_last or run.slot,
                count=run.count,
                outcome=run.outcome,
                final=run.final,
                on_time=run.on_time,
                started=run.started_at is not None,
                tick_at=run.tick_at,
            )
            for run in runs
            if run.slot is not None and scheduled_slots(run)
        ]

    def deliveries(self, *, run_id: str | None = None, since: datetime | None = None) -> Sequence[Delivery]:
        with self._lock:
            return [
                one
                for one in self._tables.deliveries.values()
                if run_id in (None, one.alert.run_id) and (since is None or one.changed_at >= since)
            ]

    def episodes(self, *, since: datetime) -> Sequence[Episode]:
        with self._lock:
            held = [*self._tables.open_episodes.values(), *self._tables.closed_episodes.values()]
        fitting = [one for one in held if one.closed_at is None or one.closed_at >= since]
        return sorted(fitting, key=lambda one: (one.opened_at, one.id))

    def promises(self, *, since: datetime, unheard: Collection[str] = ()) -> Promises:
        with self._lock:
            runs = [run for run in self._tables.runs.values() if run.tick_at >= since]
        ended = [run for run in runs if run.final]
        started = [run for run in runs if run.started_at is not None]
        return Promises(
            slots=sum(scheduled_slots(run) for run in ended),
            on_time=sum(scheduled_slots(run) for run in ended if run.on_time),
            started=len(started),
            under_digest=sum(run.enforcement_digest is not None for run in started),
            bad=sum(run.bad for run in runs),
            unheard=sum(run.bad and run.episode in unheard for run in runs),
        )

    def prune(self, *, before: datetime) -> int:
        with self._lock:
            held = self._tables
            named = {one.last_run_id for one in held.standings.values()}
            named |= {one.previous_run_id for one in held.standings.values()}
            named |= {one.run_id for one in held.open_tickets.values()}
            old = [key for key, run in held.runs.items() if run.tick_at < before and key not in named]
            for run_id in old:
                del held.runs[run_id]
            for key, ticket in list(held.closed_tickets.items()):
                at = ticket.slot or ticket.started_at
                # A manual request that never started has no time of its own: it goes when its run has gone.
                if at < before if at is not None else ticket.run_id not in held.runs:
                    del held.closed_tickets[key]
            for delivery in list(held.deliveries.values()):
                if delivery.state is DeliveryState.SENT and delivery.changed_at < before:
                    del held.deliveries[delivery.id]
            for episode in list(held.closed_episodes.values()):
                if episode.closed_at is not None and episode.closed_at < before:
                    del held.closed_episodes[episode.id]
            for tick in list(held.ticks.values()):
                ended = tick.finished_at is not None and tick.at < before
                # The newest stays: it is how the next one tells that the clock went backwards.
                if ended and tick is not held.last_tick[NEWEST]:
                    del held.ticks[tick.id]
            return len(old)

    def publish(self) -> Sequence[str]:
        """Nothing to do: there is nobody else."""
        return ()

    def close(self) -> None:
        """Nothing to do: what was written stays as long as the object."""


def _fits(run: Run, query: RunQuery) -> bool:
    return (
        query.worker in (None, run.worker)
        and query.tick_id in (None, run.tick_id)
        and (not query.outcomes or run.outcome in query.outcomes)
        and (query.since is None or run.tick_at >= query.since)
        and (query.until is None or run.tick_at <= query.until)
        and (query.slot is None or _covers(run, query.slot))
    )


def _covers(run: Run, slot: datetime) -> bool:
    return run.slot is not None and run.slot <= slot <= (run.slot_last or run.slot)
