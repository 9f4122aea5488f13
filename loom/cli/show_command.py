"""`loom show RUN`: everything about one run."""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for


@click.command(name="show")
@click.argument("run")
@json_option
@offline_option
@project_option
def command(run: str, as_json: bool, offline: bool, project: Path | None) -> int:
    """Show everything about one RUN: attempts, output, errors, log, rules in force, alerts.

    RUN is an id, or the last 8 or more characters of one, as `loom history` prints them.
    """
    from zoneinfo import ZoneInfo

    from loom.runner.request import find_run
    from loom.status import as_they_stand
    from loom.wiring import peek_ledger, read_registry

    settings = settings_for(project)
    registry = read_registry(settings)
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        found = find_run(ledger, run)
        deliveries = ledger.deliveries(run_id=found.run_id)
        (found,) = as_they_stand([found], ledger.snapshot())
    finally:
        ledger.close()
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report import as_json as json_report

        click.echo(json_report.dump(json_report.run_in_full(found, deliveries, zone)), nl=False)
    else:
        from loom.report.terminal import console_for, show_run

        show_run(console_for(sys.stdout), found, deliveries, zone)
    return 0
