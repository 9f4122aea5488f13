"""When a worker is to run: cron text in a zone, with a policy for clock changes and for lateness."""

from datetime import timedelta
from enum import StrEnum

from loom.domain.cron import CronFields
from loom.values import dataclass


class Gap(StrEnum):
    """What becomes of a wall-clock time that a spring-forward change leaves out."""

    TRANSITION = "transition"
    SKIP = "skip"
    SHIFT = "shift"


class Fold(StrEnum):
    """Which of the two instants counts when a fall-back change repeats a wall-clock time."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class DstPolicy:
    gap: Gap = Gap.TRANSITION
    fold: Fold = Fold.FIRST


@dataclass(frozen=True, slots=True)
class Schedule:
    """cron: the text as written. fields: what it says. zone: an IANA name."""

    cron: str
    fields: CronFields
    zone: str
    dst: DstPolicy = DstPolicy()


class CatchUpPolicy(StrEnum):
    LATEST = "latest"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """How far back a late tick reaches. within: None means the default by the schedule's period."""

    policy: CatchUpPolicy = CatchUpPolicy.LATEST
    within: timedelta | None = None
