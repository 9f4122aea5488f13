"""InlineExecutor: runs workers in threads of this process, each under its own deadline."""

import random as random_numbers
import threading
from collections.abc import Callable
from types import TracebackType

from loom.clock import Clock
from loom.domain.execution import Ending, Execution
from loom.domain.run import RunError
from loom.execution.arrivals import Arrivals
from loom.execution.assignment import Assignment
from loom.execution.attempts import Fits, Pause, conduct
from loom.execution.diversion import DIVERSION, Streams, speak_into
from loom.execution.failure import text_of
from loom.execution.flight import Flight
from loom.execution.jsonform import OUTPUT_LIMIT

_LONGEST_WAIT_S = 3600.0


class InlineExecutor:
    """Every run has a daemon thread of its own, which nothing ever joins. One more thread watches the
    deadlines, so that a run is revoked on time however busy the caller is.

    Not for use by several threads. From the first `submit` until `close`, `sys.stdout`, `sys.stderr` and
    the root logger hand on to a run's log what that run says (see `diversion`).

    pause, random: how waits between attempts are made, and varied. output_limit: bytes of JSON per output.
    arrivals: where runs come in, if other executors' runs come in there too.
    fits: what an output model says of what was returned, which may have so many bytes. Asked within the
        run, since the model's validators are the worker's code; None leaves it to who judges the execution.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        pause: Pause = threading.Event.wait,
        random: Callable[[], float] = random_numbers.random,
        output_limit: int = OUTPUT_LIMIT,
        arrivals: Arrivals | None = None,
        fits: Fits | None = None,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._random = random
        self._output_limit = output_limit
        self._arrivals = arrivals or Arrivals()
        self._fits = fits
        self._flights: dict[str, Flight] = {}
        self._overrun: list[Flight] = []
        self._changed = threading.Condition()
        self._awaited = float("inf")
        self._open = False
        self._streams: Streams = (None, None)

    def __enter__(self) -> "InlineExecutor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> int:
        """How many runs were submitted and not yet handed back by `wait`."""
        return self._arrivals.outstanding

    @property
    def stranded(self) -> tuple[str, ...]:
        """The keys of runs that overran and whose threads are still alive. They end with the process."""
        return tuple(flight.assignment.key for flight in self._overrun if flight.alive)

    def submit(self, assignment: Assignment) -> None:
        """Start a run at once; its deadline counts from here. Raises ValueError for a key under way."""
        flight = Flight(assignment, self._clock)
        if not self._open:
            self._open = True
            self._streams = DIVERSION.hold()
            threading.Thread(target=self._watch, name="loom deadlines", daemon=True).start()
        with self._changed:
            if assignment.key in self._flights:
                raise ValueError(f"{assignment.key} is already running")
            self._flights[assignment.key] = flight
            if flight.deadline < self._awaited:
                self._changed.notify()
        self._arrivals.expect()
        flight.thread = threading.Thread(
            target=self._fly, args=(flight,), name=f"loom {assignment.key}", daemon=True
        )
        DIVERSION.hold()
        try:
            flight.thread.start()
        except RuntimeError as error:  # the machine has no thread to give
            DIVERSION.release()
            failed = RunError("RuntimeError", f"{text_of(error)}; lower `max_parallel`")
            self._land(flight, flight.ended(Ending.RAISED, error=failed, transient=True))

    def wait(self, timeout: float | None = None) -> list[tuple[str, Execution]]:
        """The runs that have ended, by key: at least one, unless `timeout` seconds pass first or none runs.

        A run whose deadline passed comes back as timed out; whatever it does later is lost.
        """
        return self._arrivals.wait(timeout)

    def cancel(self, why: str) -> None:
        """Ask every run to stop: `context.cancelled` turns true, waits end, coroutines are cancelled."""
        with self._changed:
            flights = list(self._flights.values())
        for flight in flights:
            flight.stop(why)

    def close(self) -> None:
        """Give the streams back, whatever workers made of them. Runs still under way are revoked and told to
        stop; nobody waits for them."""
        if not self._open:
            return
        self._open = False
        with self._changed:
            flights = list(self._flights.values())
            self._changed.notify()
        for flight in flights:
            flight.assignment.guard.revoke("Loom is shutting down")
            flight.stop("Loom is shutting down")
            flight.log.close()
        DIVERSION.release(self._streams)

    def _fly(self, flight: Flight) -> None:
        try:
            speak_into(flight.log)
            with flight.assignment.guard.inside():
                execution = conduct(
                    flight,
                    pause=self._pause,
                    random=self._random,
                    limit=self._output_limit,
                    fits=self._fits,
                )
            self._land(flight, execution)
        finally:
            DIVERSION.release()

    def _land(self, flight: Flight, execution: Execution | None) -> None:
        """Hand the result back, once; after the deadline it is that the run overran, whoever comes first."""
        if not flight.land():
            return
        with self._changed:
            self._flights.pop(flight.assignment.key, None)
        if execution is None or flight.left.total_seconds() <= 0:
            with self._changed:
                self._overrun = [*(old for old in self._overrun if old.alive), flight]
            try:
                execution = flight.overran()
            except Exception as error:  # noqa: BLE001 - the watch over the other runs must go on
                mistake = RunError("LoomBug", f"Loom failed to stop an overrun run: {text_of(error)}")
                execution = flight.ended(Ending.TIMED_OUT, error=mistake, transient=True)
        flight.log.close()
        self._arrivals.put(flight.assignment.key, execution)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._open:
                    return
                now = self._clock.monotonic()
                self._awaited = min((f.deadline for f in self._flights.values()), default=float("inf"))
                overdue = [f for f in self._flights.values() if f.deadline <= now]
                if not overdue:
                    self._changed.wait(min(self._awaited - now, _LONGEST_WAIT_S))
            for flight in overdue:
                self._land(flight, None)
