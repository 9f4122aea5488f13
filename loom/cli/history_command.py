"""`loom history`: what ran?"""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.errors import ExitCode


@click.command(name="history")
@click.option("--worker", metavar="NAME", help="Only this worker, by id or agent.")
@click.option("--outcome", "outcomes", metavar="WORD", multiple=True, help="Only such outcomes, e.g. failed.")
@click.option("--bad", is_flag=True, help="Only what went badly: failed, invalid, timed out, ...")
@click.option("--since", metavar="WHEN", help="From then on: 7d or 36h ago, a day, or ISO 8601.")
@click.option("--until", metavar="WHEN", help="Up to then, said in the same ways.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many."
)
@json_option
@offline_option
@project_option
def command(
    worker: str | None,
    outcomes: tuple[str, ...],
    bad: bool,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
    offline: bool,
    project: Path | None,
) -> int:
    """List what was recorded, newest first.

    \b
    loom history
    loom history --worker sentinel --limit 50
    loom history --bad --since 7d
    loom history --outcome failed --outcome missed --since 2026-11-20 --json
    """
    from zoneinfo import ZoneInfo

    from loom.cli.moments import moment
    from loom.clock import SystemClock
    from loom.domain.record import RunQuery
    from loom.domain.run import Outcome
    from loom.errors import UsageError
    from loom.runner.naming import find_workers
    from loom.status import as_they_stand
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import read_registry

    unknown = [word for word in outcomes if word not in list(Outcome)]
    if unknown:
        raise UsageError(f"--outcome {unknown[0]}: expected one of {', '.join(Outcome)}.")
    if bad:
        outcomes = tuple(dict.fromkeys([*outcomes, *(each.value for each in Outcome if each.bad)]))
    settings = settings_for(project)
    registry = read_registry(settings)
    zone, now = ZoneInfo(registry.zone), SystemClock().now()
    first = None if since is None else moment(since, option="--since", now=now, zone=zone)
    last = None if until is None else moment(until, option="--until", now=now, zone=zone)
    if first is not None and last is not None and last < first:
        raise UsageError(f"--until {until} is before --since {since}; swap them.")
    id_ = find_workers(registry, [worker])[0].id if worker else None
    query = RunQuery(worker=id_, outcomes=outcomes, since=first, until=last, limit=limit)
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        runs = as_they_stand(ledger.runs(query), ledger.snapshot())
    finally:
        ledger.close()
    if as_json:
        from loom.report import as_json as json_report

        click.echo(json_report.dump({"runs": [json_report.run(run, zone) for run in runs]}), nl=False)
    else:
        from loom.report.history import show_history
        from loom.report.terminal import console_for

        narrowed = bool(worker or outcomes or since or until)
        show_history(console_for(sys.stdout), runs, zone, limit=limit, narrowed=narrowed)
    return ExitCode.OK
