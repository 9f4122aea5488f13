"""What `loom simulate` found, for a terminal of 80 columns and in JSON."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loom.domain.replay import Replay, WorkerReplay
from loom.report.words import count, one_line, when

_HEADINGS = ("worker", "due", "run", "passed", "lost", "late", "longest", "by hour")


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
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(_HEADINGS):
        right = number > 0
        table.add_column(
            heading,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=None if right else 26,
        )
    quiet = 0
    for worker in each.workers:
        if not worker.due:
            quiet += 1
            continue
        table.add_row(
            Text(worker.worker),
            f"{worker.due:,}",
            f"{worker.run:,}",
            f"{worker.superseded:,}",
            Text(f"{worker.lost:,}", "bold red" if worker.lost else ""),
            _hours(worker.lateness_median_s),
            _hours(worker.lateness_max_s),
            Text(f"{worker.by_hour:,}", "yellow" if worker.by_hour_lost else ""),
        )
    if table.rows:
        console.print(table)
    if quiet:
        console.print(Text(f"{count(quiet, 'worker')} had nothing due.", "dim"))
    console.print(Text(total([each]) + "\n", "bold"))


def _hours(seconds: float | None) -> str:
    """'2:36', or a dash."""
    if seconds is None:
        return "–"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,}:{minutes:02}"
