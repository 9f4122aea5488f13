"""A year of a project's life, written into its ledger as ticks write it, in seconds instead of a year."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from loom.alerts.policy import Trouble, consider
from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce
from loom.domain.registry import HookSettings, Registry
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.domain.worker import Status, Worker
from loom.ids import new_id
from loom.ports import Ledger
from loom.slots.calendar import instants
from tests.dashboard.words import Voice

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_RULES = ("git-read-only", "hubspot-read-only", "no-personal-data-in-outputs", "no-secrets-in-outputs")
_ERRORS = {
    Outcome.FAILED: RunError("ConnectError", "the other side is down", "workers/sources/hubspot.py:112"),
    Outcome.TIMED_OUT: RunError("TimedOut", "still at work after 10 minutes", None),
    Outcome.INVALID: RunError("missing", "field required: metrics.episodes_read", "metrics.episodes_read"),
    Outcome.BLOCKED: RunError("hubspot-read-only", "POST /crm/v3/objects/contacts was refused", "line 88"),
    Outcome.ABANDONED: RunError("Abandoned", "the process of the run died", None),
}
_WEATHER = (
    *[Outcome.FAILED] * 6, *[Outcome.TIMED_OUT] * 2, Outcome.INVALID, Outcome.BLOCKED, Outcome.ABANDONED,
    *[Outcome.SKIPPED] * 2,
)  # fmt: skip
# So many days before the end: no tick comes, the rules are broken, nobody hears of what is said.
_SILENT, _BROKEN, _UNHEARD = (150, 148), (60, 59), (2, 0)
_CHANGED_RULES = (330, 240, 117, 59, 21)
PAUSED, DOWN, LATE = "media-distribution", "relationship-sentinel", "website-health-scanner"
"""How three of them stand at the end; the others are up, or as their luck had it."""


class Year:
    """What `registry`'s workers did in the `days` before `end` (UTC), with hourly ticks of which some come
    late and some don't come. The same `seed` gives the same year, apart from the ids.

    findings: at most so many by each run.
    """

    def __init__(
        self, registry: Registry, *, end: datetime, days: int = 365, seed: int = 1, findings: int = 8
    ) -> None:
        self._registry, self._end, self._begin = registry, end, end - days * _DAY
        self._chance = random.Random(seed)  # noqa: S311  (the same year each time)
        self._workers = [each for each in registry.workers if each.status is Status.ACTIVE]
        self._voices = {each.id: Voice(each.id, self._chance, most=findings) for each in self._workers}
        self._due = {w.id: list(instants(w.schedule, self._begin, end)) for w in self._workers}
        self._spells: dict[str, tuple[Outcome, int]] = {}
        self._episodes: dict[str, Episode] = {}
        self._standings: dict[str, Standing] = {}
        self.runs = 0

    def write(self, ledger: Ledger) -> None:
        """All of it, a month of ticks in each batch."""
        batch: list[Entry] = [HooksInForce((HookSettings("stderr", {}),))]
        batch += [Mark(worker.id, self._begin) for worker in self._registry.workers]
        for number, at in enumerate(self._wakings()):
            batch += self._tick(at, last=False)
            if number % 720 == 719:
                ledger.claim(batch, revision=ledger.snapshot().revision)
                batch = []
        batch += self._tick(self._end - timedelta(minutes=9), last=True)
        ledger.claim(batch, revision=ledger.snapshot().revision)

    def _wakings(self) -> Iterator[datetime]:
        hours = int((self._end - self._begin) / _HOUR)
        for number in range(hours - 1):
            at = self._begin + number * _HOUR
            late = timedelta(minutes=min(55.0, self._chance.expovariate(1 / 6)))
            if self._chance.random() > 0.08 and not self._within(at, _SILENT):
                yield at + late

    def _within(self, at: datetime, days: tuple[int, int]) -> bool:
        return self._end - days[0] * _DAY <= at < self._end - days[1] * _DAY

    def _tick(self, at: datetime, *, last: bool) -> list[Entry]:
        tick = Tick(
            id=new_id(at),
            at=at,
            trigger="schedule",
            host="runner-1",
        )
        broken = self._within(at, _BROKEN)
        runs = [run for worker in self._workers for run in self._decided(worker, tick, broken)]
        trouble = Trouble("loom:enforcement", Event.ENFORCEMENT_BROKEN, "altered", "a rule was altered", None)
        told = consider(
            self._episodes,
            runs=runs,
            policies={worker.id: worker.alert for worker in self._workers},
            standings=self._standings,
            troubles=[trouble] if broken else [],
            now=at,
            new_id=lambda: new_id(at),
            run_url=None,
            zone=self._registry.zone,
        )
        self._standings = dict(told.standings)
        for episode in told.episodes:
            self._episodes[episode.subject] = episode
        self._episodes = {s: each for s, each in self._episodes.items() if each.closed_at is None}
        runs = [replace(run, episode=told.belongs.get(run.run_id, "")) for run in runs]
        self.runs += len(runs)
        ended = replace(tick, finished_at=at + timedelta(seconds=9), exit_code=int(any(r.bad for r in runs)))
        deliveries = [self._delivery(*each, lost=self._within(at, _UNHEARD)) for each in told.alerts]
        marks = [Mark(run.worker, run.slot_last or run.slot) for run in runs if run.slot]
        tickets = [self._ticket(run) for run in runs if run.slot and run.count == 1]
        entries: list[Entry] = [ended, *marks, *tickets, *runs, *told.episodes, *deliveries]
        if last:
            entries.append(Pause(worker=PAUSED, by="ann", at=at - 4 * _DAY, reason="the feed moves house"))
        return entries

    def _decided(self, worker: Worker, tick: Tick, broken: bool) -> Iterator[Run]:
        due = self._due[worker.id]
        if not due or due[0] > tick.at:
            return
        come = due[: bisect_right(due, tick.at)]
        del due[: len(come)]
        *older, newest = come
        lost = [slot for slot in older if tick.at - slot > _DAY]
        yield from self._range(worker, tick, lost, Outcome.MISSED, "no tick came within 24 hours of it")
        passed = [slot for slot in older if slot not in lost]
        yield from self._range(worker, tick, passed, Outcome.SUPERSEDED, "a later slot ran instead")
        yield self._run(worker, tick, newest, broken)

    def _range(
        self, worker: Worker, tick: Tick, slots: Sequence[datetime], outcome: Outcome, why: str
    ) -> Iterator[Run]:
        if slots:
            run = self._record(worker, tick, slots[0], outcome)
            yield replace(run, slot_last=slots[-1], count=len(slots), reason=why)

    def _record(self, worker: Worker, tick: Tick, slot: datetime, outcome: Outcome) -> Run:
        return Run(
            run_id=new_id(tick.at),
            worker=worker.id,
            agent=worker.agent,
            slot=slot,
            trigger=Trigger.SCHEDULE,
            outcome=outcome,
            enforcement_digest=self._digest(tick.at),
            tick_id=tick.id,
            tick_at=tick.at,
            error=_ERRORS.get(outcome),
        )

    def _run(self, worker: Worker, tick: Tick, slot: datetime, broken: bool) -> Run:
        left = len(self._due[worker.id])
        outcome = self._weather(worker.id, left)
        run = self._record(worker, tick, slot, outcome)
        on_time = tick.at - slot < 2 * _HOUR
        if worker.id == PAUSED and self._within(slot, (4, 0)):
            return replace(run, outcome=Outcome.SKIPPED, reason="paused by ann", error=None, on_time=on_time)
        if broken:
            return replace(run, outcome=Outcome.BLOCKED, reason="the rules were altered", error=None)
        if outcome is Outcome.SKIPPED:
            return replace(run, reason="there is no folder episodes", on_time=on_time)
        typical = 2.0 + (sum(map(ord, worker.id)) % 40)
        took = typical * self._chance.lognormvariate(0, 0.3) if outcome is not Outcome.TIMED_OUT else 600.0
        run = replace(
            run,
            attempts=3 if outcome is Outcome.FAILED else self._chance.choice((1,) * 9 + (2,)),
            started_at=tick.at,
            finished_at=tick.at + timedelta(seconds=took),
            duration_s=round(took, 3),
            rules=_RULES,
            checks=self._chance.randint(10, 400),
            refusals=int(outcome is Outcome.BLOCKED),
            on_time=on_time,
            log="reading\ncompared\n",
            output=self._voices[worker.id].output() if outcome is Outcome.SUCCEEDED else None,
        )
        if worker.id == LATE and left == 0:
            later = tick.at + timedelta(minutes=30)
            return replace(run, final=False, open_reason=OpenReason.RETRY, not_before=later)
        return run

    def _weather(self, worker: str, left: int) -> Outcome:
        """Bad luck comes for a few runs in a row. left: how many slots are still to come."""
        if worker in (DOWN, LATE) and left < (3 if worker == DOWN else 1):
            return Outcome.FAILED
        outcome, more = self._spells.get(worker, (Outcome.SUCCEEDED, 0))
        if more == 0:
            good = self._chance.random() > 0.03
            outcome = Outcome.SUCCEEDED if good else self._chance.choice(_WEATHER)
            more = 1 if good else self._chance.randint(1, 4)
        self._spells[worker] = (outcome, more - 1)
        return outcome

    def _digest(self, at: datetime) -> str:
        changes = sum(at >= self._end - days * _DAY for days in _CHANGED_RULES)
        return f"sha256:{'0123456789abcdef'[changes] * 8}{'0123456789abcdef' * 3}{changes:08}"

    def _ticket(self, run: Run) -> Ticket:
        slot = run.slot
        assert slot is not None
        return Ticket(
            key=Slot(run.worker, slot).key,
            worker=run.worker,
            slot=slot,
            trigger=run.trigger,
            state=TicketState.CLOSED if run.final else TicketState.OPEN,
            reason=run.open_reason,
            not_before=run.not_before,
            starts=run.attempts,
            run_id=run.run_id,
            outcome=run.outcome,
            fence=1,
        )

    def _delivery(self, alert: Alert, episode: Episode, *, lost: bool) -> Delivery:
        return Delivery(
            id=new_id(alert.at),
            alert=alert,
            hook="webhook",
            episode=episode.id,
            state=DeliveryState.FAILED if lost else DeliveryState.SENT,
            tries=1,
            error="503 Service Unavailable" if lost else None,
            changed_at=alert.at,
        )
