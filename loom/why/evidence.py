"""Evidence: everything an answer is built from, read at one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from loom.domain.alert import Episode
from loom.domain.enforcement import EnforcementContext
from loom.domain.pause import Pause
from loom.domain.registry import BrokenEntry
from loom.domain.run import Run
from loom.domain.schedule import Schedule
from loom.domain.slot import Slot, Ticket
from loom.domain.tick import Planned, Tick
from loom.domain.worker import Worker
from loom.slots.decision import Obstacle
from loom.values import dataclass
from loom.why.words import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One slot, or a range of adjacent ones that share a record. last: equal to `first` for a single slot.

    own: what was recorded of it as scheduled, oldest first; the last one may be final. by_hand: runs that a
    person asked for beside it, oldest first.
    """

    first: datetime
    last: datetime
    count: int = 1
    own: tuple[Run, ...] = ()
    by_hand: tuple[Run, ...] = ()

    @property
    def final(self) -> Run | None:
        return next((run for run in reversed(self.own) if run.final), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one worker at `now` (UTC), read at one moment.

    id, agent: the worker's. worker: None when its registry entry is `broken`.
    mark: None while no tick has seen it. tickets: the worker's, open or held by somebody, by key.
    alive: keys of those whose claimer is alive. undecided: slots that came due after the mark, UTC.
    obstacles: what keeps it from starting anything now, as a tick would find it.
    would: what the plan of a tick right now does with the worker. kept: tickets that this plan leaves open,
        with the reason that they would have then.
    ticks: those that decide whatever is due, oldest first, from `ticks_since` on, as far back as any answer
        looks. ticks_expected: when they should come.
    episodes: of the worker and of Loom's own set-up, open or closed since `ticks_since`.
    asked_for: the newest run that began, if a person asked for it.
    status_line: on which line of the registry `worker` is paused or disabled, if it is and that was found.
    records_since: when the records begin of which none is forgotten yet.
    host: this machine's name.
    """

    now: datetime
    times: Times
    id: str
    agent: str | None
    worker: Worker | None
    broken: BrokenEntry | None
    host: str
    mark: datetime | None
    last_tick: Tick | None
    tickets: Mapping[str, Ticket]
    alive: frozenset[str]
    pause: Pause | None
    undecided: tuple[datetime, ...]
    obstacles: tuple[Obstacle, ...]
    enforcement: EnforcementContext | None
    would: tuple[Planned, ...]
    kept: tuple[Ticket, ...]
    ticks: Sequence[Tick]
    ticks_since: datetime
    ticks_expected: Schedule
    episodes: Sequence[Episode]
    records_since: datetime
    asked_for: Run | None = None
    status_line: int | None = None

    def ticket_of(self, slot: datetime) -> Ticket | None:
        return self.tickets.get(Slot(self.id, slot).key)

    def is_alive(self, ticket: Ticket) -> bool:
        return ticket.key in self.alive

    def last_tick_before(self, at: datetime) -> Tick | None:
        """The newest tick that came before `at`, as far as `ticks` go back."""
        return next((tick for tick in reversed(self.ticks) if tick.at < at), None)

    def ticks_between(self, first: datetime, end: datetime) -> list[Tick]:
        """The ticks in [first, end)."""
        return [tick for tick in self.ticks if first <= tick.at < end]

    def set_up_troubles(self, first: datetime, end: datetime) -> list[Episode]:
        """The troubles of the registry, or of this worker's entry, that were known in between."""
        subjects = {"loom:registry", f"loom:registry:{self.id}"}
        return [
            each
            for each in self.episodes
            if each.subject in subjects
            and each.opened_at < end
            and (each.closed_at is None or each.closed_at >= first)
        ]


LOOKS_BACK = timedelta(days=35)
"""How far before a slot the last tick is looked for."""
