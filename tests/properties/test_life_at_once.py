"""Deciding thousands of slots at once says, to the letter, what deciding them one by one says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.pause import Pause
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.schedule import CatchUp, CatchUpPolicy, Schedule
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.worker import Overlap, Retry, Status, Worker
from loom.slots.calendar import due
from loom.slots.life import Decision, Obstacle, decide
from tests.properties.one_by_one import decide_one_by_one

NOW = datetime(2026, 11, 2, 15, 10, tzinfo=UTC)  # the day after the clocks changed in Chicago
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CRONS = ("* * * * *", "*/20 * * * *", "15,45 1-3 * * *", "0 6 * * *", "30 1 * * *", "7 * * * mon")


@dataclass(frozen=True)
class Case:
    worker: Worker
    mark: datetime
    due: Sequence[datetime]
    tickets: Sequence[Ticket]
    paused: Pause | None
    obstacle: Obstacle | None
    survivors: frozenset[str]

    def alive(self, ticket: Ticket) -> bool:
        return ticket.key in self.survivors


near = st.integers(-3 * 24 * 60, 60).map(lambda minutes: NOW + minutes * MINUTE)


@st.composite
def tickets(draw: st.DrawFn, at: datetime, number: int) -> Ticket:
    state = draw(st.sampled_from(TicketState))
    starts = draw(st.integers(0, 2)) if state is not TicketState.STARTED else draw(st.integers(1, 2))
    requested = draw(st.sampled_from([False] * 5 + [True]))
    waits = draw(st.sampled_from([None, None, NOW - HOUR, NOW + HOUR]))
    return Ticket(
        key=f"w#{number}" if requested else Slot("w", at).key,
        worker="w",
        slot=draw(st.sampled_from([None, at])) if requested else at,
        trigger=Trigger.MANUAL if requested else Trigger.SCHEDULE,
        state=state,
        reason=OpenReason.RETRY if starts and state is TicketState.OPEN else None,
        starts=starts,
        run_id=f"run-{number}",
        outcome=draw(st.sampled_from([Outcome.FAILED, Outcome.TIMED_OUT])) if starts else None,
        not_before=waits if state is TicketState.OPEN else None,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    cron = draw(st.sampled_from(CRONS))
    within = draw(st.sampled_from([None, MINUTE, 3 * HOUR, 30 * HOUR, 5 * DAY]))
    worker = Worker(
        "w",
        Schedule(cron, parse_cron(cron), "America/Chicago"),
        "a:b",
        status=draw(st.sampled_from([Status.ACTIVE] * 6 + [Status.PAUSED, Status.DISABLED])),
        catch_up=CatchUp(draw(st.sampled_from(CatchUpPolicy)), within),
        retry=Retry(later_ticks=draw(st.integers(0, 2)), abandoned=draw(st.booleans())),
        overlap=draw(st.sampled_from(Overlap)),
    )
    mark = draw(near)
    newly = list(due(worker, mark - draw(st.sampled_from([timedelta(), HOUR])), NOW + HOUR))
    # Some were dealt with by hand and are left out; and what isn't on the schedule must change nothing.
    for _ in range(draw(st.integers(0, min(3, len(newly))))):
        del newly[draw(st.integers(0, len(newly) - 1))]
    stray = draw(st.lists(near.map(lambda at: at + timedelta(seconds=30)), max_size=2))
    newly = sorted({*newly, *stray})
    places = st.one_of(near, st.sampled_from(newly)) if newly else near
    slots = draw(st.sets(places, max_size=6))
    if draw(st.booleans()) and newly:
        first = draw(st.integers(0, len(newly) - 1))
        slots.update(newly[first : first + 4])
    pause_from = draw(near)
    pause = Pause(
        worker="w",
        by="a",
        at=pause_from,
        until=draw(st.one_of(st.none(), st.just(pause_from + 7 * HOUR), near)),
        lifted=draw(st.sampled_from([False, False, True])),
    )
    held = [draw(tickets(at, number)) for number, at in enumerate(sorted(slots))]
    return Case(
        worker=worker,
        mark=mark,
        due=newly,
        tickets=held,
        paused=draw(st.sampled_from([None, pause])),
        obstacle=draw(st.sampled_from([None, None, None, Obstacle(OpenReason.REQUIREMENT, "KEY")])),
        survivors=frozenset(draw(st.sets(st.sampled_from([t.key for t in held])))) if held else frozenset(),
    )


def decided(case: Case, how: Callable[..., Decision]) -> Decision:
    return how(
        case.worker,
        mark=case.mark,
        now=NOW,
        due=case.due,
        tickets=case.tickets,
        paused=case.paused,
        obstacle=case.obstacle,
        alive=case.alive,
    )


@settings(max_examples=400)
@given(case=cases())
def test_a_decision_is_the_same_as_if_each_slot_had_been_looked_at_by_itself(case: Case) -> None:
    assert decided(case, decide) == decided(case, decide_one_by_one)


def month_away(*, policy: CatchUpPolicy = CatchUpPolicy.LATEST, within: timedelta | None = None) -> Case:
    """A minutely worker for which no tick came for a month. One slot in between was run by hand, and one
    failed and is still open."""
    schedule = Schedule("* * * * *", parse_cron("* * * * *"), "America/Chicago")
    worker = Worker("w", schedule, "a:b", catch_up=CatchUp(policy, within))
    mark = NOW - 31 * DAY
    newly = due(worker, mark, NOW)
    open_slot = newly[20_000]
    ticket = Ticket(
        key=Slot("w", open_slot).key,
        worker="w",
        slot=open_slot,
        trigger=Trigger.SCHEDULE,
        state=TicketState.OPEN,
        reason=OpenReason.RETRY,
        starts=1,
        outcome=Outcome.FAILED,
    )
    return Case(worker, mark, [*newly[:9_000], *newly[9_001:]], [ticket], None, None, frozenset())


@pytest.mark.parametrize(
    "case",
    [month_away(), month_away(within=30 * DAY), month_away(policy=CatchUpPolicy.NONE)],
    ids=["by default", "all within catch-up", "catch-up none"],
)
def test_a_month_of_minutely_slots_is_decided_alike_and_many_times_as_fast(case: Case) -> None:
    took: list[float] = []
    decisions: list[Decision] = []
    for how in (decide_one_by_one, decide):
        began = time.process_time()
        decisions.append(decided(case, how))
        took.append(time.process_time() - began)
    assert decisions[0] == decisions[1]
    assert sum(closing.count for closing in decisions[1].close) > 44_000
    assert took[0] > 5 * took[1], took
