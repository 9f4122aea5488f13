"""`loom pause`: a worker is to stand still."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from loom.cli.moments import moment
from loom.cli.options import json_option, project_option, settings_for
from loom.cli.ordering import at_option, by_option
from loom.errors import UsageError

if TYPE_CHECKING:
    from loom.domain.worker import Worker

_LONGEST_REASON = 300


@click.command(
    name="pause",
    epilog="Exit codes: 0 it is paused, 2 usage, 3 registry or ledger broken, 4 it couldn't be pushed to the "
    "state branch, and nothing was changed.",
)
@click.argument("worker", required=False)
@click.option(
    "--until",
    metavar="WHEN",
    help="When it goes on by itself: 2h or 3d from now, a day, or ISO 8601.",
)
@click.option("--reason", metavar="TEXT", help="Why, for whoever wonders.")
@by_option
@at_option
@json_option
@project_option
def command(
    worker: str | None,
    until: str | None,
    reason: str | None,
    by: str | None,
    at: str | None,
    as_json: bool,
    project: Path | None,
) -> int:
    """Let WORKER (an id or agent, in any case) stand still: its slots are recorded as skipped, not run.

    Without WORKER: list the pauses in force. `loom resume` ends one; what came due meanwhile never runs. A
    run that is at work goes on; what a tick has claimed and not begun is taken back, but not on a state
    branch. A pause in worker-registry.yaml (`status: paused`) is lifted only there.

    \b
    loom pause sentinel --until 3d --reason "budget freeze"
    loom pause sentinel --until 2026-12-01T06:00:00-06:00
    loom pause
    """
    if worker is None:
        _refuse_lonely(until, reason, by)
        return _listed(at, as_json, project)
    from loom.cli.ordering import alive, chosen, given_at, kept, standing_order, who
    from loom.pausing import pause
    from loom.wiring.parts import clock_for, open_ledger, read_registry, state_branch

    settings = settings_for(project)
    now = given_at(at)
    registry = read_registry(settings)
    zone = ZoneInfo(registry.zone)
    end = None if until is None else _end(until, now, zone)
    meant = chosen(registry, worker)
    _refuse_standing(meant, standing_order(settings, meant))
    name = who(settings, by)
    ledger = open_ledger(settings, registry, clock_for(at))
    try:
        done = pause(
            registry,
            ledger,
            meant,
            by=name,
            reason=_readable(reason),
            now=now,
            until=end,
            alive=alive(settings, registry),
            at_given=at is not None,
            take_back=state_branch(settings, registry) is None,
        )
    finally:
        ledger.close()
    place = kept(settings, registry)
    from loom.report import pauses

    if as_json:
        from loom.report.as_json import dump

        click.echo(dump(pauses.paused_form(done, zone, kept=place)), nl=False)
    else:
        from loom.report.terminal import console_for

        pauses.show_paused(console_for(sys.stdout), done, zone, now=now, kept=place)
    return 0


def _listed(at: str | None, as_json: bool, project: Path | None) -> int:
    from loom.cli.ordering import given_at, standing_order
    from loom.domain.worker import Status
    from loom.pausing import in_force
    from loom.report import pauses
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import read_registry

    settings = settings_for(project)
    registry, now = read_registry(settings), given_at(at)
    ledger = peek_ledger(settings, registry)
    try:
        held = in_force(registry, ledger, now=now)
    finally:
        ledger.close()
    standing = {
        each.id: standing_order(settings, each) for each in registry.workers if each.status is Status.PAUSED
    }
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report.as_json import dump

        click.echo(dump(pauses.listed_form(held, standing, zone, now=now)), nl=False)
    else:
        from loom.report.terminal import console_for

        pauses.show_pauses(console_for(sys.stdout), held, standing, zone)
    return 0


def _refuse_lonely(*options: str | None) -> None:
    if any(option is not None for option in options):
        raise UsageError("which worker is to be paused? Name it by id or agent: loom pause WORKER --until 3d")


def _refuse_standing(worker: "Worker", standing: str) -> None:
    """A pause would say of its slots what isn't so."""
    from loom.domain.worker import Status

    if worker.status is Status.DISABLED:
        raise UsageError(
            f"{worker.id} can't be paused: {standing}: it has no slots, so there is none to skip."
        )
    if standing:
        raise UsageError(
            f"{worker.id} is not paused by hand: {standing}, so it stands still already, and its slots are "
            "recorded as skipped. That is lifted only there."
        )


def _readable(reason: str | None) -> str:
    from loom.report.words import flat

    said = flat(reason or "")
    if len(said) > _LONGEST_REASON:
        raise UsageError(f"--reason has {len(said)} characters; say it in at most {_LONGEST_REASON}.")
    return said


def _end(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    end = moment(text, option="--until", now=now, zone=zone, ahead=True)
    if end <= now:
        raise UsageError(
            f"--until {text} is over already (it is {now.isoformat(timespec='seconds')}); write an instant "
            "to come, or a span from now such as 2h or 3d."
        )
    return end
