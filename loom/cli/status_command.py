"""`loom status`: how does each worker stand?"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from loom.domain.board import Board, OneWorker
    from loom.ports import Ledger
    from loom.settings import Settings


@click.command(name="status")
@click.option("--worker", metavar="NAME", help="Open one worker, by id or agent.")
@click.option("--watch", is_flag=True, help="Look again every 5 seconds until interrupted.")
@click.option("--at", metavar="ISO8601", help="As of this instant, which isn't before the last tick's.")
@json_option
@offline_option
@project_option
def command(
    worker: str | None, watch: bool, at: str | None, as_json: bool, offline: bool, project: Path | None
) -> int:
    """Show how each worker stands, what comes next and what needs a person.

    \b
    Health: new (never ran), up, late (owed, will be tried), down (needs a look), paused, disabled.

    \b
    loom status
    loom status --worker sentinel
    loom status --watch
    loom status --json | jq '.workers[] | select(.health == "down")'
    """
    if watch and at is not None:
        raise UsageError("--watch shows how things stand now, --at how they stood: take one of them.")
    settings = settings_for(project)

    def look(note: Callable[[str], None]) -> "Board | OneWorker":
        return _read(settings, worker, at, offline, note)

    if watch:
        from loom.cli.looking import keep_looking

        return keep_looking(look, as_json=as_json)
    from loom.cli.looking import show

    show(look(lambda text: click.echo(f"loom: {text}", err=True)), as_json=as_json)
    return 0


def _read(
    settings: "Settings", worker: str | None, at: str | None, offline: bool, note: Callable[[str], None]
) -> "Board | OneWorker":
    from loom.cli.ordering import alive
    from loom.status import board, one_worker
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import clock_for, read_registry

    registry = read_registry(settings)
    found = None
    if worker is not None:
        from loom.runner.naming import find_workers

        found = find_workers(registry, [worker])[0]
    ledger = peek_ledger(settings, registry, offline=offline, note=note)
    try:
        now = clock_for(at).now()
        if at is not None:
            _refuse_unless_known(at, now, ledger)
        living = alive(settings, registry)
        if found is None:
            return board(registry, ledger, now=now, alive=living)
        return one_worker(registry, ledger, found, now=now, alive=living)
    finally:
        ledger.close()


def _refuse_unless_known(at: str, now: "datetime", ledger: "Ledger") -> None:
    """The ledger keeps how workers stand, not how they stood before its last tick."""
    from loom.clock import SystemClock

    last = ledger.snapshot().last_tick
    if last is not None and now < last.at:
        raise UsageError(
            f"--at {at} is before the last tick, {last.at.isoformat(timespec='seconds')}, and how workers "
            "stood then isn't kept; what ran is: loom history --until, and loom why WORKER --at."
        )
    if now > SystemClock().now():
        raise UsageError(f"--at {at} is in the future; what comes then: loom next --at {at}.")
