"""Run: the record of what happened to a slot, or to a manual request."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from loom.values import dataclass, field

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    RETRY = "retry"
    BACKFILL = "backfill"


class OpenReason(StrEnum):
    """Why a slot is still open."""

    RETRY = "retry"
    ABANDONED = "abandoned"
    ENFORCEMENT = "enforcement"
    REQUIREMENT = "requirement"
    BUDGET = "budget"
    OVERLAP = "overlap"


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INVALID = "invalid"
    TIMED_OUT = "timed_out"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    MISSED = "missed"
    ABANDONED = "abandoned"

    @property
    def bad(self) -> bool:
        """Whether a person must hear of it."""
        return self in _BAD


_BAD = frozenset(
    {
        Outcome.FAILED,
        Outcome.INVALID,
        Outcome.TIMED_OUT,
        Outcome.BLOCKED,
        Outcome.MISSED,
        Outcome.ABANDONED,
    }
)


@dataclass(frozen=True, slots=True)
class RunError:
    """kind: the exception's class or a rule's id. where: file:line in the worker, a rule, or a field."""

    kind: str
    message: str
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One record of what happened: to one slot, to a range of adjacent slots that share a fate, or to
    a manual request.

    slot: the (first) slot's instant; None for a manual request without a slot. slot_last, count: the
        range's end and size; equal to `slot` and 1 for a single slot.
    final: whether this is its slot's outcome. False while the slot stays open (`open_reason` says why), and
        for good once a later run of the slot has taken its place.
    on_time: True when the slot was decided by the first tick after it came due with its catch-up intact.
    output: validated and redacted. rejected: what an invalid run returned, redacted.
    trigger: schedule (a tick found the slot due), retry (its slot was started before), manual and backfill
        (a person asked). by_hand: it stands beside the slot it names, if any, and isn't that slot's outcome.
    counts: False for runs with --param, which change neither health nor `previous`.
    episode: the alert episode a bad run belongs to, or 'held 1 of 3'; empty for good ones.
    rules: the ids of the rules and guidance that it ran under. checks, refusals: how many of its acts were
        judged by them, and how many of those refused.
    tick_at: when the tick came that recorded it, UTC.
    """

    run_id: str
    worker: str
    agent: str | None
    slot: datetime | None
    slot_last: datetime | None = None
    count: int = 1
    trigger: Trigger
    outcome: Outcome
    final: bool = True
    open_reason: OpenReason | None = None
    reason: str = ""
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None
    output: Mapping[str, Any] | None = None
    rejected: Any = None
    error: RunError | None = None
    errors: tuple[RunError, ...] = ()
    enforcement_digest: str | None = None
    rules: tuple[str, ...] = ()
    checks: int = 0
    refusals: int = 0
    log: str = ""
    tick_id: str = ""
    tick_at: datetime
    on_time: bool = False
    counts: bool = True
    episode: str = ""
    by_hand: bool = False
    not_before: datetime | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def bad(self) -> bool:
        """Whether a person must hear of it: a bad outcome, or a slot waiting for a requirement."""
        return self.outcome in _BAD or self.open_reason is OpenReason.REQUIREMENT
