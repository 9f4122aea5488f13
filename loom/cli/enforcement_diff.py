"""`loom enforcement diff REV`: what changed in the rules since a commit?"""

import os
import sys
from pathlib import Path

import click

from loom.cli.complaint import told
from loom.cli.enforcement_told import zone_of
from loom.cli.options import json_option, project_option, settings_for


@click.command(name="diff", short_help="What changed in the rules since a commit?")
@click.argument("revision", metavar="[REV]", default="HEAD")
@json_option
@project_option
def diff(revision: str, as_json: bool, project: Path | None) -> int:
    """Show what changed in the rules between the git commit REV (HEAD, if it isn't named) and now.

    Rules added, removed and changed: in words, and line by line. The folder may be broken now. Exit code 0
    whether or not anything changed.

    \b
    loom enforcement diff
    loom enforcement diff HEAD~5
    loom enforcement diff v1.2
    """
    from loom.enforcement.asking.changes import changes
    from loom.enforcement.asking.revisions import Revisions
    from loom.enforcement.folder import read_folder
    from loom.enforcement.reading.loader import context_of
    from loom.errors import EnforcementError, Problem
    from loom.wiring.parts import read_enforcement

    settings = settings_for(project)
    revisions = Revisions(settings.enforcement_folder, os.environ)
    before = revisions.find(revision)
    files = revisions.files(before)
    digest_before = context_of(files, [], settings.enforcement_folder.name).digest
    unreadable: list[Problem] = []
    found = changes(files, read_folder(settings.enforcement_folder, unreadable))
    digest = None
    problems: tuple[Problem, ...] = ()
    try:
        digest = read_enforcement(settings).digest
    except EnforcementError as error:
        problems = error.problems
    zone = zone_of(settings)
    if as_json:
        from loom.report.as_json import dump
        from loom.report.enforcement import as_json as enforcement_json

        form = {
            "revision": enforcement_json.revision(before, zone),
            "digest_before": digest_before,
            "digest_now": digest,
            "changes": enforcement_json.changes(found),
            "problems": told(problems),
            "exit_code": 0,
        }
        click.echo(dump(form), nl=False)
        return 0
    from loom.report.enforcement.terminal import show_changes, when
    from loom.report.terminal import console_for

    for problem in unreadable:
        click.echo(f"not compared: {problem}")
    heading = f"The rules since {before.commit[:12]} of {when(before, zone)}: {before.subject}"
    now = digest or "not whole now, so nothing runs: loom enforcement verify"
    show_changes(console_for(sys.stdout), heading, found, f"before {digest_before}\nnow    {now}")
    return 0
