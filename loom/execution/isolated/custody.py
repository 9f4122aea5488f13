"""Custody: one run in a process of its own, as Loom sees it: started, heard, asked to end, made to end."""

import os
import selectors
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path

from loom.domain.execution import Ending, Execution
from loom.domain.run import RunError
from loom.execution.failure import text_of, traceback_of
from loom.execution.flight import Flight
from loom.execution.isolated.folder import make_folder, remove_folder
from loom.execution.isolated.hearing import Hearing
from loom.execution.isolated.kinship import send_group
from loom.execution.isolated.launch import Launched
from loom.execution.isolated.postmortem import cause_of_death, never_ended, place_of_death, shown
from loom.values import replace

GRACE_S = 2.0
"""How long a run's process may take to end by itself, before it is killed: after its deadline, for what the
worker does about `context.cancelled`; and after its result, for what Python does at the end of a process."""

_LAST_S = 5.0
_LONGEST_WAIT_S = 3600.0


class _Step(Enum):
    FLYING = auto()
    LEAVING = auto()  # it has told its result, and ends
    ASKED = auto()  # its time is up
    KILLED = auto()
    FORSAKEN = auto()  # not even its supervisor does as it is told


class Custody:
    """`keep` runs in a thread of its own; `stop` and `destroy` may be called from any other.

    start: starts the process, given its folder; raises OSError. request: what it is told, whole.
    """

    def __init__(
        self, flight: Flight, start: Callable[[Path], Launched], request: bytes, output_limit: int
    ) -> None:
        self.flight = flight
        self._start = start
        self._request = memoryview(request)
        self._heard = Hearing(flight, output_limit)
        self._step = _Step.FLYING
        self._until = flight.deadline
        self._lock = threading.Lock()
        self._launched: Launched | None = None
        self._given: list[str] = []
        self._why = ""
        self._notes: list[str] = []
        self._supervisor_code: int | None = None

    def stop(self, why: str) -> None:
        """Ask the run to stop: `context.cancelled` turns true, and its process group gets SIGTERM."""
        self._why = self._why or why
        self._order("stop " + why.replace("\n", " "))

    def destroy(self, *, forcibly: bool = False) -> None:
        """End it at once; forcibly: by itself, if its supervisor was told and doesn't do it."""
        self._why = self._why or "Loom is shutting down"
        self._order("kill")
        with self._lock:
            if forcibly and self._launched is not None:
                self._launched.process.kill()

    def keep(self) -> Execution:
        """The run, from its start until nothing of it is left. Never raises."""
        flight = self.flight
        flight.attempts = 1
        try:
            try:
                folder = make_folder()
            except OSError as error:
                return self.not_started(error)
            try:
                launched = self._start(folder)
            except OSError as error:
                remove_folder(folder)
                return self.not_started(error)
            try:
                self._attend(launched)
            finally:
                self._end(launched, folder)
            return self._concluded()
        except Exception as error:  # noqa: BLE001 - a mistake of Loom's must not leave a slot without an outcome
            flight.log.write(traceback_of(error))
            mistake = (
                f"Loom itself failed while running this worker: {type(error).__name__}: {text_of(error)}"
            )
            return flight.ended(Ending.RAISED, error=RunError("LoomBug", mistake))

    def not_started(self, error: OSError | RuntimeError) -> Execution:
        message = f"its process couldn't be started: {text_of(error)}; lower `max_parallel`"
        return self.flight.ended(Ending.RAISED, error=RunError(type(error).__name__, message), transient=True)

    def _order(self, order: str) -> None:
        with self._lock:
            if self._launched is None:
                self._given.append(order)
            else:
                self._write_order(self._launched, order)

    def _write_order(self, launched: Launched, order: str) -> None:
        with suppress(OSError):  # it has ended, or is deaf and will be killed without being asked
            os.write(launched.orders, f"{order}\n".encode(errors="replace"))

    def _attend(self, launched: Launched) -> None:
        """Hear it and see to its deadline until it has ended."""
        with self._lock:
            self._launched = launched
            for order in self._given:
                self._write_order(launched, order)
        heard, clock = self._heard, self.flight.clock
        with selectors.PollSelector() as selector:
            selector.register(launched.request, selectors.EVENT_WRITE, self._tell)
            for handle, hear in (
                (launched.status, heard.status),
                (launched.frames, heard.frames),
                (launched.text, heard.text),
            ):
                selector.register(handle, selectors.EVENT_READ, hear)
            while not heard.over:
                wait = min(self._until - clock.monotonic(), _LONGEST_WAIT_S)
                for ready, _ in selector.select(max(wait, 0.001)):
                    if not ready.data(ready.fd):
                        selector.unregister(ready.fd)
                if not self._go_on(launched, clock.monotonic()):
                    break
        heard.rest(launched.frames, launched.text)

    def _tell(self, handle: int) -> bool:
        """Write what fits of the request. False when all of it is told."""
        try:
            self._request = self._request[os.write(handle, self._request) :]
        except BlockingIOError:
            return True
        except OSError:
            return False  # it has ended already; its status will say so
        return len(self._request) > 0

    def _go_on(self, launched: Launched, now: float) -> bool:
        """The next step, if its time has come. False when there is none."""
        if self._step is _Step.FLYING:
            if now >= self._until:
                self._heard.late = True
                self._order("overrun")
                self._proceed(_Step.ASKED, now + GRACE_S)
            elif self._heard.report is not None:
                self._proceed(_Step.LEAVING, now + GRACE_S)
        if self._heard.garbled and self._step not in (_Step.KILLED, _Step.FORSAKEN):
            self._until = now
        if now < self._until:
            return True
        if self._step is _Step.FORSAKEN:
            return False
        if self._step is _Step.KILLED:
            launched.process.kill()
            self._proceed(_Step.FORSAKEN, now + _LAST_S)
            return True
        if self._step is _Step.LEAVING:
            self._notes.append(f"something in its process went on after its end; killed {GRACE_S:g} s later")
        self._order("kill")
        self._proceed(_Step.KILLED, now + _LAST_S)
        return True

    def _proceed(self, step: _Step, until: float) -> None:
        self._step, self._until = step, until

    def _end(self, launched: Launched, folder: Path) -> None:
        """Whatever happened: no process, no descriptor and no file of it stays."""
        heard = self._heard
        with self._lock:
            self._launched = None
        launched.close()
        if not launched.process.wait(_LAST_S):
            launched.process.kill()
            launched.process.wait(_LAST_S)
        if heard.code is None and heard.worker is not None:
            # The supervisor was killed. So is the worker then, by the system; its group is left to us.
            send_group(heard.worker, signal.SIGKILL)
        if heard.killed:
            self._notes.append(f"{heard.killed} left running by its process, killed")
        if not remove_folder(folder):
            self._notes.append(f"its temporary folder couldn't be removed: {folder}")
        self._supervisor_code = launched.process.returncode

    def _concluded(self) -> Execution:
        flight, heard = self.flight, self._heard
        for note in self._notes:
            flight.log.line("WARNING", note)
        if heard.late:
            return self._overran()
        execution = self._died() if heard.report is None else flight.ended(**heard.report)
        if heard.refusals and execution.ending is not Ending.REFUSED:
            return self._refused(execution.checks, execution.refusals)
        return execution

    def _refused(self, checks: int = 0, refusals: int = 0) -> Execution:
        """As its first refusal has it. checks, refusals: as the process counts, if it came to telling."""
        heard = self._heard.refusals
        counted = max(refusals, len(heard))
        return replace(self.flight.refused(heard[0]), checks=max(checks, counted), refusals=counted)

    def _overran(self) -> Execution:
        """As the process itself tells it, if it could; else with the place that `faulthandler` saw it at."""
        flight, heard = self.flight, self._heard
        self._show_dump()
        if heard.report is not None and heard.report["ending"] in (Ending.TIMED_OUT, Ending.REFUSED):
            return flight.ended(**heard.report)
        if heard.refusals:
            return self._refused()
        execution = flight.overran()
        if execution.error is None:
            return execution
        where = place_of_death(heard.dump, flight.assignment.project)
        return replace(execution, error=replace(execution.error, where=where))

    def _died(self) -> Execution:
        self._show_dump()
        error = self._cause()
        self.flight.log.line("ERROR", error.message)
        return self.flight.ended(Ending.RAISED, error=error, transient=error.kind == "Cancelled")

    def _cause(self) -> RunError:
        heard, assignment = self._heard, self.flight.assignment
        if heard.garbled:
            message = f"its process wrote something else into the pipe for its result: {heard.garbled}"
            return RunError("ProcessGarbled", message)
        if self._why and heard.code in (None, -signal.SIGTERM, -signal.SIGKILL):
            return RunError("Cancelled", f"stopped before its end: {self._why}")
        if heard.code is None:
            return never_ended(self._supervisor_code, began=heard.worker is not None)
        return cause_of_death(
            heard.code, memory=assignment.worker.memory, dump=heard.dump, project=assignment.project
        )

    def _show_dump(self) -> None:
        if self._heard.dump:
            self.flight.log.line("INFO", "where its threads were:")
            self.flight.log.write(shown(self._heard.dump))
