"""Alerts as lines on a stream, for whoever reads the terminal or the log."""

from collections.abc import Container
from typing import TextIO

from loom.alerts.plain import plain
from loom.domain.alert import EVERY_EVENT, Alert, Event
from loom.errors import DeliveryFailed

_LONGEST = 2000


class StderrHook:
    """One line per alert: 'ALERT worker.down: <summary> [run 0191...] <url>'."""

    def __init__(
        self, stream: TextIO, *, name: str = "stderr", events: Container[Event] = EVERY_EVENT
    ) -> None:
        self.name = name
        self._stream = stream
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """Raises DeliveryFailed when the stream is closed or broken, or says by its `trouble` that what is
        written to it is lost."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        line = _line(alert).encode(encoding, errors="backslashreplace").decode(encoding)
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise _undelivered(error) from error
        if (trouble := getattr(self._stream, "trouble", None)) is not None:
            raise _undelivered(trouble)


def _undelivered(error: OSError | ValueError) -> DeliveryFailed:
    why = getattr(error, "strerror", None) or str(error)
    return DeliveryFailed(f"stderr can't be written: {why}; keep it open, and where there is room")


def _line(alert: Alert) -> str:
    parts = [f"ALERT {alert.event.value}: {plain(alert.summary, _LONGEST)}"]
    if alert.error is not None and alert.error.where:
        parts.append(f"at {plain(alert.error.where, 200)}")
    if alert.run_id:
        parts.append(f"[run {plain(alert.run_id, 100)}]")
    if alert.run_url:
        parts.append(plain(alert.run_url, 500))
    return " ".join(parts)
