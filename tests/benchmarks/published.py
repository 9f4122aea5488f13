"""What was measured, as Markdown: all of it for docs/benchmarks.md, what matters most for README.md."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from tests.benchmarks.result import Goal, Result

_EXCERPTS: Mapping[str, Mapping[str, Collection[str]]] = {
    "slots": {"what": ("1 year",)},
    "idle": {},
    "busy": {},
    "lost": {"ticks as": ("fpl-intelligence",)},
}
"""For each measurement in README, the rows: by column, what stands there."""


def in_full(kept: Mapping[str, Any]) -> str:
    """Every table of what ``--json`` wrote, with its notes and goals, under the day, machine and command."""
    told = [f"# {_head(kept)}"]
    for each in kept["results"].values():
        result = Result.from_json(each)
        told += [f"## {result.title}", _table(result)]
        told += ["\n".join(f"- {note}" for note in result.notes)] if result.notes else []
        told += ["\n".join(map(_goal, result.goals))] if result.goals else []
    return "\n\n".join(told) + "\n"


def in_short(kept: Mapping[str, Any]) -> str:
    """The tables that README carries, as far as they were measured, and which goals were reached."""
    results = {name: Result.from_json(each) for name, each in kept["results"].items()}
    told = [_head(kept)]
    for name, wanted in _EXCERPTS.items():
        if name in results:
            told += [f"**{results[name].title}**", _table(_rows_of(results[name], wanted))]
    goals = [goal for result in results.values() for goal in result.goals]
    return "\n\n".join([*told, "\n".join(map(_goal, goals))])


def _head(kept: Mapping[str, Any]) -> str:
    return f"Measured on {kept['at'][:10]}: {kept['machine']}; `{kept['command']}`"


def _rows_of(result: Result, wanted: Mapping[str, Collection[str]]) -> Result:
    places = {result.columns.index(column): cells for column, cells in wanted.items()}
    kept = (row for row in result.rows if all(row[place] in cells for place, cells in places.items()))
    return replace(result, rows=tuple(kept))


def _table(result: Result) -> str:
    ruler = ("---", *("---:" for _ in result.columns[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (result.columns, ruler, *result.rows))


def _goal(goal: Goal) -> str:
    return f"- {'reached' if goal.reached else '**missed**'}: {goal.text}"
