"""One attempt after another on a target, each made from a name that says how to make it again."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


class Wrong(Exception):
    """A promise that didn't hold. The text has the case, and what came of it."""


class Target(Protocol):
    def attempt(self, chance: random.Random) -> str:
        """Make one case and try it. Returns in a word what became of it; raises Wrong."""


@dataclass
class Tally:
    """ends: what became of the attempts, by word. wrong: which attempts broke a promise, and how."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def attempts(self) -> int:
        return self.ends.total() + len(self.wrong)

    def __str__(self) -> str:
        ends = ", ".join(f"{word} {count}" for word, count in sorted(self.ends.items()))
        return f"attempts {self.attempts} ({ends}), wrong {len(self.wrong)}, {self.seconds:.0f} s"


def chance(name: str) -> random.Random:
    """The random state of an attempt; the same for the same name."""
    return random.Random(name)  # noqa: S311  (repeatable, guards nothing)


def attempts(
    target: Target, name: str, *, count: int | None = None, seconds: float | None = None, most_wrong: int = 20
) -> Tally:
    """Try `count` times, or for so many `seconds`; stop after `most_wrong`. name: of target and seed."""
    tally, began = Tally(), time.monotonic()
    for number in _numbers(count, seconds):
        attempt = f"{name}:{number}"
        try:
            tally.ends[target.attempt(chance(attempt))] += 1
        except Wrong as wrong:
            tally.wrong.append((attempt, str(wrong)))
        if len(tally.wrong) >= most_wrong:
            break
    tally.seconds = time.monotonic() - began
    return tally


def _numbers(count: int | None, seconds: float | None) -> Iterator[int]:
    end = time.monotonic() + (seconds if seconds is not None else float("inf"))
    number = 0
    while (count is None or number < count) and time.monotonic() < end:
        yield number
        number += 1
