"""The records of a worker's slots -> what each of its newest slots came to. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, takewhile

from loom.domain.run import Outcome
from loom.domain.slot_outcome import SlotOutcome
from loom.values import replace

SHOWN = 14
"""How many slots a person sees at a glance."""

LONGEST_STREAK = 99
"""Further back nobody counts."""

_NEITHER = frozenset({Outcome.SKIPPED, Outcome.SUPERSEDED})


def newest_slots(records: Iterable[SlotOutcome]) -> tuple[SlotOutcome, ...]:
    """What holds now of each slot that `records` tell of, oldest slot first, each slot told of once.

    records: of one worker, in any order; a slot that was tried again, or waited, has several. Its final one
        holds, else the newest. What is left of a range, of which some slots have moved on, keeps its ends and
        has a smaller count. A range is taken to be of adjacent slots.
    """
    held = _Held(records)
    for record in sorted(
        held.records, key=lambda each: (each.final, each.tick_at, each.run_id), reverse=True
    ):
        held.add(record)
    return tuple(sorted(held.kept, key=lambda each: (each.last, each.first, each.run_id)))


def last_slots(held: Sequence[SlotOutcome], most: int = SHOWN) -> tuple[SlotOutcome, ...]:
    """Of `held`, as `newest_slots` gives it, those that tell of the newest `most` slots, oldest first. Ranges
    stay whole, so that they may tell of more."""
    taken: list[SlotOutcome] = []
    for record in reversed(held):
        if most <= 0:
            break
        taken.append(record)
        most -= record.count
    return tuple(reversed(taken))


def each_slot(held: Sequence[SlotOutcome], most: int = SHOWN) -> tuple[SlotOutcome, ...]:
    """The newest `most` slots, oldest first, an item for each: a range of three stands there three times."""
    each = [record for record in last_slots(held, most) for _ in range(min(record.count, most))]
    return tuple(each[-most:]) if most > 0 else ()


def streak(held: Sequence[SlotOutcome]) -> int:
    """How many of the newest slots succeeded in a row, or minus how many went badly, at most 99.

    held: as `newest_slots` gives them. Skipped and superseded slots neither end a streak nor count; an open
    slot counts as what it came to so far.
    """
    told = [record for record in reversed(held) if record.outcome not in _NEITHER]
    if not told:
        return 0
    good = told[0].outcome is Outcome.SUCCEEDED
    alike = takewhile(lambda each: (each.outcome is Outcome.SUCCEEDED) is good, told)
    length = min(sum(each.count for each in alike), LONGEST_STREAK)
    return length if good else -length


class _Held:
    """The records that hold so far, asked which slots of one more they tell of. Mutable; for one pass.

    Single slots are looked up by their instant. Ranges lie in the order of their beginnings, so that only
    those that reach into the one asked about are looked at: a worker may have thousands of records.
    """

    def __init__(self, records: Iterable[SlotOutcome]) -> None:
        self.records = list(records)
        self.kept: list[SlotOutcome] = []
        self._singles: set[datetime] = set()
        self._instants: list[datetime] = []
        ends: dict[datetime, datetime] = {}
        for each in self.records:
            if not _single(each):
                ends[each.first] = max(each.last, ends.get(each.first, each.last))
        self._firsts = sorted(ends)
        # Of each beginning, the latest instant that a range reaches which begins there or before.
        self._reach = list(accumulate((ends[first] for first in self._firsts), max))
        self._ranges: list[list[SlotOutcome]] = [[] for _ in self._firsts]

    def add(self, record: SlotOutcome) -> None:
        """Keep of `record`, before which all others hold, what they don't tell of."""
        left = record.count - self._told(record)
        if left <= 0:
            return
        kept = record if left == record.count else replace(record, count=left)
        self.kept.append(kept)
        if _single(record):
            self._singles.add(record.first)
            insort(self._instants, record.first)
        else:
            self._ranges[bisect_left(self._firsts, record.first)].append(kept)

    def _told(self, record: SlotOutcome) -> int:
        if _single(record):
            told = int(record.first in self._singles)
        else:
            told = bisect_right(self._instants, record.last) - bisect_left(self._instants, record.first)
        for number in range(bisect_right(self._firsts, record.last) - 1, -1, -1):
            if self._reach[number] < record.first:
                break
            told += sum(_shared(record, other) for other in self._ranges[number])
        return told


def _single(record: SlotOutcome) -> bool:
    return record.first == record.last and record.count == 1


def _shared(record: SlotOutcome, other: SlotOutcome) -> int:
    """How many slots of `record` the other, which holds before it, is known to tell of."""
    if other.last < record.first or record.last < other.first:
        return 0
    if other.first <= record.first and record.last <= other.last:
        return record.count
    return other.count
