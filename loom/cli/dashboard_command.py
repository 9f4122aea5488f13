"""`loom dashboard`: a page that shows how everything stands, and stood."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for
from loom.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from loom.domain.dashboard import Dashboard
    from loom.settings import Settings

_MOST_DAYS = 1_000


@click.command(name="dashboard")
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False),
    help="Where index.html is written. The folder is made if need be; what else is in it stays.",
)
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=365,
    show_default=True,
    help="How far back the calendars, alerts and rules go.",
)
@click.option("--at", metavar="ISO8601", help="As of this instant instead of now.")
@json_option
@offline_option
@project_option
def command(
    folder: str, days: int, at: str | None, as_json: bool, offline: bool, project: Path | None
) -> int:
    """Write one page that shows everything: health, calendars of outcomes, each worker's history and
    measurements, findings, alerts, trigger health and which rules were in force.

    DIR/index.html needs no server, no network and no build: open it as a file, or publish it as it is. It
    lets in no script but its own. Secrets are masked, and personal data is blanked as on a state branch
    (state: {outputs: full} lets it out). Where the state branch can't be fetched, the page says how old the
    copy is that it was made from; without a copy nothing is written.

    \b
    loom dashboard --out site
    loom dashboard --out site --days 90 --json
    """
    if not folder:
        raise UsageError("--out is empty: name a folder, such as --out site.")
    settings = settings_for(project)
    dashboard = _read(settings, at, days, offline)
    from loom import __version__
    from loom.dashboard.publishing import publish
    from loom.report.dashboard.page import render

    try:
        file, size = publish(Path(folder), render(dashboard, version=__version__))
    except OSError as error:
        raise UsageError(
            f"--out {folder}: the page can't be written there: {error.strerror or error}. "
            "Name a folder that you may write to, on a disk with room."
        ) from None
    if as_json:
        from loom.report.as_json import dump

        answer = {
            "out": str(Path(folder)),
            "files": [{"path": str(file), "bytes": size}],
            "days": dashboard.days.count,
            "workers": len(dashboard.workers),
            "exit_code": int(ExitCode.OK),
        }
        click.echo(dump(answer), nl=False)
    else:
        from loom.report.words import count

        workers, shown = count(len(dashboard.workers), "worker"), count(dashboard.days.count, "day")
        click.echo(f"{file}: {workers}, {shown}, {size:,} bytes. Open it in a browser.")
    return ExitCode.OK


def _read(settings: "Settings", at: str | None, days: int, offline: bool) -> "Dashboard":
    from loom.dashboard.reading import read_dashboard
    from loom.wiring.looking import known_until, peek_ledger, publishable
    from loom.wiring.parts import clock_for, read_registry

    clock = clock_for(at)
    registry = read_registry(settings)
    began = clock.real()
    # An empty page in place of a good one would look like good news.
    ledger = peek_ledger(settings, registry, offline=offline, needed=True)
    try:
        known = known_until(settings, registry, ledger)
        now = clock.now()
        return read_dashboard(
            registry,
            ledger,
            project=settings.project.name,
            now=now,
            days=days,
            clean=publishable(settings, registry),
            known_until=known,
            behind=known is None or known < min(began, now),
        )
    finally:
        ledger.close()
