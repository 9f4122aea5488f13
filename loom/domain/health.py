"""Health: how a worker stands."""

from enum import StrEnum

from loom.domain.run import OpenReason
from loom.domain.slot import Ticket
from loom.domain.standing import Standing
from loom.domain.worker import Status, Worker


class Health(StrEnum):
    NEW = "new"
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"
    DISABLED = "disabled"


def health_of(worker: Worker, standing: Standing, tickets: tuple[Ticket, ...], *, paused: bool) -> Health:
    """How `worker` stands, from its definition, its standing and its open tickets.

    down: its last word was bad and nothing will be tried again. late: something is owed and will be tried.
    """
    if worker.status is Status.DISABLED:
        return Health.DISABLED
    if paused or worker.status is Status.PAUSED:
        return Health.PAUSED
    if any(ticket.reason in (OpenReason.ENFORCEMENT, OpenReason.REQUIREMENT) for ticket in tickets):
        return Health.DOWN
    if any(ticket.reason is not None for ticket in tickets):
        return Health.LATE
    if standing.last_outcome is None:
        return Health.NEW
    return Health.DOWN if standing.consecutive_failures > 0 else Health.UP
