"""The command line: parse, call one function, render, return an exit code.

Each command is one file, imported when it is asked for; `loom --help` imports click and nothing heavier.
"""

import gc

# A command makes many values and next to no cycles, and looking for those took a tenth of a busy tick. Set
# before anything is imported, because importing makes many too. Workers that run in this process have theirs
# looked for less often as well.
gc.set_threshold(100_000, 10, 10)

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from loom import __version__
from loom.cli.complaint import Complaint, answer_with, complaint_of
from loom.cli.streams import OwnStream, take_over
from loom.errors import ExitCode, LoomError, worst

COMMANDS = (
    "run",
    "retry",
    "status",
    "why",
    "next",
    "history",
    "show",
    "logs",
    "brief",
    "dashboard",
    "pause",
    "resume",
    "check",
    "enforcement",
    "state",
    "ledger",
    "watch",
    "simulate",
    "schema",
    "init",
    "sample",
    "demo",
)


_AFTERWARDS = "what was running is recorded as abandoned by the next tick, which goes on from there"


_FALLEN = (
    "a bug in Loom, or a worker that changed Python itself, and no report can be made of it. What was "
    "recorded before is safe, and the next tick goes on from there. `isolation: process` keeps what a worker "
    "changes to itself."
)
_EXIT_FUNCTIONS_S = 2.0


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
    "settings or ledger broken, 4 an alert, the state or the answer could not be delivered, 70 a bug "
    "in Loom.",
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
    answer, talk = take_over()
    signal.signal(signal.SIGTERM, _terminate)
    arguments = sys.argv[1:] if argv is None else list(argv)
    answer.is_document = "--json" in arguments
    try:
        try:
            ended = _run(arguments, talk)
        except _Terminated:
            ended = _said(Complaint("terminated", f"terminated; {_AFTERWARDS}", ExitCode.TERMINATED), talk)
        if isinstance(ended, Complaint):
            answer_with(ended, arguments, answer)
            ended = ended.exit_code
        _leave(_delivered(ended, answer, talk), answer, talk)
    except Exception:  # noqa: BLE001  (what makes the reports is broken too)
        _fall(answer, talk)


def _run(arguments: Sequence[str], talk: OwnStream) -> int | Complaint:
    """The exit code, or what is wrong, which has been said on `talk`."""
    try:
        result: Any = loom.main(args=list(arguments), prog_name="loom", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show(talk)
        return Complaint("usage", error.format_message(), ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _said(Complaint("interrupted", f"interrupted; {_AFTERWARDS}", ExitCode.INTERRUPTED), talk)
    except LoomError as error:
        return _said(complaint_of(error), talk)
    except Exception as error:  # noqa: BLE001  (the last line of defence: a bug never shows a traceback)
        return _said(Complaint("bug", _report_bug(error, talk.mask), ExitCode.BUG), talk)
    return int(result) if isinstance(result, int) else ExitCode.OK


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise _Terminated


def _said(complaint: Complaint, talk: OwnStream) -> Complaint:
    talk.write(f"loom: {complaint.message}\n")
    return complaint


def _report_bug(error: Exception, mask: Callable[[str], str]) -> str:
    from loom.cutting import cut

    try:
        details = f"The details are in {_keep_with_project(_log_of(error, mask))}; please report them."
    except OSError as full:
        details = f"The details could not be written to a file ({full.strerror}); please report what you did."
    return (
        f"a bug in Loom ({type(error).__name__}: {cut(mask(str(error)), 200)}). {details} "
        "What was recorded before is safe, and the next tick goes on from there."
    )


def _log_of(error: Exception, mask: Callable[[str], str]) -> Path:
    import traceback

    handle, name = tempfile.mkstemp(prefix="loom-bug-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as log:
        log.write(f"loom {__version__}, Python {sys.version}\n")
        log.write(mask(f"arguments: {sys.argv[1:]}\n\n{''.join(traceback.format_exception(error))}"))
    return Path(name)


def _keep_with_project(log: Path) -> Path:
    try:
        folder = Path.cwd() / ".loom"
        return log.rename(folder / log.name) if folder.is_dir() else log
    except OSError:
        return log


def _fall(answer: OwnStream, talk: OwnStream) -> NoReturn:
    """End as a bug does where nothing can be reported, not even what it is: an inline worker may have put
    something of its own in the place of what every module goes by, such as `json.dumps`."""
    if answer.is_document and not answer.begun:
        answer.write_bare(
            f'{{"error": {{"kind": "bug", "message": "{_FALLEN}", "problems": []}}, "exit_code": 70}}\n'
        )
    talk.write_bare(f"loom: {_FALLEN}\n")
    answer.flush()
    talk.flush()
    os._exit(ExitCode.BUG)


def _delivered(code: int, answer: OwnStream, talk: OwnStream) -> int:
    """The exit code, now that the last of the answer has been written."""
    answer.flush()
    if answer.trouble is None or answer.unheard:
        return code
    talk.write(
        f"loom: the answer can't be written to stdout: {answer.trouble.strerror}. "
        "Whatever was recorded stays recorded; make room there, or send it elsewhere, and ask again.\n"
    )
    return worst([ExitCode(code), ExitCode.UNDELIVERED])


def _leave(code: int, answer: OwnStream, talk: OwnStream) -> NoReturn:
    """Exit without waiting for a worker's thread that overran and can't be stopped; and, where no module has
    asked for exit functions, without taking Python apart first, which is a fifth of an idle tick."""
    answer.flush()
    talk.flush()
    import threading

    if "atexit" not in sys.modules or threading.active_count() > 1:
        os._exit(code)
    # What is left for the end may be an inline worker's, whose deadline is long gone.
    sys.unraisablehook = _telling(talk, sys.unraisablehook)
    try:
        enough = threading.Timer(_EXIT_FUNCTIONS_S, _cut_off, (code, talk))
        enough.daemon = True
        enough.start()
    except Exception:  # noqa: BLE001  (there is no thread to be had: the answer is out, and stands)
        os._exit(code)
    sys.exit(code)


_LEFT = "what a worker or a library left for the end of the process (`atexit`)"


def _telling(talk: OwnStream, otherwise: Callable[[Any], Any]) -> Callable[[Any], None]:
    """What says in a line, instead of a traceback, that an exit function raised."""

    def tell(raised: Any) -> None:
        if "atexit" in (raised.err_msg or ""):
            text = " ".join(str(raised.exc_value).split())
            talk.write(f"loom: {_LEFT} raised {raised.exc_type.__name__}: {text}\n")
        else:
            otherwise(raised)

    return tell


def _cut_off(code: int, talk: OwnStream) -> NoReturn:
    talk.write(f"loom: {_LEFT} wasn't over after {_EXIT_FUNCTIONS_S:g} s and was cut off\n")
    talk.flush()
    os._exit(code)
