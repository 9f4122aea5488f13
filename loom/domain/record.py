"""What is written into a ledger, and what is read of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from loom.domain.alert import Delivery, Episode
from loom.domain.pause import Pause
from loom.domain.registry import HookSettings
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Renamed:
    """Mark, history, standing, pause and tickets of `old` belong to `new` from now on.

    What is still written of `old`, by whoever began before this, is of `new` too; until `old` has a mark
    again, and is another worker's id."""

    old: str
    new: str

    def onto(self, renamed: Mapping[str, str]) -> dict[str, str]:
        """Every id that was given up, with the one its worker has now, once this one is among them."""
        after = {id_: self.new if present == self.old else present for id_, present in renamed.items()}
        after[self.old] = self.new
        after.pop(self.new, None)
        return after


@dataclass(frozen=True, slots=True)
class HooksInForce:
    """The last valid ``alerts:`` of the registry, for the day the registry can't be read."""

    hooks: tuple[HookSettings, ...]


Entry = Tick | Mark | Ticket | Run | Episode | Delivery | Pause | Renamed | HooksInForce
"""What can be written: a new version of a value. The last version of a key is the one that holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a decision needs, read at one moment. Its size depends on what is open, never on history.

    revision: changes whenever a mark, ticket or pause does; `claim` holds it against the ledger's.
    renamed: ids that workers had before, each with the one that its worker has now.
    tickets: those not closed, by key. episodes: those not closed, by subject. deliveries: those not sent.
    """

    revision: int
    marks: Mapping[str, datetime]
    renamed: Mapping[str, str]
    tickets: Mapping[str, Ticket]
    pauses: Mapping[str, Pause]
    standings: Mapping[str, Standing]
    episodes: Mapping[str, Episode]
    deliveries: tuple[Delivery, ...]
    last_tick: Tick | None
    hooks: tuple[HookSettings, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs to read, newest first. since/until: bounds on `tick_at`, UTC."""

    worker: str | None = None
    slot: datetime | None = None
    outcomes: tuple[str, ...] = ()
    tick_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50


RunReader = Callable[[RunQuery], Iterable[Run]]
"""What answers a query for runs wherever it is called: in any thread, and, as it can be pickled, in another
process. They are as the ledger has them when it is called. Raises LedgerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """How far Loom kept its promises over some time.

    slots, on_time: slots that ended as scheduled (not by hand), each of a range counted; those of them
        whose run is on time. started, under_digest: runs that started; those of them with a digest.
    bad: runs that a person must hear of. unheard: those of them that belong to an episode asked for.
    """

    slots: int
    on_time: int
    started: int
    under_digest: int
    bad: int
    unheard: int = 0
