"""Recollection: what a run is told of the runs before it."""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from loom.errors import LedgerError
from loom.execution.assignment import Assignment
from loom.worker import PastRun, TransientError

if TYPE_CHECKING:
    from loom.domain.run import Run

SPAN = timedelta(days=90)
MOST = 2_000


def recollect(assignment: Assignment) -> tuple[PastRun, ...]:
    """The runs of every worker up to the tick's time, newest first, within `SPAN` and at most `MOST`.

    Raises TransientError, with the reason, when the ledger can't be read.
    """
    try:
        # A file is opened, which the worker itself may not be allowed to.
        with assignment.guard.outside():
            return tuple(_read(assignment))
    except LedgerError as error:
        raise TransientError(f"the history can't be read: {error}") from error


def _read(assignment: Assignment) -> Iterator[PastRun]:
    from loom.domain.record import RunQuery

    now = assignment.now
    query = RunQuery(since=now - SPAN, until=now, limit=MOST)
    return (_past(run, now.tzinfo) for run in assignment.runs(query))


def _past(run: "Run", zone: tzinfo | None) -> PastRun:
    def local(at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(zone)

    error = run.error
    return PastRun(
        worker=run.worker,
        agent=run.agent,
        slot=local(run.slot),
        outcome=run.outcome.value,
        final=run.final,
        reason=run.reason,
        error_kind=error.kind if error else None,
        error_message=error.message if error else None,
        error_where=error.where if error else None,
        tick_at=run.tick_at.astimezone(zone),
        started_at=local(run.started_at),
        duration_s=run.duration_s,
    )
