"""Tick: one waking of `loom run`. Mark: up to which instant a worker's slots have been decided."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """id: sorts by time. at: the tick's time, UTC. trigger: schedule (a clock), manual (a person), or the
    name GitHub gives the event. exit_code: None while it hasn't ended."""

    id: str
    at: datetime
    trigger: str
    finished_at: datetime | None = None
    exit_code: int | None = None
    host: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Every slot of `worker` at or before `at` (UTC) has been decided. Only moves forwards."""

    worker: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A worker that a person paused with `loom pause`. lifted: True is the record of its end."""

    worker: str
    by: str
    at: datetime
    reason: str = ""
    until: datetime | None = None
    lifted: bool = False
