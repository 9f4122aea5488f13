"""Small real entries for the tests of ledgers: each differs from a plain one only where a test says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from loom.domain.alert import Alert, Delivery, DeliveryState, Episode, Event
from loom.domain.run import Outcome, Run, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Tick
from loom.ports import Ledger

SIX = datetime(2026, 3, 3, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

OpenLedger = Callable[[], Ledger]
"""Opens one more handle on the same store, for the thread that calls it."""


def a_ticket(worker: str = "echo", slot: datetime = SIX, **changes: Any) -> Ticket:
    plain = {"key": Slot(worker, slot).key, "trigger": Trigger.SCHEDULE, "state": TicketState.OPEN}
    return Ticket(**{"worker": worker, "slot": slot, **plain, **changes})


def a_request(worker: str, run_id: str, **changes: Any) -> Ticket:
    """A ticket for a request by hand that names no slot."""
    plain = {"key": f"{worker}#{run_id}", "slot": None, "trigger": Trigger.MANUAL, "run_id": run_id}
    return Ticket(**{"worker": worker, **plain, "state": TicketState.OPEN, **changes})


def a_run(run_id: str, worker: str = "echo", **changes: Any) -> Run:
    plain = {"agent": "Echo", "slot": SIX, "trigger": Trigger.SCHEDULE, "outcome": Outcome.SUCCEEDED}
    return Run(**{"run_id": run_id, "worker": worker, **plain, "tick_at": SIX, **changes})


def a_tick(id_: str, at: datetime = SIX, **changes: Any) -> Tick:
    return Tick(**{"id": id_, "at": at, "trigger": "schedule", **changes})


def an_episode(id_: str, subject: str = "echo", **changes: Any) -> Episode:
    return Episode(**{"id": id_, "subject": subject, "opened_at": SIX, **changes})


def a_delivery(id_: str, run_id: str | None = None, **changes: Any) -> Delivery:
    alert = Alert(event=Event.WORKER_DOWN, summary="echo gave up", at=SIX, worker="echo", run_id=run_id)
    plain = {"hook": "stderr", "episode": "e1", "state": DeliveryState.PENDING, "changed_at": SIX}
    return Delivery(**{"id": id_, "alert": alert, **plain, **changes})


def claim(ledger: Ledger, ticket: Ticket, claimer: str = "host-1-a") -> Ticket:
    """`ticket` as it stands after `claimer` has claimed it in `ledger`."""
    held = ledger.snapshot().tickets.get(ticket.key, ticket)
    mine = replace(
        held,
        state=TicketState.CLAIMED,
        fence=held.fence + 1,
        claimer=claimer,
        lease_until=SIX + HOUR,
    )
    ledger.claim([mine], revision=ledger.snapshot().revision)
    return mine


def closed(ticket: Ticket) -> Ticket:
    return replace(ticket, state=TicketState.CLOSED, claimer=None, lease_until=None)
