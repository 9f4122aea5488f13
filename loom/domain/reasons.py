"""Reasons: why a worker did or didn't run, as an answer that is found out once and then only told."""

from datetime import datetime, timedelta
from enum import StrEnum

from loom.domain.run import Outcome
from loom.domain.tick import Planned
from loom.values import dataclass


class Topic(StrEnum):
    """What a fact is about: each is something that decides whether a slot runs."""

    MARK = "mark"
    SLOT = "slot"
    CLOCK_CHANGE = "clock change"
    CATCH_UP = "catch-up"
    OVERLAP = "overlap"
    REQUIREMENT = "requirement"
    ENFORCEMENT = "enforcement"
    PAUSE = "pause"
    REGISTRY = "registry"
    ALERT = "alert"
    TICKS = "ticks"
    NEXT = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """says: a sentence or two. do: the command or the edit that helps, or empty.
    matters: whether it has a part in the verdict; the others were looked at and found in order."""

    topic: Topic
    says: str
    do: str = ""
    matters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFate:
    """What became of one slot, or of a range of adjacent ones that share it.

    slot, last, count: as in `Run`. outcome: that of its newest record; None without any.
    final: whether that is so for good. reason: why, in plain words. tick_at: when the tick
        came that dealt with it first, UTC; late: how long after the slot that was, and late_because, if
        that was too long, what kept it. began: whether the worker's code was started; at_once: by that tick,
        which a person asked for if by_hand.
    note: of a clock change.
    """

    slot: datetime
    last: datetime | None = None
    count: int = 1
    outcome: Outcome | None = None
    final: bool = False
    reason: str = ""
    run_id: str | None = None
    tick_at: datetime | None = None
    late: timedelta | None = None
    late_because: str = ""
    began: bool = False
    at_once: bool = False
    by_hand: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """slot: the worker's next one, UTC, or None. note: what a clock change or a pause does to it, or empty.
    would: what a tick right now would do with what is due or open, as the tick's own plan has it."""

    slot: datetime | None = None
    note: str = ""
    would: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The answer to `loom why`. zone: the worker's, an IANA name, in which all is told.

    now: when it was found out, UTC. at: the instant that was asked about, UTC; None: how it stands now.
    verdict: the answer in one sentence. slots: the slots considered, newest first.
    """

    worker: str
    agent: str | None
    schedule: str
    zone: str
    now: datetime
    at: datetime | None
    verdict: str
    facts: tuple[Fact, ...]
    slots: tuple[SlotFate, ...] = ()
    next: Expected = Expected()
