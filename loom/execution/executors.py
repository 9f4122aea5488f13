"""Executors: one made of two; each run goes where its worker's `isolation` says."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol

from loom.domain.execution import Execution
from loom.domain.worker import Isolation
from loom.execution.arrivals import Arrivals
from loom.execution.assignment import Assignment


class _Executor(Protocol):
    def submit(self, assignment: Assignment) -> None: ...

    def cancel(self, why: str) -> None: ...

    def close(self) -> None: ...


class Executors:
    """make: by isolation, what makes the executor, given where its runs come in; called when a run needs it.

    Not for use by several threads.
    """

    def __init__(self, make: Callable[[Isolation, Arrivals], _Executor]) -> None:
        self._make = make
        self._arrivals = Arrivals()
        self._made: dict[Isolation, _Executor] = {}

    def __enter__(self) -> "Executors":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> int:
        """How many runs were submitted and not yet handed back by `wait`."""
        return self._arrivals.outstanding

    def submit(self, assignment: Assignment) -> None:
        """Start a run at once; its deadline counts from here. Raises ValueError for a key under way."""
        isolation = assignment.worker.isolation
        if isolation not in self._made:
            self._made[isolation] = self._make(isolation, self._arrivals)
        self._made[isolation].submit(assignment)

    def wait(self, timeout: float | None = None) -> list[tuple[str, Execution]]:
        """The runs that have ended, by key: at least one, unless `timeout` seconds pass or none runs."""
        return self._arrivals.wait(timeout)

    def cancel(self, why: str) -> None:
        """Ask every run to stop."""
        for executor in self._made.values():
            executor.cancel(why)

    def close(self) -> None:
        """End what can be ended, and give back what was taken; all of it, whatever one executor does."""
        with ExitStack() as closing:
            for executor in self._made.values():
                closing.callback(executor.close)
