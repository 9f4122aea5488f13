"""What a scheduler did at its ticks -> what became of every slot."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Due = Mapping[str, Sequence[datetime]]
"""The slots of each worker, ascending, UTC, up to the last tick."""


@dataclass(frozen=True, slots=True)
class Deed:
    """At the tick `tick` (UTC) a scheduler ran `worker`, or only told somebody that it didn't.

    slot: the one it was for; None for a scheduler that doesn't say: the newest due slot is taken.
    """

    worker: str
    tick: datetime
    slot: datetime | None
    ran: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """due: slots. first, later: those that ran at the first tick after they were due, or at another. told:
    those that never ran and of which there is a word. lost: all others. again: runs beyond one of each slot,
    those for no slot among them."""

    due: int
    first: int
    later: int
    told: int
    lost: int
    again: int


def tally(due: Due, ticks: Sequence[datetime], deeds: Iterable[Deed], *, end: datetime) -> Tally:
    """Of the slots before `end`, which must all have had a tick since. ticks: ascending."""
    counted = {(worker, slot) for worker, slots in due.items() for slot in slots if slot < end}
    ran: dict[tuple[str, datetime], datetime] = {}
    told: set[tuple[str, datetime]] = set()
    again: Counter[str] = Counter()
    for deed in deeds:
        slot = _newest(due[deed.worker], deed.tick) if deed.slot is None else deed.slot
        key = (deed.worker, slot or deed.tick)
        if slot is not None and slot >= end:
            continue
        if not deed.ran:
            told.add(key)
        elif key in ran or key not in counted:
            again[deed.worker] += 1
        else:
            ran[key] = deed.tick
    first = sum(tick == ticks[bisect_left(ticks, slot)] for (_, slot), tick in ran.items())
    only_told = len((told & counted) - ran.keys())
    return Tally(
        due=len(counted),
        first=first,
        later=len(ran) - first,
        told=only_told,
        lost=len(counted) - len(ran) - only_told,
        again=again.total(),
    )


def _newest(slots: Sequence[datetime], tick: datetime) -> datetime | None:
    place = bisect_right(slots, tick)
    return slots[place - 1] if place else None
