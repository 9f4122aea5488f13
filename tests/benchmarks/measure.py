"""Measuring two things side by side, so that a machine's speed and its other work cancel out."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.result import Goal, Result, Timed

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What something costs more than without it.

    ours, theirs: seconds, one per round, in order; each round is a pair. goal: `extra` may be at most this.
    what, against: the two sides in words."""

    what: str
    against: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    goal: float

    @property
    def extra(self) -> float:
        """In seconds: the median of the pairs' differences."""
        return statistics.median(mine - other for mine, other in zip(self.ours, self.theirs, strict=True))

    def result(self) -> Result:
        more = _small(self.extra)
        wanted = f"{self.what}: {more} more (at most {_small(self.goal)})"
        return Result(
            title=f"{self.what}, beside {self.against}",
            columns=("", "time", "more"),
            rows=(
                (self.what, str(Timed(self.ours)), more),
                (self.against, str(Timed(self.theirs)), "0"),
            ),
            goals=(Goal(wanted, self.extra <= self.goal),),
            raw={"ours_s": self.ours, "theirs_s": self.theirs},
        )


def _small(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:.0f} ms"


def in_turns(contenders: Mapping[Name, Callable[[], float]], *, rounds: int) -> dict[Name, Timed]:
    """Call each in turns, once to warm up and then `rounds` times; each returns the seconds it took."""
    for contender in contenders.values():
        contender()
    took: dict[Name, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            took[name].append(contender())
    return {name: Timed(tuple(seconds)) for name, seconds in took.items()}


def side_by_side(
    ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """As `in_turns`, for two."""
    timed = in_turns({"ours": ours, "theirs": theirs}, rounds=rounds)
    return timed["ours"].seconds, timed["theirs"].seconds


def seconds(command: Sequence[str], *, cwd: Path, more: Mapping[str, str] | None = None) -> float:
    """Run a whole process, with `more` in its environment: the seconds it took. Raises RuntimeError, with its
    words, if it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment(), **(more or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode != 0:
        said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{said}")
    return took


@contextmanager
def on_one_processor() -> Iterator[None]:
    """Meanwhile this process, and whatever it starts, stays on one of those that it may run on, where the
    system can be told so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def environment() -> dict[str, str]:
    """The process's own, but with bytecode kept, as on any machine that runs Loom more than once."""
    unwanted = ("PYTHON", "LOOM_", "GITHUB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
