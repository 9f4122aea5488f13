"""Days of ticks: four through the real command, a whole year through the runner in this process."""

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loom.domain.run import Outcome
from loom.registry import load
from tests.ground.command import Command
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal
from tests.ground.shut import REPOSITORY

CHICAGO = ZoneInfo("America/Chicago")
ENTRIES = """
    daily: {schedule: "0 3 * * *", entrypoint: "workers.echo:run"}
    gap: {schedule: "30 2 * * *", entrypoint: "workers.echo:run"}
    fold: {schedule: "30 1 * * *", entrypoint: "workers.echo:run"}
    weekly: {schedule: "0 18 * * sun", entrypoint: "workers.echo:run"}
"""


def _hourly(start: datetime, hours: int) -> list[datetime]:
    return [start + timedelta(hours=n, minutes=7) for n in range(hours)]


def test_four_days_of_hourly_ticks_through_both_clock_changes_run_every_slot_once(
    loom: Command, project: Project
) -> None:
    project.entries(ENTRIES)
    ran: Counter[tuple[str, str]] = Counter()
    for start, hours in (
        (datetime(2026, 3, 7, 6, tzinfo=UTC), 47),
        (datetime(2026, 10, 31, 5, tzinfo=UTC), 49),
    ):
        # Each span is a life of its own: the months between would be caught up with.
        shutil.rmtree(project.ledger.parent, ignore_errors=True)
        for at in _hourly(start, hours):
            tick = loom("run", "--at", at.isoformat(), "--json", "--project", project.root)
            assert tick.exit_code in (0, 1), tick
            for run in tick.json()["runs"]:
                if run["outcome"] == "succeeded":
                    ran[run["worker"], run["slot"]] += 1
    assert set(ran.values()) == {1}
    per_worker = Counter(worker for worker, _ in ran)
    assert per_worker == {"daily": 4, "gap": 4, "fold": 4, "weekly": 2}
    assert ("gap", "2026-03-08T03:00:00-05:00") in ran
    assert ("fold", "2026-11-01T01:30:00-05:00") in ran
    assert ("fold", "2026-11-01T01:30:00-06:00") not in ran


def test_a_year_of_hourly_ticks_gives_exactly_2450_scheduled_runs(project: Project) -> None:
    shipped = load(REPOSITORY / "worker-registry.yaml", project=REPOSITORY)
    project.entries(
        "\n".join(
            f'{worker.id}: {{schedule: "{worker.schedule.cron}", entrypoint: "workers.echo:run", '
            f"status: {worker.status}}}"
            for worker in shipped.workers
        )
    )
    rehearsal = Rehearsal(project, datetime(2026, 1, 1, tzinfo=CHICAGO), read_once=True)
    ran: Counter[str] = Counter()
    slots = set()
    for _ in range(8760):
        for run in rehearsal.tick().runs:
            assert run.outcome is Outcome.SUCCEEDED, run
            assert (run.worker, run.slot) not in slots
            slots.add((run.worker, run.slot))
            ran[run.worker] += 1
        rehearsal.clock.advance(timedelta(hours=1))
    assert rehearsal.clock.now() == datetime(2027, 1, 1, tzinfo=CHICAGO)
    assert ran.total() == 2450
    assert len(ran) == 11
