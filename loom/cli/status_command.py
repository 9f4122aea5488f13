"""`loom status`: how does each worker stand?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.cli.streams import heard

if TYPE_CHECKING:
    from loom.domain.board import Board
    from loom.settings import Settings

_REFRESH_SECONDS = 5.0


@click.command(name="status")
@click.option("--watch", is_flag=True, help="Show it again every 5 seconds until interrupted.")
@json_option
@offline_option
@project_option
def command(watch: bool, as_json: bool, offline: bool, project: Path | None) -> int:
    """Show how each worker stands, what comes next and what needs a person.

    \b
    Health: new (never ran), up, late (owed, will be tried), down (needs a look), paused, disabled.

    \b
    loom status
    loom status --json | jq '.workers[] | select(.health == "down")'
    """
    settings = settings_for(project)
    if not watch:
        _show(_read(settings, offline), as_json)
        return 0
    import time

    while True:
        board = _read(settings, offline)
        if not as_json:
            click.clear()
        _show(board, as_json)
        if not heard():
            return 0
        time.sleep(_REFRESH_SECONDS)


def _read(settings: "Settings", offline: bool) -> "Board":
    from loom.clock import SystemClock
    from loom.status import board
    from loom.wiring import peek_ledger, read_registry

    registry = read_registry(settings)
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        return board(registry, ledger, now=SystemClock().now())
    finally:
        ledger.close()


def _show(board: "Board", as_json: bool) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(board.zone)
    if as_json:
        from loom.report import as_json as json_report

        click.echo(json_report.dump(json_report.board(board, zone)), nl=False)
        return
    from loom.report.listings import show_board
    from loom.report.terminal import console_for

    show_board(console_for(sys.stdout), board, zone)
