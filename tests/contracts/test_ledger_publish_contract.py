"""What every ledger promises of `publish`: it may always be called, and takes nothing away."""

from dataclasses import replace

from loom.domain.slot import TicketState
from loom.ports import Ledger
from tests.contracts.ledger_entries import a_run, a_ticket, claim, closed


def test_nothing_is_there_to_be_published_at_first(ledger: Ledger) -> None:
    assert list(ledger.publish()) == []


def test_what_was_recorded_reads_the_same_before_and_after_it_is_published(ledger: Ledger) -> None:
    mine = claim(ledger, a_ticket())
    ledger.record([replace(mine, state=TicketState.STARTED, starts=1)])
    ledger.record([closed(mine), a_run("run-0001", log="line one\n")])
    before = ledger.snapshot()
    assert list(ledger.publish()) == []
    assert list(ledger.publish()) == []
    assert ledger.snapshot() == before
    assert ledger.run("run-0001") == a_run("run-0001", log="line one\n")


def test_work_goes_on_after_a_publish(ledger: Ledger) -> None:
    mine = claim(ledger, a_ticket())
    ledger.publish()
    ledger.record([replace(mine, state=TicketState.STARTED, starts=1)])
    ledger.publish()
    ledger.record([closed(mine)])
    assert ledger.snapshot().tickets == {}
