"""Two checkouts of one project, of different ages, on one ledger: a file that both use, or a state branch."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from loom.domain.slot import TicketState
from tests.crash.driving import Answer, Driver, Order, drivers
from tests.crash.evidence import Records, branch_records, records
from tests.crash.mines import Mine
from tests.crash.scenario import build, build_clones
from tests.ground.project import Project

_WORKER = """
    from loom.worker import WorkerContext, WorkerOutput


    def run(context: WorkerContext) -> WorkerOutput:
        return WorkerOutput(summary=f"done by {context.worker_id}")
"""
_HEAD = """\
version: 1
timezone: UTC
state: {STATE}
alerts: [{kind: file, path: told.jsonl}]
workers:
"""
_OLDER = """\
  before: {schedule: "0 * * * *", entrypoint: "workers.slow:run"}
"""
_NEWER = """\
  after: {schedule: "0 * * * *", entrypoint: "workers.slow:run", was: before}
  added: {schedule: "30 * * * *", entrypoint: "workers.slow:run", requires: {paths: [data]}}
"""


@dataclass
class Checkouts:
    """older, newer: the folders of the two. view: a third clone, to look from; None without a branch."""

    older: Path
    newer: Path
    view: Path | None
    drivers: tuple[Driver, Driver]

    @property
    def shared(self) -> Path:
        return self.older.parent

    def tick(self, project: Path, at: str, mine: Mine | None = None) -> Answer:
        driver = self.drivers[project is self.newer]
        folder = self.shared / f"ticks of {project.name}"
        arguments = ("run", "--at", f"2026-03-03T{at}:00Z")
        return driver.tick(Order(project=project, folder=folder, arguments=arguments, mine=mine))

    def runs(self, project: Path, at: str) -> list[tuple[str, str]]:
        """What a tick there says that it did."""
        answer = self.tick(project, at)
        assert answer.report is not None, answer
        return told(answer)

    @contextmanager
    def while_it_stands_still(self, at: str, before: str) -> Iterator["Future[Answer]"]:
        """A tick of the older checkout, which stands still before its first call of `before` and goes on
        where the block ends."""
        passed = self.shared / "ticks of older" / "passed"
        passed.unlink()
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(self.tick, self.older, at, Mine(before, 1, "before", "wait"))
            try:
                deadline = time.monotonic() + 120
                while not (passed.exists() and "!" in passed.read_text()):
                    assert not late.done(), late.result()
                    assert time.monotonic() < deadline, "it never came there"
                    time.sleep(0.005)
                yield late
            finally:
                (self.shared / "go").touch()

    def records(self) -> Records:
        if self.view is None:
            return records(self.shared / "ledger" / "ledger.db", self.shared / "scratch")
        return branch_records(self.view, self.shared / "scratch")


def told(answer: Answer) -> list[tuple[str, str]]:
    return sorted((run["worker"], run["outcome"]) for run in answer.report["runs"])


def started(seen: Records) -> list[tuple[str, int, str]]:
    """Of each run that started, whose slot it had, its hour, and how it ended."""
    runs = [run for run in seen.runs.values() if run.started_at is not None]
    return sorted((run.worker, run.slot.hour, run.outcome.value) for run in runs if run.slot)


@pytest.fixture(scope="module")
def two_drivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Driver]]:
    with drivers(tmp_path_factory.mktemp("home"), 2) as two:
        yield two


@pytest.fixture(params=["sqlite", "branch"])
def checkouts(request: pytest.FixtureRequest, tmp_path: Path, two_drivers: list[Driver]) -> Checkouts:
    view: Path | None = None
    if request.param == "sqlite":
        older, newer = build(tmp_path / "older"), build(tmp_path / "newer")
        state = "ledger: ../ledger/ledger.db"
    else:
        older, newer, view = build_clones(tmp_path, "older", "newer", "view")
        state = "branch: loom-state"
    for root, entries in ((older, _OLDER), (newer, _NEWER)):
        project = Project(root)
        project.worker("slow", _WORKER)
        project.registry(_HEAD.replace("STATE", state) + entries)
    return Checkouts(older, newer, view, (two_drivers[0], two_drivers[1]))


def test_an_older_checkout_runs_no_slot_again_and_ends_none_of_a_worker_it_does_not_know(
    checkouts: Checkouts,
) -> None:
    older, newer = checkouts.older, checkouts.newer
    assert checkouts.runs(older, "05:07") == [("before", "succeeded")]
    assert checkouts.runs(newer, "06:37") == [("added", "skipped"), ("after", "succeeded")]
    assert checkouts.runs(older, "06:40") == []
    (newer / "data").mkdir()
    assert checkouts.runs(newer, "06:45") == [("added", "succeeded")]
    assert checkouts.runs(older, "07:07") == [("before", "succeeded")]
    assert checkouts.runs(newer, "07:10") == []
    assert checkouts.runs(newer, "08:07") == [("added", "succeeded"), ("after", "succeeded")]
    seen = checkouts.records()
    assert started(seen) == [
        *(("added", hour, "succeeded") for hour in (6, 7)),
        *(("after", hour, "succeeded") for hour in (5, 6, 7, 8)),
    ]
    assert seen.integrity == "ok"


def test_a_tick_that_had_decided_when_another_renamed_its_worker_decides_anew(checkouts: Checkouts) -> None:
    checkouts.runs(checkouts.older, "05:07")
    with checkouts.while_it_stands_still("06:07", before="ledger.claim") as late:
        assert checkouts.runs(checkouts.newer, "06:08") == [("after", "succeeded")]
    assert late.result().status == 0, late.result()
    assert told(late.result()) == []
    assert checkouts.runs(checkouts.newer, "06:09") == []
    assert started(checkouts.records()) == [("after", 5, "succeeded"), ("after", 6, "succeeded")]


def test_a_run_that_is_under_way_when_its_worker_is_renamed_keeps_what_it_found(
    checkouts: Checkouts,
) -> None:
    checkouts.runs(checkouts.older, "05:07")
    with checkouts.while_it_stands_still("06:07", before="executor.wait") as late:
        assert checkouts.runs(checkouts.newer, "06:08") == [], "its slot is in good hands"
    assert late.result().status == 0, late.result()
    assert told(late.result()) == [("before", "succeeded")]
    assert checkouts.runs(checkouts.newer, "06:09") == []
    seen = checkouts.records()
    assert started(seen) == [("after", 5, "succeeded"), ("after", 6, "succeeded")]
    assert {ticket.state for ticket in seen.tickets.values()} == {TicketState.CLOSED}
    assert [(run.output or {})["summary"] for run in seen.runs.values()] == ["done by before"] * 2
