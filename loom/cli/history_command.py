"""`loom history`: what ran?"""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.errors import ExitCode


@click.command(name="history")
@click.option("--worker", metavar="NAME", help="Only this worker, by id or agent.")
@click.option("--outcome", "outcomes", metavar="WORD", multiple=True, help="Only such outcomes, e.g. failed.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@json_option
@offline_option
@project_option
def command(
    worker: str | None,
    outcomes: tuple[str, ...],
    limit: int,
    as_json: bool,
    offline: bool,
    project: Path | None,
) -> int:
    """List what was recorded, newest first.

    \b
    loom history
    loom history --worker sentinel --limit 50
    loom history --outcome failed --outcome missed --json
    """
    from zoneinfo import ZoneInfo

    from loom.domain.run import Outcome
    from loom.errors import UsageError
    from loom.ports import RunQuery
    from loom.runner.request import find_workers
    from loom.status import as_they_stand
    from loom.wiring import peek_ledger, read_registry

    unknown = [word for word in outcomes if word not in list(Outcome)]
    if unknown:
        raise UsageError(f"--outcome {unknown[0]}: expected one of {', '.join(Outcome)}.")
    settings = settings_for(project)
    registry = read_registry(settings)
    id_ = find_workers(registry, [worker])[0].id if worker else None
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        runs = ledger.runs(RunQuery(worker=id_, outcomes=outcomes, limit=limit))
        runs = as_they_stand(runs, ledger.snapshot())
    finally:
        ledger.close()
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report import as_json as json_report

        click.echo(json_report.dump({"runs": [json_report.run(run, zone) for run in runs]}), nl=False)
    else:
        from loom.report.listings import show_history
        from loom.report.terminal import console_for

        show_history(console_for(sys.stdout), runs, zone)
    return ExitCode.OK
