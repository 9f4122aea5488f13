"""Slot: an occasion. Ticket: what the ledger knows of a slot, or of a manual request, until it is closed."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from loom.domain.run import OpenReason, Outcome, Trigger
from loom.values import dataclass


@lru_cache(maxsize=16)
def _to_the_second(at: datetime) -> str:
    """Of an instant in UTC alone: elsewhere two that are equal may be written in two ways."""
    return f"{at.isoformat()[:19]}Z"


@dataclass(frozen=True, slots=True)
class Slot:
    """One worker at one scheduled instant (aware, UTC). Its key identifies it for ever."""

    worker: str
    at: datetime

    @property
    def key(self) -> str:
        return (
            f"{self.worker}@{_to_the_second(self.at if self.at.tzinfo is UTC else self.at.astimezone(UTC))}"
        )


class TicketState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    STARTED = "started"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """key: the slot's key, or ``worker#run_id`` for a manual request (then `slot` is None).

    starts: how many ticks started it; a claim alone uses none up.
    run_id: the run that tells what last happened to it.
    outcome: that run's outcome, None before there is one.
    not_before: the tick's time before which it isn't tried again.
    fence: grows by one with each claim; a record that carries an older fence is refused.
    claimer, lease_until: who holds it and, in real time, until when; None unless claimed or started.
    started_at: the tick's clock, when the work began.
    """

    key: str
    worker: str
    slot: datetime | None
    trigger: Trigger
    state: TicketState
    reason: OpenReason | None = None
    detail: str = ""
    not_before: datetime | None = None
    starts: int = 0
    run_id: str | None = None
    outcome: Outcome | None = None
    fence: int = 0
    claimer: str | None = None
    lease_until: datetime | None = None
    started_at: datetime | None = None

    @property
    def is_request(self) -> bool:
        """Whether it is a manual request of its own, not a slot's ticket, even if it names a slot."""
        return self.slot is None or self.key != Slot(self.worker, self.slot).key
