"""Tick: one waking of `loom run`. Mark: up to which instant a worker's slots have been decided."""

from datetime import datetime

from loom.domain.alert import Delivery
from loom.domain.pause import Pause
from loom.domain.run import Run
from loom.domain.slot import Slot
from loom.errors import ExitCode, Problem
from loom.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """id: sorts by time. at: the tick's time, UTC. trigger: schedule (a clock), manual (a person), or the
    name GitHub gives the event. exit_code: None while it hasn't ended.
    rules_in_order: which rules it found in order, as the digest of the files in enforcement/ and Loom's
    version; None where they weren't, and of a Loom that didn't say so yet."""

    id: str
    at: datetime
    trigger: str
    finished_at: datetime | None = None
    exit_code: int | None = None
    host: str = ""
    rules_in_order: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Every slot of `worker` at or before `at` (UTC) has been decided. Only moves forwards."""

    worker: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a dry run says of one slot or manual request: what a real tick would do, and why.

    reads: what the worker says that it would read, line by line; None when it wasn't asked or doesn't say."""

    worker: str
    agent: str | None
    slot: datetime | None
    action: str
    reason: str = ""
    count: int = 1
    reads: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """What one tick did, as told to whoever called it.

    runs: in the order they were decided. deliveries: every alert tried in this tick.
    problems: sentences about what is broken. notes: sentences worth knowing that are nobody's fault.
    mistakes: the same as `problems`, as far as they are mistakes in files.
    planned: only after a dry run. upcoming: the next slot of any worker, or None.
    pauses: by hand, as the tick found them.
    trigger_lines: sentences on whether ticks come when they should.
    zone: the registry's, in which a person reads times.
    """

    tick: Tick
    zone: str = "UTC"
    runs: tuple[Run, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    problems: tuple[str, ...] = ()
    mistakes: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    planned: tuple[Planned, ...] = ()
    upcoming: Slot | None = None
    pauses: tuple[Pause, ...] = ()
    trigger_lines: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.OK

    @property
    def idle(self) -> bool:
        """Whether there is nothing to tell but what comes next."""
        return not (self.runs or self.deliveries or self.problems or self.notes or self.planned)
