"""The runs there were, newest first, one line each, under a heading for each day.

At any width of the terminal the words that matter stand whole: outcome and the id of a run.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.text import Text

from loom.domain.run import Outcome, Run
from loom.report.columns import Column, Layout, in_rows
from loom.report.gist import gist
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import count, one_line, short_id


def show_history(
    console: Console, runs: Sequence[Run], zone: ZoneInfo, *, limit: int = 0, narrowed: bool = False
) -> None:
    """Where there is no room for what a run had to say, it stands below if the run was bad, or if the worker
    skipped it. limit: how many were asked for; if there are as many, there may be more. narrowed: whether
    only some of all runs were asked for."""
    if runs:
        console.print(Group(*_all_lines(console, runs, zone, limit)), crop=False)
    elif narrowed:
        console.print("Nothing of that is recorded. All there is: loom history")
    else:
        console.print("Nothing is recorded yet. Start a tick with: loom run")


def _all_lines(console: Console, runs: Sequence[Run], zone: ZoneInfo, limit: int) -> Iterator[RenderableType]:
    rows = in_rows(console, _layouts(runs, zone))
    for number, (day, its) in enumerate(groupby(runs, lambda run: _at(run).astimezone(zone).date())):
        if number:
            yield Text()
        yield Text(f"{day:%A %-d %B %Y}", "bold")
        for _ in its:
            yield from next(rows)
    yield Text()
    newest = f"The newest {count(len(runs), 'run')}" if len(runs) == limit else count(len(runs), "run")
    more = f"; more: --limit {2 * limit}" if len(runs) == limit else ""
    yield Text(f"{newest}, times in {_zones(runs, zone)}{more}. One of them: loom show RUN", "dim")


def _layouts(runs: Sequence[Run], zone: ZoneInfo) -> list[Layout]:
    said = [one_line(gist(run), 200) for run in runs]
    at = Column("", [Text(f"{_at(run).astimezone(zone):%H:%M}") for run in runs])
    id_ = Column("", [Text(short_id(run.run_id), "dim") for run in runs])
    outcome = Column("", [_outcome(run) for run in runs])
    slot = Column("", [Text(_slot(run, zone), "dim") for run in runs])
    below = [
        Text(text, "dim") if text and _explains(run) else None for run, text in zip(runs, said, strict=True)
    ]

    def worker(least: int) -> Column:
        return Column("", [Text(run.worker) for run in runs], least=least, middle=True)

    def what(least: int) -> Column:
        return Column("", [Text(text) for text in said], least=least)

    return [
        Layout([at, outcome, worker(24), slot, id_, what(40)]),
        Layout([at, outcome, worker(23), slot, id_], below, lines_below=2),
        Layout([at, outcome, worker(20), id_], below, lines_below=2),
        Layout([id_, worker(8), outcome], below, lines_below=2),
    ]


def _at(run: Run) -> datetime:
    return run.started_at or run.tick_at


def _slot(run: Run, zone: ZoneInfo) -> str:
    """Which slot it was for, as little as tells it from the time of the run."""
    if run.slot is None:
        return "by hand"
    day = _at(run).astimezone(zone).date()
    text = f"for {_near(run.slot, day, zone)}"
    if run.slot_last is not None and run.count > 1:
        text = f"{text} to {_near(run.slot_last, day, zone)}, {count(run.count, 'slot')}"
    return f"{text}, by hand" if run.by_hand else text


def _near(at: datetime, day: date, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there:%H:%M}" if there.date() == day else f"{there:%-d %b %H:%M}"


def _zones(runs: Sequence[Run], zone: ZoneInfo) -> str:
    """``CST``, or ``CDT and CST``, whichever the clock showed then, summer's first."""
    return " and ".join(dict.fromkeys(f"{_at(run).astimezone(zone):%Z}" for run in reversed(runs)))


def _explains(run: Run) -> bool:
    """Whether a person has to know what it says: it was bad, or skipped by the worker itself."""
    return run.bad or (run.outcome is Outcome.SKIPPED and run.started_at is not None)


def _outcome(run: Run) -> Text:
    sign, style = OUTCOME_SIGNS[run.outcome]
    return Text(f"{sign} {run.outcome.value}{_fate(run)}", style)


def _fate(run: Run) -> str:
    if run.final:
        return ""
    return " (tried again)" if run.open_reason is None else " (open)"
