"""Which run does a person mean, and what does it say? Reads the ledger and the live log, never writes."""

from collections.abc import Callable, Iterator
from typing import Protocol

from loom.domain.record import RunQuery, Snapshot
from loom.domain.registry import Registry
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.errors import UsageError
from loom.ports import Ledger
from loom.runner.naming import find_run
from loom.values import dataclass

_AT_WORK = (TicketState.CLAIMED, TicketState.STARTED)
_LEAST = 8  # characters of a run's id, as for `loom.ports.Ledger.run`
_REMEMBERED = 256 * 1024


def under_way(snapshot: Snapshot, name: str) -> Ticket | None:
    """The ticket at work whose run is called `name`: its id, or 8 or more characters of its beginning or
    end."""
    if len(name) < _LEAST:
        return None
    at_work = [(each, each.run_id or "") for each in snapshot.tickets.values() if each.state in _AT_WORK]
    found = [each for each, run_id in at_work if run_id.startswith(name) or run_id.endswith(name)]
    return found[0] if len(found) == 1 else None


def find(registry: Registry, ledger: Ledger, name: str) -> Run | Ticket:
    """The run called `name`, or the newest one of the worker with this id or agent; its ticket while it is
    under way. Raises UsageError."""
    workers = _workers(registry, name)
    if len(workers) > 1:
        raise UsageError(f"{name} means more than one worker: {' and '.join(workers)}. Name one by its id.")
    if workers:
        return _newest(ledger, workers[0])
    ticket = under_way(ledger.snapshot(), name)
    if ticket is not None and ledger.run(ticket.run_id or "") is None:
        return ticket
    try:
        return find_run(ledger, name)
    except UsageError as error:
        raise UsageError(f"{error}; or name a worker, by id or agent, for its newest run") from None


def others_of(run: Run, ledger: Ledger) -> list[Run]:
    """The other runs of its slot, oldest first; none of a run by hand without a slot, or of several slots."""
    if run.slot is None or run.count > 1:
        return []
    found = ledger.runs(RunQuery(worker=run.worker, slot=run.slot, limit=50))
    return [each for each in reversed(found) if each.run_id != run.run_id]


def _workers(registry: Registry, name: str) -> list[str]:
    folded = name.casefold()
    ids = [id_ for id_ in sorted(registry.ids) if id_.casefold() == folded]
    return ids or [each.id for each in registry.workers if (each.agent or "").casefold() == folded]


def _newest(ledger: Ledger, worker: str) -> Run | Ticket:
    tickets = [each for each in ledger.snapshot().tickets.values() if each.worker == worker]
    at_work = [each for each in tickets if each.state in _AT_WORK and each.run_id]
    runs = ledger.runs(RunQuery(worker=worker, limit=50))
    if not at_work and not runs:
        raise UsageError(f"{worker} has not run yet. Run it with: loom run --worker {worker}")
    if at_work:
        ticket = max(at_work, key=lambda each: each.run_id or "")
        if not runs or ticket.started_at is None or runs[0].tick_at <= ticket.started_at:
            return ticket
    # A tick that passes over older slots records that beside the run which takes their place.
    together = [run for run in runs if run.tick_id == runs[0].tick_id]
    return next((run for run in together if run.started_at is not None), runs[0])


@dataclass(frozen=True, slots=True)
class Look:
    """run: once it is recorded. at_work: whether it still may be."""

    run: Run | None
    at_work: bool


def look(ledger: Ledger, ticket: Ticket, alive: Callable[[Ticket], bool]) -> Look:
    """How the run of `ticket` stands, as of when `ledger` is asked."""
    run_id = ticket.run_id or ""
    held = ledger.snapshot().tickets.get(ticket.key)
    mine = held is not None and held.run_id == run_id and held.state in _AT_WORK
    # Asked after the ticket: they are written together.
    run = ledger.run(run_id)
    if run is None and mine and held is not None and alive(held):
        return Look(None, at_work=True)
    # It may have been recorded, and its process have ended, since it was asked for.
    return Look(run or ledger.run(run_id), at_work=False)


class Live(Protocol):
    """What is read of a run under way; see `loom.execution.live.listening.Listener`."""

    @property
    def missed(self) -> bool: ...

    def more(self) -> str: ...


class Following:
    """What a run under way says, as it says it, until it is recorded. Mutable; for one pass.

    run: how it ended, afterwards; None if its process died. unsaid: whether its record may hold more.
    """

    def __init__(self, live: Live, look: Callable[[], Look], wait: Callable[[], None]) -> None:
        self._live = live
        self._look = look
        self._wait = wait
        self._said = ""
        self.run: Run | None = None
        self.unsaid = False

    def __iter__(self) -> Iterator[str]:
        while True:
            seen = self._look()
            # Read after the look: what a run said before its end was written before it.
            if text := self._live.more():
                self._said = (self._said + text)[: _REMEMBERED + 1]
                yield text
            if not seen.at_work:
                break
            self._wait()
        self.run = seen.run
        if seen.run is not None and (rest := self._rest(seen.run.log)):
            yield rest

    def _rest(self, recorded: str) -> str:
        """What of the record wasn't heard: its last lines, or all of a run that was over too soon."""
        if not self._live.missed and recorded.startswith(self._said):
            return recorded[len(self._said) :]
        self.unsaid = True
        return ""
