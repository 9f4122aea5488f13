"""`loom retry RUN`: once more."""

from pathlib import Path

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import UsageError


@click.command(
    name="retry",
    epilog="Exit codes: those of loom run.",
)
@click.argument("run")
@click.option(
    "--force",
    is_flag=True,
    help="Also a run that succeeded, or of a worker that is disabled, paused or running. "
    "Never passes enforcement or a missing requirement.",
)
@click.option(
    "--at",
    metavar="ISO8601",
    help="Set the tick's clock, as for loom run.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done. Writes nothing, runs nothing.")
@json_option
@project_option
def command(run: str, force: bool, at: str | None, dry_run: bool, as_json: bool, project: Path | None) -> int:
    """Do once more, now, what RUN did: the same worker, for the same slot, with the same --param.

    RUN is an id, or the last 8 or more characters of one, as `loom history` prints them. A slot that is
    still open is closed by this; what fails by hand is not tried again by itself.

    \b
    loom history --outcome failed
    loom retry 3f2a9c04d1e7
    """
    from loom.cli.ticking import tick
    from loom.clock import SetClock
    from loom.domain.run import Outcome, Trigger
    from loom.runner.naming import find_run
    from loom.runner.request import TickRequest
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import clock_for, read_registry

    settings = settings_for(project, commands_runner=True)
    ledger = peek_ledger(settings, read_registry(settings))
    try:
        found = find_run(ledger, run)
    finally:
        ledger.close()
    if found.count > 1 and found.slot is not None and found.slot_last is not None:
        raise UsageError(
            f"{run} stands for {found.count:,} slots; run them with: loom run --worker {found.worker} "
            f"--from {found.slot.isoformat()} --to {found.slot_last.isoformat()}"
        )
    if found.outcome is Outcome.SUCCEEDED and not force:
        raise UsageError(f"{run} of {found.worker} succeeded; to do it once more all the same, add --force")
    clock = clock_for(at)
    request = TickRequest(
        workers=(found.worker,),
        slot=found.slot,
        trigger=Trigger.RETRY,
        at_given=isinstance(clock, SetClock),
        force=force,
        dry_run=dry_run,
        params={name: str(value) for name, value in found.settings.items()},
    )
    return tick(settings, clock, request, as_json)
