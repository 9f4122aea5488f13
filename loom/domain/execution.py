"""Execution: what happened when a worker's code was run, before anybody says what it amounts to.

Execution (what the worker's code did) -> Verdict (what validation says of its output) -> Run (the record).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from loom.domain.run import RunError
from loom.values import dataclass


class Ending(StrEnum):
    """How the worker's code ended."""

    RETURNED = "returned"
    RAISED = "raised"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """output: the validated JSON form, or None when refused.
    errors: one per mistake, each showing the offending value."""

    output: Mapping[str, Any] | None
    errors: tuple[RunError, ...] = ()

    @property
    def valid(self) -> bool:
        return self.output is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What happened when a worker's code was run. Never an exception: trouble with one slot is a value.

    value: the JSON form of what it returned (only for RETURNED), or None.
    schema: the worker's output model, to validate `value` against (only for RETURNED), if it is here.
    shape: what that model said of `value`, if it was asked where the model is: in the run's own process.
    transient: whether trying again might help. retry_after: how long the other side asked us to wait.
    attempts: how many times the code was started. log: captured text, bounded.
    checks, refusals: how many acts the guard judged, and how many of them it refused.
    """

    ending: Ending
    value: Any = None
    schema: type[Any] | None = None
    shape: Verdict | None = None
    reason: str = ""
    error: RunError | None = None
    transient: bool = False
    retry_after: timedelta | None = None
    attempts: int = 1
    started_at: datetime
    finished_at: datetime
    duration_s: float
    log: str = ""
    checks: int = 0
    refusals: int = 0
