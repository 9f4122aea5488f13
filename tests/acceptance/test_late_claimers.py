"""A process that is stopped while it works, beyond its lease, and goes on when its slot is another's."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loom.domain.run import Outcome
from tests.crash.driving import Answer, Driver, Order, drivers
from tests.crash.evidence import Records, branch_records, heard, records
from tests.crash.scenario import build, build_clones
from tests.ground.project import Project

LEASE_S = 2 * 3600.0
SLOT = "slow@2026-03-03T06:00:00Z"

# The run that finds the file `wait` waits for the file `go`, and ends as `late fails` says; any other one
# ends at once, as `all fail` says.
_WORKER = """
    import json
    import os
    import time

    from loom.worker import PermanentError, WorkerContext, WorkerOutput


    def run(context: WorkerContext) -> WorkerOutput:
        shared = context.project.parent
        late = (shared / "wait").exists()
        if late:
            (shared / "wait").unlink()
            (shared / "at work").write_text(str(os.getpid()))
        deadline = time.monotonic() + 200
        while late and not (shared / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        if (shared / ("late fails" if late else "all fail")).exists():
            raise PermanentError("it went wrong")
        return WorkerOutput(summary="late" if late else "in time")
"""
_REGISTRY = """
    version: 1
    timezone: UTC
    state: {branch: BRANCH}
    alerts: [{kind: file, path: told.jsonl}]
    workers:
      slow: {schedule: "0 * * * *", entrypoint: "workers.slow:run", catch_up: {policy: all}}
"""


@dataclass
class Usurped:
    """late: the machine whose tick is stopped at work. other: the one whose tick comes once the lease is
    over; the same one on SQLite."""

    late: Path
    other: Path
    view: Path | None
    drivers: tuple[Driver, Driver]

    @property
    def shared(self) -> Path:
        return self.late.parent

    def tick(self, driver: int, project: Path, at: str, *, shift_s: float = 0) -> Answer:
        return self.drivers[driver].tick(
            Order(
                project=project,
                folder=self.shared / f"tick {driver}",
                arguments=("run", "--at", f"2026-03-03T{at}:00Z"),
                shift_s=shift_s,
            )
        )

    @contextmanager
    def stopped_at_work(self) -> Iterator[Any]:
        """A tick stopped by SIGSTOP while its worker works; it goes on where the block ends."""
        (self.shared / "wait").touch()
        at_work = self.shared / "at work"
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(self.tick, 0, self.late, "06:07")
            while not (at_work.exists() and at_work.read_text()):
                assert not late.done(), late.result()
                time.sleep(0.01)
            pid = int(at_work.read_text())
            os.kill(pid, signal.SIGSTOP)
            try:
                yield late
            finally:
                (self.shared / "go").touch()
                os.kill(pid, signal.SIGCONT)

    def records(self) -> Records:
        if self.view is None:
            return records(self.late / ".loom" / "ledger.db", self.shared / "scratch")
        return branch_records(self.view, self.shared / "scratch")

    def heard(self) -> list[str]:
        return [each["event"] for each in heard(sorted({self.late, self.other}))]


@pytest.fixture(scope="module")
def two_drivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Driver]]:
    with drivers(tmp_path_factory.mktemp("home"), 2) as two:
        yield two


@pytest.fixture(params=["sqlite", "branch"])
def usurped(request: pytest.FixtureRequest, tmp_path: Path, two_drivers: list[Driver]) -> Usurped:
    if request.param == "sqlite":
        late = build(tmp_path / "here")
        other, view = late, None
    else:
        late, other, view = build_clones(tmp_path, "here", "there", "view")
    for root in {late, other}:
        project = Project(root)
        project.worker("slow", _WORKER)
        project.registry(_REGISTRY.replace("BRANCH", "null" if view is None else "loom-state"))
    return Usurped(late, other, view, (two_drivers[0], two_drivers[1]))


def test_a_late_claimer_finds_its_slot_taken_and_records_nothing(usurped: Usurped) -> None:
    (usurped.shared / "late fails").touch()
    with usurped.stopped_at_work() as late:
        early = usurped.tick(1, usurped.other, "06:10", shift_s=60)
        assert early.report["runs"] == [], "the lease lasts: its claimer may well be at work"
        other = usurped.tick(1, usurped.other, "06:12", shift_s=LEASE_S)
        assert [(run["outcome"], run["final"]) for run in other.report["runs"]] == [
            ("abandoned", False),
            ("succeeded", True),
        ]
    answer = late.result()
    assert answer.status == 0, answer
    assert answer.report["runs"] == [], "what is not its own is not its to tell"
    assert answer.report["alerts"] == []

    seen = usurped.records()
    (ticket,) = seen.tickets.values()
    (final,) = [run for run in seen.runs.values() if run.final]
    assert (ticket.key, ticket.outcome, ticket.run_id) == (SLOT, Outcome.SUCCEEDED, final.run_id)
    assert final.run_id == other.report["runs"][1]["run_id"]
    assert ticket.fence == 2
    assert (final.output or {})["summary"] == "in time"
    assert usurped.heard() == ["worker.failing", "worker.recovered"], (
        "of the run that was abandoned, and no more"
    )


def test_what_a_late_claimer_found_out_silences_no_later_alert(usurped: Usurped) -> None:
    (usurped.shared / "late fails").touch()
    with usurped.stopped_at_work() as late:
        usurped.tick(1, usurped.other, "06:12", shift_s=LEASE_S)
    late.result()
    assert {each.subject for each in usurped.records().episodes.values() if each.closed_at is None} == set()

    (usurped.shared / "all fail").touch()
    failed = usurped.tick(1, usurped.other, "07:07", shift_s=LEASE_S)
    assert [run["outcome"] for run in failed.report["runs"]] == ["failed"]
    assert usurped.heard()[-1] == "worker.down"


def test_what_a_late_claimer_found_out_ends_no_trouble_that_goes_on(usurped: Usurped) -> None:
    (usurped.shared / "all fail").touch()
    usurped.tick(0, usurped.late, "05:07")
    with usurped.stopped_at_work() as late:
        usurped.tick(1, usurped.other, "06:12", shift_s=LEASE_S)
    assert late.result().report["runs"] == []
    (open_,) = [each for each in usurped.records().episodes.values() if each.closed_at is None]
    assert (open_.subject, open_.gathered) == ("slow", 3)
    assert usurped.heard() == ["worker.down", "worker.failing", "worker.down"]
