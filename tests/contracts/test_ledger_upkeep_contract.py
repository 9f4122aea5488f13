"""What every ledger does with a worker's new name, and with what nobody needs any more."""

from dataclasses import replace

import pytest

from loom.domain.alert import DeliveryState
from loom.domain.pause import Pause
from loom.domain.record import Entry, Renamed, RunQuery
from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import Slot, TicketState
from loom.domain.tick import Mark
from loom.errors import ClaimLost
from loom.ports import Ledger
from tests.contracts.ledger_entries import (
    DAY,
    HOUR,
    SIX,
    a_delivery,
    a_request,
    a_run,
    a_tick,
    a_ticket,
    an_episode,
    claim,
    closed,
)

# -- renaming --------------------------------------------------------------------------------------------


def test_a_rename_moves_everything_that_belongs_to_the_worker(ledger: Ledger) -> None:
    ran = closed(a_ticket("old", SIX - DAY))
    by_hand = a_request("old", "run-0009")
    pause = Pause(worker="old", by="ann", at=SIX)
    run = a_run("run-0001", "old")
    ledger.record([Mark("old", SIX), a_ticket("old"), by_hand, ran, pause, run, an_episode("e1", "old")])
    ledger.record([a_run("run-0002", "older"), a_ticket("older")])
    standing = ledger.snapshot().standings["old"]
    mine = claim(ledger, a_ticket("old"))

    ledger.record([Renamed("old", "new")])

    snapshot = ledger.snapshot()
    assert snapshot.marks == {"new": SIX}
    moved = replace(mine, worker="new", key=Slot("new", SIX).key)
    assert snapshot.tickets == {
        moved.key: moved,
        "new#run-0009": replace(by_hand, worker="new", key="new#run-0009"),
        Slot("older", SIX).key: a_ticket("older"),
    }
    assert snapshot.pauses == {"new": replace(pause, worker="new")}
    assert set(snapshot.standings) == {"new", "older"}
    assert snapshot.standings["new"] == replace(standing, worker="new")
    assert snapshot.episodes == {"new": an_episode("e1", "new")}
    assert list(ledger.runs(RunQuery(worker="new"))) == [replace(run, worker="new")]
    assert list(ledger.runs(RunQuery(worker="old"))) == []
    assert ledger.run("run-0001") == replace(run, worker="new")
    with pytest.raises(ClaimLost):
        ledger.record([a_ticket("new", SIX - DAY)])
    ledger.record([closed(moved)])
    ledger.record([a_run("run-0003", "new", outcome=Outcome.FAILED)])
    assert ledger.snapshot().standings["new"].previous_run_id == "run-0001"


def test_a_rename_and_what_follows_it_fit_into_one_claim(ledger: Ledger) -> None:
    ledger.record([Mark("old", SIX), a_ticket("old")])
    mine = a_ticket("new", state=TicketState.CLAIMED, fence=1)
    entries: list[Entry] = [Renamed("old", "new"), Mark("new", SIX + HOUR), mine]
    ledger.claim(entries, revision=ledger.snapshot().revision)
    assert ledger.snapshot().marks == {"new": SIX + HOUR}
    assert ledger.snapshot().tickets == {mine.key: mine}


def test_what_was_begun_under_an_id_before_a_rename_ends_under_the_new_one(ledger: Ledger) -> None:
    ledger.record([Mark("old", SIX), a_ticket("old")])
    mine = claim(ledger, a_ticket("old"))
    ledger.record([Renamed("old", "new")])
    run = a_run("run-0001", "old", outcome=Outcome.FAILED)
    ledger.record([closed(mine), run, an_episode("e1", "old"), Pause(worker="old", by="ann", at=SIX)])
    snapshot = ledger.snapshot()
    assert snapshot.tickets == {}
    assert ledger.closed_slots("new", after=SIX - HOUR) == {SIX}
    assert ledger.closed_slots("old", after=SIX - HOUR) == frozenset()
    assert ledger.run("run-0001") == replace(run, worker="new")
    assert set(snapshot.standings) == set(snapshot.pauses) == set(snapshot.episodes) == {"new"}


def test_who_lost_a_claim_hears_of_it_under_the_id_it_knows(ledger: Ledger) -> None:
    ledger.record([Mark("old", SIX), a_ticket("old")])
    mine = claim(ledger, a_ticket("old"))
    ledger.record([Renamed("old", "new"), closed(replace(mine, worker="new", key=Slot("new", SIX).key))])
    with pytest.raises(ClaimLost) as lost:
        ledger.record([closed(mine), a_run("run-0001", "old")])
    assert lost.value.keys == (mine.key,)
    assert ledger.run("run-0001") is None


def test_an_id_that_was_given_up_is_known_with_the_one_its_worker_has_now(ledger: Ledger) -> None:
    ledger.record([Mark("a", SIX), Renamed("a", "b")])
    assert ledger.snapshot().renamed == {"a": "b"}
    ledger.record([Renamed("b", "c")])
    assert ledger.snapshot().renamed == {"a": "c", "b": "c"}
    ledger.record([Renamed("c", "a")])
    assert ledger.snapshot().renamed == {"b": "a", "c": "a"}
    assert ledger.snapshot().marks == {"a": SIX}


def test_an_id_that_has_a_mark_again_is_another_workers(ledger: Ledger) -> None:
    ledger.record(
        [Mark("old", SIX), Renamed("old", "new"), Mark("old", SIX + HOUR), a_run("run-0001", "old")]
    )
    snapshot = ledger.snapshot()
    assert snapshot.renamed == {}
    assert snapshot.marks == {"old": SIX + HOUR, "new": SIX}
    assert set(snapshot.standings) == {"old"}
    ledger.record([Renamed("new", "newer"), Renamed("old", "older")])
    assert ledger.snapshot().renamed == {"new": "newer", "old": "older"}


def test_a_rename_that_is_not_written_is_not_known(ledger: Ledger) -> None:
    ledger.record([Mark("a", SIX), Renamed("a", "b"), a_ticket("b")])
    with pytest.raises(ClaimLost):
        ledger.record([Renamed("b", "c"), replace(a_ticket("c"), fence=7)])
    assert ledger.snapshot().renamed == {"a": "b"}


def test_a_rename_onto_a_known_worker_loses_no_law(ledger: Ledger) -> None:
    ledger.record([Mark("old", SIX), Mark("new", SIX + HOUR)])
    ledger.record([closed(a_ticket("old")), a_ticket("new", detail="still open")])
    ledger.record([a_ticket("old", SIX + HOUR), closed(a_ticket("new", SIX + HOUR))])
    ledger.record([a_ticket("old", SIX - HOUR), a_ticket("new", SIX - HOUR, detail="kept")])
    ledger.record([a_run("run-0001", "old"), a_run("run-0002", "new", tick_at=SIX + HOUR)])
    ledger.record([Pause(worker="old", by="ann", at=SIX), Pause(worker="new", by="bob", at=SIX)])
    ledger.record([Renamed("old", "new")])
    snapshot = ledger.snapshot()
    assert snapshot.marks == {"new": SIX + HOUR}
    assert [ticket.detail for ticket in snapshot.tickets.values()] == ["kept"]
    assert snapshot.standings["new"].last_run_id == "run-0002"
    assert snapshot.pauses["new"].by == "bob"
    assert len(ledger.runs(RunQuery(worker="new"))) == 2


def test_a_rename_onto_itself_changes_nothing(ledger: Ledger) -> None:
    ledger.record([Mark("echo", SIX), a_ticket(), a_run("run-0001"), Pause(worker="echo", by="ann", at=SIX)])
    before = ledger.snapshot()
    ledger.record([Renamed("echo", "echo")])
    assert replace(ledger.snapshot(), revision=before.revision) == before


# -- forgetting ------------------------------------------------------------------------------------------


def test_pruning_forgets_what_is_old_and_over(ledger: Ledger) -> None:
    over = {"finished_at": SIX, "exit_code": 0}
    ledger.record(
        [
            a_run("run-0001", "echo"),
            a_run("run-0002", "echo", tick_at=SIX + HOUR),
            a_run("run-0003", "echo", tick_at=SIX + 2 * HOUR),
            closed(a_ticket("echo", SIX)),
            closed(a_ticket("echo", SIX + 2 * HOUR)),
            a_delivery("d1", "run-0001", state=DeliveryState.SENT),
            a_delivery("d2", "run-0001", state=DeliveryState.SENT, changed_at=SIX + 2 * HOUR),
            a_tick("t1", SIX, **over),
            a_tick("t2", SIX + 2 * HOUR, **over),
        ]
    )
    assert ledger.prune(before=SIX + 2 * HOUR) == 2
    assert [run.run_id for run in ledger.runs(RunQuery())] == ["run-0003"]
    assert [delivery.id for delivery in ledger.deliveries(run_id="run-0001")] == ["d2"]
    assert [tick.id for tick in ledger.ticks(since=SIX)] == ["t2"]
    assert ledger.closed_slots("echo", after=SIX - HOUR) == {SIX + 2 * HOUR}


def test_pruning_keeps_the_runs_that_a_standing_names(ledger: Ledger) -> None:
    ledger.record([a_run("run-0001"), a_run("run-0002"), a_run("run-0003", outcome=Outcome.FAILED)])
    ledger.record([a_run("run-0004", outcome=Outcome.FAILED)])
    before = ledger.snapshot().standings
    assert ledger.prune(before=SIX + 400 * DAY) == 2
    assert [run.run_id for run in ledger.runs(RunQuery())] == ["run-0004", "run-0002"]
    assert ledger.snapshot().standings == before


def test_pruning_keeps_what_is_open_however_old(ledger: Ledger) -> None:
    waiting = a_ticket(run_id="run-0001", reason=OpenReason.RETRY)
    ledger.record(
        [
            Mark("echo", SIX),
            waiting,
            a_run("run-0001", final=False, outcome=Outcome.FAILED, open_reason=OpenReason.RETRY),
            a_run("run-0002"),
            an_episode("e1"),
            a_delivery("d1"),
            Pause(worker="echo", by="ann", at=SIX),
            a_tick("t1"),
            a_tick("t2", SIX + HOUR, finished_at=SIX + HOUR),
        ]
    )
    before = ledger.snapshot()
    assert ledger.prune(before=SIX + 400 * DAY) == 0
    assert ledger.snapshot() == before
    assert ledger.run("run-0001") is not None
    assert [tick.id for tick in ledger.ticks(since=SIX)] == ["t1", "t2"]


def test_pruning_forgets_a_run_left_unfinal_once_nothing_open_names_it(ledger: Ledger) -> None:
    ledger.record([a_run("run-0001", final=False, outcome=Outcome.FAILED), a_run("run-0002")])
    assert ledger.prune(before=SIX + DAY) == 1
    assert ledger.run("run-0001") is None


def test_a_request_by_hand_that_never_started_is_forgotten_with_its_run(ledger: Ledger) -> None:
    ticket = closed(a_request("echo", "run-0001"))
    ledger.record([ticket, a_run("run-0001", slot=None, outcome=Outcome.FAILED)])
    ledger.prune(before=SIX + DAY)
    with pytest.raises(ClaimLost):
        ledger.record([ticket])
    ledger.record([a_run("run-0002", outcome=Outcome.FAILED)])
    assert ledger.prune(before=SIX) == 0
    assert ledger.prune(before=SIX + HOUR) == 1
    ledger.record([ticket])


def test_the_newest_tick_is_never_forgotten(ledger: Ledger) -> None:
    tick = a_tick("t1", finished_at=SIX, exit_code=0)
    ledger.record([tick])
    ledger.prune(before=SIX + DAY)
    assert ledger.snapshot().last_tick == tick
