"""What the ledger must know by now: from the files, the clock and what was written, without asking it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loom.domain.pause import Pause
from loom.domain.record import Entry as Written
from loom.domain.run import Outcome, Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Tick
from tests.life.calendar import hour_start, slots
from tests.life.registry import DEFAULT_ZONE, Entry
from tests.life.registry import Written as Registry

INSTANT = timedelta(microseconds=1)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class Known:
    """Of one worker.

    mark: up to when its slots are decided, None before a tick has seen it.
    owed: the slots that came due by then, and those that a request by hand took up. over: those of them with
        a final outcome, and the time of the tick whose run tells it.
    starts: how often each slot was started. lost: those started without a word since.
    waits: before when each may not be started again.
    bad: the ids of bad runs since the last success, which was at `success_at`. doubtful: how many of those
        were bad before that success too, as far as a clock that stood still or went back can tell. twice:
        how often one of them was recorded anew when, by such a clock, the success came after it.
    last_at: when its standing last changed. pause: if it isn't lifted.
    most_starts: the most starts of one slot that its entry ever allowed.
    """

    mark: datetime | None = None
    owed: set[datetime] = field(default_factory=set)
    over: dict[datetime, datetime] = field(default_factory=dict)
    starts: dict[datetime, int] = field(default_factory=dict)
    lost: set[datetime] = field(default_factory=set)
    waits: dict[datetime, datetime] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    doubtful: int = 0
    twice: int = 0
    success_at: datetime = LONG_AGO
    last_at: datetime = LONG_AGO
    pause: Pause | None = None
    most_starts: int = 1

    def paused(self, at: datetime) -> bool:
        return self.pause is not None and (self.pause.until is None or at < self.pause.until)

    def covered(self, run: Run) -> set[datetime]:
        """The slots that `run` tells of."""
        if run.slot is None or run.slot_last is None:
            return self.owed & {run.slot}
        return {at for at in self.owed if run.slot <= at <= run.slot_last}

    def take_over(self, old: "Known") -> None:
        """`old` had another name, and this one no mark: at most a person has run it by hand."""
        self.mark = old.mark
        self.owed |= old.owed
        self.over |= old.over
        self.lost |= old.lost
        self.waits |= old.waits
        self.starts = {slot: self.starts.get(slot, 0) + old.starts.get(slot, 0) for slot in self.owed}
        self.most_starts = max(self.most_starts, old.most_starts)
        self.pause = self.pause or old.pause
        if old.last_at > self.last_at:
            self.bad, self.doubtful, self.twice, self.last_at, self.success_at = (
                old.bad,
                old.doubtful,
                old.twice,
                old.last_at,
                old.success_at,
            )


@dataclass
class Model:
    """Copied with a copy of the ledger, and put back with it.

    lines: to which line an id belongs. The ids that one worker had, one after the other, are of one line; the
        last of them has the mark.
    woke: when each tick on record woke.
    was_bad, final: the ids of all runs that ever were. forgotten: runs of ticks before this may be gone.
    """

    workers: dict[str, Known] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    woke: dict[str, datetime] = field(default_factory=dict)
    was_bad: set[str] = field(default_factory=set)
    final: set[str] = field(default_factory=set)
    forgotten: datetime = LONG_AGO

    def of(self, worker: str) -> Known:
        """worker: the id it has, or one that it had."""
        return self.workers.setdefault(self.now_called(worker), Known())

    def now_called(self, worker: str) -> str:
        if worker in self.marks:
            return worker
        return next(self._kin(worker), worker)

    def _kin(self, worker: str | None) -> Iterator[str]:
        """Who has a mark, of the line of `worker`."""
        line = self.lines.get(worker or "")
        return (id_ for id_ in self.marks if line is not None and self.lines.get(id_) == line)

    @property
    def marks(self) -> Mapping[str, datetime]:
        return {worker: known.mark for worker, known in self.workers.items() if known.mark is not None}

    def decided(self, registry: Registry, at: datetime, *, renames_only: bool) -> None:
        """A tick that woke `at` has written what it decided, or what its registry calls otherwise alone."""
        if registry.broken:
            return
        for entry in registry.readable():
            self._call(entry.id, entry.was, registry)
        for entry in (each for each in registry.entries if each.id in registry.broken_ids()):
            self._call(entry.id, entry.was, registry)
        if renames_only:
            return
        for entry in registry.readable():
            self._decide(entry, at)
        for id_ in registry.broken_ids():
            known = self.of(id_)
            known.mark = known.mark or hour_start(at, DEFAULT_ZONE) - INSTANT

    def _call(self, id_: str, was: str | None, registry: Registry) -> None:
        """Whoever the registry calls `id_` is who had that id before, or the one that it names."""
        if id_ in self.marks:
            return
        direct = [was] if was in self.marks else []
        before = [each for each in (*direct, *self._kin(was), *self._kin(id_)) if each is not None]
        free = [each for each in before if each not in registry.by_id]
        if free:
            line = self.lines.setdefault(free[0], max(self.lines.values(), default=0) + 1)
            old = self.workers.pop(free[0])
            self.lines[id_] = line
            self.workers.setdefault(id_, Known()).take_over(old)
        elif heirs := list(self._kin(id_)):
            # Another worker by an id that was in use: what is decided stays so.
            mark = self.of(heirs[0]).mark
            del self.lines[id_]
            self.of(id_).mark = mark

    def _decide(self, entry: Entry, at: datetime) -> None:
        known = self.of(entry.id)
        mark = known.mark or hour_start(at, entry.timezone) - INSTANT
        if entry.status != "disabled" and at > mark:
            known.owed.update(slots(entry.schedule, entry.timezone, entry.gap, entry.fold, mark, at))
        known.mark = max(mark, at)
        known.most_starts = max(known.most_starts, 1 + entry.later_ticks)

    def saw(self, entries: Sequence[Written], *, by_hand: bool = False) -> None:
        """`entries` are in the ledger. by_hand: a person asked for what they say."""
        for entry in entries:
            if isinstance(entry, Ticket):
                self._saw_ticket(entry, by_hand)
            elif isinstance(entry, Run):
                self._saw_run(entry)
            elif isinstance(entry, Pause):
                self.of(entry.worker).pause = None if entry.lifted else entry
            elif isinstance(entry, Tick):
                self.woke[entry.id] = entry.at

    def _saw_ticket(self, ticket: Ticket, by_hand: bool) -> None:
        slot, known = slot_of(ticket.key), self.of(ticket.worker)
        if slot is None:
            return
        if by_hand:
            known.owed.add(slot)
        if ticket.state is TicketState.CLOSED:
            known.over.setdefault(slot, ticket.slot or slot)
        known.waits.pop(slot, None)
        if ticket.state is TicketState.OPEN and ticket.not_before is not None:
            known.waits[slot] = ticket.not_before

    def _saw_run(self, run: Run) -> None:
        if run.run_id in self.final and not run.final:
            return  # a late version of what is over
        known = self.of(run.worker)
        if run.final:
            self.final.add(run.run_id)
            if not run.by_hand:
                known.over |= dict.fromkeys(known.covered(run), run.tick_at)
        if run.finished_at is not None and run.slot is not None and not run.by_hand:
            known.lost.discard(run.slot)
        if not run.counts:
            return
        known.last_at = run.finished_at or run.tick_at
        if run.outcome is Outcome.SUCCEEDED:
            known.bad.clear()
            known.doubtful = known.twice = 0
            known.success_at = known.last_at
        elif run.outcome.bad:
            again = run.run_id in self.was_bad and run.run_id not in known.bad
            known.doubtful += again and bool(known.bad) and known.success_at <= known.last_at
            known.twice += run.run_id in known.bad and known.success_at > known.last_at
            known.bad.add(run.run_id)
            self.was_bad.add(run.run_id)

    def starts_now(self, worker: str, slot: datetime) -> None:
        """One more start of a slot."""
        known = self.of(worker)
        known.starts[slot] = known.starts.get(slot, 0) + 1
        known.lost.add(slot)


def slot_of(key: str) -> datetime | None:
    """The slot that a ticket's key names; None for a request by hand."""
    found = re.fullmatch(r"[a-z-]+@(.+)Z", key)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
