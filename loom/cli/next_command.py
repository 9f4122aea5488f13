"""`loom next`: which slots come?"""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for


@click.command(name="next")
@click.option(
    "--days", type=click.FloatRange(0.01, 366), default=1, show_default=True, help="How far to look."
)
@click.option("--worker", metavar="NAME", help="Only this worker, by id or agent.")
@click.option("--at", metavar="ISO8601", help="Look from this instant on, such as 2026-03-07T12:00:00Z.")
@json_option
@offline_option
@project_option
def command(
    days: float, worker: str | None, at: str | None, as_json: bool, offline: bool, project: Path | None
) -> int:
    """List the slots to come, and mark those that fall in a clock change, with the policy that decides them.

    \b
    loom next
    loom next --days 7 --worker sentinel
    loom next --at 2027-03-13T12:00:00Z --days 2
    """
    from datetime import timedelta
    from math import isnan
    from zoneinfo import ZoneInfo

    from loom.coming import coming, left_out
    from loom.errors import UsageError
    from loom.runner.naming import find_workers
    from loom.values import replace
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import clock_for, read_registry

    if isnan(days):
        raise UsageError("--days nan is no number of days; write one from 0.01 to 366.")
    settings = settings_for(project)
    registry = read_registry(settings)
    if worker is not None:
        registry = replace(registry, workers=find_workers(registry, [worker]))
    now = clock_for(at).now()
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        pauses = ledger.snapshot().pauses
    finally:
        ledger.close()
    slots = coming(registry, now=now, span=timedelta(days=days), pauses=pauses)
    skipped = left_out(registry, now=now, span=timedelta(days=days))
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report import as_json as json_report

        form = {"slots": json_report.coming(slots, zone), "left_out": json_report.coming(skipped, zone)}
        click.echo(json_report.dump(form), nl=False)
    else:
        from loom.report.coming import show_coming
        from loom.report.terminal import console_for

        both = sorted([*slots, *skipped], key=lambda each: (each.slot, each.worker))
        show_coming(console_for(sys.stdout), both, zone, now, days=days)
    return 0
