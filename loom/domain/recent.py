"""The records of a worker's slots -> what each of its newest slots came to. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from loom.domain.run import Outcome, SlotOutcome

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
    held: list[SlotOutcome] = []
    for record in sorted(records, key=lambda each: (each.final, each.tick_at, each.run_id), reverse=True):
        left = record.count - sum(_shared(record, other) for other in held)
        if left > 0:
            held.append(record if left == record.count else replace(record, count=left))
    held.sort(key=lambda each: (each.last, each.first, each.run_id))
    return tuple(held)


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


def _shared(record: SlotOutcome, other: SlotOutcome) -> int:
    """How many slots of `record` the other, which holds before it, is known to tell of."""
    if other.last < record.first or record.last < other.first:
        return 0
    if other.first <= record.first and record.last <= other.last:
        return record.count
    return other.count
