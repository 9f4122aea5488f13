"""`loom enforcement explain WORKER ACT`: may it, which rule decides, and why?"""

import sys
from pathlib import Path

import click

from loom.cli.options import json_option, project_option, settings_for


@click.command(name="explain", short_help="May it, which rule decides, and why?")
@click.argument("worker")
@click.argument("act", nargs=-1)
@json_option
@project_option
def explain(worker: str, act: tuple[str, ...], as_json: bool, project: Path | None) -> int:
    """Say whether WORKER (an id or an agent) may do ACT, which rule decides, and why; nothing is done.

    \b
    loom enforcement explain sentinel "POST https://api.hubapi.com/crm/v3/objects/contacts"
    loom enforcement explain sentinel "connect db.example.org:5432"
    loom enforcement explain sentinel "listen localhost:8080"
    loom enforcement explain sentinel "look up db.example.org"
    loom enforcement explain sentinel "write drafts/letter.md"
    loom enforcement explain sentinel "read drafts/letter.md"
    loom enforcement explain sentinel "run git log --oneline"
    loom enforcement explain sentinel fork
    loom enforcement explain sentinel native
    loom enforcement explain sentinel "import requests"
    loom enforcement explain sentinel "secret HUBSPOT_ACCESS_TOKEN"

    Exit code 0 whether it may or not; with --json, "allowed" says which.
    """
    from loom.enforcement.asking.explaining import explain as explained_by
    from loom.enforcement.asking.questions import Questions
    from loom.enforcement.judges.places import places_of
    from loom.runner.naming import find_workers
    from loom.wiring.parts import read_enforcement, read_registry

    settings = settings_for(project)
    (found,) = find_workers(read_registry(settings), [worker])
    context = read_enforcement(settings)
    answer = explained_by(context, found, Questions(found, places_of(settings.project, settings.env)), act)
    if as_json:
        from loom.report.as_json import dump
        from loom.report.enforcement import as_json as enforcement_json

        click.echo(dump(enforcement_json.explanation(answer) | {"exit_code": 0}), nl=False)
    else:
        from loom.report.enforcement.terminal import show_explanation
        from loom.report.terminal import console_for

        show_explanation(console_for(sys.stdout), answer)
    return 0
