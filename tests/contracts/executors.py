"""The executors that every contract test of executors is run against."""

import os
import sys
from collections.abc import Callable

from loom.domain.worker import Isolation
from loom.execution.arrivals import Arrivals
from loom.execution.executors import Executors
from loom.execution.inline import InlineExecutor
from loom.execution.isolated.process import ProcessExecutor
from tests.unit.execution_bench import Executor, StandingClock

PYTHON = (sys.executable, "-P", "-u")


def inline() -> Executor:
    return InlineExecutor(StandingClock())


def process() -> Executor:
    return ProcessExecutor(StandingClock(), python=PYTHON, env=os.environ)


def by_isolation() -> Executor:
    """Both at once, as the command has them."""

    def make(isolation: Isolation, arrivals: Arrivals) -> InlineExecutor | ProcessExecutor:
        if isolation is Isolation.INLINE:
            return InlineExecutor(StandingClock(), arrivals=arrivals)
        return ProcessExecutor(StandingClock(), python=PYTHON, env=os.environ, arrivals=arrivals)

    return Executors(make)


EXECUTORS: dict[str, Callable[[], Executor]] = {"inline": inline, "process": process}
