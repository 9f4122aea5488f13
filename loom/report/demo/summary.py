"""What came of the demo's week: the three promises for a person, and all of it for a program."""

from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from loom.domain.demo import Reckoning, Scene
from loom.report.as_json import board as board_as_json
from loom.report.as_json import tick_report
from loom.report.demo.hanging import Hanging
from loom.report.words import count


def summary(week: Reckoning) -> RenderableType:
    """The three promises, as the ledger has them."""
    figures = week.board.figures
    decided = (
        "each decided once" if week.decided == week.due and not week.repeated else "NOT each decided once"
    )
    fates = f"{week.ran} ran, {week.superseded} gave way to a later one, {week.missed} lost"
    fates += f", {week.skipped} skipped" if week.skipped else ""
    return Group(
        Text(f"That week an hourly cron called {week.ticks} times instead of {week.hours}", "bold"),
        _promise(
            "On time",
            week.decided == week.due and not week.repeated and not week.missed,
            f"{count(week.due, 'slot')}, {decided}, {figures.on_time} by the first tick that came: {fates}. "
            f'A runner that asks "is it my hour?" would have run {week.by_hour}.',
        ),
        _promise(
            "Enforced",
            figures.under_digest == figures.runs and not week.written,
            f"{figures.under_digest} of {count(figures.runs, 'run')} under the full rules; "
            f"{week.written} of {count(week.asked, 'request')} to HubSpot would have changed it.",
        ),
        _promise(
            "Told",
            figures.bad_delivered == figures.bad and not week.board.undelivered,
            f"{figures.bad_delivered} of {count(figures.bad, 'bad outcome')} reached a person, in "
            f"{count(week.episodes, 'trouble')}, of which {week.closed} are over.",
        ),
    )


def _promise(name: str, kept: bool, said: str) -> RenderableType:
    sign, style = ("✓", "green") if kept else ("✗", "bold red")
    return Hanging(Text.assemble((f"{sign} ", style), (name, "bold")), Text(said), 12)


def as_json(
    scenes: list[Scene], reckoned: Reckoning, zone: ZoneInfo, *, project: str, dashboard: str
) -> dict[str, Any]:
    """The whole week in one document; each tick as `loom run --json` tells it, with times in `zone`."""
    return {
        "project": project,
        "dashboard": dashboard,
        "scenes": [
            {
                "at": scene.step.at.astimezone(zone).isoformat(),
                "act": scene.step.act.value,
                "says": scene.step.says or None,
                "notes": list(scene.notes),
                "tick": None if scene.report is None else tick_report(scene.report, zone),
            }
            for scene in scenes
        ],
        "week": {
            name: getattr(reckoned, name)
            for name in (
                "ticks", "hours", "due", "decided", "repeated", "ran", "skipped", "superseded", "missed",
                "by_hour", "findings", "asked", "written", "alerts", "episodes", "closed",
            )
        },
        "status": board_as_json(reckoned.board, zone),
        "exit_code": 0,
    }  # fmt: skip
