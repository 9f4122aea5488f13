"""What `loom ledger` answers: sentences for a person, or one JSON object."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.errors import ExitCode

if TYPE_CHECKING:
    from loom.ledger.checking import Checkup
    from loom.ledger.repairing import Repaired
    from loom.ledger.transfer import Imported
    from loom.unrecorded import Unrecorded

_AT_MOST = 40
# What a person calls the tables, in the order of what they want to know.
_WORDS: Mapping[str, tuple[str, str]] = {
    "ticks": ("tick", "ticks"),
    "runs": ("run", "runs"),
    "tickets": ("ticket", "tickets"),
    "marks": ("mark", "marks"),
    "deliveries": ("alert", "alerts"),
    "episodes": ("episode", "episodes"),
    "standings": ("standing", "standings"),
    "pauses": ("pause", "pauses"),
}


def answer_check(path: Path, checkup: "Checkup | None", as_json: bool) -> int:
    """checkup: None when there is no ledger."""
    code = ExitCode.BROKEN if checkup is not None and checkup.faults else ExitCode.OK
    if as_json:
        form = {
            "ledger": str(path),
            "there": checkup is not None,
            **_checkup(checkup),
            "exit_code": int(code),
        }
        _print(form)
        return code
    if checkup is None or not checkup.faults:
        held = "" if checkup is None else f": {_counted(checkup.counts)}"
        click.echo(f"{path} is whole{held}.")
        return code
    click.echo(f"{path} is damaged:")
    for line in _faults(checkup):
        click.echo(f"- {line}")
    click.echo("`loom ledger repair` saves what can be read, and keeps the damaged file aside.")
    return code


def answer_repair(
    path: Path,
    done: "Repaired | None",
    missing: "Sequence[Unrecorded]",
    branch: str | None,
    as_json: bool,
) -> int:
    """done: None when nothing was wrong."""
    code = ExitCode.BROKEN if done is not None and done.left.faults else ExitCode.OK
    repaired = done is not None and done.aside is not None
    notes = [*done.said, *map(_unrecorded, missing)] if done is not None and repaired else []
    if done is not None and repaired and branch is not None:
        notes.append(_about_branch(branch, done.unpushed))
    if as_json:
        form: dict[str, Any] = {"ledger": str(path), "repaired": repaired, "exit_code": int(code)}
        if done is not None:
            form |= {
                "aside": str(done.aside) if done.aside else None,
                "saved": {_WORDS[table][1]: number for table, number in done.saved.items()},
                "lost": {_WORDS[table][1]: number for table, number in done.lost.items() if table in _WORDS},
                "notes": notes,
                **_checkup(done.left),
            }
        _print(form)
        return code
    if done is None:
        click.echo(f"Nothing is wrong with {path}, so there is nothing to repair.")
        return code
    if done.aside is None:
        click.echo(f"{path} stays as it is: what is wrong with it isn't damage, and can't be undone:")
        _list(_faults(done.left))
        return code
    click.echo(f"{path} was damaged. What can be read of it is in a new ledger in its place.")
    click.echo(f"saved: {_counted(done.saved)}")
    click.echo(f"lost:  {_lost(done.lost, done.pages)}")
    _list(notes)
    if done.left.faults:
        click.echo("wrong even so:")
        _list(_faults(done.left))
    click.echo(f"The damaged file is kept: {done.aside}")
    return code


def answer_import(path: Path, done: "Imported", missing: "Sequence[Unrecorded]", branch: str | None) -> int:
    click.echo(f"{done.entries:,} entries are in {path}.")
    if done.left_out:
        click.echo(f"{len(done.left_out):,} places of the export were left out:")
        _list(map(str, done.left_out))
        _list([*done.said, *map(_unrecorded, missing)])
    if branch is not None:
        click.echo(
            f"The state branch {branch!r} goes before it: if it is there, the next `loom run` takes it for "
            "the ledger and keeps a copy of this one aside; if not, this one begins it."
        )
    return ExitCode.OK


def _unrecorded(gap: "Unrecorded") -> str:
    first, last = f"{gap.first:%Y-%m-%dT%H:%M:%SZ}", f"{gap.last:%Y-%m-%dT%H:%M:%SZ}"
    if gap.count == 1:
        slots, which = f"the slot {first}", f"--slot {first}"
    else:
        slots, which = f"{gap.count} slots from {first} to {last}", f"--from {first} --to {last}"
    return (
        f"nothing is recorded of {slots} of {gap.worker}. What didn't run is run with: "
        f"loom run --worker {gap.worker} {which}"
    )


def _about_branch(branch: str, unpushed: int) -> str:
    waiting = (
        "nothing that waited to be pushed was found"
        if not unpushed
        else f"{unpushed} batches that waited to be pushed go on top of it"
    )
    return f"the next `loom run` fetches the state branch {branch!r} and takes it for the ledger; {waiting}"


def _counted(numbers: Mapping[str, int]) -> str:
    named = [(_WORDS[table], number) for table in _WORDS if (number := numbers.get(table, 0))]
    return ", ".join(f"{number:,} {words[number != 1]}" for words, number in named) or "nothing"


def _lost(rows: Mapping[str, int], pages: Mapping[str, int]) -> str:
    unread = {table: number for table, number in pages.items() if table in _WORDS and not rows.get(table)}
    parts = [f"at least {_counted(rows)}"] if _counted(rows) != "nothing" else []
    if unread:
        parts.append(f"what stood on {sum(unread.values()):,} pages of {' and '.join(sorted(unread))}")
    return ", and ".join(parts) or "nothing that shows"


def _faults(checkup: "Checkup") -> list[str]:
    lines = [fault.message for fault in checkup.faults]
    return lines + [f"{number:,} more of {kind}" for kind, number in checkup.unlisted.items()]


def _checkup(checkup: "Checkup | None") -> dict[str, Any]:
    if checkup is None:
        return {"problems": [], "more_problems": {}, "counts": {}}
    return {
        "problems": [{"kind": fault.kind, "message": fault.message} for fault in checkup.faults],
        "more_problems": dict(checkup.unlisted),
        "counts": {_WORDS[table][1]: number for table, number in checkup.counts.items()},
    }


def _list(lines: "Sequence[str] | map[str]") -> None:
    said = list(lines)
    for line in said[:_AT_MOST]:
        click.echo(f"- {line}")
    if len(said) > _AT_MOST:
        click.echo(f"- and {len(said) - _AT_MOST} more: see them with --json")


def _print(form: Mapping[str, Any]) -> None:
    from loom.report.as_json import dump

    click.echo(dump(dict(form)), nl=False)
