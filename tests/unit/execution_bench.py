"""A project of real worker files, and what it takes to run them through the real executor."""

import itertools
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self

from loom.domain.cron import parse_cron
from loom.domain.enforcement import EnforcementContext
from loom.domain.execution import Execution
from loom.domain.rules import HttpAllowance, HttpRule
from loom.domain.schedule import Schedule
from loom.domain.worker import Requires, Retry, Worker
from loom.enforcement.guarding.guard import RunGuard
from loom.execution.assignment import Assignment
from loom.execution.inline import InlineExecutor
from loom.ledger.memory import MemoryLedger
from tests.ground.rules import NOWHERE

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PATIENCE_S = 60.0
"""How long a test waits for what should come at once: a busy machine isn't a failure."""
UNDER_WAY = "under way"

_PRELUDE = """\
import asyncio, os, sys, threading, time
from pydantic import BaseModel
from loom.worker import *

class Output(WorkerOutput):
    pass

"""
_numbers = itertools.count()


class Executor(Protocol):
    """What every executor is to a test."""

    @property
    def running(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def submit(self, assignment: Assignment) -> None: ...

    def wait(self, timeout: float | None = None) -> list[tuple[str, Execution]]: ...

    def cancel(self, why: str) -> None: ...


class StandingClock:
    """The time of day stands still; elapsed time is the machine's, as threads need it."""

    def now(self) -> datetime:
        return NOW

    def real(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()


def context_allowing(*hosts: str) -> EnforcementContext:
    """An enforcement context under which any worker may GET anything from `hosts`."""
    allow = (HttpAllowance(methods=("GET",), paths=("/**",)),)
    rule = HttpRule(id="test-hosts", applies_to=("*",), hosts=hosts, allow=allow, why="reading is enough")
    return EnforcementContext(digest="sha256:00", rules=(rule,) if hosts else ())


@dataclass
class Bench:
    """project: where the worker files are written. said: what workers reported as progress, in order.
    executor: makes the executor that runs go through, unless another is given. soon_s: the time in which its
    runs are under way, on a machine that isn't busy."""

    project: Path
    said: list[str] = field(default_factory=list)
    executor: Callable[[], Executor] = lambda: InlineExecutor(StandingClock())
    soon_s: float = 0.2

    def worker(
        self,
        code: str,
        *,
        timeout: float = PATIENCE_S,
        attempts: int = 1,
        prelude: str = _PRELUDE,
        **more: Any,
    ) -> Worker:
        """A worker whose module holds `code`, in a module of its own. timeout: in seconds."""
        name = f"bench_worker_{next(_numbers)}"
        text = prelude + textwrap.dedent(code)
        (self.project / f"{name}.py").write_text(text, encoding="utf-8")
        cron = "0 6 * * *"
        worker = Worker(
            id=name.replace("_", "-"),
            schedule=Schedule(cron=cron, fields=parse_cron(cron), zone="America/Chicago"),
            entrypoint=f"{name}:run",
            timeout=timedelta(seconds=timeout),
            retry=Retry(attempts=attempts, backoff=timedelta(milliseconds=1), jitter=0.0),
            line=12,
        )
        return replace(worker, **more)

    def line(self, worker: Worker, text: str) -> str:
        """``file.py:line`` of the first line of the worker's module that holds `text`."""
        path = Path(worker.entrypoint.partition(":")[0] + ".py")
        lines = (self.project / path).read_text(encoding="utf-8").splitlines()
        number = next(number for number, line in enumerate(lines, 1) if text in line)
        return f"{path}:{number}"

    def assignment(
        self,
        worker: Worker,
        *,
        secrets: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        hosts: tuple[str, ...] = (),
        **more: Any,
    ) -> Assignment:
        enforcement = context_allowing(*hosts)
        assignment = Assignment(
            key=f"{worker.id}@{NOW:%Y-%m-%dT%H:%M:%SZ}",
            worker=worker,
            slot=NOW,
            slot_key=f"{worker.id}@{NOW:%Y-%m-%dT%H:%M:%SZ}",
            now=NOW,
            project=self.project,
            previous=None,
            runs=MemoryLedger().reader(),
            enforcement=enforcement,
            guard=RunGuard(enforcement, worker_id=worker.id, agent=None, places=NOWHERE),
            secrets=secrets or {},
            params=params or {},
            say=self.said.append,
        )
        return replace(assignment, **more)

    def run(self, worker: Worker, executor: Executor | None = None, **more: Any) -> Execution:
        """Run one worker to its end in an executor of its own."""
        return self.run_all([self.assignment(worker, **more)], executor)[0]

    def overrun(self, code: str, *, prelude: str = _PRELUDE) -> tuple[Worker, Execution]:
        """Run a worker whose `code` prints ``under way`` and goes on for HANG seconds, until its time is up.
        That they are no more lets its thread, which nothing can stop, end soon.

        If it didn't come so far, because the machine was busy and starting a process is part of its time, it
        is run again with more time.
        """
        for timeout in (self.soon_s, 10 * self.soon_s, PATIENCE_S):
            hang = f"{3 * timeout + 5:g}"
            worker = self.worker(code.replace("HANG", hang), timeout=timeout, prelude=prelude)
            execution = self.run(worker)
            if UNDER_WAY in execution.log:
                return worker, execution
        raise AssertionError(f"it never came under way:\n{execution}")

    def run_all(self, assignments: list[Assignment], executor: Executor | None = None) -> list[Execution]:
        """Run the assignments side by side; their executions in the order of the assignments."""
        with executor or self.executor() as running:
            for assignment in assignments:
                running.submit(assignment)
            executions = collect(running)
        return [executions[assignment.key] for assignment in assignments]


@contextmanager
def bench_in(project: Path) -> Iterator[Bench]:
    """A bench in an empty project; what the imports of its workers left behind is cleared away."""
    path = list(sys.path)
    yield Bench(project)
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith("bench_worker_")]:
        del sys.modules[name]


def collect(executor: Executor) -> dict[str, Execution]:
    """Everything that was submitted, once it has ended."""
    executions: dict[str, Execution] = {}
    while executor.running:
        ended = executor.wait(PATIENCE_S + 5)
        assert ended, "a run neither ended nor timed out"
        executions.update(ended)
    return executions


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S * 100)):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def requiring(*names: str) -> Requires:
    return Requires(env=names)
