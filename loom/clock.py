"""The only place that asks what time it is. Every instant is an aware datetime in UTC.

Two times exist side by side. `now` is the time of the tick: what `--at` sets, what slots, reminders
and records are measured by. `real` and `monotonic` are the machine's own: leases, deadlines and
durations use them even when the tick is set to another day.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The tick's time, UTC."""

    def real(self) -> datetime:
        """The machine's time, UTC; for leases."""

    def monotonic(self) -> float:
        """Seconds that only grow; for deadlines and durations."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class SetClock:
    """A clock set to `at`, running on from there at the machine's pace (`--at`).

    It starts when it is first asked: the tick's own time is exactly what was given."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._started: float | None = None

    def now(self) -> datetime:
        elapsed = time.monotonic()
        if self._started is None:
            self._started = elapsed
        return self._at + timedelta(seconds=elapsed - self._started)

    def real(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """The in-memory twin: stands still until told to move. For tests, replays and simulations."""

    def __init__(self, at: datetime) -> None:
        self._now = at.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def real(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._elapsed += by.total_seconds()

    def set(self, at: datetime) -> None:
        """Jump to `at`, backwards too; elapsed time is not touched."""
        self._now = at.astimezone(UTC)
