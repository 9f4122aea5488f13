"""What a tick will write and do, and what it needs to know to decide that."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from loom.domain.pause import Pause
from loom.domain.record import Entry
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.tick import Planned, Tick
from loom.domain.worker import Worker
from loom.values import dataclass

if TYPE_CHECKING:
    from loom.slots.life import Obstacle


class Plan:
    """entries: to be written by the claim, apart from runs. runs: new or changed, to be entered with them.
    start: the tickets to claim and run, in order. on_time: keys of those that came due since the last tick.
    standing: ids of runs recorded before that still hold. left: what a request by hand leaves alone."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.runs: list[Run] = []
        self.start: list[Ticket] = []
        self.on_time: set[str] = set()
        self.standing: list[str] = []
        self.left: list[Planned] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the plan needs to know of the world, given so that planning stays pure.

    digest: of the enforcement context; None if it is broken. obstacle: what keeps this worker from running
    now, if anything. alive: whether a claimer is.
    closed_slots: slots after the mark that were already dealt with by hand. last_run: what is recorded of a
    ticket's last attempt, given whether that attempt's process died; None where nothing is.
    last_words: what a run of that worker whose process died had said, by its id, as it may be recorded.
    """

    tick: Tick
    digest: Callable[[], str | None]
    obstacle: Callable[[Worker], "Obstacle | None"]
    alive: Callable[[Ticket], bool]
    closed_slots: Callable[[str, datetime], frozenset[datetime]]
    last_run: Callable[[Ticket, bool], Run | None]
    last_words: Callable[[str, str], str]
    new_id: Callable[[], str]


def pause_in_force(pause: Pause | None, now: datetime) -> Pause | None:
    """The pause that still holds at `now`, if any: one that is lifted or has run out doesn't."""
    return pause if pause is not None and pause.in_force(now) else None
