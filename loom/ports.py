"""The sockets the join needs. Each has an in-memory twin that ships and passes the same contract suite."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from loom.domain.alert import Alert, Delivery, Episode, Event
from loom.domain.enforcement import EnforcementContext, OutputRuling, Refusal
from loom.domain.record import Entry, Promises, RunQuery, RunReader, Snapshot
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.tick import Tick

if TYPE_CHECKING:
    import httpx

    from loom.domain.slot_outcome import SlotOutcome


class Ledger(Protocol):
    """The durable record. Two all-or-nothing writes, and reads.

    Laws, kept by every implementation: a mark never goes back (an older one is ignored); a closed ticket
    never opens again; a ticket is only changed by who holds its fence; a batch is written whole or not
    at all.
    """

    def snapshot(self) -> Snapshot: ...

    def claim(self, entries: Sequence[Entry], *, revision: int) -> None:
        """Write a tick's decisions: marks, tickets closed, opened and claimed, and their runs.

        Raises StaleDecision when the ledger's revision isn't `revision` any more; nothing is written then.
        """

    def record(self, entries: Sequence[Entry]) -> None:
        """Write what happened since. A Ticket must carry the fence that the ledger holds for its key.

        Raises ClaimLost, with the keys, when another fence holds or the ticket is closed; nothing is written.
        """

    def run(self, run_id: str) -> Run | None:
        """The run with this id, or the only one whose id begins or ends with these 8 or more characters."""

    def output(self, run_id: str) -> Mapping[str, Any] | None:
        """The output of the run with this very id; None if it had none, or isn't on record."""

    def newest_closed(self) -> datetime | None:
        """No slot later than this has a ticket that is closed; None if no slot has."""

    def closed_slots(self, worker: str, *, after: datetime) -> frozenset[datetime]:
        """Slots of `worker` later than `after` whose tickets are closed: run by hand ahead of the mark."""

    def runs(self, query: RunQuery) -> Sequence[Run]: ...

    def reader(self) -> RunReader:
        """`runs` for who isn't in the thread that this ledger is for. Costs nothing until it is called."""

    def slot_outcomes(
        self, *, worker: str | None = None, since: datetime | None = None, limit: int
    ) -> "Sequence[SlotOutcome]":
        """What became of scheduled slots, as the newest `limit` runs with tick_at at or after `since` tell,
        newest first. Runs by hand are passed over, so there may be fewer than `limit`. A slot that was
        started more than once has a record of each start, of which at most the newest is final."""

    def ticks(self, *, since: datetime) -> Sequence[Tick]:
        """Ticks at or after `since`, oldest first."""

    def tick_times(
        self,
        *,
        triggers: Collection[str],
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[datetime]:
        """When the newest `limit` ticks came that one of `triggers` brought, newest first, UTC; all of them
        without. since, until: bounds, both inclusive. For who needs to know no more of a tick."""

    def deliveries(self, *, run_id: str | None = None, since: datetime | None = None) -> Sequence[Delivery]:
        """What was said, and to whom: about one run, or since an instant (of its last change), in the
        order in which it was made. With neither: all that is on record."""

    def episodes(self, *, since: datetime) -> Sequence[Episode]:
        """Those that are open, and those that closed at or after `since`, in the order they opened. A closed
        one keeps the subject that it had then, whatever a worker was renamed to since."""

    def promises(self, *, since: datetime, unheard: Collection[str] = ()) -> Promises:
        """How far the promises were kept by runs with tick_at at or after `since`. unheard: ids of episodes
        of which something has yet to be delivered."""

    def prune(self, *, before: datetime) -> int:
        """Forget sent deliveries, closed episodes, ended ticks, closed tickets and final runs older than
        `before`, except those a standing names. Returns how many runs went."""

    def publish(self) -> Sequence[str]:
        """Make what was recorded visible to every other runner, if it isn't by being written. Costs nothing
        when there is nothing to publish.

        Returns the keys of tickets that another runner took over meanwhile: what was recorded of them
        is gone.
        Raises StateUnpushed when it can't; nothing is lost, and the next `claim` or `publish` tries again.
        """

    def close(self) -> None: ...


class Liveness(Protocol):
    """Whether the process that claimed a ticket is alive, as far as this machine can tell."""

    def claim_as(self) -> str:
        """The name under which this process claims; from the first call on it shows as alive."""

    def alive(self, ticket: Ticket, *, real_now: datetime) -> bool: ...

    def release(self) -> None: ...


class AlertHook(Protocol):
    """A way to reach a person."""

    @property
    def name(self) -> str: ...

    def wants(self, event: Event) -> bool:
        """Whether this hook is for such events (``events:`` of its entry; every event by default)."""

    def deliver(self, alert: Alert) -> None:
        """Deliver or raise DeliveryFailed with a reason a person can act on. Bounded in time."""


class Guard(Protocol):
    """The enforcement context around one run of one worker."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What was refused, in order, as far as it is kept."""

    @property
    def context(self) -> EnforcementContext:
        """What of the enforcement context applies to the run."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules and guidance that apply to the run."""

    @property
    def checks(self) -> int:
        """How many acts were judged."""

    @property
    def refused(self) -> int:
        """How many of them were refused."""

    def tell(self, listener: Callable[[Refusal], None]) -> None:
        """From now on `listener` hears of each refusal at once, in the thread that was refused."""

    def inside(self) -> AbstractContextManager[None]:
        """Within, and in whatever is started from there, each act is the run's and judged as such."""

    def outside(self) -> AbstractContextManager[None]:
        """Within, what this thread does is Loom's own doing."""

    def grants_secret(self, name: str) -> bool:
        """Whether the rules leave this secret, which the worker requires, to it."""

    def admit_secret(self, name: str) -> None:
        """Raises Refused when a rule keeps this secret from the worker."""

    def http(self) -> "httpx.Client": ...

    def http_async(self) -> "httpx.AsyncClient": ...

    def revoke(self, why: str) -> None:
        """From now on every act is refused."""

    def rule_on(self, value: Any) -> OutputRuling:
        """What the output rules say of a text, or of a value in its JSON form; never raises."""

    def rule_on_output(self, output: Any) -> OutputRuling:
        """As `rule_on`, for the output as a whole, which may be too much as well."""


class Progress(Protocol):
    """Who watches a tick while it works: a terminal, or nobody."""

    def started(self, ticket: Ticket, agent: str | None) -> None: ...

    def said(self, ticket: Ticket, text: str) -> None: ...

    def finished(self, run: Run) -> None: ...
