"""Mines: counted places in a tick's way, one of which may do its deed.

A place is a call through a port, an SQL statement or a git command. It is passed before the call, and after
one that came back; the mine lies at the nth of either, or around the call.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from loom.enforcement.guarding.audit import LOOM, kept

When = Literal["before", "after", "during"]


@dataclass(frozen=True, slots=True)
class Mine:
    """At the `nth` passing (from 1) of `place`. deed: what happens there; `kill` (SIGKILL), `stop` (SIGTERM),
    or a name that `Mines` is given the meaning of. `during`: the deed is lifted once the call is over."""

    place: str
    nth: int
    when: When
    deed: str

    def __str__(self) -> str:
        return f"{self.deed} {self.when} {self.place} {self.nth}"


class Mines:
    """The way of one tick. passed: a file to which every passing is written, for whoever lays the next mine.

    deeds: by name, what to do; it may raise, which is the error the caller gets, or return what lifts it.
    """

    def __init__(
        self, mine: Mine | None, passed: int, deeds: Mapping[str, Callable[[str], Callable[[], None] | None]]
    ) -> None:
        self._mine = mine
        self._passed = passed
        self._deeds = deeds
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def around(self, place: str) -> Iterator[None]:
        with self._lock:
            self._counts[place] += 1
            nth = self._counts[place]
            os.write(self._passed, f"{place}\n".encode())
        mine = self._mine
        if mine is None or (mine.place, mine.nth) != (place, nth):
            yield
            return
        lift = None
        if mine.when != "after":
            lift = self._do(mine.deed, place)
        try:
            yield
        finally:
            if lift is not None and mine.when == "during":
                lift()
        if mine.when == "after":
            self._do(mine.deed, place)

    def _do(self, deed: str, place: str) -> Callable[[], None] | None:
        os.write(self._passed, b"!\n")
        if deed == "kill":
            with kept(LOOM):  # it may be a worker's thread, to which the guard leaves no such thing
                os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()
        if deed == "stop":
            with kept(LOOM):
                os.kill(os.getpid(), signal.SIGTERM)
            return None
        return self._deeds[deed](place)
