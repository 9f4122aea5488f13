"""`loom ledger`: the file that holds what Loom knows."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.unrecorded import Unrecorded


class _Place(NamedTuple):
    """path: the ledger's file. registry: None when it can't be read. branch: that carries the ledger."""

    path: Path
    registry: "Registry | None"
    keep: timedelta
    workers: frozenset[str]
    branch: str | None


@click.group(name="ledger")
def command() -> None:
    """Look after the ledger's file on this machine: is it whole, mend it, take it along, make it small.

    \b
    loom ledger check
    loom ledger repair
    loom ledger export backup.jsonl
    loom ledger import backup.jsonl
    loom ledger compact
    """


@command.command(name="check")
@json_option
@project_option
def check(as_json: bool, project: Path | None) -> int:
    """Say whether the ledger is whole: what SQLite finds, and whether its records keep Loom's own laws.
    Changes nothing.

    Exit code 3 if anything is wrong, else 0.
    """
    from loom.cli.ledger_answers import answer_check
    from loom.clock import SystemClock
    from loom.ledger.checking import check as look
    from loom.ledger.place import is_taken

    place = _place(project)
    if not is_taken(place.path):
        if as_json:
            return answer_check(place.path, None, as_json)
        click.echo(f"There is no ledger at {place.path} yet; the first `loom run` makes it.")
        return ExitCode.OK
    return answer_check(place.path, look(place.path, keep=place.keep, now=SystemClock().now()), as_json)


@command.command(name="repair")
@json_option
@project_option
def repair(as_json: bool, project: Path | None) -> int:
    """Save what can be read of a damaged ledger into a new one in its place. The damaged file is kept beside
    it, as ledger.db.broken-DATE; a ledger that is whole is left alone.

    No slot that finished starts again. What became of a slot isn't always known afterwards; each such slot
    is named, with the command that runs it. Nothing else may use the ledger meanwhile.

    Exit code 3 if something is wrong even so, else 0.
    """
    from loom.cli.ledger_answers import answer_repair
    from loom.clock import SystemClock
    from loom.ledger.repairing import repair as mend

    place = _place(project)
    done = mend(place.path, workers=place.workers, keep=place.keep, now=SystemClock().now())
    missing = [] if done is None else _unrecorded(place)
    return answer_repair(place.path, done, missing, place.branch, as_json)


@command.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@project_option
def export(file: Path, project: Path | None) -> int:
    """Write every entry of the ledger to FILE (default: stdout) as JSON lines, as it is at one moment.

    Outputs and logs are in it as they are, nothing redacted: it is for this machine, not for others.
    """
    from loom.ledger.transfer import export as lines
    from loom.ledger.transfer import export_to

    place = _place(project)
    if str(file) == "-":
        for some in lines(place.path):
            sys.stdout.buffer.write(some)
        sys.stdout.buffer.flush()
        return ExitCode.OK
    try:
        size = export_to(place.path, file)
    except FileExistsError:
        raise UsageError(f"{file} is there already: name a file that isn't.") from None
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror or error}.") from None
    click.echo(f"{file}: {size:,} bytes. It holds logs and outputs as they are.", err=True)
    return ExitCode.OK


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--skip-damaged", is_flag=True, help="Leave out lines that can't be read, and say which.")
@project_option
def import_(file: Path, skip_damaged: bool, project: Path | None) -> int:
    """Read FILE, which `loom ledger export` made, into a ledger that is empty or not there: all of it, or
    nothing.

    Exit code 3 if the ledger holds anything, or the file is damaged.
    """
    from contextlib import nullcontext
    from datetime import UTC, datetime

    from loom.cli.ledger_answers import answer_import
    from loom.clock import SystemClock
    from loom.ledger.transfer import import_into

    place = _place(project)
    now = SystemClock().now()
    written_at = now
    try:
        if str(file) != "-":
            written_at = min(now, datetime.fromtimestamp(file.stat().st_mtime, UTC))
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as lines:
            done = import_into(
                place.path,
                "stdin" if str(file) == "-" else str(file),
                lines,
                skip_damaged=skip_damaged,
                workers=place.workers,
                written_at=written_at,
                now=now,
            )
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}.") from None
    return answer_import(place.path, done, _unrecorded(place) if done.left_out else [], place.branch)


@command.command(name="compact")
@project_option
def compact(project: Path | None) -> int:
    """Forget what is older than state.keep, and give back the room that the ledger's file doesn't need.

    Ticks may come meanwhile: each waits for the other. It takes about half a minute for each GB, and twice
    the room on the disk.
    """
    from loom.clock import SystemClock
    from loom.ledger.compacting import compact as shrink
    from loom.report.words import count, span

    place = _place(project)
    done = shrink(place.path, forget_before=SystemClock().now() - place.keep)
    click.echo(
        f"{done.size_before:,} bytes -> {done.size:,} bytes; {count(done.runs, 'run')} older than "
        f"{span(place.keep.total_seconds())} forgotten"
    )
    if done.read:
        click.echo("Another process is still reading: the file shrinks further when it ends.", err=True)
    return ExitCode.OK


def _place(project: Path | None) -> _Place:
    """Where the ledger lies. A registry that can't be read leaves the default, where it most likely is."""
    from loom.domain.registry import StateSettings
    from loom.errors import RegistryError
    from loom.wiring.parts import ledger_path, read_registry, state_branch

    settings = settings_for(project)
    try:
        registry = read_registry(settings)
    except RegistryError as error:
        click.echo(f"loom: the registry can't be read, so the default place is taken: {error}", err=True)
        registry = None
    state = registry.state if registry else StateSettings()
    ids = [*(w.id for w in registry.workers), *(e.id for e in registry.broken)] if registry else []
    return _Place(
        path=ledger_path(settings, registry),
        registry=registry,
        keep=state.keep,
        workers=frozenset(ids),
        branch=state_branch(settings, registry),
    )


def _unrecorded(place: _Place) -> "list[Unrecorded]":
    """Slots of which nothing is recorded any more. With a state branch, that is asked of the branch."""
    if place.registry is None or place.branch is not None:
        return []
    from loom.ledger.sqlite import SqliteLedger
    from loom.unrecorded import unrecorded

    ledger = SqliteLedger(place.path, create=False)
    try:
        return unrecorded(place.registry, ledger)
    finally:
        ledger.close()
