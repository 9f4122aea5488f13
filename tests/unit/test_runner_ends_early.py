"""A tick that must end before its work does: its budget is used up, or somebody asks it to stop."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from loom.clock import ManualClock
from loom.domain.record import Entry
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import Ticket, TicketState
from loom.errors import ClaimLost, ExitCode
from loom.ledger.memory import MemoryLedger
from loom.runner.request import Stop, TickRequest
from tests.ground.project import Project
from tests.ground.rehearsal import Rehearsal

START = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
THREE = """
    one: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
    two: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
    three: {schedule: "0 * * * *", entrypoint: "workers.echo:run", timeout: 1m}
"""


@dataclass
class Watched:
    """Each run takes `takes` of the clock; after `stop_after` runs have begun, the tick is asked to stop."""

    clock: ManualClock
    stop: Stop
    takes: timedelta = timedelta()
    stop_after: int = 99
    begun: list[str] = field(default_factory=list)

    def started(self, ticket: Ticket, agent: str | None) -> None:
        self.begun.append(ticket.worker)
        self.clock.advance(self.takes)
        if len(self.begun) == self.stop_after:
            self.stop.ask("stopped by SIGTERM", ExitCode.TERMINATED)

    def said(self, ticket: Ticket, text: str) -> None: ...

    def finished(self, run: Run) -> None: ...


@pytest.fixture
def rehearsal(project: Project) -> Rehearsal:
    return Rehearsal(project, START)


def watched(rehearsal: Rehearsal, takes: timedelta = timedelta(), stop_after: int = 99) -> Watched:
    progress = Watched(rehearsal.clock, rehearsal.stop, takes, stop_after)
    rehearsal.progress = progress
    return progress


def told(runs: tuple[Run, ...]) -> list[tuple[str, Outcome, OpenReason | None]]:
    return [(run.worker, run.outcome, run.open_reason) for run in runs]


def test_what_may_not_be_over_within_the_budget_is_not_begun_and_is_first_on_the_next_tick(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1\ntick: {budget: 15m}")
    progress = watched(rehearsal, takes=5 * MINUTE)
    report = rehearsal.tick()
    # 13 minutes are for work; after 5 of them a run of at most 10 minutes might be late, one of 1 minute not.
    assert told(report.runs) == [
        ("one", Outcome.SUCCEEDED, None),
        ("three", Outcome.SUCCEEDED, None),
        ("two", Outcome.SKIPPED, OpenReason.BUDGET),
    ]
    assert report.runs[-1].reason == "budget: the tick's budget was used up"
    assert (report.exit_code, rehearsal.heard()) == (ExitCode.OK, [])
    (held,) = rehearsal.ledger.snapshot().tickets.values()
    assert (held.starts, held.reason, held.claimer) == (0, OpenReason.BUDGET, None)
    progress.begun.clear()
    report = rehearsal.tick(later=60 * MINUTE)
    assert progress.begun[0] == "two"
    started = [run for run in report.runs if run.worker == "two" and run.started_at]
    assert [run.slot for run in started] == [START.replace(minute=0, hour=13)], "its newest slot"


class _TakenOver(MemoryLedger):
    """A ledger in which another process has taken over whatever a tick puts off."""

    def record(self, entries: Sequence[Entry]) -> None:
        lost = [e.key for e in entries if isinstance(e, Ticket) and e.reason is OpenReason.BUDGET]
        if lost:
            raise ClaimLost(lost)
        super().record(entries)


def test_a_run_that_died_is_still_told_when_its_slot_is_taken_over_as_it_is_put_off(project: Project) -> None:
    rehearsal = Rehearsal(project, START, ledger=_TakenOver())
    died = Ticket(
        key="echo@2026-11-20T12:00:00Z",
        worker="echo",
        slot=START.replace(minute=0),
        trigger=Trigger.SCHEDULE,
        state=TicketState.STARTED,
        starts=1,
        run_id="died",
        claimer="memory-99-gone",
        lease_until=START + 60 * MINUTE,
    )
    rehearsal.ledger.record([died])
    rehearsal.stop.ask("stopped by SIGTERM", ExitCode.TERMINATED)
    assert "died" in [run.run_id for run in rehearsal.tick().runs]
    assert rehearsal.heard() == ["worker.failing"]


def test_a_person_who_asks_for_work_is_not_bound_by_the_budget(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1\ntick: {budget: 15m}")
    watched(rehearsal, takes=9 * MINUTE)
    report = rehearsal.tick(request=TickRequest(workers=("one", "two", "three")))
    assert [run.outcome for run in report.runs] == [Outcome.SUCCEEDED] * 3


def test_a_slot_put_off_for_longer_than_its_catch_up_is_missed_and_a_person_hears_why(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1\ntick: {budget: 15m}")
    watched(rehearsal, takes=5 * MINUTE)
    rehearsal.tick()
    rehearsal.tick(later=timedelta(days=2))
    missed = [run.reason for run in rehearsal.history("two") if run.outcome is Outcome.MISSED]
    assert any("waited for budget: the tick's budget was used up" in reason for reason in missed)
    assert "slot.missed" in rehearsal.heard()


def test_a_tick_that_is_stopped_begins_nothing_more_and_leaves_its_slots_to_the_next(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1")
    watched(rehearsal, stop_after=1)
    report = rehearsal.tick()
    assert told(report.runs) == [
        ("one", Outcome.SUCCEEDED, None),
        ("two", Outcome.SKIPPED, OpenReason.BUDGET),
        ("three", Outcome.SKIPPED, OpenReason.BUDGET),
    ]
    assert report.exit_code is ExitCode.TERMINATED
    assert "stopped by SIGTERM" in report.notes[0]
    assert rehearsal.ledger.ticks(since=START)[0].exit_code == ExitCode.TERMINATED
    rehearsal.stop = Stop()
    watched(rehearsal)
    report = rehearsal.tick(later=MINUTE)
    assert told(report.runs) == [("two", Outcome.SUCCEEDED, None), ("three", Outcome.SUCCEEDED, None)]
    assert {run.slot for run in report.runs} == {START.replace(minute=0)}


def test_a_request_by_hand_that_was_not_begun_ends_with_its_tick(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1")
    watched(rehearsal, stop_after=1)
    report = rehearsal.tick(request=TickRequest(workers=("one", "two")))
    assert [(run.worker, run.outcome, run.final) for run in report.runs] == [
        ("one", Outcome.SUCCEEDED, True),
        ("two", Outcome.SKIPPED, True),
    ]
    assert report.runs[1].reason.endswith("a request by hand is not tried again")
    assert not rehearsal.ledger.snapshot().tickets


def test_a_retry_that_was_put_off_keeps_its_last_run_and_its_starts(rehearsal: Rehearsal) -> None:
    rehearsal.project.worker(
        "flaky",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            raise TransientError("later")
        """,
    )
    rehearsal.project.entries(
        """
        first: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        flaky: {schedule: "0 6 * * *", entrypoint: "workers.flaky:run", retry: {attempts: 1, max_backoff: 0s}}
        """,
        top="max_parallel: 1",
    )
    rehearsal.tick()
    (failed,) = rehearsal.history("flaky")
    watched(rehearsal, stop_after=1)
    rehearsal.tick(later=60 * MINUTE)
    (held,) = rehearsal.ledger.snapshot().tickets.values()
    assert (held.starts, held.reason, held.run_id) == (1, OpenReason.BUDGET, failed.run_id)


def test_a_slot_that_a_person_asked_for_and_that_was_put_off_keeps_its_last_run_too(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.worker(
        "flaky",
        """
        from loom.worker import TransientError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            raise TransientError("later")
        """,
    )
    rehearsal.project.entries(
        'flaky: {schedule: "0 * * * *", entrypoint: "workers.flaky:run", retry: {attempts: 1}}'
    )
    rehearsal.tick()
    (failed,) = rehearsal.history("flaky")
    rehearsal.stop.ask("stopped by SIGTERM", ExitCode.TERMINATED)
    rehearsal.tick(later=MINUTE, request=TickRequest(workers=("flaky",), slot=failed.slot))
    (held,) = rehearsal.ledger.snapshot().tickets.values()
    assert (held.starts, held.run_id, held.outcome) == (1, failed.run_id, Outcome.FAILED)
    rehearsal.stop = Stop()
    rehearsal.tick(later=60 * MINUTE)
    final = rehearsal.ledger.run(failed.run_id)
    assert final is not None
    assert (final.final, final.outcome) == (True, Outcome.FAILED), "it was superseded, and never ran again"


def test_what_is_still_running_when_its_grace_is_over_is_cut_off_and_started_again_by_the_next_tick(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.project.worker(
        "stubborn",
        """
        import time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if (context.project / "mended").exists():
                return WorkerOutput(summary="fine")
            time.sleep(30)
        """,
    )
    rehearsal.project.entries('stubborn: {schedule: "0 * * * *", entrypoint: "workers.stubborn:run"}')

    class Impatient(Stop):
        """Once asked, the clock runs through the grace whenever somebody looks."""

        @property
        def asked(self) -> bool:
            if self.why:
                rehearsal.clock.advance(timedelta(seconds=3))
            return bool(self.why)

    rehearsal.stop = Impatient()
    watched(rehearsal, stop_after=1)
    report = rehearsal.tick()
    assert told(report.runs) == [("stubborn", Outcome.ABANDONED, OpenReason.ABANDONED)]
    assert rehearsal.heard() == ["worker.failing"]
    rehearsal.stop = Stop()
    watched(rehearsal)
    (rehearsal.project.root / "mended").touch()
    report = rehearsal.tick(later=MINUTE)
    assert told(report.runs) == [("stubborn", Outcome.SUCCEEDED, None)]
    assert rehearsal.heard() == ["worker.failing", "worker.recovered"]


def test_a_claim_on_what_waits_for_its_turn_is_renewed_while_it_waits(rehearsal: Rehearsal) -> None:
    rehearsal.project.entries(THREE, top="max_parallel: 1")
    leases: list[datetime] = []

    class Looking(Watched):
        def started(self, ticket: Ticket, agent: str | None) -> None:
            waiting = rehearsal.ledger.snapshot().tickets.get("three@2026-11-20T12:00:00Z")
            if waiting is not None and waiting.lease_until is not None:
                leases.append(waiting.lease_until)
            super().started(ticket, agent)

    rehearsal.progress = Looking(rehearsal.clock, rehearsal.stop, takes=40 * MINUTE)
    report = rehearsal.tick()
    assert [run.outcome for run in report.runs] == [Outcome.SUCCEEDED] * 3
    assert leases == [START + 60 * MINUTE, START + 100 * MINUTE, START + 140 * MINUTE]
