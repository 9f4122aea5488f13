"""Contenders that each do the same at several sizes, in turns, the slow ones less often."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from subprocess import TimeoutExpired
from typing import Any

from tests.benchmarks.peers import PeerUnavailable
from tests.benchmarks.result import Timed


@dataclass(frozen=True, slots=True)
class Taken:
    """What one go of a contender took. seconds: by size. recorded: by size, how many are done and on record
    by the contender's own account; all of them, or the time is worth nothing. told: whatever else it says."""

    seconds: Mapping[int, float]
    recorded: Mapping[int, int]
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lane:
    """go: does it once at every size. Raises PeerUnavailable, or RuntimeError if it fails."""

    name: str
    go: Callable[[], Taken]


@dataclass(frozen=True, slots=True)
class Ran:
    """takes: one for each round it was given, the warm-up not among them. trouble: why it has no times."""

    name: str
    takes: tuple[Taken, ...] = ()
    trouble: str = ""

    @property
    def rounds(self) -> int:
        return len(self.takes)

    @property
    def told(self) -> Mapping[str, Any]:
        return self.takes[-1].told if self.takes else {}

    def timed(self, size: int) -> Timed | None:
        """None where that size wasn't measured, or where an answer was wrong."""
        if not self.takes or self.wrong(size) or any(size not in take.seconds for take in self.takes):
            return None
        return Timed(tuple(take.seconds[size] for take in self.takes))

    def wrong(self, size: int) -> str:
        """The first round in which not all were done: ``wrong: 99 of 100``; otherwise nothing."""
        counts = (take.recorded[size] for take in self.takes if size in take.recorded)
        return next((f"wrong: {count:,} of {size:,}" for count in counts if count != size), "")

    def cell(self, size: int) -> str:
        """What a table says of that size."""
        timed = self.timed(size)
        return str(timed) if timed else self.wrong(size) or "-"

    def as_json(self) -> dict[str, Any]:
        rounds = [
            {"seconds": dict(take.seconds), "recorded": dict(take.recorded), **take.told}
            for take in self.takes
        ]
        return {"rounds": rounds, "trouble": self.trouble}


def run_in_turns(
    lanes: Sequence[Lane], *, rounds: int, budget_s: float, clock: Callable[[], float] = time.perf_counter
) -> tuple[Ran, ...]:
    """Each goes once to warm up, and to install or prepare what it needs, and then in turns as often as fits
    into `budget_s` seconds by what the first round took: twice at least if there are so many rounds, `rounds`
    times at most."""
    takes: dict[str, list[Taken]] = {lane.name: [] for lane in lanes}
    troubles: dict[str, str] = {}
    given: dict[str, int] = {}
    for turn in range(-1, rounds):
        for lane in lanes:
            if lane.name in troubles or turn >= given.get(lane.name, rounds):
                continue
            began = clock()
            try:
                taken = lane.go()
            except (PeerUnavailable, RuntimeError, TimeoutExpired) as error:
                troubles[lane.name] = _one_line(error)
                continue
            if turn < 0:
                continue
            takes[lane.name].append(taken)
            if turn == 0:
                fitting = int(budget_s / max(clock() - began, 1e-9))
                given[lane.name] = min(rounds, max(2, fitting))
    return tuple(
        Ran(lane.name, () if lane.name in troubles else tuple(takes[lane.name]), troubles.get(lane.name, ""))
        for lane in lanes
    )


def rounds_of(ran: Sequence[Ran], rounds: int) -> str:
    """The note that names who was measured less often than `rounds` times; empty if nobody was."""
    fewer = [f"{each.name} {each.rounds}" for each in ran if 0 < each.rounds < rounds]
    return f"Rounds: {rounds}, but of the slow ones fewer: {', '.join(fewer)}." if fewer else ""


def troubles_of(ran: Sequence[Ran]) -> tuple[str, ...]:
    """A note for each who has no times."""
    return tuple(f"{each.name}: not measured: {each.trouble}" for each in ran if each.trouble)


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ... ".join(dict.fromkeys((lines[0], lines[-1]))) if lines else type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."
