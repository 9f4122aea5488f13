"""`loom show RUN`: everything about one run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loom.cli.options import json_option, offline_option, project_option, settings_for

if TYPE_CHECKING:
    from loom.domain.registry import Registry
    from loom.domain.slot import Ticket
    from loom.settings import Settings


@click.command(name="show")
@click.argument("run")
@json_option
@offline_option
@project_option
def command(run: str, as_json: bool, offline: bool, project: Path | None) -> int:
    """Show everything about one RUN: attempts, output, errors, log, rules in force, alerts.

    RUN is an id, or 8 or more characters of its beginning or end, as `loom history` prints them; or a worker,
    by id or agent, for its newest run.

    \b
    loom show 3f2a9c04d1e7
    loom show sentinel
    """
    from zoneinfo import ZoneInfo

    from loom.clock import SystemClock
    from loom.domain.slot import Ticket
    from loom.listening import find, look, others_of
    from loom.status import as_they_stand
    from loom.wiring.looking import peek_ledger
    from loom.wiring.parts import liveness, read_registry

    settings = settings_for(project)
    registry = read_registry(settings)
    ledger = peek_ledger(settings, registry, offline=offline)
    try:
        found = find(registry, ledger, run)
        if isinstance(found, Ticket):
            seen = liveness(settings, registry)
            stands = look(ledger, found, lambda held: seen.alive(held, real_now=SystemClock().real()))
            if stands.run is None:
                here, died = seen.here(found), not stands.at_work
                return _under_way(settings, registry, found, as_json, here=here, died=died)
            found = stands.run
        deliveries = ledger.deliveries(run_id=found.run_id)
        found, *others = as_they_stand([found, *others_of(found, ledger)], ledger.snapshot())
    finally:
        ledger.close()
    zone = ZoneInfo(registry.zone)
    if as_json:
        from loom.report import as_json as json_report

        form = json_report.run_in_full(found, deliveries, zone)
        form["other_runs"] = [json_report.run(each, zone) for each in others]
        click.echo(json_report.dump(form), nl=False)
    else:
        from loom.report.run import Shown, show_run
        from loom.report.terminal import console_for

        shown = Shown(run=found, deliveries=deliveries, others=others)
        show_run(console_for(sys.stdout), shown, zone)
    return 0


def _under_way(
    settings: "Settings", registry: "Registry", ticket: "Ticket", as_json: bool, *, here: bool, died: bool
) -> int:
    from zoneinfo import ZoneInfo

    from loom.clock import SystemClock
    from loom.wiring.parts import live_logs

    run_id, zone = ticket.run_id or "", ZoneInfo(registry.zone)
    said = live_logs(settings).last_words(run_id)
    if as_json:
        from loom.report.as_json import dump, time_in

        form = {
            "run_id": run_id,
            "worker": ticket.worker,
            "slot": time_in(ticket.slot, zone),
            "trigger": ticket.trigger.value,
            "outcome": None,
            "state": "died" if died else "under way",
            "started_at": time_in(ticket.started_at, zone),
            "claimer": ticket.claimer,
            "log": said,
        }
        click.echo(dump(form), nl=False)
    else:
        from loom.report.terminal import console_for
        from loom.report.under_way import show_under_way

        now = SystemClock().now()
        show_under_way(console_for(sys.stdout), ticket, said, zone, now, here=here, died=died)
    return 0
