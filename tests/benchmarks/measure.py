"""Measuring two things side by side, so that a machine's speed and its other work cancel out."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class _Pairs:
    """ours, theirs: seconds, one per round, in order; each round is a pair. goal: what is made of them may be
    at most this. what, against: the two sides in words."""

    what: str
    against: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    goal: float

    @property
    def _medians(self) -> tuple[float, float]:
        return statistics.median(self.ours), statistics.median(self.theirs)

    def _in_json(self, **made: Any) -> dict[str, Any]:
        sides = {"what": self.what, "against": self.against, "ours_s": self.ours, "theirs_s": self.theirs}
        return sides | made


class Comparison(_Pairs):
    """ratio: of the medians."""

    @property
    def ratio(self) -> float:
        ours, theirs = self._medians
        return ours / theirs

    @property
    def reached(self) -> bool:
        return self.ratio <= self.goal

    def __str__(self) -> str:
        ours, theirs = self._medians
        return (
            f"{self.what}: {ours * 1000:.0f} ms, {self.against}: {theirs * 1000:.0f} ms, "
            f"ratio {self.ratio:.2f} (goal: at most {self.goal:g}, {_verdict(self.reached)})"
        )

    def as_json(self) -> dict[str, Any]:
        ours, theirs = self._medians
        return self._in_json(
            ours_median_s=ours,
            theirs_median_s=theirs,
            ratio=self.ratio,
            goal=self.goal,
            reached=self.reached,
        )


class Surcharge(_Pairs):
    """What something costs more than without it, in seconds. extra: the median of the pairs' differences."""

    @property
    def extra(self) -> float:
        return statistics.median(mine - other for mine, other in zip(self.ours, self.theirs, strict=True))

    @property
    def reached(self) -> bool:
        return self.extra <= self.goal

    def __str__(self) -> str:
        ours, theirs = self._medians
        return (
            f"{self.what}: {_small(ours)}, {self.against}: {_small(theirs)}, "
            f"{_small(self.extra)} more (goal: at most {_small(self.goal)}, {_verdict(self.reached)})"
        )

    def as_json(self) -> dict[str, Any]:
        return self._in_json(extra_s=self.extra, goal_s=self.goal, reached=self.reached)


def _small(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:.0f} ms"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def side_by_side(
    ours: Callable[[], float], theirs: Callable[[], float], *, rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Call both in turns, once to warm up and then `rounds` times; each returns the seconds it took."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def seconds(command: Sequence[str], *, cwd: Path) -> float:
    """Run a whole process: the seconds it took. Raises RuntimeError, with its words, if it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
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


def environment() -> dict[str, str]:
    """The process's own, but with bytecode kept, as on any machine that runs Loom more than once."""
    unwanted = ("PYTHON", "LOOM_", "GITHUB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
