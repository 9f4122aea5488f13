"""Flight: one run under way, seen by its own thread, by the watch on its deadline and by the executor."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from loom.clock import Clock
from loom.cutting import cut
from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution, Verdict
from loom.domain.run import RunError
from loom.execution.assignment import Assignment
from loom.execution.capture import RunLog
from loom.execution.failure import place_in, place_of_coroutine, place_of_thread
from loom.instants import in_words

_NOTED = 1_000  # characters of a refusal, in the log


class Flight:
    """Mutable. deadline: in the clock's monotonic seconds. attempts: how many times the code was started.
    awaited: the coroutine that the run's thread drives at present, if any.

    log, started: its log, and the clock's monotonic seconds when it began, if it began elsewhere.
    """

    def __init__(
        self, assignment: Assignment, clock: Clock, *, log: RunLog | None = None, started: float | None = None
    ) -> None:
        self.assignment = assignment
        self.clock = clock
        self.started_at = clock.now()
        self.started = clock.monotonic() if started is None else started
        self.deadline = self.started + assignment.worker.timeout.total_seconds()
        self.log = log or RunLog(f"worker.{assignment.worker.id}", clock.monotonic)
        assignment.listen(self.log)
        self.cancelled = threading.Event()
        self.why = ""
        self.attempts = 0
        self.last_error: RunError | None = None
        self.awaited: Any = None
        self.thread: threading.Thread | None = None
        self._interrupt: Callable[[], None] | None = None
        assignment.guard.tell(self._note)
        self._lock = threading.Lock()
        self._landed = False

    @property
    def left(self) -> timedelta:
        """The time left before the deadline; negative after it."""
        return timedelta(seconds=self.deadline - self.clock.monotonic())

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self.thread is not None and self.thread.is_alive()

    def land(self) -> bool:
        """True for the first caller only: it says how this flight ended."""
        with self._lock:
            first = not self._landed
            self._landed = True
            return first

    def stop(self, why: str) -> None:
        """Ask the run to stop: `context.cancelled` turns true, waits end, a coroutine is cancelled."""
        with self._lock:
            self.why = self.why or why
            self.cancelled.set()
            interrupt = self._interrupt
        if interrupt is not None:
            interrupt()

    def interrupted_by(self, interrupt: Callable[[], None] | None) -> None:
        """What else is to be done when this run is asked to stop; at once if it has been already."""
        with self._lock:
            self._interrupt = interrupt
            late = self.cancelled.is_set()
        if late and interrupt is not None:
            interrupt()

    def refusals(self) -> tuple[Refusal, ...]:
        return self.assignment.guard.refusals

    def ended(
        self,
        ending: Ending,
        *,
        value: Any = None,
        schema: type[Any] | None = None,
        shape: Verdict | None = None,
        reason: str = "",
        error: RunError | None = None,
        transient: bool = False,
        retry_after: timedelta | None = None,
        checks: int | None = None,
        refusals: int | None = None,
    ) -> Execution:
        """The execution this flight amounts to, as of now. checks, refusals: as another process counts."""
        guard = self.assignment.guard
        return Execution(
            ending=ending,
            value=value,
            schema=schema,
            shape=shape,
            reason=reason,
            error=error,
            transient=transient,
            retry_after=retry_after,
            attempts=max(1, self.attempts),
            started_at=self.started_at,
            finished_at=self.clock.now(),
            duration_s=self.clock.monotonic() - self.started,
            log=self.log.text(),
            checks=guard.checks if checks is None else checks,
            refusals=guard.refused if refusals is None else refusals,
        )

    def refused(self, refusal: Refusal, place: str | None = None) -> Execution:
        """A forbidden act was stopped: that is how the run ended, whatever else it did. place: where in the
        project, if the refusal itself doesn't know."""
        where = place_in(refusal.where, self.assignment.project) or place
        return self.ended(Ending.REFUSED, error=RunError(refusal.rule, cut(str(refusal), 2_000), where))

    def _note(self, refusal: Refusal) -> None:
        self.log.line("WARNING", cut(f"not allowed: {refusal}", _NOTED))

    def overran(self) -> Execution:
        """The deadline has passed: revoke the guard, ask the run to stop, and say where it was."""
        refusals = self.refusals()  # before the revocation adds its own
        self.assignment.guard.revoke("timed out")
        error = self._overrun()
        self.log.line("ERROR", error.message)
        self.stop("timed out")
        if refusals:
            return self.refused(refusals[0])
        return self.ended(Ending.TIMED_OUT, error=error, transient=True)

    def _overrun(self) -> RunError:
        project = self.assignment.project
        where = None
        with suppress(Exception):  # a look at a thread that goes on running
            ident = self.thread.ident if self.thread is not None else None
            where = place_of_coroutine(self.awaited, project) or place_of_thread(ident, project)
        limit = in_words(self.assignment.worker.timeout)
        message = f"still running after its timeout of {limit}; make it faster, or raise `timeout`"
        if self.last_error is not None:
            message += (
                f" (attempt {self.attempts}; before: {self.last_error.kind}: {self.last_error.message})"
            )
        return RunError("TimedOut", cut(message, 2_000), where)
