"""`loom run`: one tick."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime


@click.command(
    name="run",
    epilog="Exit codes: 0 all well or nothing due, 1 a run ended badly or a worker named by hand "
    "was skipped, 2 usage, 3 registry, enforcement, settings or ledger broken, "
    "4 an alert could not be delivered, 70 a bug in Loom, 130 and 143 interrupted.",
)
@click.option(
    "--worker",
    "workers",
    metavar="NAME",
    multiple=True,
    help="Run this worker now, by id or agent, in any case. Uses up no slot. May be given several times.",
)
@click.option(
    "--at",
    metavar="ISO8601",
    help="Set the tick's clock, such as 2026-03-08T09:00:00Z. Not the future, not before the last tick.",
)
@click.option(
    "--slot",
    metavar="ISO8601",
    help="Run this one slot of the one --worker, for example one that was missed.",
)
@click.option(
    "--from",
    "first",
    metavar="ISO8601",
    help="With --to and one --worker: run its slots of this span, oldest first; those that succeeded are "
    "left alone. Lists them and asks.",
)
@click.option("--to", "last", metavar="ISO8601", help="The end of that span; a slot at this instant counts.")
@click.option("--yes", is_flag=True, help="With --from and --to: don't ask.")
@click.option("--dry-run", is_flag=True, help="Say what a tick would do. Writes nothing, runs nothing.")
@click.option(
    "--force",
    is_flag=True,
    help="With --worker: run though disabled, paused, running already or succeeded already. "
    "Never passes enforcement or a missing requirement.",
)
@click.option(
    "--param",
    "params",
    metavar="KEY=VALUE",
    multiple=True,
    help="With one --worker: override a setting for this run, which then counts for nothing else.",
)
@json_option
@project_option
def command(
    workers: tuple[str, ...],
    at: str | None,
    slot: str | None,
    first: str | None,
    last: str | None,
    yes: bool,
    dry_run: bool,
    force: bool,
    params: tuple[str, ...],
    as_json: bool,
    project: Path | None,
) -> int:
    """Run whatever is due, once, and record it. This is what the hourly cron calls.

    \b
    loom run                                      everything that is due
    loom run --worker sentinel                    one worker, now
    loom run --worker archivist --param stale_after_days=30
    loom run --worker echo --slot 2026-03-08T09:00:00Z
    loom run --worker echo --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z
    loom run --dry-run --at 2027-01-01T12:00:00Z  what would be due then
    """
    _refuse_lonely_options(workers, slot, force, params)
    span = _span(workers, slot, first, last, yes)
    from loom.cli.ticking import confirm, tick
    from loom.clock import SetClock
    from loom.domain.run import Trigger
    from loom.runner.request import TickRequest
    from loom.wiring.parts import clock_for

    settings = settings_for(project, commands_runner=True)
    clock = clock_for(at)
    request = TickRequest(
        workers=workers,
        slot=_instant(slot, "--slot"),
        span=span,
        trigger=Trigger.BACKFILL if span else Trigger.MANUAL,
        at_given=isinstance(clock, SetClock),
        dry_run=dry_run,
        previews=dry_run,
        force=force,
        params=_pairs(params),
    )
    if span and not (yes or dry_run):
        confirm(settings, clock, request, as_json)
    return tick(settings, clock, request, as_json)


def _refuse_lonely_options(
    workers: tuple[str, ...], slot: str | None, force: bool, params: tuple[str, ...]
) -> None:
    if slot is not None and len(workers) != 1:
        raise UsageError("--slot takes one slot of one worker: name exactly one with --worker.")
    if params and len(workers) != 1:
        raise UsageError("--param overrides settings of one worker: name exactly one with --worker.")
    if force and not workers:
        raise UsageError("--force is for workers named by hand: name one with --worker.")


def _span(
    workers: tuple[str, ...], slot: str | None, first: str | None, last: str | None, yes: bool
) -> "tuple[datetime, datetime] | None":
    since, until = _instant(first, "--from"), _instant(last, "--to")
    if since is None and until is None:
        if yes:
            raise UsageError("--yes answers what --from and --to ask: give both.")
        return None
    if since is None or until is None:
        raise UsageError("--from and --to belong together: give both.")
    if slot is not None:
        raise UsageError("--slot is one slot, --from and --to are several: give one or the other.")
    if len(workers) != 1:
        raise UsageError("--from and --to take the slots of one worker: name exactly one with --worker.")
    return since, until


def _instant(text: str | None, option: str) -> "datetime | None":
    if text is None:
        return None
    from loom.instants import parse_instant

    return parse_instant(text, option=option)


def _pairs(params: tuple[str, ...]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for param in params:
        key, equals, value = param.partition("=")
        if not equals or not key:
            raise UsageError(f"--param {param!r}: write KEY=VALUE, such as stale_after_days=30.")
        pairs[key] = value
    return pairs
