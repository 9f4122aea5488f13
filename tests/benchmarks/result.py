"""What a benchmark found: a table of figures, the goals held against them, and every raw number."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """text: what was wanted and what came, such as ``idle tick 1.21 times its floor (at most 1.3)``."""

    text: str
    reached: bool

    def __str__(self) -> str:
        return f"{'reached' if self.reached else 'MISSED'}: {self.text}"


@dataclass(frozen=True, slots=True)
class Result:
    """title: the question in a line. rows: the same number of texts as columns, ready to print; the first
    names whom it is about. notes: what a reader must know to judge the rows (durability, what was left out
    and why). raw: every number measured, for the JSON file."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    goals: tuple[Goal, ...] = ()
    notes: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        return all(goal.reached for goal in self.goals)

    def __str__(self) -> str:
        """For a terminal: columns aligned, names to the left and figures to the right."""
        lines = (self.columns, *self.rows)
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]

        def aligned(cells: Sequence[str]) -> str:
            first, *others = (
                cell.rjust(width) if number else cell.ljust(width)
                for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            return "  ".join((first, *others)).rstrip()

        table = [self.title, *(f"  {aligned(line)}" for line in lines)]
        return "\n".join([*table, *(f"  {note}" for note in self.notes), *(f"  {g}" for g in self.goals)])

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "columns": self.columns,
            "rows": self.rows,
            "notes": self.notes,
            "goals": [{"text": goal.text, "reached": goal.reached} for goal in self.goals],
            "raw": self.raw,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Result":
        return cls(
            title=kept["title"],
            columns=tuple(kept["columns"]),
            rows=tuple(tuple(row) for row in kept["rows"]),
            goals=tuple(Goal(goal["text"], goal["reached"]) for goal in kept["goals"]),
            notes=tuple(kept["notes"]),
            raw=kept["raw"],
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """One contender's times, in seconds, a figure for each round (the warm-up not among them)."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The interquartile range, in seconds."""
        if len(self.seconds) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return high - low

    def __str__(self) -> str:
        """Median and interquartile range."""
        return f"{duration(self.median)} ± {duration(self.spread)}"


def duration(seconds: float) -> str:
    """Three digits at most, in the unit that suits: ``812 ms``, ``1.24 s``, ``0.83 us``."""
    unit, size = next(
        ((unit, size) for unit, size in (("s", 1.0), ("ms", 1e-3)) if seconds >= size), ("us", 1e-6)
    )
    figure = seconds / size
    return f"{figure:.0f} {unit}" if figure >= 100 else f"{figure:.3g} {unit}"


def times(ratio: float) -> str:
    """How many times: ``1.24``, ``38``, ``1,240``."""
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2f}"
