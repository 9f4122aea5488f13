"""A hook that the registry asks for but can't work here: it fails, so that nothing is lost in silence."""

from collections.abc import Container

from loom.domain.alert import Alert, Event
from loom.errors import DeliveryFailed


class MissingHook:
    """why: what is missing and what to do. events: empty for an optional hook: it takes no new alert, but
    what waits for it goes on waiting."""

    def __init__(self, why: str, *, name: str, events: Container[Event]) -> None:
        self.name = name
        self.why = why
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:  # noqa: ARG002  the port's signature
        raise DeliveryFailed(self.why)
