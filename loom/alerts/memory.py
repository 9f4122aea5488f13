"""The twin: alerts are kept in a list. For tests, replays and simulations."""

from collections.abc import Container

from loom.domain.alert import EVERY_EVENT, Alert, Event
from loom.errors import DeliveryFailed


class MemoryHook:
    """fail_with: when set, every delivery fails with this reason. delivered: what arrived, in order."""

    def __init__(
        self, name: str = "memory", *, fail_with: str | None = None, events: Container[Event] = EVERY_EVENT
    ) -> None:
        self.name = name
        self.fail_with = fail_with
        self.delivered: list[Alert] = []
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        if self.fail_with is not None:
            raise DeliveryFailed(self.fail_with)
        self.delivered.append(alert)
