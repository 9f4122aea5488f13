"""`loom status`: how does each worker stand?"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for

if TYPE_CHECKING:
    from loom.domain.board import Board, OneWorker
    from loom.settings import Settings


@click.command(name="status")
@click.option("--worker", metavar="NAME", help="Open one worker, by id or agent.")
@click.option("--watch", is_flag=True, help="Look again every 5 seconds until interrupted.")
@json_option
@offline_option
@project_option
def command(worker: str | None, watch: bool, as_json: bool, offline: bool, project: Path | None) -> int:
    """Show how each worker stands, what comes next and what needs a person.

    \b
    Health: new (never ran), up, late (owed, will be tried), down (needs a look), paused, disabled.

    \b
    loom status
    loom status --worker sentinel
    loom status --watch
    loom status --json | jq '.workers[] | select(.health == "down")'
    """
    settings = settings_for(project)

    def look(note: Callable[[str], None]) -> "Board | OneWorker":
        return _read(settings, worker, offline, note)

    if watch:
        from loom.cli.looking import keep_looking

        return keep_looking(look, as_json=as_json)
    from loom.cli.looking import show

    show(look(lambda text: click.echo(f"loom: {text}", err=True)), as_json=as_json)
    return 0


def _read(
    settings: "Settings", worker: str | None, offline: bool, note: Callable[[str], None]
) -> "Board | OneWorker":
    from loom.clock import SystemClock
    from loom.status import board, one_worker
    from loom.wiring import peek_ledger, read_registry

    registry = read_registry(settings)
    found = None
    if worker is not None:
        from loom.runner.request import find_workers

        found = find_workers(registry, [worker])[0]
    ledger = peek_ledger(settings, registry, offline=offline, note=note)
    try:
        now = SystemClock().now()
        return (
            board(registry, ledger, now=now)
            if found is None
            else one_worker(registry, ledger, found, now=now)
        )
    finally:
        ledger.close()
