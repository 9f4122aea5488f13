"""`loom watch`: did a tick come?"""

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loom.cli.options import json_option, project_option, settings_for
from loom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loom.domain.record import Snapshot
    from loom.domain.registry import Registry
    from loom.ports import AlertHook
    from loom.settings import Settings
    from loom.watch.watching import Watched


@click.command(
    name="watch",
    epilog="Exit codes: 0 ticks come, 1 a tick is overdue (and was alerted), 2 usage, 3 registry, ledger or "
    "state file broken, 4 the alert could not be delivered.",
)
@click.option(
    "--max-age",
    metavar="DURATION",
    default="3h",
    show_default=True,
    help="How long ago the last tick may have come, such as 90m or 25h.",
)
@click.option(
    "--grace",
    metavar="DURATION",
    help="How long a slot may wait to be decided. Default: as --max-age.",
)
@click.option("--interval", metavar="DURATION", help="Look again and again, this far apart, for ever.")
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep what was alerted. Default: .loom/watch.json in the project.",
)
@json_option
@project_option
def command(
    max_age: str,
    grace: str | None,
    interval: str | None,
    state: Path | None,
    as_json: bool,
    project: Path | None,
) -> int:
    """Look whether ticks come, and alert tick.overdue through the registry's hooks when none does.

    Reads the ledger and never writes it: call it from another clock than the one that wakes Loom. It alerts
    once, reminds every 24 hours, and says when ticks come again (tick.resumed). Runs by hand don't count as
    ticks, nor do ticks that began and never ended.

    \b
    loom watch
    loom watch --max-age 90m --json
    loom watch --interval 15m
    """
    if state is not None and not state.name:
        raise UsageError(f"--state {str(state)!r} is no file; name one, such as --state .loom/watch.json")
    settings = settings_for(project)
    longest = _duration(max_age, "--max-age")
    limits = longest, longest if grace is None else _duration(grace, "--grace")
    pause = None if interval is None else _duration(interval, "--interval")
    while True:
        watched = _look(settings, state or settings.project / ".loom" / "watch.json", *limits)
        _show(watched, as_json)
        if pause is None:
            return watched.exit_code
        time.sleep(pause.total_seconds())


def _look(settings: "Settings", state: Path, max_age: timedelta, grace: timedelta) -> "Watched":
    from loom.clock import SystemClock
    from loom.watch.watching import watch
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import alert_hooks, hooks_in_need, read_registry

    def hooks(registry: "Registry | None", snapshot: "Snapshot | None") -> "Sequence[AlertHook]":
        if registry is None and snapshot is not None and snapshot.hooks is not None:
            return alert_hooks(settings, snapshot.hooks, {})
        return hooks_in_need(settings)

    return watch(
        read_registry=lambda: read_registry(settings),
        open_ledger=lambda registry: peek_ledger(settings, registry),
        hooks=hooks,
        state=state,
        now=SystemClock().now(),
        max_age=max_age,
        grace=grace,
        run_url=settings.run_url,
    )


def _show(watched: "Watched", as_json: bool) -> None:
    for sentence in (*watched.problems, *watched.failures):
        click.echo(f"loom: {sentence}", err=True)
    if as_json:
        from loom.report.as_json import dump

        click.echo(dump(_form(watched)), nl=False)
        return
    summary = watched.sighting.summary
    click.echo(f"{summary[0].upper()}{summary[1:]}.")
    if watched.alert is not None and watched.told:
        click.echo(f"Alerted {watched.alert.event.value}: {', '.join(watched.told)}.")


def _form(watched: "Watched") -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    seen = watched.sighting
    zone = ZoneInfo(seen.zone)
    return {
        "at": seen.at.astimezone(zone).isoformat(),
        "timezone": seen.zone,
        "last_tick_at": seen.last_at.astimezone(zone).isoformat() if seen.last_at else None,
        "age_s": (seen.at - seen.last_at).total_seconds() if seen.last_at else None,
        "overdue": seen.trouble is not None,
        "summary": seen.summary,
        "undecided": [
            {"worker": each.worker, "oldest": each.oldest.astimezone(zone).isoformat(), "count": each.count}
            for each in seen.undecided
        ],
        "alert": watched.alert.payload() if watched.alert else None,
        "told": list(watched.told),
        "failures": list(watched.failures),
        "problems": list(watched.problems),
        "exit_code": int(watched.exit_code),
    }


def _duration(text: str, option: str) -> timedelta:
    from loom.registry.mistakes import Mistakes
    from loom.registry.nodes import Scalar
    from loom.registry.terms import Duration

    try:
        return Duration().read(Scalar(text, text, 0))
    except Mistakes as mistakes:
        raise UsageError(f"{option} {text!r}: {mistakes}") from None
