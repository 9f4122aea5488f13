"""Alert: something a person must hear. Episode: its life, from opening to recovery."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from loom.domain.run import Outcome, RunError
from loom.values import dataclass


class Event(StrEnum):
    WORKER_FAILING = "worker.failing"
    WORKER_DOWN = "worker.down"
    WORKER_RECOVERED = "worker.recovered"
    SLOT_MISSED = "slot.missed"
    TICK_OVERDUE = "tick.overdue"
    TICK_RESUMED = "tick.resumed"
    CLOCK_BACKWARDS = "clock.backwards"
    ENFORCEMENT_BROKEN = "enforcement.broken"
    ENFORCEMENT_RESTORED = "enforcement.restored"
    REGISTRY_BROKEN = "registry.broken"
    REGISTRY_MENDED = "registry.mended"
    LEDGER_BROKEN = "ledger.broken"
    STATE_UNPUSHED = "state.unpushed"


EVERY_EVENT = frozenset(Event)

RECOVERIES = frozenset(
    {Event.WORKER_RECOVERED, Event.ENFORCEMENT_RESTORED, Event.REGISTRY_MENDED, Event.TICK_RESUMED}
)
"""Good news: each ends an episode that bad news began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a hook delivers. Its JSON form (`payload`) is the contract with whoever receives it.

    episode, opened_at: which episode it is part of and when that began, for a hook that keeps one thread
    per episode; None for what is said outside any (a test alert, a ledger that can't be used). They aren't
    in the payload.
    """

    event: Event
    summary: str
    at: datetime
    worker: str | None = None
    agent: str | None = None
    slot: datetime | None = None
    outcome: Outcome | None = None
    error: RunError | None = None
    run_id: str | None = None
    run_url: str | None = None
    consecutive_failures: int = 0
    episode: str | None = None
    opened_at: datetime | None = None

    def payload(self) -> dict[str, Any]:
        """The JSON form, every key always present, times in RFC 3339."""
        return {
            "event": self.event.value,
            "worker": self.worker,
            "agent": self.agent,
            "slot": self.slot.isoformat() if self.slot else None,
            "outcome": self.outcome.value if self.outcome else None,
            "summary": self.summary,
            "error": (
                None
                if self.error is None
                else {
                    "kind": self.error.kind,
                    "message": self.error.message,
                    "where": self.error.where,
                }
            ),
            "run_id": self.run_id,
            "run_url": self.run_url,
            "at": self.at.isoformat(),
            "consecutive_failures": self.consecutive_failures,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One trouble of one subject, from its first alert to its recovery.

    subject: a worker's id, or 'loom:registry', 'loom:registry:WORKER', 'loom:enforcement', 'loom:clock'.
    held: bad outcomes gathered before the threshold; the episode exists but nothing was said yet.
    gathered: a worker's bad outcomes since it opened, the held ones included.
    last_run: the run gathered last; updated in place on a later tick, it isn't gathered twice.
    kind: what the last alert was about; a change of it reminds at once.
    last_alert: what was said last; a reminder on a tick where nothing ran repeats it.
    """

    id: str
    subject: str
    opened_at: datetime
    announced: bool = False
    held: int = 0
    gathered: int = 0
    last_run: str | None = None
    kind: str = ""
    last_alert_at: datetime | None = None
    last_alert: Alert | None = None
    closed_at: datetime | None = None


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert on its way through one hook. Tried again on every tick until `sent`.

    hook: the hook's name as written in the ledger ('webhook', 'file 2'). error: why the last try failed.
    """

    id: str
    alert: Alert
    hook: str
    episode: str
    state: DeliveryState
    tries: int = 0
    error: str | None = None
    changed_at: datetime
