"""Worker: a definition, one entry of the registry."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from loom.domain.schedule import CatchUp, Schedule
from loom.values import dataclass, field

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Status(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class Overlap(StrEnum):
    """What becomes of a slot that comes due while a run of its worker is still alive, here or elsewhere."""

    SKIP = "skip"
    WAIT = "wait"
    ALLOW = "allow"


class Isolation(StrEnum):
    """Where a worker's code runs: in a thread of Loom's own process, or in a process that can be killed."""

    INLINE = "inline"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Retry:
    """Within a tick: up to `attempts`, waiting backoff, backoff*factor, ... at most max_backoff, each
    wait varied by +-jitter (a share of 1). Over ticks: `later_ticks` more starts of the same slot.
    abandoned: whether a run whose process died may be started again."""

    attempts: int = 3
    backoff: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    max_backoff: timedelta = timedelta(minutes=1)
    jitter: float = 0.2
    later_ticks: int = 2
    abandoned: bool = True


@dataclass(frozen=True, slots=True)
class Requires:
    """What must be there before a run may start: environment variables by name, paths in the project."""

    env: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expect:
    """What a good output looks like beyond its shape: dotted paths into the output's JSON form."""

    non_empty: tuple[str, ...] = ()
    minimum: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    maximum: Mapping[str, float] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """after: the number of consecutive bad outcomes that opens an episode. remind: between reminders."""

    after: int = 1
    remind: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Worker:
    """entrypoint: ``module:function``. was: the id it had before. line: where the registry defines it.
    memory: the bytes of address space its process may have, or None; only with Isolation.PROCESS."""

    id: str
    schedule: Schedule
    entrypoint: str
    agent: str | None = None
    description: str = ""
    status: Status = Status.ACTIVE
    timeout: timedelta = timedelta(minutes=10)
    retry: Retry = Retry()
    catch_up: CatchUp = CatchUp()
    overlap: Overlap = Overlap.SKIP
    requires: Requires = Requires()
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    expect: Expect = field(default_factory=Expect)
    alert: AlertPolicy = AlertPolicy()
    isolation: Isolation = Isolation.INLINE
    memory: int | None = None
    was: str | None = None
    line: int | None = None
