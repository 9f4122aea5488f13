"""The tables of the in-memory ledger, and how an entry changes them. A batch can be taken back."""

from datetime import datetime
from typing import Any, TypeVar

from loom.domain.alert import Delivery, DeliveryState, Episode
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed
from loom.domain.registry import HookSettings
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.ledger.laws import (
    UNKNOWN,
    Holding,
    as_now_called,
    may_write,
    renamed_key,
    renamed_standing,
    still_renamed,
)
from loom.values import replace

V = TypeVar("V")

NEWEST = ""
"""The one key of a table that holds one thing."""

_ABSENT: Any = object()


class Tables:
    """moved: whether the batch changed anything that a decision could depend on."""

    def __init__(self) -> None:
        self.ticks: dict[str, Tick] = {}
        self.last_tick: dict[str, Tick] = {}
        self.marks: dict[str, datetime] = {}
        self.open_tickets: dict[str, Ticket] = {}
        self.closed_tickets: dict[str, Ticket] = {}
        self.pauses: dict[str, Pause] = {}
        self.standings: dict[str, Standing] = {}
        self.runs: dict[str, Run] = {}
        self.open_episodes: dict[str, Episode] = {}
        self.closed_episodes: dict[str, Episode] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.unsent: dict[str, Delivery] = {}
        self.hooks: dict[str, tuple[HookSettings, ...]] = {}
        self.renamed: dict[str, str] = {}
        self.moved = False
        self._undo: list[tuple[dict[str, Any], str, Any]] = []

    def begin(self) -> None:
        self.moved = False
        self._undo.clear()

    def roll_back(self) -> None:
        """Put everything back as it was at `begin`."""
        for table, key, value in reversed(self._undo):
            if value is _ABSENT:
                table.pop(key, None)
            else:
                table[key] = value
        self._undo.clear()

    def enter(self, entry: Entry, *, claiming: bool) -> tuple[str, ...]:
        """Write one entry. Returns the key of a ticket that may not be written: the batch is lost then."""
        given = entry
        if self.renamed:
            entry = as_now_called(given, still_renamed(self.renamed, self.marks))
        match entry:
            case Ticket():
                allowed = self._enter_ticket(entry, claiming=claiming)
                return () if allowed or not isinstance(given, Ticket) else (given.key,)
            case Mark(worker, at):
                self._advance_mark(worker, at)
            case Run():
                self._enter_run(entry)
            case Tick():
                self._enter_tick(entry)
            case Episode():
                self._enter_episode(entry)
            case Delivery():
                self._enter_delivery(entry)
            case Pause():
                self.moved = True
                self._put(self.pauses, entry.worker, entry)
            case Renamed(old, new):
                self.moved = True
                if old != new:
                    self._rename(entry)
            case HooksInForce(hooks):
                self._put(self.hooks, NEWEST, hooks)
        return ()

    def _put(self, table: dict[str, V], key: str, value: V) -> None:
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def _take(self, table: dict[str, V], key: str) -> V | None:
        if key not in table:
            return None
        self._undo.append((table, key, table[key]))
        return table.pop(key)

    def _enter_ticket(self, ticket: Ticket, *, claiming: bool) -> bool:
        if not may_write(ticket, self._holding(ticket.key), claiming=claiming):
            return False
        self.moved = True
        if ticket.state is TicketState.CLOSED:
            self._take(self.open_tickets, ticket.key)
            self._put(self.closed_tickets, ticket.key, ticket)
        else:
            self._put(self.open_tickets, ticket.key, ticket)
        return True

    def _holding(self, key: str) -> Holding:
        if key in self.closed_tickets:
            return Holding(self.closed_tickets[key].fence, closed=True)
        held = self.open_tickets.get(key)
        return UNKNOWN if held is None else Holding(held.fence, closed=False)

    def _advance_mark(self, worker: str, at: datetime) -> None:
        held = self.marks.get(worker)
        if held is None or at > held:
            self.moved = True
            self._put(self.marks, worker, at)

    def _enter_run(self, run: Run) -> None:
        held = self.runs.get(run.run_id)
        if held is not None and held.final and not run.final:
            return
        self._put(self.runs, run.run_id, run)
        standing = self.standings.get(run.worker) or Standing(worker=run.worker)
        after = standing.after(run, None if held is None else held.outcome)
        if after is not standing:
            self._put(self.standings, run.worker, after)

    def _enter_tick(self, tick: Tick) -> None:
        self._put(self.ticks, tick.id, tick)
        last = self.last_tick.get(NEWEST)
        if last is None or (tick.at, tick.id) >= (last.at, last.id):
            self._put(self.last_tick, NEWEST, tick)

    def _enter_episode(self, episode: Episode) -> None:
        mine, other = self.open_episodes, self.closed_episodes
        if episode.closed_at is not None:
            mine, other = other, mine
        self._take(other, episode.id)
        self._put(mine, episode.id, episode)

    def _enter_delivery(self, delivery: Delivery) -> None:
        self._put(self.deliveries, delivery.id, delivery)
        if delivery.state is DeliveryState.SENT:
            self._take(self.unsent, delivery.id)
        else:
            self._put(self.unsent, delivery.id, delivery)

    def _rename(self, renamed: Renamed) -> None:
        old, new = renamed.old, renamed.new
        after = renamed.onto(still_renamed(self.renamed, self.marks))
        for former in list(self.renamed):
            self._take(self.renamed, former)
        for former, present in after.items():
            self._put(self.renamed, former, present)
        mark = self._take(self.marks, old)
        if mark is not None:
            self._advance_mark(new, mark)
        standing = self._take(self.standings, old)
        if standing and (moved := renamed_standing(standing, self.standings.get(new))):
            self._put(self.standings, new, replace(moved, worker=new))
        pause = self._take(self.pauses, old)
        held = self.pauses.get(new)
        if pause and (held is None or held.lifted):
            self._put(self.pauses, new, replace(pause, worker=new))
        for ticket in [*self.open_tickets.values(), *self.closed_tickets.values()]:
            if ticket.worker == old:
                self._rename_ticket(ticket, renamed_key(ticket.key, old, new), new)
        for run in list(self.runs.values()):
            if run.worker == old:
                self._put(self.runs, run.run_id, replace(run, worker=new))
        for episode in list(self.open_episodes.values()):
            if episode.subject == old:
                self._put(self.open_episodes, episode.id, replace(episode, subject=new))

    def _rename_ticket(self, ticket: Ticket, key: str, new: str) -> None:
        """Closed tickets move too: a slot that ran under the old name never runs under the new one."""
        closed = ticket.state is TicketState.CLOSED
        self._take(self.closed_tickets if closed else self.open_tickets, ticket.key)
        if key in self.closed_tickets or (key in self.open_tickets and not closed):
            return
        self._take(self.open_tickets, key)
        moved = replace(ticket, key=key, worker=new)
        self._put(self.closed_tickets if closed else self.open_tickets, key, moved)
