"""`loom logs RUN`: what a run says."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.cli.streams import heard
from loom.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.domain.run import Run
    from loom.domain.slot import Ticket
    from loom.ledger.liveness import ProcessLiveness
    from loom.listening import Look
    from loom.ports import Ledger
    from loom.settings import Settings

_EVERY_S = 0.25
_FETCH_EVERY_S = 10.0
_UNDER_WAY, _DIED, _RECORDED = "under way", "died", "recorded"


@click.command(
    name="logs",
    epilog="Exit codes: 0; with --follow 1 if the run ended badly; 2 usage, 3 registry or ledger broken.",
)
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Show lines as they come, until the run is recorded.")
@json_option
@offline_option
@project_option
def command(run: str, follow: bool, as_json: bool, offline: bool, project: Path | None) -> int:
    """Print what RUN logged and printed, and nothing else, on stdout.

    RUN is an id, or 8 or more characters of its beginning or end; or a worker, by id or agent, for its newest
    run. Lines of a run under way are shown where it runs; on other machines once it is recorded, unless the
    ledger travels on a branch: logs never leave the machine that ran it.

    \b
    loom logs sentinel
    loom logs sentinel --follow
    loom logs 3f2a9c04d1e7 | grep WARNING
    """
    from loom.domain.slot import Ticket
    from loom.listening import find
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import liveness, read_registry

    settings = settings_for(project)
    registry = read_registry(settings)
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        found = find(registry, ledger, run)
        if not isinstance(found, Ticket):
            return _recorded(settings, registry, found, as_json)
        seen = liveness(settings, registry)
        if follow and offline and not seen.here(found):
            raise UsageError(
                "a run on another machine is followed through the state branch, which --offline leaves "
                "alone: leave it out, or ask again once the run is over"
            )
        if follow:
            return _followed(settings, registry, ledger, seen, found, as_json)
        return _so_far(settings, registry, ledger, seen, found, as_json)
    finally:
        ledger.close()


def _recorded(settings: "Settings", registry: "Registry", run: "Run", as_json: bool) -> int:
    from loom.report.words import short_id

    if as_json:
        _dump(run_id=run.run_id, worker=run.worker, outcome=run.outcome.value, log=run.log, state=_RECORDED)
        return ExitCode.OK
    _print(run.log)
    if not run.log:
        from loom.wiring.parts import state_branch

        branch = state_branch(settings, registry)
        stay = "; logs stay on the machine that ran it" if branch else ""
        _tell(f"run {short_id(run.run_id)} of {run.worker} ({run.outcome.value}) left no log{stay}")
    return ExitCode.OK


def _so_far(
    settings: "Settings",
    registry: "Registry",
    ledger: "Ledger",
    seen: "ProcessLiveness",
    ticket: "Ticket",
    as_json: bool,
) -> int:
    from loom.clock import SystemClock
    from loom.listening import look
    from loom.report.words import short_id
    from loom.wiring.parts import live_logs

    run_id = ticket.run_id or ""
    said = live_logs(settings).last_words(run_id)
    stands = look(ledger, ticket, lambda held: seen.alive(held, real_now=SystemClock().real()))
    if stands.run is not None:
        return _recorded(settings, registry, stands.run, as_json)
    if as_json:
        state = _UNDER_WAY if stands.at_work else _DIED
        _dump(run_id=run_id, worker=ticket.worker, outcome=None, log=said, state=state)
        return ExitCode.OK
    _print(said)
    if not stands.at_work:
        _tell(_died(ticket))
    elif not seen.here(ticket):
        _tell(_elsewhere(ticket))
    else:
        more = f"loom logs {short_id(run_id)} --follow"
        _tell(f"run {short_id(run_id)} of {ticket.worker} is under way; to see more as it comes: {more}")
    return ExitCode.OK


def _followed(
    settings: "Settings",
    registry: "Registry",
    ledger: "Ledger",
    seen: "ProcessLiveness",
    ticket: "Ticket",
    as_json: bool,
) -> int:
    from loom.clock import SystemClock
    from loom.execution.live.listening import Listener
    from loom.listening import Following, look
    from loom.report.words import short_id
    from loom.wiring.parts import live_logs_folder

    def alive(held: "Ticket") -> bool:
        return seen.alive(held, real_now=SystemClock().real())

    here = seen.here(ticket)
    if not here:
        _tell(_elsewhere(ticket))
    looking = (lambda: look(ledger, ticket, alive)) if here else _afar(settings, registry, ticket, alive)
    listener = Listener(live_logs_folder(settings), ticket.run_id or "")
    following = Following(listener, looking, lambda: time.sleep(_EVERY_S if here else _FETCH_EVERY_S))
    said: list[str] = []
    try:
        for text in following:
            if as_json:
                said.append(text)
            else:
                _print(text)
                if not heard():
                    return ExitCode.OK
    except KeyboardInterrupt:
        _tell("no longer followed; the run goes on")
        return ExitCode.INTERRUPTED
    finally:
        listener.close()
    run, id_ = following.run, short_id(ticket.run_id or "")
    if as_json:
        outcome = run.outcome.value if run is not None else None
        log = run.log if run is not None else "".join(said)
        state = _RECORDED if run is not None else _DIED
        _dump(run_id=ticket.run_id or "", worker=ticket.worker, outcome=outcome, log=log, state=state)
    if run is None:
        _tell(_died(ticket))
        return ExitCode.BAD_RUN
    if following.unsaid and not as_json:
        _tell(f"its record may hold more than was shown here: loom logs {id_}")
    _tell(_ended(run))
    return ExitCode.BAD_RUN if run.bad else ExitCode.OK


def _afar(
    settings: "Settings", registry: "Registry", ticket: "Ticket", alive: "Callable[[Ticket], bool]"
) -> "Callable[[], Look]":
    """Asks a ledger that is fetched anew each time."""
    from loom.listening import look
    from loom.wiring.looking import peek_ledger

    def looking() -> "Look":
        ledger = peek_ledger(settings, registry, note=lambda _: None)
        try:
            return look(ledger, ticket, alive)
        finally:
            ledger.close()

    return looking


def _elsewhere(ticket: "Ticket") -> str:
    host = (ticket.claimer or "").rsplit("-", 2)[0].rpartition(".")[0] or "another machine"
    return (
        f"a run of {ticket.worker} is under way on {host}: its lines can be read there, and here what is "
        "recorded of it once it is over (logs never leave on a state branch)"
    )


def _died(ticket: "Ticket") -> str:
    from loom.report.words import short_id

    return (
        f"run {short_id(ticket.run_id or '')} of {ticket.worker} is over, and not recorded: "
        "its process died; the next tick records that"
    )


def _ended(run: "Run") -> str:
    from loom.report.gist import gist
    from loom.report.words import one_line, short_id, span

    took = f" after {span(run.duration_s)}" if run.duration_s is not None else ""
    why = f": {one_line(gist(run))}" if gist(run) else ""
    return f"run {short_id(run.run_id)} of {run.worker} {run.outcome.value}{took}{why}"


def _print(text: str) -> None:
    """A worker's text. It moves no cursor."""
    if not text:
        return
    from loom.report.words import printable

    shown = printable(text)
    click.echo(shown, nl=not shown.endswith("\n"))


def _dump(**form: str | None) -> None:
    from loom.report.as_json import dump

    click.echo(dump(form), nl=False)


def _tell(text: str) -> None:
    click.echo(f"loom: {text}", err=True)
