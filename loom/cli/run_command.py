"""`loom run`: one tick."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.audience import audience_for
from loom.cli.options import answer_alone, json_option, project_option, settings_for
from loom.errors import LedgerError, LoomError, StateUnpushed, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from loom.report.progress import LiveProgress, SilentProgress
    from loom.settings import Settings


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
    loom run --dry-run --at 2027-01-01T12:00:00Z  what would be due then
    """
    _refuse_lonely_options(workers, slot, force, params)
    from loom.clock import SetClock
    from loom.runner.request import TickRequest
    from loom.runner.tick import run_tick
    from loom.wiring import clock_for, parts_for

    settings = settings_for(project)
    clock = clock_for(at)
    request = TickRequest(
        workers=workers,
        slot=_instant(slot),
        at_given=isinstance(clock, SetClock),
        dry_run=dry_run,
        force=force,
        params=_pairs(params),
    )
    progress = _progress(as_json)
    parts = parts_for(settings, clock, progress, rehearsal=dry_run)
    with answer_alone(as_json) as answer, audience_for(settings, answer, as_json) as audience:
        try:
            report = run_tick(audience.prepare(parts), request)
        except LoomError as error:
            audience.complain(error)
            if isinstance(error, LedgerError | StateUnpushed):
                _cry(settings, parts.clock.now(), error)
            raise
        finally:
            progress.close()
        audience.tell(report)
    return int(report.exit_code)


def _refuse_lonely_options(
    workers: tuple[str, ...], slot: str | None, force: bool, params: tuple[str, ...]
) -> None:
    if slot is not None and len(workers) != 1:
        raise UsageError("--slot takes one slot of one worker: name exactly one with --worker.")
    if params and len(workers) != 1:
        raise UsageError("--param overrides settings of one worker: name exactly one with --worker.")
    if force and not workers:
        raise UsageError("--force is for workers named by hand: name one with --worker.")


def _instant(text: str | None) -> "datetime | None":
    if text is None:
        return None
    from loom.instants import parse_instant

    return parse_instant(text, option="--slot")


def _pairs(params: tuple[str, ...]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for param in params:
        key, equals, value = param.partition("=")
        if not equals or not key:
            raise UsageError(f"--param {param!r}: write KEY=VALUE, such as stale_after_days=30.")
        pairs[key] = value
    return pairs


def _progress(as_json: bool) -> "LiveProgress | SilentProgress":
    from loom.report.progress import LiveProgress, SilentProgress

    if as_json or not sys.stderr.isatty():
        return SilentProgress()
    from rich.console import Console

    return LiveProgress(Console(stderr=True, highlight=False))


def _cry(settings: "Settings", at: "datetime", error: LedgerError | StateUnpushed) -> None:
    """The ledger can't be used, so neither can its outbox: tell a person directly."""
    from loom.alerts.direct import cry
    from loom.domain.alert import Alert, Event
    from loom.wiring import hooks_in_need

    unpushed = isinstance(error, StateUnpushed)
    alert = Alert(
        event=Event.STATE_UNPUSHED if unpushed else Event.LEDGER_BROKEN,
        summary=str(error) if unpushed else f"the ledger can't be used, so nothing runs: {error}",
        at=at,
        run_url=settings.run_url,
    )
    for failure in cry(alert, hooks_in_need(settings)):
        click.echo(f"loom: {failure}", err=True)
