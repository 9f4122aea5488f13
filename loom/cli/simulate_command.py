"""`loom simulate`: what would become of the slots, if ticks came like this?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import ExitCode

if TYPE_CHECKING:
    from datetime import datetime


@click.command(
    name="simulate",
    epilog="Exit codes: 0 no slot was lost, 1 some slot neither ran nor gave way to a later one, "
    "2 usage, 3 the registry or the file of ticks is broken.",
)
@click.option(
    "--ticks",
    "file",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="When ticks came, in JSON (see below).",
)
@click.option("--from", "start", metavar="ISO8601", help="Leave out what was before this instant.")
@click.option("--to", "end", metavar="ISO8601", help="Leave out what was after this instant.")
@json_option
@project_option
def command(file: Path, start: str | None, end: str | None, as_json: bool, project: Path | None) -> int:
    """Replay ticks as they came, late or not at all, against this project's schedules.

    The slots are decided by the code of `loom run` itself, on a ledger in memory; no worker is imported or
    run, nothing is written and nobody is alerted: every run succeeds at once. Beside it stands what a runner
    would have done that starts whatever is scheduled in the hour on the clock.

    \b
    loom simulate --ticks ticks.json
    loom simulate --ticks ticks.json --from 2026-09-01T00:00:00Z --to 2026-09-08T00:00:00Z --json

    \b
    {"traces": [{"name": "mine", "ticks": ["2026-09-01T13:06:00Z", ...]}],
     "lateness_minutes": [{"name": "slow", "minutes": [44, 286, 732]}]}

    Each trace is replayed by itself, from the hour of its first tick to its last one. A list of delays stands
    for a tick every hour, each late by the next of them, over and over, for 14 days.
    """
    from zoneinfo import ZoneInfo

    from loom.clock import SystemClock
    from loom.report.progress import SilentProgress
    from loom.simulation.replay import simulate
    from loom.simulation.traces import read_traces
    from loom.wiring.looking import rehearsal_parts
    from loom.wiring.parts import read_registry

    settings = settings_for(project)
    registry = read_registry(settings)
    for entry in registry.broken:
        click.echo(f"loom: {entry.id} is left out: its entry in the registry has mistakes", err=True)
    parts = rehearsal_parts(settings, SystemClock(), SilentProgress())
    bounds = _instant(start, "--from"), _instant(end, "--to")
    replays = list(simulate(parts, registry, read_traces(file), start=bounds[0], end=bounds[1]))
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report import replay
        from loom.report.as_json import dump

        click.echo(dump(replay.as_json(replays, zone)), nl=False)
    else:
        from loom.report.replay import show_replays
        from loom.report.terminal import console_for

        show_replays(console_for(sys.stdout), replays, zone)
    return ExitCode.BAD_RUN if any(each.lost for each in replays) else ExitCode.OK


def _instant(text: str | None, option: str) -> "datetime | None":
    if text is None:
        return None
    from loom.instants import parse_instant

    return parse_instant(text, option=option)
