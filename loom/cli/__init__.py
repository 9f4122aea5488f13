"""The command line: parse, call one function, render, return an exit code.

Each command is one file, imported when it is asked for; `loom --help` imports click and nothing heavier.
"""

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from loom import __version__
from loom.errors import ExitCode, LoomError

COMMANDS = (
    "run",
    "status",
    "next",
    "history",
    "show",
    "check",
    "state",
    "ledger",
    "watch",
    "simulate",
    "schema",
    "init",
)


_AFTERWARDS = "what was running is recorded as abandoned by the next tick, which goes on from there"


class _Terminated(BaseException):
    """SIGTERM came."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"loom.cli.{cmd_name}_command").command
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all well or nothing due, 1 a run ended badly, 2 usage, 3 registry, enforcement, "
    "settings or ledger broken, 4 an alert or the state could not be delivered, 70 a bug in Loom.",
)
@click.version_option(__version__, prog_name="loom", message="%(prog)s %(version)s")
def loom() -> None:
    """Run a team's background workers on schedule, and prove that it did.

    \b
    Every hour, from a cron:     loom run
    One worker, by hand:         loom run --worker sentinel
    How does everything stand?   loom status
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line `argv` (default: the process's own) and exit with its code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _run(argv)
    except _Terminated:
        click.echo(f"loom: terminated; {_AFTERWARDS}", err=True)
        code = ExitCode.TERMINATED
    _leave(code)


def _run(argv: Sequence[str] | None) -> int:
    try:
        result: Any = loom.main(args=argv, prog_name="loom", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"loom: interrupted; {_AFTERWARDS}", err=True)
        return ExitCode.INTERRUPTED
    except LoomError as error:
        click.echo(f"loom: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our answer (head, less) has had enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug never shows a traceback)
        return _report_bug(error)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise _Terminated


def _report_bug(error: Exception) -> int:
    import traceback

    handle, name = tempfile.mkstemp(prefix="loom-bug-", suffix=".log")
    os.close(handle)
    with Path(name).open("w", encoding="utf-8") as log:
        log.write(f"loom {__version__}, Python {sys.version}\narguments: {sys.argv[1:]}\n\n")
        traceback.print_exception(error, file=log)
    kept = _keep_with_project(Path(name))
    click.echo(
        f"loom: a bug in Loom ({type(error).__name__}: {str(error)[:200]}). The details are in {kept}; "
        "please report them. What was recorded before is safe, and the next tick goes on from there.",
        err=True,
    )
    return ExitCode.BUG


def _keep_with_project(log: Path) -> Path:
    folder = Path.cwd() / ".loom"
    if not folder.is_dir():
        return log
    try:
        return log.rename(folder / log.name)
    except OSError:
        return log


def _leave(code: int) -> NoReturn:
    """Exit without waiting for a worker's thread that overran and can't be stopped."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    import threading

    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
