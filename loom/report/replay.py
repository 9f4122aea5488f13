"""What `loom simulate` found, for a terminal of 80 columns and in JSON."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from loom.domain.replay import Replay, WorkerReplay
from loom.report.columns import Column, Layout, show_columns
from loom.report.words import count, one_line, when


def show_replays(console: Console, replays: Sequence[Replay], zone: ZoneInfo) -> None:
    """A table for each trace and the sum of all below it."""
    for each in replays:
        _show(console, each, zone)
    if len(replays) > 1:
        console.print(Text("All of them: " + total(replays), "bold"))
    console.print(
        Text(
            "late, longest: from a slot to its run, median and most, in hours:minutes.\n"
            "passed: a later slot ran instead. by hour: slots started by a runner that\n"
            "matches schedules against the hour on the clock.",
            "dim",
        )
    )


def total(replays: Sequence[Replay]) -> str:
    """'Loom lost 0 of 9 slots; hour matching lost 6 of 9.'"""
    due, lost, by_hour = (
        sum(getattr(each, name) for each in replays) for name in ("due", "lost", "by_hour_lost")
    )
    return f"Loom lost {lost:,} of {count(due, 'slot')}; hour matching lost {by_hour:,} of {due:,}."


def as_json(replays: Sequence[Replay], zone: ZoneInfo) -> dict[str, Any]:
    """Lengths of time in seconds, times in the zone given."""
    return {
        "timezone": zone.key,
        "traces": [
            {
                "name": each.trace.name,
                "kind": "lateness" if each.trace.made else "trace",
                "ticks": len(each.trace.ticks),
                "from": each.start.astimezone(zone).isoformat(),
                "to": each.end.astimezone(zone).isoformat(),
                "due": each.due,
                "lost": each.lost,
                "hour_matching_lost": each.by_hour_lost,
                "workers": [_worker(worker) for worker in each.workers],
            }
            for each in replays
        ],
        "due": sum(each.due for each in replays),
        "lost": sum(each.lost for each in replays),
        "hour_matching_lost": sum(each.by_hour_lost for each in replays),
    }


def _worker(each: WorkerReplay) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "agent": each.agent,
        "due": each.due,
        "run": each.run,
        "superseded": each.superseded,
        "missed": each.missed,
        "lost": each.lost,
        "lateness_median_s": each.lateness_median_s,
        "lateness_max_s": each.lateness_max_s,
        "hour_matching": {"run": each.by_hour, "lost": each.by_hour_lost, "run_again": each.by_hour_again},
    }


def _show(console: Console, each: Replay, zone: ZoneInfo) -> None:
    made = "an hourly tick late by these delays, " if each.trace.made else ""
    console.print(
        Text.assemble(
            (one_line(each.trace.name, 60), "bold"),
            f"  {made}{count(len(each.trace.ticks), 'tick')}\n",
            (f"{when(each.start, zone)} to {when(each.end, zone)}", "dim"),
        )
    )
    busy = [worker for worker in each.workers if worker.due]
    if busy:
        show_columns(console, _layouts(busy))
    quiet = len(each.workers) - len(busy)
    if quiet:
        console.print(Text(f"{count(quiet, 'worker')} had nothing due.", "dim"))
    console.print(Text(total([each]) + "\n", "bold"))


def _layouts(workers: Sequence[WorkerReplay]) -> list[Layout]:
    id_ = Column("worker", [Text(each.worker) for each in workers], least=16, middle=True)
    due = _figures("due", [Text(f"{each.due:,}") for each in workers])
    run = _figures("run", [Text(f"{each.run:,}") for each in workers])
    passed = _figures("passed", [Text(f"{each.superseded:,}") for each in workers])
    lost = _figures("lost", [Text(f"{each.lost:,}", "bold red" if each.lost else "") for each in workers])
    late = _figures("late", [Text(_hours(each.lateness_median_s)) for each in workers])
    longest = _figures("longest", [Text(_hours(each.lateness_max_s)) for each in workers])
    by_hour = _figures(
        "by hour", [Text(f"{each.by_hour:,}", "yellow" if each.by_hour_lost else "") for each in workers]
    )
    return [
        Layout([id_, due, run, passed, lost, late, longest, by_hour]),
        Layout([id_, due, run, lost, longest, by_hour]),
        Layout([id_, due, lost, by_hour]),
    ]


def _figures(heading: str, cells: Sequence[Text]) -> Column:
    return Column(heading, cells, right=True)


def _hours(seconds: float | None) -> str:
    """'2:36', or a dash."""
    if seconds is None:
        return "–"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,}:{minutes:02}"
