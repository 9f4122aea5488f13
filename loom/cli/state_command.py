"""`loom state`: the git branch that carries the ledger between runners."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import ExitCode

if TYPE_CHECKING:
    from datetime import datetime

    from loom.ledger.branch import Whereabouts


@click.group(name="state")
def command() -> None:
    """Look after the git branch that carries the ledger between runners.

    It is named in worker-registry.yaml, as in  state: {branch: loom-state}.

    \b
    loom state show
    loom state compact
    """


@command.command(name="show")
@click.option("--offline", is_flag=True, help="Don't fetch: say what the copy on this machine knows.")
@json_option
@project_option
def show(offline: bool, as_json: bool, project: Path | None) -> int:
    """Say where the state lies, how old the copy here is, what waits to be pushed, and what can't be read.

    Exit code 3 if lines on the branch can't be read, else 0.
    """
    from loom.clock import SystemClock
    from loom.errors import LedgerError
    from loom.wiring.parts import open_branch, read_registry

    settings = settings_for(project)
    ledger = open_branch(settings, read_registry(settings), reading=True)
    try:
        if not offline:
            try:
                ledger.sync()
            except LedgerError as error:
                click.echo(f"loom: {error}", err=True)
        where, damage = ledger.whereabouts, ledger.damage
    finally:
        ledger.close()
    code = ExitCode.BROKEN if damage else ExitCode.OK
    if as_json:
        from loom.report.as_json import dump

        form = {
            "branch": where.branch,
            "remote": where.remote,
            "commit": where.tip,
            "in_step_at": where.in_step_at.isoformat() if where.in_step_at else None,
            "files": where.files,
            "bytes": where.size,
            "unpushed": where.unpushed,
            "damage": [{"file": d.file, "line": d.line, "message": d.message} for d in damage],
            "exit_code": int(code),
        }
        click.echo(dump(form), nl=False)
        return code
    for sentence in _sentences(where, SystemClock().now()):
        click.echo(sentence)
    for problem in damage:
        click.echo(f"damaged: {problem}")
    return code


@command.command(name="compact")
@click.option(
    "--days",
    type=click.IntRange(0, 3660),
    default=31,
    show_default=True,
    help="Leave so many days as they are.",
)
@project_option
def compact(days: int, project: Path | None) -> int:
    """Fold older days into one file a month, forget what is older than state.keep, and make the branch one
    commit. Runners that tick meanwhile go first and lose nothing.

    Exit code 4 if the branch could not be pushed, else 0.
    """
    from datetime import timedelta

    from loom.clock import SystemClock
    from loom.wiring.parts import open_branch, read_registry

    settings = settings_for(project)
    registry = read_registry(settings)
    now = SystemClock().now()
    ledger = open_branch(settings, registry, reading=False)
    try:
        done = ledger.compact(before=now - timedelta(days=days), forget_before=now - registry.state.keep)
    finally:
        ledger.close()
    click.echo(
        f"{done.files_before} files, {done.size_before:,} bytes -> {done.files} files, {done.size:,} bytes, "
        "in one commit"
    )
    return ExitCode.OK


def _sentences(where: "Whereabouts", now: "datetime") -> list[str]:
    said = [f"The ledger is on the branch {where.branch!r} of {where.remote}."]
    if where.in_step_at is None:
        said.append("This machine has never read it.")
    else:
        minutes = round((now - where.in_step_at).total_seconds() / 60)
        at = where.in_step_at.isoformat(timespec="seconds")
        said.append(f"The copy here was in step at {at}, {minutes} minutes ago.")
    if where.tip is None:
        said.append("The branch isn't there yet: the first `loom run` makes it.")
    else:
        said.append(f"It is at {where.tip[:12]}: {where.files} files, {where.size:,} bytes.")
    if where.unpushed:
        said.append(f"{where.unpushed} entries wait to be pushed: the next `loom run` here does it.")
    return said
