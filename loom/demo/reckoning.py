"""Ledger x what was played -> the figures at the week's end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from loom.demo.project import NEWCOMER
from loom.demo.services import Services
from loom.domain.alert import RECOVERIES, Delivery, DeliveryState
from loom.domain.demo import Act, Reckoning, Scene
from loom.domain.record import RunQuery
from loom.domain.registry import Registry
from loom.domain.run import Outcome, Run
from loom.domain.worker import Status
from loom.ports import Ledger
from loom.report.gist import findings
from loom.simulation.replay import by_hour
from loom.slots.calendar import between, hour_start, instants
from loom.status import board

_DID_NOT_RUN = (Outcome.SKIPPED, Outcome.SUPERSEDED, Outcome.MISSED)
_INSTANT = timedelta(microseconds=1)
_EVERY = 100_000


def reckon(registry: Registry, ledger: Ledger, scenes: Sequence[Scene], services: Services) -> Reckoning:
    """What came of a week that was played to its end. scenes: all of it, in order."""
    ticks = [scene.step.at for scene in scenes if scene.report is not None]
    due = _due(registry, scenes, ticks)
    runs = ledger.runs(RunQuery(limit=_EVERY))
    fates = Counter(fate for run in runs for fate in _fates(run, registry))
    each_slot = Counter((worker, at) for worker, at, _ in fates.elements())
    outcomes = Counter(outcome for _, _, outcome in fates.elements())
    told = [each for scene in scenes if scene.report for each in scene.report.deliveries]
    sent = [each for each in told if each.state is DeliveryState.SENT]
    matched = (by_hour(slots, ticks, registry.zone)[0] for slots in due.values())
    return Reckoning(
        ticks=len(ticks),
        hours=sum(
            1 for _ in between(registry.ticks_expected, hour_start(ticks[0], registry.zone), ticks[-1])
        ),
        due=sum(map(len, due.values())),
        decided=sum((worker, at) in each_slot for worker, slots in due.items() for at in slots),
        repeated=sum(number > 1 for number in each_slot.values()),
        ran=sum(number for outcome, number in outcomes.items() if outcome not in _DID_NOT_RUN),
        skipped=outcomes[Outcome.SKIPPED],
        superseded=outcomes[Outcome.SUPERSEDED],
        missed=outcomes[Outcome.MISSED],
        by_hour=sum(map(len, matched)),
        findings=sum(len(findings(run)) for run in runs),
        asked=services.asked,
        written=services.written,
        alerts=len(sent),
        episodes=len({each.episode for each in sent}),
        closed=len(_over(sent)),
        board=board(registry, ledger, now=ticks[-1]),
    )


def _due(registry: Registry, scenes: Sequence[Scene], ticks: Sequence[datetime]) -> dict[str, list[datetime]]:
    """The slots of each worker from the hour of the first tick that saw it."""
    joined = next((scene.step.at for scene in scenes if scene.step.act is Act.NEWCOMER), ticks[-1])
    found = {}
    for worker in registry.workers:
        if worker.status is Status.ACTIVE:
            since = joined if worker.id == NEWCOMER else ticks[0]
            seen = next(at for at in ticks if at >= since)
            start = hour_start(seen, registry.zone)
            found[worker.id] = list(instants(worker.schedule, start - _INSTANT, ticks[-1]))
    return found


def _fates(run: Run, registry: Registry) -> Iterator[tuple[str, datetime, Outcome]]:
    """The final outcome of each slot that a run decides."""
    if not run.final or run.slot is None:
        return
    schedule = next(worker.schedule for worker in registry.workers if worker.id == run.worker)
    for at in between(schedule, run.slot, run.slot_last or run.slot):
        yield run.worker, at, run.outcome


def _over(sent: Sequence[Delivery]) -> set[str]:
    return {each.episode for each in sent if each.alert.event in RECOVERIES}
