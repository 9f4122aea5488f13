"""What was measured, as Markdown to publish."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.benchmarks.result import Goal, Result


def as_markdown(kept: Mapping[str, Any], names: Iterable[str], *, notes: bool) -> str:
    """The tables by these names of what ``--json`` wrote, under the day, the machine and the command. notes:
    whether with all that a reader must know to judge them."""
    head = f"{kept['at'][:10]}, {kept['machine']}; `{kept['command']}`."
    results = [Result.from_json(kept["results"][name]) for name in names if name in kept["results"]]
    return "\n\n".join([head, *(_table(result, notes=notes) for result in results)])


def _table(result: Result, *, notes: bool) -> str:
    ruler = ("---", *("---:" for _ in result.columns[1:]))
    lines = [f"| {' | '.join(cells)} |" for cells in (result.columns, ruler, *result.rows)]
    said = ["", *(f"- {note}" for note in result.notes)] if notes and result.notes else []
    return "\n".join([f"**{result.title}**", "", *lines, *said, "", *map(_goal, result.goals)]).rstrip()


def _goal(goal: Goal) -> str:
    return f"Goal {'reached' if goal.reached else 'missed'}: {goal.text}.  "
