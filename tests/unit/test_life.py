"""Each slot's life: what starts, what is held and why, and with which one outcome it ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loom.domain.cron import parse_cron
from loom.domain.pause import Pause
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.schedule import CatchUp, CatchUpPolicy, Schedule
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.worker import Overlap, Retry, Status, Worker
from loom.slots.calendar import due, first_mark
from loom.slots.life import Closing, Decision, Obstacle, after_run, decide, remove

ZONE = "America/Chicago"
NOW = datetime(2026, 5, 6, 15, 10, tzinfo=UTC)  # Wednesday, 10:10 in Chicago
SIX = datetime(2026, 5, 6, 11, 0, tzinfo=UTC)  # 06:00 in Chicago
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BROKEN = Obstacle(OpenReason.ENFORCEMENT, "rule 'hubspot-read-only' is missing")


def _worker(
    cron: str = "0 6 * * *",
    policy: CatchUpPolicy = CatchUpPolicy.LATEST,
    within: timedelta | None = None,
    status: Status = Status.ACTIVE,
    retry: Retry | None = None,
) -> Worker:
    schedule = Schedule(cron, parse_cron(cron), ZONE)
    catch_up = CatchUp(policy, within)
    return Worker(
        "echo", schedule, "workers.echo:run", status=status, catch_up=catch_up, retry=retry or Retry()
    )


def _ticket(
    at: datetime | None = SIX,
    state: TicketState = TicketState.OPEN,
    reason: OpenReason | None = None,
    starts: int = 0,
    outcome: Outcome | None = None,
    not_before: datetime | None = None,
    detail: str = "",
) -> Ticket:
    held = state in (TicketState.CLAIMED, TicketState.STARTED)
    return Ticket(
        key="echo#run" if at is None else Slot("echo", at).key,
        worker="echo",
        slot=at,
        trigger=Trigger.MANUAL if at is None else Trigger.SCHEDULE,
        state=state,
        reason=reason,
        detail=detail,
        starts=starts,
        outcome=outcome,
        not_before=not_before,
        fence=3,
        claimer="host:1" if held else None,
        lease_until=NOW if held else None,
        started_at=NOW - HOUR if state is TicketState.STARTED else None,
    )


def _failed(at: datetime = SIX, starts: int = 1, not_before: datetime | None = None) -> Ticket:
    return _ticket(at, reason=OpenReason.RETRY, starts=starts, outcome=Outcome.FAILED, not_before=not_before)


def _dead(_: Ticket) -> bool:
    return False


def _living(_: Ticket) -> bool:
    return True


def _decide(
    worker: Worker,
    mark: datetime,
    tickets: Sequence[Ticket] = (),
    now: datetime = NOW,
    paused: Pause | None = None,
    obstacle: Obstacle | None = None,
    alive: Callable[[Ticket], bool] = _dead,
) -> Decision:
    return decide(
        worker,
        mark=mark,
        now=now,
        due=due(worker, mark, now),
        tickets=tickets,
        paused=paused,
        obstacle=obstacle,
        alive=alive,
    )


def _fates(closings: Sequence[Closing]) -> list[tuple[str, datetime | None, datetime | None, int]]:
    return [(each.outcome.value, each.first, each.last, each.count) for each in closings]


def _slots(tickets: Sequence[Ticket]) -> list[datetime | None]:
    return [ticket.slot for ticket in tickets]


class TestNewlyDueSlots:
    def test_a_due_slot_starts_and_the_mark_moves_to_now(self) -> None:
        decision = _decide(_worker(), NOW - DAY)
        (ticket,) = decision.start
        assert ticket == Ticket(
            key="echo@2026-05-06T11:00:00Z",
            worker="echo",
            slot=SIX,
            trigger=Trigger.SCHEDULE,
            state=TicketState.OPEN,
        )
        assert decision == Decision(mark=NOW, start=(ticket,))

    def test_nothing_due_and_nothing_open_moves_the_mark_alone(self) -> None:
        assert _decide(_worker(), NOW - HOUR) == Decision(mark=NOW)

    def test_a_mark_never_goes_back_and_nothing_before_it_starts(self) -> None:
        mark = NOW + timedelta(minutes=30)
        decision = decide(
            _worker(), mark=mark, now=NOW, due=[SIX], tickets=(), paused=None, obstacle=None, alive=_dead
        )
        assert decision == Decision(mark=mark)

    def test_a_slot_that_has_a_ticket_is_never_started_as_if_it_were_new(self) -> None:
        for state, alive in ((TicketState.CLOSED, _dead), (TicketState.STARTED, _living)):
            decision = _decide(_worker(), NOW - DAY, [_ticket(state=state, starts=1)], alive=alive)
            assert (decision.start, decision.close, decision.hold) == ((), (), ())

    def test_latest_runs_the_newest_and_the_older_are_superseded_as_one_range(self) -> None:
        decision = _decide(_worker("0 */2 * * *"), NOW - 9 * HOUR)
        assert _slots(decision.start) == [NOW - timedelta(minutes=10)]
        assert _fates(decision.close) == [
            ("superseded", SIX - 4 * HOUR, SIX + 2 * HOUR, 4),
        ]
        assert decision.close[0].reason == "the slot of 2026-05-06T10:00-05:00 runs instead"

    def test_all_runs_every_slot_oldest_first(self) -> None:
        decision = _decide(_worker("0 */2 * * *", CatchUpPolicy.ALL), NOW - 5 * HOUR)
        assert _slots(decision.start) == [SIX, SIX + 2 * HOUR, SIX + 4 * HOUR]
        assert decision.close == ()

    def test_none_takes_the_slots_of_the_current_hour_only(self) -> None:
        decision = _decide(_worker("*/20 * * * *", CatchUpPolicy.NONE), NOW - 2 * HOUR)
        ten = SIX + 4 * HOUR
        assert _slots(decision.start) == [ten]
        assert _fates(decision.close) == [
            ("missed", ten - timedelta(minutes=100), ten - timedelta(minutes=20), 5)
        ]
        assert "catch-up is none and its hour is over" in decision.close[0].reason

    def test_what_lies_beyond_catch_up_is_missed_with_its_reason(self) -> None:
        decision = _decide(_worker(), NOW - 3 * DAY)
        assert _slots(decision.start) == [SIX]
        assert _fates(decision.close) == [("missed", SIX - 2 * DAY, SIX - DAY, 2)]
        assert decision.close[0].reason == (
            "came due while no tick decided it for 3 d; catch-up reaches back 24 h"
        )

    def test_catch_up_is_measured_from_slot_to_tick_and_its_end_still_counts(self) -> None:
        worker = _worker(within=2 * HOUR)
        assert _slots(_decide(worker, SIX - HOUR, now=SIX + 2 * HOUR).start) == [SIX]
        late = _decide(worker, SIX - HOUR, now=SIX + 2 * HOUR + timedelta(seconds=1))
        assert _fates(late.close) == [("missed", SIX, SIX, 1)]

    def test_a_weekly_slot_is_caught_up_for_three_days(self) -> None:
        sunday = datetime(2026, 5, 3, 8, 0, tzinfo=UTC)
        worker = _worker("0 3 * * sun")
        assert _slots(_decide(worker, sunday - HOUR, now=sunday + 3 * DAY).start) == [sunday]
        assert _decide(worker, sunday - HOUR, now=sunday + 3 * DAY + HOUR).start == ()

    def test_a_minutely_worker_after_a_month_away_is_three_records(self) -> None:
        decision = _decide(_worker("* * * * *"), NOW - 30 * DAY)
        assert _slots(decision.start) == [NOW]
        assert _fates(decision.close) == [
            (
                "missed",
                NOW - 30 * DAY + timedelta(minutes=1),
                NOW - DAY - timedelta(minutes=1),
                43_200 - 1441,
            ),
            ("superseded", NOW - DAY, NOW - timedelta(minutes=1), 1440),
        ]


class TestDisabledPausedRemoved:
    def test_a_disabled_worker_has_no_slots_and_its_open_ones_are_skipped(self) -> None:
        decision = _decide(
            _worker(status=Status.DISABLED), NOW - DAY, [_ticket(SIX - DAY, reason=OpenReason.BUDGET)]
        )
        assert _fates(decision.close) == [("skipped", SIX - DAY, SIX - DAY, 1)]
        assert decision.close[0].reason == "disabled"
        assert (decision.start, decision.hold, decision.mark) == ((), (), NOW)

    @pytest.mark.parametrize("by_registry", [True, False])
    def test_each_slot_of_a_paused_worker_is_skipped_as_one_range(self, by_registry: bool) -> None:
        worker = _worker("0 * * * *", status=Status.PAUSED if by_registry else Status.ACTIVE)
        pause = None if by_registry else Pause(worker="echo", by="ann", at=NOW - HOUR)
        open_ticket = _ticket(SIX, reason=OpenReason.BUDGET)
        decision = _decide(worker, SIX, [open_ticket], paused=pause)
        assert _fates(decision.close) == [("skipped", SIX, SIX + 4 * HOUR, 5)]
        assert decision.close[0].reason == (
            "paused in worker-registry.yaml" if by_registry else "paused by ann"
        )
        assert [t.state for t in decision.close[0].tickets] == [TicketState.CLOSED]
        assert (decision.start, decision.hold) == ((), ())

    def test_a_lifted_pause_stops_nothing(self) -> None:
        pause = Pause(worker="echo", by="ann", at=SIX - HOUR, lifted=True)
        assert _slots(_decide(_worker(), NOW - DAY, paused=pause).start) == [SIX]

    def test_a_pause_that_ran_out_skips_what_came_due_during_it_and_no_more(self) -> None:
        pause = Pause(worker="echo", by="ann", at=SIX, until=SIX + 2 * HOUR)
        decision = _decide(_worker("0 * * * *", CatchUpPolicy.ALL), SIX - 2 * HOUR, paused=pause)
        assert _fates(decision.close) == [("skipped", SIX, SIX + HOUR, 2)]
        assert _slots(decision.start) == [SIX - HOUR, SIX + 2 * HOUR, SIX + 3 * HOUR, SIX + 4 * HOUR]

    def test_the_open_slots_of_a_removed_worker_are_skipped(self) -> None:
        tickets = [_failed(SIX), _ticket(SIX - DAY, reason=OpenReason.REQUIREMENT)]
        closings = remove(tickets, _dead)
        assert _fates(closings) == [("skipped", SIX - DAY, SIX - DAY, 1), ("skipped", SIX, SIX, 1)]
        assert {each.reason for each in closings} == {"removed"}
        assert all(each.started is None for each in closings)

    @pytest.mark.parametrize("status", [Status.DISABLED, Status.PAUSED])
    def test_a_run_that_is_alive_is_left_alone_and_one_that_died_is_not_hidden(self, status: Status) -> None:
        started = _ticket(state=TicketState.STARTED, starts=1)
        living = _decide(_worker(status=status), NOW, [started], alive=_living)
        assert living == Decision(mark=NOW)
        assert remove([started], _living) == ()
        for closings in (_decide(_worker(status=status), NOW, [started]).close, remove([started], _dead)):
            assert _fates(closings) == [("abandoned", SIX, SIX, 1)]
            assert closings[0].started is not None


class TestOpenSlots:
    def test_an_open_slot_that_never_started_is_missed_with_what_it_waited_for(self) -> None:
        ticket = _ticket(SIX - DAY, reason=OpenReason.REQUIREMENT, detail="HUBSPOT_ACCESS_TOKEN is not set")
        (closing,) = _decide(_worker(), NOW, [ticket]).close
        assert closing.outcome is Outcome.MISSED
        assert closing.reason == (
            "waited for requirement: HUBSPOT_ACCESS_TOKEN is not set; catch-up reaches back 24 h"
        )
        assert closing.tickets[0].state is TicketState.CLOSED
        assert closing.started is None

    def test_an_open_slot_that_did_start_ends_with_its_last_outcome_never_missed(self) -> None:
        (closing,) = _decide(_worker(), NOW, [_failed(SIX - DAY)]).close
        assert closing.outcome is Outcome.FAILED
        assert closing.reason == "started 1 of 3 times; catch-up reaches back 24 h"
        assert closing.started == closing.tickets[0]
        assert closing.tickets[0].outcome is Outcome.FAILED

    def test_an_open_slot_that_did_start_is_never_superseded(self) -> None:
        decision = _decide(
            _worker("0 * * * *"), NOW - HOUR, [_failed(SIX), _ticket(SIX + HOUR, reason=OpenReason.BUDGET)]
        )
        assert _fates(decision.close) == [("failed", SIX, SIX, 1), ("superseded", SIX + HOUR, SIX + HOUR, 1)]
        assert _slots(decision.start) == [SIX + 4 * HOUR]

    def test_a_retry_starts_again_once_its_time_has_come(self) -> None:
        waiting = _failed(not_before=NOW + timedelta(seconds=1))
        assert _decide(_worker(), NOW, [waiting]) == Decision(mark=NOW, hold=(waiting,))
        ready = _failed(not_before=NOW)
        assert _decide(_worker(), NOW, [ready]).start == (ready,)

    def test_a_retry_that_waits_holds_up_no_newer_slot(self) -> None:
        waiting = _failed(SIX, not_before=NOW + HOUR)
        latest = _decide(_worker("0 * * * *"), NOW - HOUR, [waiting])
        assert _slots(latest.start) == [SIX + 4 * HOUR]
        assert _fates(latest.close) == [("failed", SIX, SIX, 1)]
        every = _decide(_worker("0 * * * *", CatchUpPolicy.ALL), NOW - HOUR, [waiting])
        assert (_slots(every.start), every.hold) == ([SIX + 4 * HOUR], (waiting,))

    def test_an_older_slot_gives_way_to_a_newer_one_that_ran_and_waits_for_its_next_try(self) -> None:
        older, newer = _ticket(SIX - HOUR, reason=OpenReason.BUDGET), _failed(SIX, not_before=NOW + HOUR)
        decision = _decide(_worker("0 * * * *"), NOW, [newer, older])
        assert (decision.start, decision.hold) == ((), (newer,))
        assert _fates(decision.close) == [("superseded", SIX - HOUR, SIX - HOUR, 1)]

    def test_under_none_a_slot_that_started_may_be_tried_again_after_its_hour(self) -> None:
        worker = _worker(policy=CatchUpPolicy.NONE)
        assert _decide(worker, NOW, [_failed()]).start == (_failed(),)
        never = _ticket(reason=OpenReason.ENFORCEMENT, detail="broken")
        (closing,) = _decide(worker, NOW, [never]).close
        assert closing.reason == "waited for enforcement: broken; catch-up is none and its hour is over"

    def test_slots_with_another_one_between_them_are_never_one_range(self) -> None:
        tickets = [_ticket(SIX + n * HOUR, reason=OpenReason.BUDGET) for n in (0, 1, 3)]
        decision = _decide(_worker("0 * * * *"), NOW - HOUR, tickets)
        assert _fates(decision.close) == [
            ("superseded", SIX, SIX + HOUR, 2),
            ("superseded", SIX + 3 * HOUR, SIX + 3 * HOUR, 1),
        ]
        assert [len(each.tickets) for each in decision.close] == [2, 1]

    def test_slots_that_did_start_each_keep_a_record_of_their_own(self) -> None:
        tickets = [_failed(SIX - DAY - HOUR), _failed(SIX - DAY)]
        decision = _decide(_worker("0 * * * *"), NOW, tickets)
        assert [(each.first, each.count) for each in decision.close] == [
            (SIX - DAY - HOUR, 1),
            (SIX - DAY, 1),
        ]
        assert [each.started and each.started.slot for each in decision.close] == [
            SIX - DAY - HOUR,
            SIX - DAY,
        ]


class TestObstaclesAndOverlap:
    def test_an_obstacle_starts_nothing_and_holds_every_slot_within_catch_up(self) -> None:
        decision = _decide(_worker("0 */2 * * *"), NOW - 2 * DAY, obstacle=BROKEN)
        assert decision.start == ()
        assert len(decision.hold) == 12
        assert {(t.reason, t.detail, t.state) for t in decision.hold} == {
            (OpenReason.ENFORCEMENT, BROKEN.detail, TicketState.OPEN)
        }
        assert [each.outcome for each in decision.close] == [Outcome.MISSED]

    def test_once_the_obstacle_is_gone_the_newest_runs_and_only_then_are_the_older_superseded(self) -> None:
        held = _decide(_worker("0 */2 * * *"), NOW - 5 * HOUR, obstacle=BROKEN).hold
        decision = _decide(_worker("0 */2 * * *"), NOW, held, now=NOW + HOUR)
        assert _slots(decision.start) == [SIX + 4 * HOUR]
        assert _fates(decision.close) == [("superseded", SIX, SIX + 2 * HOUR, 2)]

    def test_an_obstacle_leaves_a_retry_that_waits_as_it_is(self) -> None:
        waiting = _failed(not_before=NOW + HOUR)
        assert _decide(_worker(), NOW, [waiting], obstacle=BROKEN).hold == (waiting,)

    @pytest.mark.parametrize("state", [TicketState.CLAIMED, TicketState.STARTED])
    @pytest.mark.parametrize(
        ("slot", "overlap"), [(SIX, Overlap.WAIT), (None, Overlap.WAIT), (None, Overlap.SKIP)]
    )
    def test_a_slot_that_waits_for_a_run_that_is_alive_is_held_as_overlap_and_for_a_run_by_hand_always(
        self, slot: datetime | None, overlap: Overlap, state: TicketState
    ) -> None:
        worker = replace(_worker("0 * * * *"), overlap=overlap)
        decision = _decide(worker, NOW - HOUR, [_ticket(slot, state, starts=1)], alive=_living)
        assert (decision.start, decision.close) == ((), ())
        (held,) = decision.hold
        assert (held.slot, held.reason) == (SIX + 4 * HOUR, OpenReason.OVERLAP)
        which = "a run by hand" if slot is None else "the run of 2026-05-06T06:00-05:00"
        assert held.detail == f"{which} is still going"

    def test_what_comes_due_beside_a_run_that_is_alive_is_skipped_and_what_was_open_waits(self) -> None:
        alive = _ticket(SIX, TicketState.STARTED, starts=1)
        waiting = _ticket(SIX + HOUR, reason=OpenReason.BUDGET)
        decision = _decide(
            _worker("0 * * * *"), NOW - 2 * HOUR, [alive, waiting], alive=lambda ticket: ticket == alive
        )
        assert decision.start == ()
        assert _fates(decision.close) == [("skipped", SIX + 3 * HOUR, SIX + 4 * HOUR, 2)]
        assert decision.close[0].reason == "overlap: the run of 2026-05-06T06:00-05:00 is still going"
        assert [(t.slot, t.reason) for t in decision.hold] == [(SIX + HOUR, OpenReason.OVERLAP)]

    def test_a_worker_that_allows_it_starts_beside_its_own_run(self) -> None:
        worker = replace(_worker("0 * * * *"), overlap=Overlap.ALLOW)
        alive = _ticket(SIX, TicketState.STARTED, starts=1)
        decision = _decide(worker, NOW - HOUR, [alive], alive=_living)
        assert _slots(decision.start) == [SIX + 4 * HOUR]
        assert (decision.close, decision.hold) == ((), ())


class TestDeadClaimers:
    def test_what_was_claimed_but_never_started_is_due_again_and_no_start_is_used(self) -> None:
        decision = _decide(_worker(), NOW, [_ticket(state=TicketState.CLAIMED)])
        (ticket,) = decision.start
        assert (ticket.state, ticket.starts, ticket.claimer, ticket.lease_until) == (
            TicketState.OPEN,
            0,
            None,
            None,
        )
        assert decision.abandoned == ()

    def test_what_died_while_running_is_recorded_and_started_again(self) -> None:
        died = _ticket(state=TicketState.STARTED, starts=2)
        decision = _decide(_worker(), NOW, [died])
        assert decision.abandoned == (died,)
        (ticket,) = decision.start
        assert (ticket.starts, ticket.outcome, ticket.reason) == (2, Outcome.ABANDONED, OpenReason.ABANDONED)
        assert (ticket.state, ticket.claimer, ticket.started_at) == (TicketState.OPEN, None, None)
        assert decision.close == ()

    def test_what_died_stays_open_behind_an_obstacle(self) -> None:
        died = _ticket(state=TicketState.STARTED, starts=1)
        decision = _decide(_worker(), NOW, [died], obstacle=BROKEN)
        assert decision.abandoned == (died,)
        assert [t.reason for t in decision.hold] == [OpenReason.ENFORCEMENT]

    @pytest.mark.parametrize(
        ("starts", "retry", "why"),
        [(3, Retry(), "no start is left"), (1, Retry(abandoned=False), "such a run is not repeated")],
    )
    def test_what_died_for_good_ends_abandoned_once(self, starts: int, retry: Retry, why: str) -> None:
        decision = _decide(_worker(retry=retry), NOW, [_ticket(state=TicketState.STARTED, starts=starts)])
        assert (decision.start, decision.hold, decision.abandoned) == ((), (), ())
        (closing,) = decision.close
        assert closing.outcome is Outcome.ABANDONED
        assert closing.reason.endswith(why)
        assert closing.started is not None

    @pytest.mark.parametrize("newer", [True, False])
    def test_what_died_and_is_too_late_or_too_old_ends_abandoned_not_missed_or_superseded(
        self, newer: bool
    ) -> None:
        died = _ticket(SIX if newer else SIX - DAY, state=TicketState.STARTED, starts=1)
        decision = _decide(_worker("0 * * * *"), NOW - HOUR, [died])
        assert [(each.outcome, each.first) for each in decision.close] == [(Outcome.ABANDONED, died.slot)]
        assert decision.abandoned == ()

    def test_a_request_by_hand_that_died_is_never_started_again(self) -> None:
        for state in (TicketState.CLAIMED, TicketState.STARTED):
            for closings in (
                _decide(_worker(), NOW, [_ticket(None, state)]).close,
                remove([_ticket(None, state)], _dead),
            ):
                assert _fates(closings) == [("abandoned", None, None, 1)]
                assert closings[0].tickets[0].state is TicketState.CLOSED
                assert "by hand" in closings[0].reason

    def test_a_request_by_hand_for_a_slot_that_was_decided_before_is_no_second_ticket_of_that_slot(
        self,
    ) -> None:
        request = replace(_ticket(SIX, TicketState.STARTED, starts=1), key="echo#run", trigger=Trigger.MANUAL)
        decision = _decide(_worker(), NOW, [request, _failed(SIX)])
        assert decision.start == (_failed(SIX),)
        assert decision.abandoned == ()
        assert _fates(decision.close) == [("abandoned", None, None, 1)]
        assert _decide(_worker(), NOW, [request], alive=_living) == Decision(mark=NOW)
        after = after_run(
            _worker(), request, outcome=Outcome.TIMED_OUT, transient=True, retry_after=None, now=NOW
        )
        assert after.state is TicketState.CLOSED


class TestAfterARun:
    def _after(
        self,
        outcome: Outcome,
        transient: bool = False,
        starts: int = 1,
        at: datetime | None = SIX,
        retry_after: timedelta | None = None,
        worker: Worker | None = None,
    ) -> Ticket:
        ticket = _ticket(at, TicketState.STARTED, starts=starts)
        return after_run(
            worker or _worker(),
            ticket,
            outcome=outcome,
            transient=transient,
            retry_after=retry_after,
            now=NOW,
        )

    @pytest.mark.parametrize(
        "outcome", [Outcome.SUCCEEDED, Outcome.SKIPPED, Outcome.INVALID, Outcome.BLOCKED]
    )
    @pytest.mark.parametrize("transient", [True, False])
    def test_success_and_what_no_retry_mends_close_for_good(self, outcome: Outcome, transient: bool) -> None:
        ticket = self._after(outcome, transient)
        assert (ticket.state, ticket.outcome, ticket.reason) == (TicketState.CLOSED, outcome, None)
        assert (ticket.claimer, ticket.lease_until, ticket.fence) == (None, None, 3)

    def test_a_permanent_failure_closes(self) -> None:
        assert self._after(Outcome.FAILED).state is TicketState.CLOSED

    @pytest.mark.parametrize(("outcome", "transient"), [(Outcome.FAILED, True), (Outcome.TIMED_OUT, False)])
    def test_a_transient_failure_stays_open_while_later_ticks_are_left(
        self, outcome: Outcome, transient: bool
    ) -> None:
        for starts, state in ((1, TicketState.OPEN), (2, TicketState.OPEN), (3, TicketState.CLOSED)):
            ticket = self._after(outcome, transient, starts)
            assert (ticket.state, ticket.outcome) == (state, outcome)
        again = self._after(outcome, transient)
        assert (again.reason, again.not_before) == (OpenReason.RETRY, NOW + timedelta(minutes=1))
        assert again.detail == f"start 1 of 3 ended {outcome}"

    def test_the_other_sides_wish_to_wait_is_respected(self) -> None:
        longer = self._after(Outcome.FAILED, True, retry_after=2 * HOUR)
        assert longer.not_before == NOW + 2 * HOUR
        shorter = self._after(Outcome.FAILED, True, retry_after=timedelta(seconds=1))
        assert shorter.not_before == NOW + timedelta(minutes=1)

    def test_what_would_come_up_only_after_its_catch_up_closes_at_once(self) -> None:
        assert self._after(Outcome.FAILED, True, retry_after=30 * HOUR).state is TicketState.CLOSED

    def test_a_request_by_hand_is_never_left_open(self) -> None:
        assert self._after(Outcome.FAILED, True, at=None).state is TicketState.CLOSED

    def test_without_later_ticks_the_first_failure_is_the_last(self) -> None:
        worker = _worker(retry=Retry(later_ticks=0))
        assert self._after(Outcome.TIMED_OUT, worker=worker).state is TicketState.CLOSED


ACTIVE = {
    "pattern-memory-analyzer": "0 3 * * *",
    "instruction-optimizer": "0 3 * * sun",
    "staleness-detector": "0 4 * * sun",
    "relationship-sentinel": "0 6 * * *",
    "content-queue-scanner": "0 3 * * mon",
    "data-integrity": "0 3 * * sat",
    "website-health-scanner": "0 14 * * fri",
    "media-pre-production": "0 6 * * *",
    "media-post-production": "0 16 * * *",
    "media-distribution": "0 10 * * *",
    "media-youtube-comments": "0 8 * * *",
}


def test_a_year_of_hourly_ticks_starts_eleven_workers_exactly_2450_times() -> None:
    first = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)  # midnight in Chicago
    runs = 0
    for id_, cron in ACTIVE.items():
        worker = replace(_worker(cron), id=id_)
        mark = first_mark(first, ZONE)
        for hour in range(8760):
            decision = _decide(worker, mark, now=first + hour * HOUR)
            assert decision.close == ()
            assert decision.hold == ()
            runs += len(decision.start)
            mark = decision.mark
    assert runs == 2450
