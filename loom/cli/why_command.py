"""`loom why NAME`: why did it, or didn't it, run?"""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for


@click.command(name="why")
@click.argument("name")
@click.option(
    "--at",
    metavar="ISO8601",
    help="About this instant, such as 2026-11-21T06:00-06:00, instead of how it stands now.",
)
@json_option
@offline_option
@project_option
def command(name: str, at: str | None, as_json: bool, offline: bool, project: Path | None) -> int:
    """Say in plain words why a worker did or didn't run, and what happens next.

    NAME is a worker's id or agent, in any case. Without --at: how it stands now, what became of its last
    slots, and what a tick right now would do. With --at: whether that instant is one of its slots, what the
    ledger has of it, and which ticks came around it. Nothing is run or written.

    \b
    loom why sentinel
    loom why sentinel --at 2026-11-21T06:00-06:00
    loom why echo --at 2026-03-08T08:00Z --json | jq -r .verdict
    """
    from loom.instants import parse_instant
    from loom.why.reading import why
    from loom.wiring.looking import looking_parts
    from loom.wiring.parts import clock_for

    instant = None if at is None else parse_instant(at, option="--at")
    settings = settings_for(project)
    reasons = why(looking_parts(settings, clock_for(None), offline=offline), name, at=instant)
    from loom.report import why as report

    if as_json:
        from loom.report.as_json import dump

        click.echo(dump(report.as_json(reasons)), nl=False)
    else:
        from loom.report.terminal import console_for

        report.show_reasons(console_for(sys.stdout), reasons)
    return 0
