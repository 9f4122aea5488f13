"""What the ledger must know by now, from the files, the clock and what was written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loom.domain.run import Outcome, Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Pause
from loom.ports import Entry as Written
from tests.life.calendar import hour_start, slots
from tests.life.registry import DEFAULT_ZONE, Entry
from tests.life.registry import Written as Registry

INSTANT = timedelta(microseconds=1)


@dataclass
class Model:
    """Copied with a copy of the ledger, and put back with it. By worker:

    marks: up to when its slots are decided. owed: the slots that came due by then, and those that a request
        by hand took up. over: those with a final outcome. starts: how often each was started.
    bad: the ids of its bad runs since its last success, which was at `success_at`. doubtful: how many of
        those were bad before that success too, as far as a clock that stood still or went back can tell.
    last_at: when its standing last changed. pauses: the one not lifted.
    most_starts: the most starts of one slot that its entry ever allowed.

    was_bad, final: the ids of all runs that ever were. forgotten: runs of ticks before this may be gone.
    """

    marks: dict[str, datetime] = field(default_factory=dict)
    owed: dict[str, set[datetime]] = field(default_factory=dict)
    over: dict[str, set[datetime]] = field(default_factory=dict)
    starts: dict[str, dict[datetime, int]] = field(default_factory=dict)
    bad: dict[str, set[str]] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    success_at: dict[str, datetime] = field(default_factory=dict)
    was_bad: set[str] = field(default_factory=set)
    last_at: dict[str, datetime] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    forgotten: datetime = datetime(1, 1, 1, tzinfo=UTC)
    pauses: dict[str, Pause] = field(default_factory=dict)
    most_starts: dict[str, int] = field(default_factory=dict)

    def decided(self, registry: Registry, at: datetime, *, renames_only: bool) -> None:
        """A tick that woke `at` has written what it decided, or carried out the renames alone."""
        if registry.broken:
            return
        for entry in registry.readable():
            self._rename(entry)
        if renames_only:
            return
        for entry in registry.readable():
            self._decide(entry, at)
        for id_ in registry.broken_ids():
            self.marks.setdefault(id_, hour_start(at, DEFAULT_ZONE) - INSTANT)

    def _decide(self, entry: Entry, at: datetime) -> None:
        mark = self.marks.setdefault(entry.id, hour_start(at, entry.timezone) - INSTANT)
        owed = self.owed.setdefault(entry.id, set())
        if entry.status != "disabled" and at > mark:
            owed.update(slots(entry.schedule, entry.timezone, entry.gap, entry.fold, mark, at))
        self.marks[entry.id] = max(mark, at)
        self.most_starts[entry.id] = max(self.most_starts.get(entry.id, 1), 1 + entry.later_ticks)

    def _rename(self, entry: Entry) -> None:
        old, new = entry.was, entry.id
        if old is None or new in self.marks or old not in self.marks:
            return
        self.marks[new] = self.marks.pop(old)
        self.owed.setdefault(new, set()).update(self.owed.pop(old, ()))
        self.over.setdefault(new, set()).update(self.over.pop(old, ()))
        starts = self.starts.setdefault(new, {})
        for slot, count in self.starts.pop(old, {}).items():
            starts[slot] = starts.get(slot, 0) + count
        self.most_starts[new] = max(self.most_starts.get(new, 1), self.most_starts.pop(old, 1))
        if (pause := self.pauses.pop(old, None)) and new not in self.pauses:
            self.pauses[new] = pause
        bad, last_at = self.bad.pop(old, set()), self.last_at.pop(old, None)
        # A request by hand may have given the new name a standing of its own: the newer one stays.
        if last_at is not None and (new not in self.last_at or last_at > self.last_at[new]):
            self.bad[new], self.last_at[new] = bad, last_at
            self.doubtful[new] = self.doubtful.pop(old, 0)
            if old in self.success_at:
                self.success_at[new] = self.success_at.pop(old)

    def saw(self, entries: Sequence[Written], *, by_hand: bool = False) -> None:
        """`entries` are in the ledger. by_hand: a person asked for what they say."""
        for entry in entries:
            if isinstance(entry, Ticket):
                self._saw_ticket(entry, by_hand)
            elif isinstance(entry, Run):
                self._saw_run(entry)
            elif isinstance(entry, Pause):
                self.pauses[entry.worker] = entry
                if entry.lifted:
                    del self.pauses[entry.worker]

    def _saw_ticket(self, ticket: Ticket, by_hand: bool) -> None:
        slot = slot_of(ticket.key)
        if slot is None:
            return
        if by_hand:
            self.owed.setdefault(ticket.worker, set()).add(slot)
        if ticket.state is TicketState.CLOSED:
            self.over.setdefault(ticket.worker, set()).add(slot)

    def _saw_run(self, run: Run) -> None:
        if run.run_id in self.final and not run.final:
            return  # a late version of what is over
        if run.final:
            self.final.add(run.run_id)
            if not run.by_hand:
                self.over.setdefault(run.worker, set()).update(self.covered(run))
        if not run.counts:
            return
        at = self.last_at[run.worker] = run.finished_at or run.tick_at
        bad = self.bad.setdefault(run.worker, set())
        if run.outcome is Outcome.SUCCEEDED:
            bad.clear()
            self.doubtful.pop(run.worker, None)
            self.success_at[run.worker] = at
        elif run.outcome.bad:
            again = run.run_id in self.was_bad and run.run_id not in bad
            if again and bad and self.success_at[run.worker] <= at:
                self.doubtful[run.worker] = self.doubtful.get(run.worker, 0) + 1
            bad.add(run.run_id)
            self.was_bad.add(run.run_id)

    def covered(self, run: Run) -> set[datetime]:
        """The slots that `run` tells of."""
        owed = self.owed.get(run.worker, set())
        if run.slot is None or run.slot_last is None:
            return owed & {run.slot}
        return {at for at in owed if run.slot <= at <= run.slot_last}

    def starts_now(self, worker: str, slot: datetime) -> int:
        """One more start of a slot. Returns the how manieth."""
        counts = self.starts.setdefault(worker, {})
        counts[slot] = counts.get(slot, 0) + 1
        return counts[slot]

    def paused(self, worker: str, at: datetime) -> bool:
        pause = self.pauses.get(worker)
        return pause is not None and (pause.until is None or at < pause.until)


def slot_of(key: str) -> datetime | None:
    """The slot that a ticket's key names; None for a request by hand."""
    found = re.fullmatch(r"[a-z-]+@(.+)Z", key)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
