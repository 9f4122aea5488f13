"""The executors that every contract test of executors is run against."""

import os
import sys
from collections.abc import Callable

from loom.execution.executors import Executors
from loom.execution.inline import InlineExecutor
from loom.execution.process import ProcessExecutor
from tests.unit.execution_bench import Executor, StandingClock

PYTHON = (sys.executable, "-P", "-u")


def inline() -> Executor:
    return InlineExecutor(StandingClock())


def process() -> Executor:
    return ProcessExecutor(StandingClock(), python=PYTHON, env=os.environ)


EXECUTORS: dict[str, Callable[[], Executor]] = {"inline": inline, "process": process}
