"""`loom brief`: what should I know this morning?"""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.cli.streams import heard
from loom.errors import UsageError

if TYPE_CHECKING:
    from loom.domain.brief import Brief
    from loom.settings import Settings

_FILE = "brief.json"


@click.command(
    name="brief",
    epilog="Exit codes: 0 a brief was written, whatever it says, 2 usage, 3 registry or ledger broken, 4 it "
    "could not be written.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Cover the time since then: 24h or 3d ago, a day, or ISO 8601. Default: since the last brief.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="Markdown is for GitHub and for a chat.",
)
@click.option("--peek", is_flag=True, help="Don't remember that this was read.")
@click.option("--at", metavar="ISO8601", help="As of this instant; health and figures are those of now.")
@json_option
@offline_option
@project_option
def command(
    since: str | None,
    form: str,
    peek: bool,
    at: str | None,
    as_json: bool,
    offline: bool,
    project: Path | None,
) -> int:
    """The morning briefing: what ran since the last one, what needs whom, what was found, what comes.

    How far you have read is remembered in .loom/brief.json, for this machine alone, once the brief is out.
    The first one covers the last 24 hours.

    \b
    loom brief
    loom brief --since 3d --peek
    loom brief --format markdown >> "$GITHUB_STEP_SUMMARY"
    loom brief --json | jq '.needs[] | {whom, worker, do}'
    """
    if as_json and form != "text":
        raise UsageError(f"--json and --format {form}: the answer can only be one of them.")
    settings = settings_for(project)
    file = settings.project / ".loom" / _FILE
    brief, read_up_to = _read(settings, file, since, at, offline=offline)
    _show(brief, form, as_json)
    if read_up_to is not None and not peek and heard():
        from loom.brief.stretch import remember

        if trouble := remember(file, read_up_to, read_at=brief.at, still_open=brief.still_open):
            click.echo(f"loom: {trouble}", err=True)
    return 0


def _read(
    settings: "Settings", file: Path, since: str | None, at: str | None, *, offline: bool
) -> tuple["Brief", datetime | None]:
    """The brief, and up to where who has read it has read; None when the mark is to stay."""
    from zoneinfo import ZoneInfo

    from loom.brief.gathering import brief
    from loom.brief.stretch import last_read, stretch
    from loom.cli.moments import moment
    from loom.wiring.looking import known_until, peek_ledger
    from loom.wiring.parts import clock_for, read_registry

    registry = read_registry(settings)
    clock = clock_for(at)
    now = clock.now()
    if at is not None and now > clock.real():
        raise UsageError(f"--at {at} lies ahead; a brief tells what was.")
    zone = ZoneInfo(registry.zone)
    asked = None if since is None else moment(since, option="--since", now=now, zone=zone)
    if asked is not None and asked >= now:
        raise UsageError(
            f"--since {since} lies ahead; name a time before {now.isoformat(timespec='seconds')}."
        )
    covered = stretch(
        now,
        last=None if settings.in_actions else last_read(file),
        asked=asked,
        replayed=at is not None,
        zone=zone,
    )
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        told = brief(registry, ledger, now=now, stretch=covered)
        # A copy of the state branch that is a day old says nothing of that day.
        known = known_until(settings, registry, ledger)
        return told, min(told.read_up_to, known) if covered.moves and known is not None else None
    finally:
        ledger.close()


def _show(brief: "Brief", form: str, as_json: bool) -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(brief.zone)
    if as_json:
        from loom.report.as_json import dump
        from loom.report.brief.as_json import form as json_form

        click.echo(dump(json_form(brief, zone)), nl=False)
        return
    if form == "markdown":
        from loom.report.brief.markdown import brief_markdown

        click.echo(brief_markdown(brief, zone), nl=False)
    else:
        from loom.report.brief.terminal import show_brief
        from loom.report.terminal import console_for

        show_brief(console_for(sys.stdout), brief, zone)
