"""One tick for the commands that start one: watched, told, and ended in order when it is to stop."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from loom.cli.audience import audience_for, show
from loom.cli.signals import obeying
from loom.cli.streams import answer_alone
from loom.clock import Clock
from loom.errors import LedgerError, LoomError, StateUnpushed, UsageError
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from loom.settings import Settings
from loom.values import replace
from loom.wiring.parts import parts_for

if TYPE_CHECKING:
    from datetime import datetime

    from loom.report.progress import LiveProgress, SilentProgress


def tick(settings: Settings, clock: Clock, request: TickRequest, as_json: bool) -> int:
    """Do what is due, or what `request` asks for, and tell it on stdout; returns the exit code.

    Raises LoomError, after a person was told of a ledger that can't be used.
    """
    progress = _progress(as_json)
    if request.dry_run:
        from loom.wiring.looking import rehearsal_parts

        parts = rehearsal_parts(settings, clock, progress)
    else:
        parts = parts_for(settings, clock, progress)
    answer, talk = answer_alone() if as_json else sys.stdout, sys.stderr
    with audience_for(settings, answer, as_json) as audience:
        try:
            # Whatever a worker makes of sys.stderr meanwhile.
            with obeying(parts.stop, lambda text: click.echo(f"loom: {text}", file=talk)):
                report = run_tick(audience.prepare(parts), request)
        except LoomError as error:
            audience.complain(error)
            if isinstance(error, LedgerError | StateUnpushed):
                _cry(settings, parts.clock.now(), error, progress.began)
            raise
        finally:
            progress.close()
        audience.tell(report)
    return int(report.exit_code)


def confirm(settings: Settings, clock: Clock, request: TickRequest, as_json: bool) -> None:
    """List what `request` would run, and ask. Raises UsageError where nobody says yes."""
    if as_json:
        raise UsageError("with --json nobody can be asked: add --yes, or --dry-run to see the list.")
    from loom.wiring.looking import looking_parts

    # The tick itself comes later, and takes the secrets out of the environment then.
    parts = looking_parts(settings, clock, offline=False)
    report = run_tick(parts, replace(request, dry_run=True))
    number = sum(each.action == "run" for each in report.planned)
    if not number:
        return  # nothing is run, and the tick says why
    show(report, ZoneInfo(report.zone), sys.stdout)
    try:
        agreed = click.confirm(f"Run {number} {'slot' if number == 1 else 'slots'}?", err=True)
    except click.Abort:
        agreed = False
        click.echo(err=True)
    if not agreed:
        raise UsageError("nothing was run. Where nobody can answer, add --yes.")


def _progress(as_json: bool) -> "LiveProgress | SilentProgress":
    from loom.report.progress import LiveProgress, SilentProgress

    if as_json or not sys.stderr.isatty():
        return SilentProgress()
    from rich.console import Console

    return LiveProgress(Console(file=sys.stderr, highlight=False))


def _cry(
    settings: "Settings", at: "datetime", error: LedgerError | StateUnpushed, began: Sequence[str]
) -> None:
    """The ledger can't be used, so neither can its outbox: tell a person directly."""
    from loom.alerts.direct import cry
    from loom.domain.alert import Alert, Event
    from loom.wiring.parts import hooks_in_need

    unpushed = isinstance(error, StateUnpushed)
    alert = Alert(
        event=Event.STATE_UNPUSHED if unpushed else Event.LEDGER_BROKEN,
        summary=str(error) if unpushed else f"{_what_it_means(began)}: {error}",
        at=at,
        run_url=settings.run_url,
    )
    for failure in cry(alert, hooks_in_need(settings)):
        click.echo(f"loom: {failure}", err=True)


def _what_it_means(began: Sequence[str]) -> str:
    if not began:
        return "the ledger can't be used, so nothing runs"
    return (
        f"the ledger failed after {', '.join(sorted(set(began)))} had started in this tick; "
        "what they did may not be recorded, and a later tick may start it again"
    )
