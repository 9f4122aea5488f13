"""`loom enforcement`: the rules in force, and the hashes that hold them to what they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.cli.complaint import told
from loom.cli.enforcement_diff import diff
from loom.cli.enforcement_explain import explain
from loom.cli.enforcement_show import show
from loom.cli.options import json_option, project_option, settings_for
from loom.errors import EnforcementError, ExitCode

if TYPE_CHECKING:
    from loom.enforcement.reading.sealing import Unsealed
    from loom.errors import Problem


@click.group(name="enforcement")
def command() -> None:
    """The rules that every run stands under: question them, and look after them.

    \b
    May it, and which rule says so?    loom enforcement explain sentinel "GET https://example.org/"
    Which rules are in force?          loom enforcement show
    What changed in them?              loom enforcement diff HEAD~1
    Are they whole?                    loom enforcement verify

    enforcement/manifest.yaml holds each rule to its bytes: an altered one stops every worker. To change a
    rule, edit it, look at `loom enforcement diff`, and run `loom enforcement seal`.
    """


command.add_command(explain)
command.add_command(show)
command.add_command(diff)


@command.command(name="verify", short_help="Are the rules whole?")
@json_option
@project_option
def verify(as_json: bool, project: Path | None) -> int:
    """Say whether the enforcement context is whole, and list every mistake in it.

    Exit code 3 if anything is missing, unreadable, altered or unknown, else 0.
    """
    from loom.wiring.parts import read_enforcement

    settings = settings_for(project)
    digest, rules = "", tuple[str, ...]()
    problems: Sequence[Problem] = ()
    try:
        context = read_enforcement(settings)
    except EnforcementError as error:
        problems = error.problems
    else:
        digest, rules = context.digest, context.rule_ids
    code = ExitCode.BROKEN if problems else ExitCode.OK
    if as_json:
        _print({"digest": digest or None, "rules": rules, "problems": told(problems), "exit_code": int(code)})
        return code
    for problem in problems:
        click.echo(str(problem))
    if problems:
        click.echo(f"{_count(len(problems), 'mistake')}: nothing runs until each is mended.")
    else:
        click.echo(f"{_count(len(rules), 'rule')} in force, each held to its bytes: {', '.join(rules)}")
        click.echo(digest)
    return code


@command.command(name="seal", short_help="Hold the rules to what they are now.")
@click.option("--check", is_flag=True, help="Change nothing: exit 3 if a file isn't held to its bytes.")
@json_option
@project_option
def seal(check: bool, as_json: bool, project: Path | None) -> int:
    """Hold every rule to its bytes as they are now: their hashes go into enforcement/manifest.yaml, whose
    comments and order stay.

    Look at `git diff` first: what is sealed is what every worker may do from then on. Exit code 3 if the
    enforcement context isn't whole afterwards, else 0.
    """
    from loom.enforcement.reading import sealing
    from loom.wiring.parts import read_enforcement

    settings = settings_for(project)
    changes: Sequence[Unsealed] = ()
    problems: Sequence[Problem] = ()
    try:
        if check:
            changes = sealing.unsealed(settings.enforcement_folder)
        else:
            changes = sealing.seal(settings.enforcement_folder)
            read_enforcement(settings)
    except EnforcementError as error:
        problems = error.problems
    code = ExitCode.BROKEN if problems or (check and changes) else ExitCode.OK
    if as_json:
        form = {
            "sealed": code is ExitCode.OK,
            "changes": [{"file": each.file, "before": each.before, "now": each.now} for each in changes],
            "problems": told(problems),
            "exit_code": int(code),
        }
        _print(form)
        return code
    for each in changes:
        click.echo(_change(each, done=not check))
    for problem in problems:
        click.echo(str(problem))
    if not problems:
        click.echo(_summary(len(changes), check))
    return code


def _change(each: "Unsealed", *, done: bool) -> str:
    verb = "sealed" if done else "unsealed"
    before = "held to nothing" if each.before is None else each.before
    return f"{verb} {each.file}: {before} -> {each.now}"


def _summary(changes: int, check: bool) -> str:
    if not changes:
        return "Every rule and guidance is held to its bytes; there is nothing to change."
    if check:
        return f"{_count(changes, 'file')} not held to its bytes. See `git diff`, then: loom enforcement seal"
    return "Wrote enforcement/manifest.yaml. Commit it together with what it seals."


def _print(form: dict[str, Any]) -> None:
    from loom.report.as_json import dump

    click.echo(dump(form), nl=False)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
