"""Plays the week, step by step: each tick is one of the real runner, at the time it came."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from loom.demo.project import MODULE, add_newcomer, mend_newcomer
from loom.demo.services import Services
from loom.domain.demo import Act, Scene, Step
from loom.domain.registry import Registry
from loom.domain.run import Outcome
from loom.domain.tick import TickReport
from loom.slots.notes import clock_change_note


def play(
    steps: Iterable[Step],
    *,
    folder: Path,
    services: Services,
    tick: Callable[[datetime], TickReport],
    registry: Callable[[], Registry],
) -> Iterator[Scene]:
    """Each step once it has happened, as it is asked for.

    folder: the demo's project. tick: calls the runner at an instant (UTC). registry: as it is then.
    """
    for step in steps:
        match step.act:
            case Act.TICK:
                report = tick(step.at)
                yield Scene(step=step, report=report, notes=tuple(_notes(report, registry)))
                continue
            case Act.CRM_FAILS:
                services.down = True
            case Act.CRM_ANSWERS:
                services.down = False
            case Act.NEWCOMER:
                add_newcomer(folder, port=services.port)
            case Act.MENDED:
                mend_newcomer(folder)
                sys.modules.pop(MODULE, None)  # each tick of a cron is a process that imports it anew
        yield Scene(step=step)


def _notes(report: TickReport, registry: Callable[[], Registry]) -> Iterator[str]:
    """What a clock change did to the slots that were run, each sentence once."""
    ran = {run.worker: run.slot for run in report.runs if run.outcome is not Outcome.SUPERSEDED}
    if not ran:
        return
    said: set[str] = set()
    for worker in registry().workers:
        slot = ran.get(worker.id)
        note = clock_change_note(worker.schedule, slot) if slot is not None else None
        if note and note not in said:
            said.add(note)
            yield f"{worker.agent or worker.id}: {note}"
