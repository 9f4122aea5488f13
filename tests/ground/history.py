"""A ledger as months of ticks leave it behind, written as ticks write it: claim, start, record."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce
from loom.domain.registry import HookSettings
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Mark, Tick
from loom.ids import new_id
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger

STEP = timedelta(minutes=5)
CRON = "*/5 * * * *"
WORKERS = tuple(f"worker-{number:02}" for number in range(12))
_DIGEST = f"sha256:{'0123456789abcdef' * 4}"
_LEASE = timedelta(hours=1)
# How many runs end about the same time.
_AT_ONCE = 4


class History:
    """Ticks every 5 minutes from `begin` (UTC) on, each with a run of every one of `workers`.

    Of a hundred runs about one fails for a passing reason and is tried again on the next tick, one fails for
    good and opens an alert, and now and then a tick is missed, so that its slots are superseded. The same
    `seed` gives the same history, apart from the ids.
    """

    def __init__(self, begin: datetime, *, workers: Sequence[str] = WORKERS, seed: int = 1) -> None:
        self.now = begin
        self.runs = 0
        self._workers = workers
        self._chance = random.Random(seed)  # noqa: S311  (the same history each time)
        self._waiting: dict[str, Ticket] = {}
        self._episodes: dict[str, Episode] = {}

    def first(self) -> list[Entry]:
        """What the first tick of all leaves besides its own record."""
        marks = [Mark(worker, self.now) for worker in self._workers]
        return [HooksInForce((HookSettings("stderr", {}),)), *marks]

    def tick(self) -> Iterator[list[Entry]]:
        """The batches that one tick writes, in their order: the first is its claim."""
        missed = self._chance.random() < 0.003
        before, self.now = self.now, self.now + STEP * (4 if missed else 1)
        at = self.now
        tick = Tick(id=new_id(at), at=at, trigger="schedule", host="runner-1")
        passed: list[Entry] = []
        if missed:
            passed = [self._superseded(worker, before + STEP, at - STEP, tick) for worker in self._workers]
        claimed = [self._claimed(worker, at) for worker in self._workers]
        claimed += [self._again(ticket, at) for ticket in self._waiting.values()]
        self._waiting.clear()
        yield [tick, *passed, *(Mark(worker, at) for worker in self._workers), *claimed]
        started = [
            replace(ticket, state=TicketState.STARTED, starts=ticket.starts + 1, started_at=at)
            for ticket in claimed
        ]
        yield list(started)
        told: list[Delivery] = []
        for begin in range(0, len(started), _AT_ONCE):
            entries = [
                each for ticket in started[begin : begin + _AT_ONCE] for each in self._ended(ticket, tick)
            ]
            told += [each for each in entries if isinstance(each, Delivery)]
            yield entries
        for each in told:
            yield [replace(each, state=DeliveryState.SENDING, tries=1)]
            yield [replace(each, state=DeliveryState.SENT, tries=1)]
        yield [replace(tick, finished_at=at + timedelta(seconds=7), exit_code=0)]

    def dying_tick(self) -> Iterator[list[Entry]]:
        """The batches of a tick that dies while half of its workers are at work; one is paused by hand."""
        self.now += STEP
        tick = Tick(id=new_id(self.now), at=self.now, trigger="schedule", host="runner-1")
        claimed = [self._claimed(worker, self.now) for worker in self._workers]
        claimed += [self._again(ticket, self.now) for ticket in self._waiting.values()]
        yield [tick, *(Mark(worker, self.now) for worker in self._workers), *claimed]
        yield [replace(each, state=TicketState.STARTED, starts=each.starts + 1) for each in claimed[::2]]
        yield [Pause(worker=self._workers[0], by="ann", at=self.now, until=self.now + STEP)]

    def _claimed(self, worker: str, at: datetime) -> Ticket:
        return Ticket(
            key=Slot(worker, at).key,
            worker=worker,
            slot=at,
            trigger=Trigger.SCHEDULE,
            state=TicketState.CLAIMED,
            fence=1,
            claimer="runner-1.0a1b2c3d-4711-0123456789ab",
            lease_until=at + _LEASE,
            run_id=new_id(at),
        )

    def _again(self, ticket: Ticket, at: datetime) -> Ticket:
        claim = self._claimed(ticket.worker, at)
        return replace(
            claim,
            key=ticket.key,
            slot=ticket.slot,
            fence=ticket.fence + 1,
            starts=ticket.starts,
            trigger=Trigger.RETRY,
        )

    def _superseded(self, worker: str, first: datetime, last: datetime, tick: Tick) -> Run:
        self.runs += 1
        return Run(
            run_id=new_id(tick.at),
            worker=worker,
            agent=worker.title(),
            slot=first,
            slot_last=last,
            count=round((last - first) / STEP) + 1,
            trigger=Trigger.SCHEDULE,
            outcome=Outcome.SUPERSEDED,
            reason=f"the slot of {tick.at.isoformat()} runs instead",
            enforcement_digest=_DIGEST,
            tick_id=tick.id,
            tick_at=tick.at,
        )

    def _ended(self, ticket: Ticket, tick: Tick) -> list[Entry]:
        self.runs += 1
        luck = self._chance.random()
        bad = luck < 0.02
        run = Run(
            run_id=ticket.run_id or "",
            worker=ticket.worker,
            agent=ticket.worker.title(),
            slot=ticket.slot,
            trigger=ticket.trigger,
            outcome=Outcome.FAILED if bad else Outcome.SUCCEEDED,
            attempts=1,
            started_at=ticket.started_at,
            finished_at=tick.at + timedelta(seconds=3, microseconds=round(luck * 1e6)),
            duration_s=round(3 + luck, 6),
            error=RunError("ConnectError", "the other side is down", "workers/one.py:12") if bad else None,
            enforcement_digest=_DIGEST,
            tick_id=tick.id,
            tick_at=tick.at,
            on_time=ticket.starts == 1,
        )
        over = replace(ticket, claimer=None, lease_until=None, outcome=run.outcome)
        if bad and luck < 0.01 and ticket.starts == 1:
            run = replace(run, final=False, open_reason=OpenReason.RETRY, episode="held 1 of 2")
            left = replace(
                over, state=TicketState.OPEN, reason=OpenReason.RETRY, not_before=tick.at + STEP / 2
            )
            self._waiting[ticket.key] = left
            return [left, run]
        closed = replace(over, state=TicketState.CLOSED)
        if not bad and run.worker not in self._episodes:
            return [closed, run]
        return [closed, *self._told(run)]

    def _told(self, run: Run) -> list[Entry]:
        """A failure opens an episode, the next success closes it; both are told."""
        episode = self._episodes.pop(run.worker, None)
        good = run.outcome is Outcome.SUCCEEDED
        if episode is None:
            episode = Episode(
                id=new_id(run.tick_at), subject=run.worker, opened_at=run.tick_at, announced=True
            )
        event = Event.WORKER_RECOVERED if good else Event.WORKER_DOWN
        alert = Alert(event=event, summary=f"{run.worker}: {event}", at=run.tick_at, run_id=run.run_id)
        episode = replace(episode, last_alert=alert, last_alert_at=run.tick_at, last_run=run.run_id)
        if good:
            episode = replace(episode, closed_at=run.tick_at)
        else:
            self._episodes[run.worker] = episode
        delivery = Delivery(
            id=new_id(run.tick_at),
            alert=alert,
            hook="stderr",
            episode=episode.id,
            state=DeliveryState.PENDING,
            changed_at=run.tick_at,
        )
        return [run if good else replace(run, episode=episode.id), episode, delivery]


def write(ledger: Ledger, batches: Iterator[list[Entry]]) -> None:
    """One tick, batch by batch."""
    ledger.claim(next(batches), revision=ledger.snapshot().revision)
    for batch in batches:
        ledger.record(batch)


def write_at_once(ledger: Ledger, history: History, ticks: int) -> None:
    """So many ticks in one batch, of each value only the last version: what it leaves behind is the same."""
    last: dict[object, Entry] = {}
    for _ in range(ticks):
        for batch in history.tick():
            for entry in batch:
                key = _identity(entry)
                last.pop(key, None)
                last[key] = entry
    ledger.claim(list(last.values()), revision=ledger.snapshot().revision)


def _identity(entry: Entry) -> object:
    match entry:
        case Ticket():
            return Ticket, entry.key, entry.fence
        case Tick(id=name) | Run(run_id=name) | Episode(id=name) | Delivery(id=name):
            return type(entry), name
        case Mark(worker=name) | Pause(worker=name):
            return type(entry), name
    return entry


def in_haste(ledger: SqliteLedger) -> SqliteLedger:
    """`ledger`, from now on without a wait for the disk: for who only builds one to look at."""
    ledger._db.execute("PRAGMA synchronous = OFF")
    return ledger
