"""Board: how everything stands, as read at one moment. Finding out, not acting."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loom.domain.health import Health
from loom.domain.run import Outcome
from loom.domain.trigger import TriggerHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One worker on the board. health: None when its registry entry is broken.
    skipped: why its last run was skipped, if it was. needs: what a person must do, or empty."""

    worker: str
    agent: str | None
    schedule: str
    status: str
    health: Health | None
    next_slot: datetime | None
    last_run_id: str | None = None
    last_outcome: Outcome | None = None
    last_final: bool = True
    last_at: datetime | None = None
    last_success_at: datetime | None = None
    consecutive_failures: int = 0
    skipped: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTick:
    at: datetime
    trigger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The three promises, counted over the last `days`.

    slots, on_time: final outcomes of scheduled slots; those dealt with by the first tick after they came
        due. runs, under_digest: runs that started; those recorded with an enforcement digest.
    bad, bad_delivered: bad outcomes; those of them whose episode has no alert, good news apart, that is
        still to be delivered.
    """

    days: int
    slots: int
    on_time: int
    runs: int
    under_digest: int
    bad: int
    bad_delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    at: datetime
    zone: str
    rows: tuple[Row, ...]
    last_tick: LastTick | None
    trigger: TriggerHealth
    figures: Figures
    undelivered: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A slot to come. note: what a clock change does to it, or empty."""

    worker: str
    agent: str | None
    slot: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of `loom check`. level 'error' fails the check, 'warning' doesn't, 'ok' is good news."""

    level: Literal["ok", "warning", "error"]
    what: str
    detail: str = ""
    remedy: str = ""

    @property
    def ok(self) -> bool:
        return self.level != "error"
