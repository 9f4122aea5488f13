"""ProcessExecutor: runs each worker in a process of its own, which can be ended whatever it does."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from loom.clock import Clock, SystemClock
from loom.domain.execution import Execution
from loom.execution.arrivals import Arrivals
from loom.execution.assignment import Assignment
from loom.execution.flight import Flight
from loom.execution.isolated.custody import Custody
from loom.execution.isolated.errand import packed
from loom.execution.isolated.folder import environment
from loom.execution.isolated.launch import Launched, launch
from loom.execution.jsonform import OUTPUT_LIMIT

PROGRAM = Path(__file__).parents[2] / "child.py"
_PATIENCE_S = 2.0


class ProcessExecutor:
    """Every run has two processes of its own, in a session of their own: the worker's, and one that watches
    over it (see `supervisor`). In this process it has a daemon thread that hears them and lives until they
    are gone.

    A run gets a temporary folder, the project as its current folder, and an environment without secrets
    (see `folder.environment`). At its deadline its process group gets SIGTERM, `context.cancelled` turns
    true, and 2 seconds later everything that is left is killed (see `custody`). When it has ended, however
    it did, so are the processes that it started. A process that dies uses its run up: the run failed, and
    isn't worth another try.

    Not for use by several threads.

    python: the interpreter, and its options. env: what runs get some of. output_limit: bytes of JSON per
    output. arrivals: where runs come in, if other executors' runs come in there too.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        python: Sequence[str],
        env: Mapping[str, str],
        output_limit: int = OUTPUT_LIMIT,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._clock = clock
        self._program = (*python, str(PROGRAM))
        self._env = dict(env)
        self._output_limit = output_limit
        self._arrivals = arrivals or Arrivals()
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[Custody, threading.Thread]] = {}

    def __enter__(self) -> "ProcessExecutor":
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
        flight = Flight(assignment, self._clock)
        # Every process of a machine counts its monotonic seconds from the same moment.
        started = SystemClock().monotonic() - (self._clock.monotonic() - flight.started)
        request = packed(assignment, started=started, output_limit=self._output_limit)

        def start(folder: Path) -> Launched:
            worker = assignment.worker
            env = environment(self._env, folder, memory=worker.memory)
            return launch(self._program, env=env, project=assignment.project, folder=folder, label=worker.id)

        custody = Custody(flight, start, request, self._output_limit)
        thread = threading.Thread(
            target=self._keep, args=(custody,), name=f"loom {assignment.key}", daemon=True
        )
        with self._lock:
            if assignment.key in self._under_way:
                raise ValueError(f"{assignment.key} is already running")
            self._under_way[assignment.key] = (custody, thread)
        self._arrivals.expect()
        try:
            thread.start()
        except RuntimeError as error:  # the machine has no thread to give
            self._land(custody, custody.not_started(error))

    def wait(self, timeout: float | None = None) -> list[tuple[str, Execution]]:
        """The runs that have ended, by key: at least one, unless `timeout` seconds pass or none runs."""
        return self._arrivals.wait(timeout)

    def cancel(self, why: str) -> None:
        """Ask every run to stop: `context.cancelled` turns true, waits end, coroutines are cancelled, and the
        programs that it started get SIGTERM."""
        for custody, _ in self._all():
            custody.stop(why)

    def close(self) -> None:
        """Kill what is still under way, and wait until it is gone: nobody waits for its result any more."""
        under_way = self._all()
        for custody, _ in under_way:
            custody.destroy()
        for custody, thread in under_way:
            thread.join(_PATIENCE_S)
            if thread.is_alive():
                custody.destroy(forcibly=True)
                thread.join(_PATIENCE_S)

    def _all(self) -> list[tuple[Custody, threading.Thread]]:
        with self._lock:
            return list(self._under_way.values())

    def _keep(self, custody: Custody) -> None:
        self._land(custody, custody.keep())

    def _land(self, custody: Custody, execution: Execution) -> None:
        key = custody.flight.assignment.key
        with self._lock:
            self._under_way.pop(key, None)
        custody.flight.log.close()
        self._arrivals.put(key, execution)
