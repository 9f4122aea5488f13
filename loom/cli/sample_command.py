"""`loom sample`: the sample company's services, and all its workers at once."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import ExitCode, SettingsError

if TYPE_CHECKING:
    from datetime import datetime

    from loom.domain.registry import Registry
    from loom.sample.exchange import Answered, Asked, Heard
    from loom.settings import Settings

# A sample's troubles are nobody's: nothing of it goes where a person's own projects go.
_ELSEWHERE = ("LOOM_STATE_BRANCH", "LOOM_ALERT_WEBHOOK_URL")
_ENDING = {signal.SIGINT, signal.SIGTERM}


@click.group(name="sample")
def command() -> None:
    """Try all twelve workers without an account, in the project that `loom init --sample` writes.

    \b
    loom init --sample demo
    cd demo && loom sample run
    loom sample serve
    """


@command.command(name="run", short_help="Run all its workers once, and show what they find.")
@click.option(
    "--worker",
    "workers",
    metavar="NAME",
    multiple=True,
    help="Only this worker, by id or agent. May be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Only say what they would read. Asks nothing, runs nothing.")
@json_option
@project_option
def run(workers: tuple[str, ...], dry_run: bool, as_json: bool, project: Path | None) -> int:
    """Run every worker of the sample project once, the disabled one too, and record it as `loom run` does.

    Its services answer on this machine for as long as that takes, unless `loom sample serve` has started them
    already. The workers get made-up secrets, whatever is set in your environment. The time is the company's,
    Monday 15 June 2026, 09:00 in Chicago, or five minutes after the project's last tick.

    Exit codes as of `loom run`.

    \b
    loom sample run
    loom sample run --worker sentinel
    loom sample run --worker sentinel --dry-run
    loom sample run --json | jq '.runs[] | {worker, findings: .output.findings | length}'
    """
    from loom.cli.ticking import tick
    from loom.clock import SetClock
    from loom.runner.request import TickRequest
    from loom.sample.project import SECRETS
    from loom.wiring.parts import read_registry

    for name in _ELSEWHERE:
        os.environ.pop(name, None)
    os.environ.update(SECRETS)
    settings, port = _sample_project(project)
    registry = read_registry(settings)
    at = _company_time(settings, registry)
    named = workers or tuple(worker.id for worker in registry.workers)
    if not named:  # which would mean whatever is due
        raise SettingsError("worker-registry.yaml has no worker that can be run; see why with: loom check")
    request = TickRequest(workers=named, force=True, dry_run=dry_run, previews=dry_run)
    with nullcontext() if dry_run else _served(port):
        code = tick(settings, SetClock(at), request, as_json)
    if not as_json and not dry_run:
        _say_what_next(settings, registry)
    return code


@command.command(name="serve", short_help="Let its services answer on this machine, until Ctrl-C.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Where on this machine. Default: where this project's registry and rules expect them.",
)
@project_option
def serve(port: int | None, project: Path | None) -> int:
    """Let the sample company's HubSpot, YouTube and website answer on this machine, until Ctrl-C.

    Each request is shown as it comes. Nothing of it is reached from other machines, and nothing can be
    written to it.

    \b
    loom sample serve
    loom sample serve --port 9000
    """
    from loom.sample.stand_ins import SERVICES

    settings, own_port = _sample_project(project)
    # Before there are threads, which inherit it: the signals wait for whoever asks for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    with _serving(port or own_port, _teller()) as base:
        click.echo(f"The sample company's services answer on {base}, until Ctrl-C:\n")
        for prefix, what in SERVICES.items():
            click.echo(f"  {base + prefix:<30} {what}")
        if port not in (None, own_port):
            click.echo(f"\nThis project's registry and rules name port {own_port}: its workers look there.")
        click.echo(f"\nNow, in another terminal:  cd {settings.project} && loom sample run\n")
        signal.sigwait(_ENDING)
    click.echo("Stopped.")
    return ExitCode.OK


def _sample_project(project: Path | None) -> "tuple[Settings, int]":
    """The settings, and the port that the project expects its services at. Raises SettingsError."""
    from loom.sample.project import MAKE_ONE, read

    try:
        settings = settings_for(project, commands_runner=True)
    except SettingsError as error:
        raise SettingsError(
            f"{str(error).partition(':')[0]}, so there is no sample project; {MAKE_ONE}"
        ) from None
    return settings, read(settings.project).port


def _company_time(settings: "Settings", registry: "Registry") -> "datetime":
    """The instant of the run: ticks go forwards, so only a project's first one is at the company's time."""
    from datetime import timedelta

    from loom.clock import SystemClock
    from loom.sample.project import NOW
    from loom.wiring.looking import peek_ledger

    ledger = peek_ledger(settings, registry)
    try:
        last = ledger.snapshot().last_tick
    finally:
        ledger.close()
    if last is None or last.at < NOW:
        return NOW
    at, real = last.at + timedelta(minutes=5), SystemClock().now()
    if last.at < real < at:
        at = real  # after a run at today's time: never ahead of the clock on the wall
    if at > NOW + timedelta(days=1):
        click.echo(
            f"loom: this project last ticked at {last.at.isoformat(timespec='seconds')}, and ticks only go "
            "forwards: the company's dates have aged since its own day. To see that one, make it anew: "
            "loom init --sample DIR",
            err=True,
        )
    return at


@contextmanager
def _served(port: int) -> Iterator[None]:
    from loom.sample.stand_ins import answers_at

    if answers_at(port):  # `loom sample serve` in another terminal
        yield
        return
    with _serving(port, None):
        yield


@contextmanager
def _serving(port: int, heard: "Heard | None") -> Iterator[str]:
    """Yields the address. Raises SettingsError when the port can't be had."""
    from loom.sample.exchange import serving
    from loom.sample.stand_ins import stand_ins

    services = stand_ins()
    with ExitStack() as stack:
        try:
            base = stack.enter_context(serving(services, port=port, heard=heard))
        except OSError as error:
            raise SettingsError(
                f"the sample company's services can't answer on port {port} of this machine: "
                f"{error.strerror}. End what uses it, or make the sample anew with another port: "
                f"loom init --sample DIR --port {port % 60_000 + 2_001}"
            ) from None
        yield base


def _teller() -> "Heard":
    """Shows each exchange on a line of its own, without its query: keys stand in there."""
    from loom.report.words import one_line

    one_by_one = threading.Lock()

    def tell(prefix: str, asked: "Asked", answered: "Answered") -> None:
        with one_by_one:
            click.echo(one_line(f"{answered.status} {asked.method} {prefix}{asked.path}"))

    return tell


def _say_what_next(settings: "Settings", registry: "Registry") -> None:
    from datetime import timedelta

    from loom.clock import SystemClock
    from loom.domain.record import RunQuery
    from loom.report.gist import SEVERITIES, findings
    from loom.report.words import count, short_id
    from loom.wiring.looking import peek_ledger

    ledger = peek_ledger(settings, registry)
    try:
        last = ledger.snapshot().last_tick
        runs = ledger.runs(RunQuery(tick_id=last.id, limit=1_000)) if last else []
    finally:
        ledger.close()
    if last is None or not runs:
        return
    at = last.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    then = f" --at {at:%Y-%m-%dT%H:%MZ}" if at <= SystemClock().now() else ""
    severities = Counter(each.severity for run in runs for each in findings(run))
    parts = ", ".join(f"{severities[severity]} {severity}" for severity in SEVERITIES)
    click.echo(f"\n{count(len(runs), 'run')}, {count(severities.total(), 'finding')}: {parts}.\n")
    most = max(runs, key=lambda run: len(findings(run)))
    steps = {
        f"loom show {short_id(most.run_id)}": f"all that {most.worker} found",
        f"loom status{then}": "how does each worker stand?",
        f"loom brief --since 24h{then}": "what needs whom, and what was found, by subject",
        f"loom dashboard --out site{then}": "all of it on one page: open site/index.html",
        f"loom enforcement show {most.worker}": "what may it do?",
    }
    wide = max(map(len, steps))
    for number, (what, why) in enumerate(steps.items()):
        click.echo(f"{'' if number else 'Now:':<6}{what:<{wide}}  {why}")
