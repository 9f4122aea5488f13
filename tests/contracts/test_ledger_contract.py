"""What every ledger keeps: what is written reads back, a decision holds, the laws, the standings."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from loom.domain.alert import DeliveryState
from loom.domain.pause import Pause
from loom.domain.record import HooksInForce, Promises, Renamed, RunQuery
from loom.domain.registry import HookSettings
from loom.domain.run import OpenReason, Outcome, RunError
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.standing import Standing
from loom.domain.tick import Mark
from loom.errors import ClaimLost, StaleDecision
from loom.ports import Ledger
from tests.contracts.ledger_entries import (
    DAY,
    HOUR,
    SIX,
    OpenLedger,
    a_delivery,
    a_run,
    a_tick,
    a_ticket,
    an_episode,
    claim,
    closed,
)

# -- an empty ledger, and what is written reads back ---------------------------------------------------


def test_a_new_ledger_knows_nothing(ledger: Ledger) -> None:
    snapshot = ledger.snapshot()
    assert (snapshot.marks, snapshot.tickets, snapshot.pauses, snapshot.standings) == ({}, {}, {}, {})
    assert (snapshot.episodes, snapshot.deliveries) == ({}, ())
    assert (snapshot.last_tick, snapshot.hooks) == (None, None)
    assert list(ledger.runs(RunQuery())) == []
    assert ledger.run("00000000") is None
    assert list(ledger.ticks(since=SIX)) == []
    assert ledger.promises(since=SIX) == Promises(slots=0, on_time=0, started=0, under_digest=0, bad=0)
    assert ledger.prune(before=SIX) == 0


def test_what_is_written_reads_back_equal_through_any_handle(ledger: Ledger, open_ledger: OpenLedger) -> None:
    ticket = a_ticket(
        reason=OpenReason.RETRY, detail="Zürich is down", not_before=SIX + HOUR, starts=1, run_id="r1"
    )
    run = a_run(
        "run-0001",
        outcome=Outcome.INVALID,
        final=False,
        open_reason=OpenReason.RETRY,
        duration_s=0.25,
        started_at=SIX + timedelta(microseconds=1),
        rejected=[1, {"a": None}],
        error=RunError("missing", "no 'summary'", "summary"),
        errors=(RunError("missing", "no 'summary'", "summary"), RunError("type", "1 is no text")),
        log="line one\nline two \udcff\n",
        settings={"quiet_after_days": 3},
    )
    pause = Pause(worker="echo", by="ann", at=SIX, reason="holiday", until=SIX + DAY)
    tick = a_tick("t1", host="here")
    episode = an_episode("e1", last_alert=a_delivery("x").alert, gathered=2)
    delivery = a_delivery("d1", run_id="run-0001", tries=2, error="no route")
    hooks = (
        HookSettings("webhook", {"url_env": "URL", "events": ["worker.down"]}),
        HookSettings("stderr", {}),
    )
    ledger.record([tick, Mark("echo", SIX), ticket, run, pause, episode, delivery, HooksInForce(hooks)])
    other = open_ledger()
    snapshot = other.snapshot()
    assert snapshot.tickets == {ticket.key: ticket}
    assert snapshot.marks == {"echo": SIX}
    assert snapshot.pauses == {"echo": pause}
    assert snapshot.last_tick == tick
    assert snapshot.episodes == {"echo": episode}
    assert snapshot.deliveries == (delivery,)
    assert snapshot.hooks == hooks
    assert other.run("run-0001") == run
    assert list(other.deliveries(run_id="run-0001")) == [delivery]
    assert list(other.ticks(since=SIX)) == [tick]
    other.close()


def test_the_last_version_of_a_value_holds(ledger: Ledger) -> None:
    ledger.record([a_tick("t1"), an_episode("e1"), a_delivery("d1")])
    ended = a_tick("t1", finished_at=SIX + HOUR, exit_code=0)
    told = an_episode("e1", announced=True)
    ledger.record([ended, told, a_delivery("d1", state=DeliveryState.FAILED, error="no route")])
    snapshot = ledger.snapshot()
    assert (snapshot.last_tick, snapshot.episodes) == (ended, {"echo": told})
    assert [delivery.error for delivery in snapshot.deliveries] == ["no route"]


def test_the_snapshot_holds_only_what_is_open(ledger: Ledger) -> None:
    ledger.record(
        [
            closed(a_ticket("closed")),
            a_ticket("open"),
            an_episode("e1", "closed", closed_at=SIX),
            an_episode("e2", "open"),
            a_delivery("d1", state=DeliveryState.SENT),
            a_delivery("d3"),
            a_delivery("d2", state=DeliveryState.SENDING),
            Pause(worker="closed", by="ann", at=SIX, lifted=True),
        ]
    )
    snapshot = ledger.snapshot()
    assert [ticket.worker for ticket in snapshot.tickets.values()] == ["open"]
    assert list(snapshot.episodes) == ["open"]
    assert [delivery.id for delivery in snapshot.deliveries] == ["d3", "d2"]
    assert snapshot.pauses == {}


def test_what_was_open_leaves_the_snapshot_when_it_ends(ledger: Ledger) -> None:
    pause = Pause(worker="echo", by="ann", at=SIX)
    ledger.record([a_ticket(), an_episode("e1"), a_delivery("d1"), pause])
    ledger.record(
        [
            closed(a_ticket()),
            an_episode("e1", closed_at=SIX),
            a_delivery("d1", state=DeliveryState.SENT),
            replace(pause, lifted=True),
        ]
    )
    snapshot = ledger.snapshot()
    assert (snapshot.tickets, snapshot.episodes, snapshot.deliveries, snapshot.pauses) == ({}, {}, (), {})


def test_the_last_tick_is_the_newest_by_its_time_not_by_when_it_was_written(ledger: Ledger) -> None:
    ledger.record([a_tick("t2", SIX + HOUR)])
    ledger.record([a_tick("t1", SIX)])
    assert ledger.snapshot().last_tick == a_tick("t2", SIX + HOUR)


# -- the revision, and the decision that rests on it -----------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        Mark("echo", SIX),
        a_ticket(),
        Pause(worker="echo", by="ann", at=SIX),
        Renamed("echo", "refrain"),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_what_a_decision_rests_on_moves_the_revision(
    ledger: Ledger, entry: Mark | Ticket | Pause | Renamed
) -> None:
    before = ledger.snapshot().revision
    ledger.record([entry])
    assert ledger.snapshot().revision > before


def test_what_no_decision_rests_on_leaves_the_revision(ledger: Ledger) -> None:
    ledger.record([Mark("echo", SIX)])
    before = ledger.snapshot().revision
    ledger.record([])
    ledger.record(
        [
            Mark("echo", SIX),
            Mark("echo", SIX - HOUR),
            a_tick("t1"),
            a_run("run-0001"),
            an_episode("e1"),
            a_delivery("d1"),
            HooksInForce(()),
        ]
    )
    assert ledger.snapshot().revision == before


def test_a_claim_on_an_older_revision_is_stale_and_writes_nothing(ledger: Ledger) -> None:
    revision = ledger.snapshot().revision
    ledger.record([Mark("echo", SIX)])
    with pytest.raises(StaleDecision):
        ledger.claim([a_tick("t1"), a_run("run-0001"), Mark("echo", SIX + HOUR)], revision=revision)
    assert ledger.snapshot().marks == {"echo": SIX}
    assert ledger.snapshot().last_tick is None
    assert ledger.run("run-0001") is None


def test_a_claim_by_another_handle_makes_the_decision_stale(ledger: Ledger, open_ledger: OpenLedger) -> None:
    other = open_ledger()
    revision = ledger.snapshot().revision
    other.claim([Mark("echo", SIX)], revision=revision)
    with pytest.raises(StaleDecision):
        ledger.claim([Mark("echo", SIX)], revision=revision)
    other.close()


def test_of_rivals_that_claim_at_once_exactly_one_wins_each_round(
    ledger: Ledger, open_ledger: OpenLedger
) -> None:
    rounds, rivals = 15, 3
    start = threading.Barrier(rivals)
    won: list[tuple[int, int]] = []
    broken: list[Exception] = []

    def race(me: int) -> None:
        handle = open_ledger()
        try:
            for number in range(rounds):
                revision = handle.snapshot().revision
                start.wait()
                ticket = a_ticket(
                    slot=SIX + number * HOUR, state=TicketState.CLAIMED, fence=1, claimer=str(me)
                )
                try:
                    handle.claim([ticket], revision=revision)
                    won.append((number, me))
                except StaleDecision:
                    pass
                start.wait()
        except Exception as error:  # noqa: BLE001  (told in the test's own thread)
            broken.append(error)
            start.abort()
        finally:
            handle.close()

    threads = [threading.Thread(target=race, args=(me,)) for me in range(rivals)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert [number for number, _ in sorted(won)] == list(range(rounds))
    held = ledger.snapshot().tickets
    assert {key: ticket.claimer for key, ticket in held.items()} == {
        Slot("echo", SIX + number * HOUR).key: str(me) for number, me in won
    }


# -- the laws --------------------------------------------------------------------------------------------


def test_a_mark_never_goes_back(ledger: Ledger) -> None:
    ledger.record([Mark("echo", SIX), Mark("echo", SIX - HOUR)])
    ledger.record([Mark("echo", SIX - timedelta(microseconds=1))])
    ledger.claim([Mark("echo", SIX - DAY)], revision=ledger.snapshot().revision)
    assert ledger.snapshot().marks == {"echo": SIX}
    ledger.record([Mark("echo", SIX + timedelta(microseconds=1))])
    assert ledger.snapshot().marks == {"echo": SIX + timedelta(microseconds=1)}


@pytest.mark.parametrize("state", [TicketState.OPEN, TicketState.CLAIMED, TicketState.CLOSED])
@pytest.mark.parametrize("fence", [0, 1])
def test_a_closed_ticket_never_opens_again(ledger: Ledger, state: TicketState, fence: int) -> None:
    ledger.record([closed(a_ticket())])
    again = a_ticket(state=state, fence=fence)
    with pytest.raises(ClaimLost) as lost:
        ledger.record([again])
    assert lost.value.keys == (again.key,)
    with pytest.raises(ClaimLost):
        ledger.claim([again], revision=ledger.snapshot().revision)
    assert ledger.snapshot().tickets == {}


def test_who_holds_the_fence_may_record(ledger: Ledger) -> None:
    mine = claim(ledger, a_ticket())
    started = replace(mine, state=TicketState.STARTED, starts=1)
    ledger.record([started])
    assert ledger.snapshot().tickets == {mine.key: started}


def test_who_was_overtaken_may_not_record(ledger: Ledger) -> None:
    slow = claim(ledger, a_ticket(), "host-1-a")
    fast = claim(ledger, a_ticket(), "host-2-b")
    assert (slow.fence, fast.fence) == (1, 2)
    with pytest.raises(ClaimLost) as lost:
        ledger.record([closed(slow)])
    assert lost.value.keys == (slow.key,)
    assert ledger.snapshot().tickets == {fast.key: fast}


@pytest.mark.parametrize("fence", [0, 2, 3])
def test_a_record_needs_the_very_fence(ledger: Ledger, fence: int) -> None:
    mine = claim(ledger, a_ticket())
    with pytest.raises(ClaimLost):
        ledger.record([replace(mine, fence=fence)])


def test_a_record_of_an_unknown_ticket_that_was_claimed_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ClaimLost):
        ledger.record([a_ticket(fence=1)])
    ledger.record([a_ticket(fence=0)])


@pytest.mark.parametrize(("fence", "allowed"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_claim_keeps_the_fence_or_raises_it_by_one(ledger: Ledger, fence: int, allowed: bool) -> None:
    mine = claim(ledger, a_ticket())
    entries = [replace(mine, fence=fence, detail="decided")]
    revision = ledger.snapshot().revision
    if allowed:
        ledger.claim(entries, revision=revision)
    else:
        with pytest.raises(ClaimLost):
            ledger.claim(entries, revision=revision)
    assert (ledger.snapshot().tickets[mine.key].detail == "decided") is allowed


def test_a_batch_with_one_lost_ticket_writes_nothing_at_all_and_names_every_lost_one(ledger: Ledger) -> None:
    one = claim(ledger, a_ticket("one"), "host-1-a")
    two = claim(ledger, a_ticket("two"), "host-1-a")
    good = claim(ledger, a_ticket("good"), "host-1-a")
    claim(ledger, a_ticket("one"), "host-2-b")
    claim(ledger, a_ticket("two"), "host-2-b")
    ledger.record([a_run("run-0000", "good"), a_delivery("d0"), Pause(worker="p", by="ann", at=SIX)])
    before = ledger.snapshot()
    with pytest.raises(ClaimLost) as lost:
        ledger.record(
            [
                a_tick("t1"),
                Mark("good", SIX),
                closed(good),
                a_run("run-0001", "good", outcome=Outcome.FAILED),
                a_run("run-0000", "good", outcome=Outcome.FAILED),
                closed(one),
                an_episode("e1"),
                a_delivery("d0", state=DeliveryState.SENT),
                a_delivery("d1"),
                HooksInForce(()),
                Renamed("p", "q"),
                Renamed("good", "better"),
                closed(two),
            ]
        )
    assert lost.value.keys == (one.key, two.key)
    assert ledger.snapshot() == before
    assert ledger.run("run-0001") is None
    assert ledger.run("run-0000") == a_run("run-0000", "good")
    assert list(ledger.ticks(since=SIX)) == []


# -- standings -------------------------------------------------------------------------------------------


def test_a_standing_follows_the_runs_of_its_worker(ledger: Ledger) -> None:
    good = a_run("run-0001", finished_at=SIX + HOUR)
    bad = a_run("run-0002", outcome=Outcome.FAILED, tick_at=SIX + DAY, slot=SIX + DAY)
    ledger.record([good, a_run("run-0003", "other")])
    ledger.record([bad])
    standings = ledger.snapshot().standings
    assert standings["echo"] == Standing(worker="echo").after(good).after(bad)
    assert standings["echo"].consecutive_failures == 1
    assert standings["echo"].previous_run_id == "run-0001"
    assert standings["other"].consecutive_failures == 0


def test_a_run_updated_in_place_is_counted_once(ledger: Ledger) -> None:
    first = a_run("run-0001", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY)
    ledger.record([first])
    ledger.record([replace(first, episode="e1")])
    assert ledger.snapshot().standings["echo"].consecutive_failures == 1
    ledger.record([replace(first, final=True, open_reason=None)])
    standing = ledger.snapshot().standings["echo"]
    assert (standing.consecutive_failures, standing.last_final) == (1, True)
    assert len(ledger.runs(RunQuery())) == 1


def test_a_run_updated_in_place_is_counted_once_whatever_failed_in_between(ledger: Ledger) -> None:
    first = a_run("run-0001", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY)
    ledger.record([first])
    ledger.record([a_run("run-0002", outcome=Outcome.BLOCKED, tick_at=SIX + HOUR)])
    ledger.record([replace(first, final=True, open_reason=None)])
    assert ledger.snapshot().standings["echo"].consecutive_failures == 2


def test_what_ends_badly_after_a_success_is_the_first_failure_since(ledger: Ledger) -> None:
    first = a_run("run-0001", outcome=Outcome.FAILED, final=False, open_reason=OpenReason.RETRY)
    ledger.record([first])
    ledger.record([a_run("run-0002", tick_at=SIX + HOUR)])
    ledger.record([a_run("run-0003", outcome=Outcome.FAILED, tick_at=SIX + 2 * HOUR)])
    ledger.record([replace(first, final=True, open_reason=None)])
    assert ledger.snapshot().standings["echo"].consecutive_failures == 2


def test_a_run_that_does_not_count_leaves_the_standing(ledger: Ledger) -> None:
    ledger.record([a_run("run-0001")])
    before = ledger.snapshot().standings
    ledger.record([a_run("run-0002", outcome=Outcome.FAILED, counts=False)])
    assert ledger.snapshot().standings == before
    assert ledger.run("run-0002") is not None


def test_a_final_run_is_not_overwritten_by_one_that_is_not(ledger: Ledger) -> None:
    final = a_run("run-0001", outcome=Outcome.SUCCEEDED)
    ledger.record([final])
    standings = ledger.snapshot().standings
    ledger.record([replace(final, final=False, outcome=Outcome.ABANDONED)])
    assert ledger.run("run-0001") == final
    assert ledger.snapshot().standings == standings
    ledger.record([replace(final, episode="e1")])
    assert ledger.run("run-0001") == replace(final, episode="e1")
