"""The public face of Loom: all that a worker may import.

    from loom.worker import Finding, WorkerContext, WorkerOutput

    class Settings(BaseModel):
        quiet_after_days: int = 30

    class Output(WorkerOutput):
        contacts_checked: int

    def run(context: WorkerContext[Settings]) -> Output: ...     # or: async def run

The type argument of `WorkerContext` is the settings model, the return annotation the output model;
nothing is registered twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from loom.domain.enforcement import EnforcementContext, Refusal
from loom.values import dataclass

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Finding",
    "PastRun",
    "PermanentError",
    "Refused",
    "Skip",
    "TransientError",
    "WorkerContext",
    "WorkerOutput",
]


class TransientError(Exception):
    """Trying again might help. retry_after: how long the other side asked us to wait."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(Exception):
    """Trying again won't help."""


class Skip(Exception):
    """There is nothing to do here; the text says why."""


class Refused(PermanentError):
    """The enforcement context stopped an act. The run ends `blocked` even if the worker catches this."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Finding(BaseModel):
    """One thing a person can act on: how bad, what, where, and what to do about it."""

    model_config = ConfigDict(extra="forbid")

    severity: Literal["info", "warning", "critical"]
    title: str
    detail: str = ""
    subject: str = ""
    url: str | None = None
    action: str = ""


class WorkerOutput(BaseModel):
    """What a worker returns; subclass it to add fields of your own."""

    summary: str
    # pydantic gives each output a list and a mapping of its own. Told `default_factory=list` it would first
    # work out which arguments `list` takes, for which Python's parser is imported.
    findings: list[Finding] = []
    metrics: dict[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What the ledger holds of one run of any worker. Texts are as they were recorded: what was masked or
    redacted there stays so.

    slot: the (first) scheduled instant it was for, or None when run by hand. outcome: 'succeeded', 'failed',
        'invalid', 'timed_out', 'blocked', 'skipped', 'superseded', 'missed' or 'abandoned'.
    final: False for an attempt that is or was tried again later.
    reason: why it was skipped, held or missed; may be empty.
    error_kind, error_message, error_where: of a bad one; where is 'file:line', a rule or a field.
    tick_at: when the tick came that recorded it. started_at, duration_s: None when its code never started.
    Times are aware, in the zone of the worker that asks.
    """

    worker: str
    agent: str | None
    slot: datetime | None
    outcome: str
    final: bool
    reason: str
    error_kind: str | None
    error_message: str | None
    error_where: str | None
    tick_at: datetime
    started_at: datetime | None
    duration_s: float | None


SettingsT = TypeVar("SettingsT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext(Generic[SettingsT]):
    """Everything a run is given.

    slot: the scheduled instant (aware, in the worker's zone), or None when run by hand.
    slot_key: names this occasion for ever; the idempotency key for anything done in the outside world.
    now: the tick's time (aware, in the worker's zone).
    previous: the last valid output's JSON form, or None.
    project: the project's root folder.
    """

    worker_id: str
    agent: str | None
    slot: datetime | None
    slot_key: str
    now: datetime
    settings: SettingsT
    enforcement: EnforcementContext
    log: logging.Logger
    previous: Mapping[str, Any] | None
    project: Path
    history_source: Callable[[], Sequence[PastRun]]
    secret_source: Callable[[str], str]
    http_source: Callable[[], "httpx.Client"]
    http_async_source: Callable[[], "httpx.AsyncClient"]
    progress_sink: Callable[[str], None]
    cancelled_source: Callable[[], bool]

    @property
    def http(self) -> "httpx.Client":
        """The guarded client, made when first asked for; the same one every time."""
        return self.http_source()

    @property
    def http_async(self) -> "httpx.AsyncClient":
        """The guarded client for an async `run`."""
        return self.http_async_source()

    @property
    def history(self) -> Sequence[PastRun]:
        """The runs of all workers in the 90 days before `now`, newest first, at most 2,000 of them. Read from
        Loom's ledger when first asked for; the same ones every time. Raises TransientError when it can't be
        read."""
        return self.history_source()

    @property
    def cancelled(self) -> bool:
        """True once this run should stop: its deadline has passed or Loom is shutting down."""
        return self.cancelled_source()

    def secret(self, name: str) -> str:
        """The secret's value. Raises PermanentError for a name the worker's `requires` doesn't list."""
        return self.secret_source(name)

    def progress(self, text: str) -> None:
        """Say in a few words how far the work has come; shown live in a terminal, kept in the log."""
        self.progress_sink(text)
