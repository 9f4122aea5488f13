"""One project with a worker for each way in which a slot can go, and four days of its life."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loom.domain.execution import Execution
from loom.domain.pause import Pause
from loom.domain.reasons import Reasons
from loom.domain.record import Entry
from loom.domain.run import Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.execution.assignment import Assignment
from loom.ledger.sqlite import SqliteLedger
from loom.runner.request import TickRequest
from loom.runner.tick import run_tick
from loom.why.reading import why
from tests.ground.history import in_haste
from tests.ground.project import Project, build_project
from tests.ground.rehearsal import Rehearsal

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def utc(day: int, time: str, month: int = 11, year: int = 2026) -> datetime:
    """In November 2026 Chicago's clock is six hours behind."""
    hours, minutes = map(int, time.split(":"))
    return datetime(year, month, day, hours, minutes, tzinfo=UTC)


WAYS = """
    import socket
    from loom.worker import Skip, TransientError, WorkerContext, WorkerOutput

    class Output(WorkerOutput):
        seen: int

    def good(context: WorkerContext) -> WorkerOutput:
        return WorkerOutput(summary="fine")

    def bad(context: WorkerContext) -> WorkerOutput:
        raise ValueError("no field 'results'")

    def later(context: WorkerContext) -> WorkerOutput:
        if (context.project / "mended").exists():
            return WorkerOutput(summary="fine")
        raise TransientError("the other side is down")

    def skip(context: WorkerContext) -> WorkerOutput:
        raise Skip("nothing new since yesterday")

    def invalid(context: WorkerContext) -> Output:
        return Output(summary="looked", seen=0)

    def forbidden(context: WorkerContext) -> WorkerOutput:
        with socket.socket() as connection:
            connection.connect(("127.0.0.1", 9))
        return WorkerOutput(summary="never")
"""

_DAILY = 'schedule: "0 6 * * *"'
_ONCE = "retry: {attempts: 1}"
ENTRIES = f"""
    punctual: {{agent: Punctual, {_DAILY}, entrypoint: "workers.ways:good"}}
    hourly: {{agent: Hourly, schedule: "0 * * * *", entrypoint: "workers.ways:good"}}
    short: {{schedule: "0 * * * *", entrypoint: "workers.ways:good", catch_up: {{within: 2h}}}}
    waiting: {{{_DAILY}, entrypoint: "workers.ways:good", requires: {{env: [SOME_TOKEN]}}}}
    failing: {{{_DAILY}, entrypoint: "workers.ways:bad", {_ONCE}}}
    flaky: {{{_DAILY}, entrypoint: "workers.ways:later", {_ONCE}}}
    skipping: {{{_DAILY}, entrypoint: "workers.ways:skip"}}
    invalid: {{{_DAILY}, entrypoint: "workers.ways:invalid", expect: {{min: {{seen: 1}}}}}}
    forbidden: {{{_DAILY}, entrypoint: "workers.ways:forbidden", {_ONCE}}}
    resting: {{{_DAILY}, entrypoint: "workers.ways:good", status: paused}}
    halted: {{{_DAILY}, entrypoint: "workers.ways:good"}}
    off: {{{_DAILY}, entrypoint: "workers.ways:good", status: disabled}}
    busy: {{schedule: "0 * * * *", entrypoint: "workers.ways:good"}}
    young: {{schedule: "0 12 * * *", entrypoint: "workers.ways:good"}}
    typo: {{schedule: "0 6 * *", entrypoint: "workers.ways:good"}}
"""


class _Died(BaseException):
    """What a process that dies at work leaves undone is undone here too."""


class _Dying:
    def submit(self, assignment: Assignment) -> None:
        raise _Died

    def wait(self, timeout: float | None) -> list[tuple[str, Execution]]:
        return []

    def cancel(self, why: str) -> None:
        """Nothing is under way."""


@contextmanager
def _dying() -> Iterator[_Dying]:
    yield _Dying()


@dataclass
class Life:
    """A project's life so far; it goes on when a test says so."""

    rehearsal: Rehearsal

    @property
    def project(self) -> Project:
        return self.rehearsal.project

    def tick(self, at: datetime, request: TickRequest | None = None) -> None:
        self.rehearsal.clock.set(at)
        self.rehearsal.tick(request=request)

    def die(self, at: datetime) -> None:
        """A tick whose process dies as its first worker starts."""
        self.rehearsal.clock.set(at)
        with suppress(_Died):
            run_tick(replace(self.rehearsal.parts(), executor=_dying), TickRequest())

    def write(self, *entries: Entry) -> None:
        ledger = self.rehearsal.ledger
        ledger.claim(entries, revision=ledger.snapshot().revision)

    def why(self, name: str, at: datetime | None = None, *, now: datetime | None = None) -> Reasons:
        if now is not None:
            self.rehearsal.clock.set(now)
        parts = self.rehearsal.parts()
        return why(parts, name, at=at)


def under_way(worker: str, slot: datetime, *, lease: timedelta) -> Ticket:
    """A ticket as a tick on another machine leaves it while it works."""
    return Ticket(
        key=Slot(worker, slot).key,
        worker=worker,
        slot=slot,
        trigger=Trigger.SCHEDULE,
        state=TicketState.STARTED,
        starts=1,
        fence=1,
        claimer="runner-2.0a1b2c3d-4711-0123456789ab",
        lease_until=slot + lease,
        run_id=f"{worker}-on-runner-2",
        started_at=slot,
    )


class _Kept(SqliteLedger):
    """Stays open from one tick to the next."""

    def close(self) -> None:
        """When the test is over."""


@contextmanager
def beginning(root: Path, at: datetime) -> Iterator[Life]:
    """The project on an empty ledger in a file."""
    project = build_project(root)
    ledger = in_haste(_Kept(project.ledger))
    try:
        yield Life(Rehearsal(project, at, ledger=ledger))
    finally:
        SqliteLedger.close(ledger)


@contextmanager
def young(root: Path, entries: str, at: datetime) -> Iterator[Life]:
    """A project of these workers, before its first tick."""
    with beginning(root, at) as life:
        life.project.worker("ways", WAYS)
        life.project.entries(entries)
        yield life


@contextmanager
def lived(root: Path) -> Iterator[Life]:
    """Wed 18 to Sat 21 November 2026, in Chicago. Ticks in UTC:

    18th 11:17, 12:02; 19th 12:10 and 12:40; 20th 12:05, 13:05 and 13:20; 21st 11:17 and, late, 17:02.
    """
    with young(root, ENTRIES, utc(18, "11:17")) as life:
        life.tick(utc(18, "11:17"))
        life.tick(utc(18, "12:02"))
        life.tick(utc(19, "12:10"))
        life.tick(utc(19, "12:40"))
        life.write(
            Pause(worker="halted", by="ann", at=utc(20, "08:00"), reason="the move", until=utc(25, "0:00"))
        )
        life.write(under_way("busy", utc(20, "12:00"), lease=90 * timedelta(minutes=1)))
        life.tick(utc(20, "12:05"))
        life.tick(utc(20, "13:05"))
        life.tick(utc(20, "13:20"), TickRequest(workers=("hourly",), slot=utc(20, "08:00")))
        life.tick(utc(21, "11:17"))
        life.tick(utc(21, "17:02"))
        yield life
