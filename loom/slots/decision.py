"""What one tick decides for one worker: the slots to start, to close and to hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loom.domain.run import OpenReason, Outcome
from loom.domain.schedule import Schedule
from loom.domain.slot import Ticket
from loom.slots.calendar import instants


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
    """

    slot: datetime | None
    outcome: Outcome
    reason: str
    ticket: Ticket | None = None
    attempted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """One final outcome of a slot, or of a range of adjacent slots that share it: one record, one alert.

    first, last: the range's ends, UTC; equal for a single slot, None for a manual request, whose ticket
        knows the slot it was made for, if any.
    count: how many slots. tickets: those that the ledger knows, closed, ready to be written.
    started: the ticket whose last attempt is hereby final (then `count` is 1); None when the outcome is
        the decision's own (skipped, missed, superseded).
    """

    outcome: Outcome
    reason: str
    first: datetime | None
    last: datetime | None
    count: int = 1
    tickets: tuple[Ticket, ...] = ()
    started: Ticket | None = None


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


def in_ranges(ended: Sequence[Ended], schedule: Schedule | None) -> tuple[Closing, ...]:
    """Neighbours on `schedule` that share outcome and reason become one closing.

    ended: ascending by slot, manual requests anywhere. Without a schedule nothing is known of neighbours,
    and each stands alone; a range must never cover a slot in between that met another end.
    """
    places = {} if schedule is None else _places(schedule, [each.slot for each in ended if each.slot])
    closings: list[Closing] = []
    gathered: list[Ended] = []
    for each in ended:
        if gathered and not _share_a_range(gathered[-1], each, places):
            closings.append(_closing(gathered))
            gathered = []
        gathered.append(each)
    if gathered:
        closings.append(_closing(gathered))
    return tuple(closings)


def _places(schedule: Schedule, slots: Sequence[datetime]) -> dict[datetime, int]:
    """The position of each instant of the schedule between the first and the last of `slots`."""
    if len(slots) < 2:
        return {}
    before_first = slots[0] - timedelta(microseconds=1)
    return {at: place for place, at in enumerate(instants(schedule, before_first, slots[-1]))}


def _share_a_range(one: Ended, other: Ended, places: dict[datetime, int]) -> bool:
    if one.attempted or other.attempted or one.slot is None or other.slot is None:
        return False
    if (one.outcome, one.reason) != (other.outcome, other.reason):
        return False
    place = places.get(one.slot)
    return place is not None and places.get(other.slot) == place + 1


def _closing(gathered: Sequence[Ended]) -> Closing:
    first, last = gathered[0], gathered[-1]
    return Closing(
        outcome=first.outcome,
        reason=first.reason,
        first=first.slot,
        last=last.slot,
        count=len(gathered),
        tickets=tuple(_tickets(gathered)),
        started=first.ticket if first.attempted else None,
    )


def _tickets(gathered: Iterable[Ended]) -> Iterable[Ticket]:
    return (each.ticket for each in gathered if each.ticket is not None)
