"""Laws of a slot's life, under any sequence of ticks, crashes, pauses, obstacles and outcomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.pause import Pause
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.schedule import CatchUp, CatchUpPolicy, Schedule
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Overlap, Retry, Status, Worker
from loom.slots.calendar import due, first_mark, instants
from loom.slots.life import Closing, Decision, Obstacle, after_run, decide, remove

START = datetime(2026, 3, 6, 9, 20, tzinfo=UTC)  # two days before the clocks change in Chicago
INSTANT = timedelta(microseconds=1)
OBSTACLES = (
    None,
    None,
    None,
    Obstacle(OpenReason.ENFORCEMENT, "broken"),
    Obstacle(OpenReason.REQUIREMENT, "KEY"),
)

workers = st.builds(
    lambda cron, policy, within, later_ticks, abandoned, overlap: Worker(
        "w",
        Schedule(cron, parse_cron(cron), "America/Chicago"),
        "a:b",
        catch_up=CatchUp(policy, within),
        retry=Retry(later_ticks=later_ticks, abandoned=abandoned),
        overlap=overlap,
    ),
    st.sampled_from(["0 */3 * * *", "30 2 * * *", "15,45 1,2,3 * * *", "0 6 * * mon", "7 * * * *"]),
    st.sampled_from(CatchUpPolicy),
    st.sampled_from([None, timedelta(hours=2), timedelta(hours=9), timedelta(days=5)]),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(Overlap),
)
steps = st.timedeltas(timedelta(seconds=1), timedelta(hours=14))
FATES = ("claimed, dies", "starts, dies", "starts, lives", *Outcome)


@dataclass(frozen=True)
class Tick:
    """What one tick meets. fates: what becomes of the tickets that it starts, in turn."""

    step: timedelta
    status: Status
    paused_for: timedelta | None
    obstacle: Obstacle | None
    fates: tuple[str, ...]
    survivors: bool
    by_hand: bool


ticks = st.builds(
    Tick,
    step=steps,
    status=st.sampled_from([Status.ACTIVE] * 8 + [Status.PAUSED, Status.DISABLED]),
    paused_for=st.one_of(st.none(), st.none(), st.none(), steps),
    obstacle=st.sampled_from(OBSTACLES),
    fates=st.lists(st.sampled_from(FATES), min_size=3, max_size=3).map(tuple),
    survivors=st.booleans(),
    by_hand=st.sampled_from([False] * 5 + [True]),
)


@dataclass
class Book:
    """A ledger of one worker, as small as it can be, that holds every decision to the laws."""

    worker: Worker
    mark: datetime
    tickets: dict[str, Ticket] = field(default_factory=dict)
    ended: dict[datetime, Outcome] = field(default_factory=dict)
    starts: dict[datetime, int] = field(default_factory=dict)

    def decide(
        self, now: datetime, paused: Pause | None, obstacle: Obstacle | None, alive: Callable[[Ticket], bool]
    ) -> Decision:
        newly = due(self.worker, self.mark, now)
        tickets = tuple(self.tickets.values())
        decision = decide(
            self.worker,
            mark=self.mark,
            now=now,
            due=newly,
            tickets=tickets,
            paused=paused,
            obstacle=obstacle,
            alive=alive,
        )
        self._each_has_one_fate(decision, newly, alive)
        self._nothing_starts_that_may_not(decision, now, obstacle, alive)
        assert decision.mark == max(self.mark, now)
        return decision

    def _each_has_one_fate(
        self, decision: Decision, newly: Sequence[datetime], alive: Callable[[Ticket], bool]
    ) -> None:
        free = [t for t in self.tickets.values() if t.state is TicketState.OPEN or not alive(t)]
        owed = [t.slot for t in free if t.slot is not None]
        if self.worker.status is not Status.DISABLED:
            known = {t.slot for t in self.tickets.values()}
            owed += [at for at in newly if at not in known]
        got = [t.slot for t in (*decision.start, *decision.hold) if t.slot is not None]
        for closing in decision.close:
            got += self.slots_of(closing)
        assert sorted(got) == sorted(owed)
        by_hand = [t.key for t in free if t.slot is None]
        assert by_hand == [t.key for c in decision.close for t in c.tickets if t.slot is None]
        open_keys = {t.key for t in (*decision.start, *decision.hold)}
        assert {t.key for t in decision.abandoned} <= open_keys

    def _nothing_starts_that_may_not(
        self,
        decision: Decision,
        now: datetime,
        obstacle: Obstacle | None,
        alive: Callable[[Ticket], bool],
    ) -> None:
        for ticket in decision.start:
            assert ticket.slot is not None
            assert ticket.slot not in self.ended
            assert obstacle is None
            beside = any(alive(t) for t in self.tickets.values() if t.state is not TicketState.OPEN)
            assert not beside or self.worker.overlap is Overlap.ALLOW
            assert ticket.slot > self.mark or ticket.key in self.tickets
            assert ticket.not_before is None or ticket.not_before <= now
        assert [t.slot for t in decision.start] == sorted(t.slot for t in decision.start if t.slot)
        if self.worker.catch_up.policy is not CatchUpPolicy.ALL:
            assert len(decision.start) <= 1

    def slots_of(self, closing: Closing) -> list[datetime]:
        if closing.first is None or closing.last is None:
            return []
        if closing.count == 1:
            return [closing.first]
        found = list(instants(self.worker.schedule, closing.first - INSTANT, closing.last))
        assert len(found) == closing.count
        return found

    def apply(self, decision: Decision) -> None:
        for closing in decision.close:
            for at in self.slots_of(closing):
                self._end(at, closing.outcome)
                if self.starts.get(at):
                    assert closing.outcome not in (Outcome.MISSED, Outcome.SUPERSEDED)
            for ticket in closing.tickets:
                assert ticket.state is TicketState.CLOSED
                del self.tickets[ticket.key]
        for ticket in decision.hold:
            assert ticket.state is TicketState.OPEN
            assert ticket.reason is not None
            self.tickets[ticket.key] = ticket
        for ticket in decision.start:
            self.tickets[ticket.key] = replace(ticket, state=TicketState.CLAIMED, claimer="me")
        self.mark = decision.mark

    def run(self, ticket: Ticket, fate: str, now: datetime) -> None:
        if fate == "claimed, dies":
            return
        assert ticket.slot is not None
        running = replace(ticket, state=TicketState.STARTED, starts=ticket.starts + 1, claimer="me")
        self.tickets[ticket.key] = running
        self.starts[ticket.slot] = self.starts.get(ticket.slot, 0) + 1
        assert self.starts[ticket.slot] <= 1 + self.worker.retry.later_ticks
        if fate not in ("starts, dies", "starts, lives"):
            self.finish(running, Outcome(fate), now)

    def finish(self, ticket: Ticket, outcome: Outcome, now: datetime) -> None:
        after = after_run(self.worker, ticket, outcome=outcome, transient=True, retry_after=None, now=now)
        if after.state is TicketState.OPEN:
            self.tickets[ticket.key] = after
            return
        del self.tickets[ticket.key]
        if ticket.slot is not None:
            self._end(ticket.slot, outcome)

    def _end(self, at: datetime, outcome: Outcome) -> None:
        assert at not in self.ended, f"{at} ended {self.ended.get(at)} and again {outcome}"
        self.ended[at] = outcome


def _nobody(_: Ticket) -> bool:
    return False


def _everybody(_: Ticket) -> bool:
    return True


@settings(max_examples=150, deadline=None)
@given(workers, st.lists(ticks, min_size=1, max_size=12))
def test_every_slot_ends_once_and_each_decision_is_whole(worker: Worker, world: list[Tick]) -> None:
    now = START
    book = Book(worker, first_mark(now, worker.schedule.zone))
    began = book.mark
    disabled_spans: list[tuple[datetime, datetime]] = []
    for number, tick in enumerate(world):
        now += tick.step
        book.worker = replace(worker, status=tick.status)
        if tick.status is Status.DISABLED:
            disabled_spans.append((book.mark, now))
        pause = (
            None
            if tick.paused_for is None
            else Pause(worker="w", by="a", at=now - tick.step, until=now - tick.step + tick.paused_for)
        )
        alive = _everybody if tick.survivors else _nobody
        decision = book.decide(now, pause, tick.obstacle, alive)
        book.apply(decision)
        again = book.decide(now, pause, tick.obstacle, _everybody)
        assert (again.start, again.close, again.abandoned) == ((), (), ())
        for ticket, fate in zip(decision.start, (*tick.fates, *("starts, dies",) * 400), strict=False):
            book.run(book.tickets[ticket.key], fate, now)
        if tick.by_hand:
            key = f"w#{number}"
            book.tickets[key] = Ticket(
                key=key, worker="w", slot=None, trigger=Trigger.MANUAL, state=TicketState.STARTED, starts=1
            )
    book.worker = worker
    last = now + timedelta(days=60)
    final = book.decide(last, None, None, _nobody)
    book.apply(final)
    for ticket in final.start:
        book.run(book.tickets[ticket.key], Outcome.SUCCEEDED, last)
    assert book.tickets == {}
    for at in instants(worker.schedule, began, last):
        disabled = any(low < at <= high for low, high in disabled_spans)
        assert (at in book.ended) != disabled


@settings(max_examples=100, deadline=None)
@given(workers, st.lists(ticks, min_size=1, max_size=6))
def test_when_a_worker_is_removed_all_that_nobody_works_on_ends(worker: Worker, world: list[Tick]) -> None:
    now = START
    book = Book(worker, first_mark(now, worker.schedule.zone))
    for tick in world:
        now += tick.step
        decision = book.decide(now, None, tick.obstacle, _nobody)
        book.apply(decision)
        for ticket, fate in zip(decision.start, (*tick.fates, *("starts, dies",) * 400), strict=False):
            book.run(book.tickets[ticket.key], fate, now)
    tickets = tuple(book.tickets.values())
    gone = [ticket for closing in remove(tickets, _nobody) for ticket in closing.tickets]
    assert sorted(t.key for t in gone) == sorted(book.tickets)
    assert all(t.state is TicketState.CLOSED and t.outcome is not None for t in gone)
    left = {t.key for closing in remove(tickets, _everybody) for t in closing.tickets}
    assert left == {t.key for t in tickets if t.state is TicketState.OPEN}
