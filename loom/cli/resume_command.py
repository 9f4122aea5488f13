"""`loom resume`: a worker that was paused may go on."""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.cli.ordering import at_option, by_option
from loom.errors import ExitCode, UsageError


@click.command(
    name="resume",
    epilog="Exit codes: 0 it goes on, or wasn't paused; 2 usage, or the registry keeps it from running; "
    "3 registry or ledger broken, 4 it couldn't be pushed to the state branch, and nothing was changed.",
)
@click.argument("worker")
@by_option
@at_option
@json_option
@project_option
def command(worker: str, by: str | None, at: str | None, as_json: bool, project: Path | None) -> int:
    """Let WORKER, an id or agent in any case, go on with its next slot.

    What came due while it was paused is recorded as skipped and never runs; `loom run --worker WORKER --slot`
    runs one of those slots all the same.

    \b
    loom resume sentinel
    """
    from zoneinfo import ZoneInfo

    from loom.cli.ordering import chosen, given_at, kept, standing_order, who
    from loom.pausing import resume
    from loom.wiring.parts import clock_for, open_ledger, read_registry

    settings = settings_for(project)
    now = given_at(at)
    registry = read_registry(settings)
    meant = chosen(registry, worker)
    name = who(settings, by)
    ledger = open_ledger(settings, registry, clock_for(at))
    try:
        done = resume(registry, ledger, meant, by=name, now=now, at_given=at is not None)
    finally:
        ledger.close()
    standing = standing_order(settings, meant)
    if standing and done.pause is None:
        raise UsageError(
            f"{meant.id} can't be resumed from here: {standing}, and that is lifted only there. "
            "Write `status: active`, or take the line away."
        )
    code = ExitCode.USAGE if standing else ExitCode.OK
    place = kept(settings, registry)
    from loom.report import pauses

    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report.as_json import dump

        form = pauses.resumed_form(done, zone, kept=place, standing=standing)
        click.echo(dump(form | {"exit_code": int(code)}), nl=False)
    else:
        from loom.report.terminal import console_for

        pauses.show_resumed(console_for(sys.stdout), done, zone, now=now, kept=place, standing=standing)
    return code
