"""Board: how everything stands, as read at one moment. Finding out, not acting."""

from datetime import datetime, timedelta
from typing import Literal

from loom.domain.alert import Delivery, Episode
from loom.domain.health import Health
from loom.domain.pause import Pause
from loom.domain.run import Outcome, Run
from loom.domain.slot import Ticket
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.trigger import TriggerHealth
from loom.domain.worker import Worker
from loom.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A run that a process has claimed, or has begun.

    slot: None of a run by hand that names none. since: when the work began, UTC; None before that.
    alive: whether its process is at work, None if nobody looked.
    """

    run_id: str | None
    slot: datetime | None
    since: datetime | None
    by_hand: bool
    alive: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One worker on the board. health: None when its registry entry is broken.
    skipped: why its last run was skipped, if it was. skip_is_over: whether that was for a pause which isn't
        in force any more. needs: what a person must do, or empty.
    said: what its last run said that went wrong, while health is down or late; foreign text.
    owed: its open tickets, the oldest slot first. undecided: a slot that came due and that no tick has
        decided yet, the oldest of them. too_old: whether it can't run any more.
    pause: one by hand that is in force. paused_in_registry: its entry says ``status: paused``.
    recent: what its last 14 slots came to, oldest first, each slot once; a range counts all its slots.
    under_way: the run that is, the one begun first if there are several.
    streak: how many of its newest slots succeeded (or, as a negative number, went badly) in a row, at most
        99; skipped and superseded ones neither end it nor are counted.
    """

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
    skip_is_over: bool = False
    needs: str = ""
    said: str = ""
    owed: tuple[Ticket, ...] = ()
    undecided: datetime | None = None
    too_old: bool = False
    under_way: UnderWay | None = None
    pause: Pause | None = None
    paused_in_registry: bool = False
    recent: tuple[SlotOutcome, ...] = ()
    streak: int = 0
    description: str = ""


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
    undecided: slots that came due and that no tick decided, though several were to come since.
    """

    days: int
    slots: int
    on_time: int
    runs: int
    under_digest: int
    bad: int
    bad_delivered: int
    undecided: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """waiting: alerts that haven't been delivered yet, oldest first; `undelivered` is their number.
    troubles: what is open and no single worker's: the registry, the enforcement context, the clock."""

    at: datetime
    zone: str
    rows: tuple[Row, ...]
    last_tick: LastTick | None
    trigger: TriggerHealth
    figures: Figures
    undelivered: int
    problems: tuple[str, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    troubles: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A slot to come. note: what a clock change, or a pause by hand, does to it, or empty.
    paused: whether it is a pause that the note tells of. left_out: no slot, but one that a clock change takes
    away, with the instant of the change."""

    worker: str
    agent: str | None
    slot: datetime
    note: str = ""
    paused: bool = False
    left_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWorker:
    """All there is to know of one worker at one moment.

    last: its newest run that counts. good: the newest one with a valid output, whose findings hold.
    coming: its next slots. within: how long after its instant a slot may still run.
    """

    at: datetime
    zone: str
    worker: Worker
    row: Row
    last: Run | None
    good: Run | None
    coming: tuple[Coming, ...]
    within: timedelta


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
