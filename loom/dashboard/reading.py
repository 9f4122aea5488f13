"""Registry x ledger -> the dashboard, as of one moment."""

from collections.abc import Sequence
from datetime import datetime

from loom.dashboard.calendar import by_day, days_until, offsets
from loom.dashboard.discretion import Clean, Discretion
from loom.dashboard.rules import digest_spans
from loom.dashboard.runs import found_by, in_brief
from loom.dashboard.ticks import lateness_of, tick_days
from loom.domain.alert import Delivery, DeliveryState, Episode
from loom.domain.dashboard import Dashboard, DashboardWorker, Days
from loom.domain.record import RunQuery
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.schedule import Schedule
from loom.domain.slot_outcome import SlotOutcome
from loom.ports import Ledger
from loom.report.trigger import sentences
from loom.runner.renaming import carry_over
from loom.status import board, known_as
from loom.values import dataclass, field, replace

NEWEST_RUNS = 200
"""Of each worker: as many as its history shows, and its charts."""
NEWEST_ALERTS = 500
"""And all older ones that nobody has heard yet."""
NEWEST_EPISODES = 300
_MOST_OUTCOMES = 600_000
"""Of each worker. A worker that runs every minute has fewer in a year."""


def read_dashboard(
    registry: Registry,
    ledger: Ledger,
    *,
    project: str,
    now: datetime,
    days: int,
    clean: Clean,
    known_until: datetime | None = None,
    behind: bool = False,
) -> Dashboard:
    """All of the page, as of `now` (UTC), with the last `days` days of the registry's zone.

    project: what the page is called. clean: takes out of a JSON value whatever may not be published.
    known_until, behind: as in `Dashboard`.
    """
    span = days_until(now, registry.zone, days)
    begin = span.starts[0]
    reader = _Reader(registry, ledger, now, span, Discretion(clean))
    schedules: dict[str, Schedule | None] = {each.id: each.schedule for each in registry.workers}
    schedules |= {each.id: None for each in registry.broken}
    on_record = ledger.snapshot()
    carried, _ = carry_over(registry, on_record)
    workers = tuple(
        reader.worker(worker, known_as(worker, carried, on_record), schedule)
        for worker, schedule in schedules.items()
    )
    deliveries, deliveries_left = reader.deliveries()
    episodes, episodes_left = reader.episodes()
    standing = board(registry, ledger, now=now)
    lateness = lateness_of(registry.ticks_expected, ledger, now=now)
    return Dashboard(
        project=project,
        at=now,
        zone=registry.zone,
        days=span,
        offsets=offsets(span, registry.zone),
        board=reader.discretion.board(standing),
        workers=workers,
        trigger_lines=sentences(standing.trigger),
        lateness=lateness,
        tick_days=tick_days(lateness, registry.zone),
        deliveries=deliveries,
        deliveries_left=deliveries_left,
        episodes=episodes,
        episodes_left=episodes_left,
        digests=tuple(each for each in digest_spans(reader.governed) if each.last >= begin),
        notes=tuple(reader.notes),
        known_until=known_until,
        behind=behind,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """governed: the runs read so far that were under a digest, without what they returned."""

    registry: Registry
    ledger: Ledger
    now: datetime
    days: Days
    discretion: Discretion
    governed: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def worker(self, worker: str, recorded: str, schedule: Schedule | None) -> DashboardWorker:
        """recorded: the id under which the ledger has its runs. schedule: None while its entry is broken."""
        runs = self.ledger.runs(RunQuery(worker=recorded, until=self.now, limit=NEWEST_RUNS))
        self.governed.extend(_bare(run) for run in runs if run.enforcement_digest)
        told = next((run for run in runs if run.final and run.counts and run.output is not None), None)
        return DashboardWorker(
            worker=worker,
            zone=schedule.zone if schedule is not None else self.registry.zone,
            days=by_day(self._outcomes(recorded), schedule, self.days),
            runs=tuple(in_brief(run, self.discretion) for run in runs),
            findings=found_by(told, self.discretion) if told is not None else (),
            found_at=(told.finished_at or told.tick_at) if told is not None else None,
        )

    def _outcomes(self, worker: str) -> Sequence[SlotOutcome]:
        found = self.ledger.slot_outcomes(worker=worker, since=self.days.starts[0], limit=_MOST_OUTCOMES)
        if len(found) == _MOST_OUTCOMES:
            self.notes.append(f"{worker}: the calendar shows its newest {_MOST_OUTCOMES:,} records only.")
        return [each for each in found if each.tick_at <= self.now]

    def deliveries(self) -> tuple[tuple[Delivery, ...], int]:
        """Newest first, and how many are left out."""
        found = self.ledger.deliveries(since=self.days.starts[0])
        newest = [each for each in reversed(found) if each.alert.at <= self.now]
        shown = [*newest[:NEWEST_ALERTS], *filter(_unheard, newest[NEWEST_ALERTS:])]
        return tuple(map(self.discretion.delivery, shown)), len(newest) - len(shown)

    def episodes(self) -> tuple[tuple[Episode, ...], int]:
        """Newest first, and how many are left out."""
        found = self.ledger.episodes(since=self.days.starts[0])
        newest = [each for each in reversed(found) if each.opened_at <= self.now]
        shown = newest[:NEWEST_EPISODES]
        return tuple(map(self.discretion.episode, shown)), len(newest) - len(shown)


def _unheard(delivery: Delivery) -> bool:
    return delivery.state is not DeliveryState.SENT


def _bare(run: Run) -> Run:
    return replace(run, output=None, rejected=None, log="", errors=())
