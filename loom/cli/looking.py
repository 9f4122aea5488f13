"""What `loom status` found, shown once, or again and again."""

import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from loom.cli.streams import heard
from loom.clock import SystemClock
from loom.domain.board import Board, OneWorker
from loom.errors import ExitCode, LoomError, UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Look = Callable[[Callable[[str], None]], Board | OneWorker]
"""Reads it, and tells what is to be noted of the reading. Raises LoomError."""

_EVERY_SECONDS = 5.0
_GLANCE_SECONDS = 0.25


def show(seen: Board | OneWorker, *, as_json: bool) -> None:
    zone = ZoneInfo(seen.zone)
    if as_json:
        from loom.report import as_json as json_report

        form = (
            json_report.board(seen, zone) if isinstance(seen, Board) else json_report.one_worker(seen, zone)
        )
        click.echo(json_report.dump(form), nl=False)
        return
    from rich.console import Group

    from loom.report.terminal import console_for

    console = console_for(sys.stdout)
    console.print(Group(*_lines(console, seen)), crop=False)


def keep_looking(look: Look, *, as_json: bool) -> int:
    """Show it every five seconds until interrupted, or until nobody reads it any more. What can't be read at
    one time is said, and may be read the next."""
    try:
        if not as_json and sys.stdout.isatty():
            _on_one_screen(look)
        else:
            _one_after_another(look, as_json)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _one_after_another(look: Look, as_json: bool) -> None:
    def note(text: str) -> None:
        click.echo(f"loom: {text}", err=True)

    while True:
        try:
            show(look(note), as_json=as_json)
        except UsageError:
            raise
        except LoomError as error:
            note(str(error))
        if not heard():
            return
        time.sleep(_EVERY_SECONDS)


def _on_one_screen(look: Look) -> None:
    from rich.live import Live

    from loom.report.status.watched import screenful
    from loom.report.terminal import console_for

    console = console_for(sys.stdout)
    # The other screen of the terminal, drawn over in place: what was there before comes back at the end.
    with Live(
        console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as live:
        seen: Board | OneWorker | None = None
        while heard():
            troubles: list[str] = []
            try:
                seen = look(troubles.append)
            except UsageError:
                raise
            except LoomError as error:
                below = f" (below: as of {_shown(seen.at, seen.zone)})" if seen is not None else ""
                troubles.append(f"can't be read now{below}: {error}")
            now = _shown(SystemClock().now(), seen.zone if seen is not None else "UTC")
            looked = f"Looked at {now}; again every {_EVERY_SECONDS:g} s. Ctrl-C ends it."
            until = time.monotonic() + _EVERY_SECONDS
            size = None
            while time.monotonic() < until:
                if size != console.size:
                    size = console.size
                    lines = _lines(console, seen) if seen is not None else []
                    live.update(screenful(console, lines, looked=looked, troubles=troubles), refresh=True)
                time.sleep(_GLANCE_SECONDS)


def _shown(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M:%S %Z}"


def _lines(console: "Console", seen: Board | OneWorker) -> "list[RenderableType]":
    zone = ZoneInfo(seen.zone)
    if isinstance(seen, Board):
        from loom.report.status.board import board_lines

        return list(board_lines(console, seen, zone))
    from loom.report.status.one_worker import one_worker_lines

    return list(one_worker_lines(console, seen, zone))
