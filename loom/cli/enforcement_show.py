"""`loom enforcement show`: which rules are in force, or were for an old run?"""

import difflib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.cli.enforcement_told import zone_of
from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.errors import EnforcementError, UsageError
from loom.values import replace

if TYPE_CHECKING:
    from loom.domain.enforcement import EnforcementContext
    from loom.domain.run import Run
    from loom.settings import Settings


@click.command(name="show", short_help="Which rules are in force, or were for a run?")
@click.argument("worker", required=False)
@click.option("--rule", "rule_id", metavar="ID", help="Only this rule or guidance.")
@click.option(
    "--run", "run_id", metavar="RUN", help="The rules that this run ran under, from git if need be."
)
@json_option
@offline_option
@project_option
def show(
    worker: str | None,
    rule_id: str | None,
    run_id: str | None,
    as_json: bool,
    offline: bool,
    project: Path | None,
) -> int:
    """Show the rules in force: what each allows and denies, for whom, and why.

    With WORKER (an id or an agent) those that apply to it. RUN is an id, or the last 8 or more characters of
    one, as `loom history` prints them.

    \b
    loom enforcement show
    loom enforcement show sentinel
    loom enforcement show --rule hubspot-read-only
    loom enforcement show --run 0f9e8d7c6b5a
    """
    if worker is not None and run_id is not None:
        raise UsageError("a run has one worker, which its record names: leave WORKER or --run out")
    settings = settings_for(project)
    if run_id is not None:
        return _of_run(settings, run_id, rule_id, as_json=as_json, offline=offline)

    from loom.runner.naming import find_workers
    from loom.wiring.parts import read_enforcement, read_registry

    context = read_enforcement(settings)
    heading = "In force"
    if worker is not None:
        (found,) = find_workers(read_registry(settings), [worker])
        context = context.narrowed(found.id, found.agent)
        heading = f"In force for {_who(found.id, found.agent)}"
    _answer(context, heading, rule_id, {"worker": found.id if worker is not None else None}, as_json=as_json)
    return 0


def _of_run(settings: "Settings", run_id: str, rule_id: str | None, *, as_json: bool, offline: bool) -> int:
    from loom.enforcement.asking.past import Past, rules_under
    from loom.enforcement.asking.revisions import Revisions
    from loom.report.enforcement import as_json as enforcement_json
    from loom.report.enforcement.terminal import when
    from loom.report.words import short_id

    run = _find_run(settings, run_id, offline=offline)
    zone = zone_of(settings)
    past = Past(None, None, "it stands under no rules: it never started, or none were in force then")
    if run.enforcement_digest is not None:
        folder = settings.enforcement_folder
        now = _in_force(settings)
        past = rules_under(run.enforcement_digest, now, lambda: Revisions(folder, os.environ))
    form: dict[str, Any] = {
        "worker": run.worker,
        "run": {
            "run_id": run.run_id,
            "digest": run.enforcement_digest,
            "rules": run.rules,
            "in_force_now": past.context is not None and past.revision is None and not past.note,
            "revision": enforcement_json.revision(past.revision, zone),
            "note": past.note or None,
        },
    }
    whose = f"Run {short_id(run.run_id)} of {_who(run.worker, run.agent)}"
    if past.context is not None:
        where = f"which are in force now, but {past.note}" if past.note else "which are in force now"
        if past.revision is not None:
            commit, at = past.revision.commit[:12], when(past.revision, zone)
            where = f"in force no more: commit {commit} of {at} has them ({past.revision.subject})"
            where += f"; {past.note}" if past.note else ""
        context = past.context.narrowed(run.worker, run.agent)
        _answer(context, f"{whose} ran under these rules, {where}", rule_id, form, as_json=as_json)
    elif as_json:
        _print(form | {"digest": run.enforcement_digest, "rules": None, "guidance": None, "exit_code": 0})
    else:
        click.echo(f"{whose}: {past.note}.")
        if run.enforcement_digest is not None:
            click.echo(f"Its record has their digest, {run.enforcement_digest}")
            click.echo(f"and their ids: {', '.join(run.rules) or 'none that applied to it'}")
    return 0


def _answer(
    context: "EnforcementContext",
    heading: str,
    rule_id: str | None,
    form: dict[str, object],
    *,
    as_json: bool,
) -> None:
    from loom.domain.rules import LimitsRule
    from loom.enforcement.judges.limits import limits_of
    from loom.report.enforcement import as_json as enforcement_json

    whole = rule_id is None
    if rule_id is not None:
        context = _only(context, rule_id)
    of_limits = {name: (rule.id, most) for name, (rule, most) in limits_of(context.of(LimitsRule)).items()}
    if as_json:
        _print(form | enforcement_json.context(context, of_limits) | {"exit_code": 0})
        return
    from loom.report.enforcement.terminal import show_rules
    from loom.report.terminal import console_for

    one_worker = form["worker"] is not None and whole
    show_rules(console_for(sys.stdout), heading, context, of_limits if one_worker else {}, whole=one_worker)


def _only(context: "EnforcementContext", rule_id: str) -> "EnforcementContext":
    if rule_id not in context.rule_ids:
        close = difflib.get_close_matches(rule_id, context.rule_ids, n=1)
        instead = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(context.rule_ids)}"
        raise UsageError(f"--rule {rule_id}: no rule and no guidance here has this id. {instead}")
    return replace(
        context,
        rules=tuple(rule for rule in context.rules if rule.id == rule_id),
        guidance=tuple(text for text in context.guidance if text.id == rule_id),
    )


def _find_run(settings: "Settings", run_id: str, *, offline: bool) -> "Run":
    from loom.errors import RegistryError
    from loom.runner.naming import find_run
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import read_registry

    try:
        registry = read_registry(settings)
    except RegistryError:
        registry = None
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        return find_run(ledger, run_id)
    finally:
        ledger.close()


def _in_force(settings: "Settings") -> "EnforcementContext | None":
    from loom.wiring.parts import read_enforcement

    try:
        return read_enforcement(settings)
    except EnforcementError:
        return None


def _who(worker: str, agent: str | None) -> str:
    return f"{worker} ({agent})" if agent else worker


def _print(form: dict[str, Any]) -> None:
    from loom.report.as_json import dump

    click.echo(dump(form), nl=False)
