"""What one tick decides for one worker: the slots to start, to close and to hold."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from loom.domain.run import OpenReason, Outcome
from loom.domain.schedule import Schedule
from loom.domain.slot import Ticket
from loom.slots.calendar import instants
from loom.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a worker from starting anything now. reason: enforcement, requirement or budget."""

    reason: OpenReason
    detail: str


@dataclass(frozen=True, slots=True)
class Ended:
    """One slot's (or manual request's) final outcome. slot: None for a manual request.

    ticket: what the ledger had of it, already closed; None for a slot that never was in the ledger.
    attempted: the outcome is that of its last attempt, which makes that attempt's run the final one.
    died: that attempt's process died, so its run may not have been recorded.
    """

    slot: datetime | None
    outcome: Outcome
    reason: str
    ticket: Ticket | None = None
    attempted: bool = False
    died: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Newly due slots that end alike, ascending, at least one: a month of them is told as fast as a day."""

    slots: list[datetime]
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """One final outcome of a slot, or of a range of adjacent slots that share it: one record, one alert.

    first, last: the range's ends, UTC; equal for a single slot, None for a manual request, whose ticket
        knows the slot it was made for, if any.
    count: how many slots. tickets: those that the ledger knows, closed, ready to be written.
    started: the ticket whose last attempt is hereby final (then `count` is 1); None when the outcome is
        the decision's own (skipped, missed, superseded). died: that attempt's process died.
    """

    outcome: Outcome
    reason: str
    first: datetime | None
    last: datetime | None
    count: int = 1
    tickets: tuple[Ticket, ...] = ()
    started: Ticket | None = None
    died: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The fate of every newly due slot and of every ticket that nobody alive holds: each is in exactly one of
    `start`, `close` and `hold`.

    start: to be claimed and run in this order, one at a time; OPEN values, `starts` as it was before.
    close: final outcomes, by slot.
    hold: OPEN values with their reason; one that equals what the ledger has needs no writing.
    abandoned: tickets, as read, of which an attempt died but which stay open (each is in `start` or `hold`
        too); that attempt wants its own `abandoned` record, not final. One that died for good is in `close`.
    mark: the worker's new mark, UTC.
    """

    mark: datetime
    start: tuple[Ticket, ...] = ()
    close: tuple[Closing, ...] = ()
    hold: tuple[Ticket, ...] = ()
    abandoned: tuple[Ticket, ...] = ()


def in_ranges(
    ended: Sequence[Ended], schedule: Schedule | None, stretches: Sequence[Stretch] = ()
) -> tuple[Closing, ...]:
    """Neighbours on `schedule` that share outcome and reason become one closing.

    ended: ascending by slot, manual requests anywhere. stretches: none reaches into another. Without a
    schedule nothing is known of neighbours, and each stands alone; a range must never cover a slot in
    between that met another end.
    """
    requests = [_closing(each) for each in ended if each.slot is None]
    parts = [_closing(each) for each in ended if each.slot is not None]
    between = [each.slot for each in ended if each.slot is not None]
    ends = [*between, *(end for each in stretches for end in (each.slots[0], each.slots[-1]))]
    on = [] if schedule is None or len(ends) < 2 else _on_schedule(schedule, min(ends), max(ends))
    for stretch in stretches:
        parts += _closings(stretch, between, on)
    parts.sort(key=_first)
    return (*requests, *_joined(parts, on))


def _on_schedule(schedule: Schedule, first: datetime, last: datetime) -> list[datetime]:
    return list(instants(schedule, first - timedelta(microseconds=1), last))


def _closings(stretch: Stretch, between: Sequence[datetime], on: list[datetime]) -> Iterator[Closing]:
    """The stretch, cut wherever a slot with another end stands `between` its own, or one is left out."""
    slots = stretch.slots
    cuts = sorted({0, len(slots), *(bisect_left(slots, at) for at in between)})
    for begin, end in pairwise(cuts):
        for part in _neighbours(slots[begin:end], on):
            yield Closing(
                outcome=stretch.outcome,
                reason=stretch.reason,
                first=part[0],
                last=part[-1],
                count=len(part),
            )


def _neighbours(slots: list[datetime], on: list[datetime]) -> Iterator[list[datetime]]:
    """`slots` in parts of which none leaves anything of the schedule out. Mostly that is the whole."""
    begin = bisect_left(on, slots[0])
    if len(slots) == 1 or slots == on[begin : begin + len(slots)]:
        yield slots
        return
    half = len(slots) // 2
    yield from _neighbours(slots[:half], on)
    yield from _neighbours(slots[half:], on)


def _joined(parts: Iterable[Closing], on: list[datetime]) -> Iterator[Closing]:
    gathered: list[Closing] = []
    for each in parts:
        if gathered and not _share_a_range(gathered[-1], each, on):
            yield _as_one(gathered)
            gathered = []
        gathered.append(each)
    if gathered:
        yield _as_one(gathered)


def _share_a_range(one: Closing, other: Closing, on: list[datetime]) -> bool:
    if one.started is not None or other.started is not None or one.last is None or other.first is None:
        return False
    if (one.outcome, one.reason) != (other.outcome, other.reason):
        return False
    place = bisect_left(on, one.last)
    return on[place : place + 2] == [one.last, other.first]


def _as_one(gathered: Sequence[Closing]) -> Closing:
    if len(gathered) == 1:
        return gathered[0]
    return replace(
        gathered[0],
        last=gathered[-1].last,
        count=sum(each.count for each in gathered),
        tickets=tuple(ticket for each in gathered for ticket in each.tickets),
    )


def _closing(each: Ended) -> Closing:
    return Closing(
        outcome=each.outcome,
        reason=each.reason,
        first=each.slot,
        last=each.slot,
        tickets=() if each.ticket is None else (each.ticket,),
        started=each.ticket if each.attempted else None,
        died=each.died,
    )


def _first(part: Closing) -> datetime:
    assert part.first is not None  # noqa: S101 - only slots are sorted; this tells the type checker
    return part.first
