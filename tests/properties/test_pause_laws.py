"""Whatever the order of pauses, resumes and ticks: what comes due while a worker is paused is skipped."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.registry import Registry
from loom.domain.run import Outcome
from loom.domain.schedule import CatchUp, CatchUpPolicy, Schedule
from loom.domain.slot import Ticket
from loom.domain.tick import Mark
from loom.domain.worker import Retry, Worker
from loom.ledger.memory import MemoryLedger
from loom.pausing import pause, resume
from loom.slots.calendar import due, first_mark, instants
from loom.slots.life import Closing, Decision, after_run, decide

START = datetime(2026, 3, 6, 9, 20, tzinfo=UTC)  # two days before the clocks change in Chicago
INSTANT = timedelta(microseconds=1)

workers = st.builds(
    lambda cron, policy, within: Worker(
        "w",
        Schedule(cron, parse_cron(cron), "America/Chicago"),
        "a:b",
        catch_up=CatchUp(policy, within),
        retry=Retry(later_ticks=2),
    ),
    st.sampled_from(["0 * * * *", "*/20 * * * *", "30 2 * * *", "15,45 1,2,3 * * *"]),
    st.sampled_from(CatchUpPolicy),
    st.sampled_from([None, timedelta(hours=2), timedelta(days=5)]),
)


@dataclass(frozen=True)
class Deed:
    """What happens `after` so long: a tick, whose runs end so; or an order."""

    after: timedelta
    what: str
    length: timedelta
    outcome: Outcome


deeds = st.builds(
    Deed,
    after=st.timedeltas(timedelta(seconds=1), timedelta(hours=5)),
    what=st.sampled_from(["tick", "tick", "pause", "pause until", "resume"]),
    length=st.timedeltas(timedelta(minutes=1), timedelta(hours=8)),
    outcome=st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT]),
)


class Life:
    """One worker on a ledger that keeps marks, tickets and pauses, and what became of each slot."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.registry = Registry(zone="America/Chicago", workers=(worker,))
        self.ledger = MemoryLedger()
        self.began = first_mark(START, worker.schedule.zone)
        self.ledger.record([Mark("w", self.began)])
        self.ended: dict[datetime, tuple[Outcome, str]] = {}
        self.started: dict[datetime, datetime] = {}
        self.tickets: dict[str, Ticket] = {}

    def tick(self, now: datetime, outcome: Outcome) -> None:
        snapshot = self.ledger.snapshot()
        mark = snapshot.marks["w"]
        decision = decide(
            self.worker,
            mark=mark,
            now=now,
            due=due(self.worker, mark, now),
            tickets=tuple(self.tickets.values()),
            paused=snapshot.pauses.get("w"),
            obstacle=None,
            alive=lambda _: False,
        )
        self._close(decision)
        self.ledger.claim([Mark("w", decision.mark)], revision=snapshot.revision)
        for ticket in decision.start:
            assert ticket.slot is not None
            self.started[ticket.slot] = now
            after = after_run(self.worker, ticket, outcome=outcome, transient=True, retry_after=None, now=now)
            if after.state.value == "closed":
                self.tickets.pop(ticket.key, None)
                self.ended[ticket.slot] = (outcome, "ran")
            else:
                self.tickets[ticket.key] = after

    def _close(self, decision: Decision) -> None:
        for closing in decision.close:
            for slot in self._slots_of(closing):
                assert slot not in self.ended
                self.ended[slot] = (closing.outcome, closing.reason)
            for ticket in closing.tickets:
                self.tickets.pop(ticket.key, None)
        for ticket in decision.hold:
            self.tickets[ticket.key] = ticket

    def _slots_of(self, closing: Closing) -> list[datetime]:
        assert closing.first is not None
        assert closing.last is not None
        return list(instants(self.worker.schedule, closing.first - INSTANT, closing.last))


@settings(max_examples=120)
@given(workers, st.lists(deeds, min_size=1, max_size=14))
def test_what_comes_due_while_paused_is_skipped_and_nothing_is_lost(
    worker: Worker, story: list[Deed]
) -> None:
    life = Life(worker)
    now, spans = START, list[list[datetime]]()
    for deed in story:
        now += deed.after
        paused = spans and spans[-1][1] > now
        if deed.what == "tick":
            life.tick(now, deed.outcome)
        elif deed.what == "resume":
            resume(life.registry, life.ledger, worker, by="Bob", now=now)
            if paused:
                spans[-1][1] = now
        else:
            until = now + deed.length if deed.what == "pause until" else None
            pause(
                life.registry,
                life.ledger,
                worker,
                by="Ada",
                reason="why not",
                now=now,
                until=until,
                alive=lambda _: False,
            )
            if paused:
                spans[-1][1] = now
            spans.append([now, until or datetime.max.replace(tzinfo=UTC)])
    now += timedelta(minutes=1)
    resume(life.registry, life.ledger, worker, by="Bob", now=now)
    if spans:
        spans[-1][1] = min(spans[-1][1], now)
    for _ in range(4):
        now += timedelta(days=9)
        life.tick(now, Outcome.SUCCEEDED)
    assert life.tickets == {}
    for slot in instants(worker.schedule, life.began, now):
        outcome, reason = life.ended[slot]
        if any(since <= slot < until for since, until in spans):
            assert (outcome, reason[:12]) == (Outcome.SKIPPED, "paused by Ad"), f"{slot} {outcome} {reason}"
            assert slot not in life.started
