"""What befalls one tick: at a named call of a port its process dies, is told to stop, or meets another tick.

A point is written ``before claim 1`` or ``after record 2``: the first claim, the second record.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

Value = TypeVar("Value")

# How many calls of each port are worth dying at: what a tick of three workers makes of them.
_CALLS = {
    "snapshot": 1,
    "read": 1,
    "run": 1,
    "claim": 2,
    "record": 4,
    "submit": 2,
    "wait": 2,
    "deliver": 2,
    "publish": 2,
    "prune": 1,
}


class ProcessDied(BaseException):
    """The process that ran the tick is gone: nothing of it runs on."""


class Plot:
    """dies: the point at which the process ends, or None."""

    def __init__(self, *, dies: str | None) -> None:
        self._dies = dies
        self._at: dict[str, list[Callable[[], None]]] = {}
        self._calls: Counter[str] = Counter()
        self._dead = False

    def when(self, point: str, act: Callable[[], None]) -> None:
        """Do this, once, at that point."""
        self._at.setdefault(point, []).append(act)

    def call(self, port: str, act: Callable[[], Value]) -> Value:
        """One call of a port. Raises ProcessDied."""
        self._calls[port] += 1
        self._reach(f"before {port} {self._calls[port]}")
        result = act()
        self._reach(f"after {port} {self._calls[port]}")
        return result

    def die(self) -> None:
        """Raises ProcessDied, now and at every call to come."""
        self._dead = True
        raise ProcessDied

    def _reach(self, point: str) -> None:
        if self._dead or point == self._dies:
            self.die()
        for act in self._at.pop(point, ()):
            act()


def points() -> Iterator[str]:
    """Every point at which something may befall a tick."""
    for port, calls in _CALLS.items():
        for number in range(1, calls + 1):
            yield f"before {port} {number}"
            yield f"after {port} {number}"
