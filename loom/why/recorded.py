"""What the ledger has of one instant beside its runs: a range it is in, the mark, the ticks around it, or
nothing, and why."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from loom.domain.reasons import Fact, Topic
from loom.domain.worker import Status, Worker
from loom.report.words import count
from loom.slots.calendar import between, first_mark
from loom.slots.owed import span
from loom.values import replace
from loom.why.circumstances import place
from loom.why.evidence import Evidence, Occasion
from loom.why.fates import dealt_with


def nothing_recorded(evidence: Evidence, worker: Worker, at: datetime, known_before: bool) -> str:
    """Why the ledger has nothing of a slot at or before the mark."""
    times = evidence.times
    if at < evidence.records_since:
        kept = span(evidence.now - evidence.records_since)
        return f"it is older than {kept}, and what is older is forgotten (state: keep)"
    if evidence.mark is None:
        return "no tick has seen the worker yet"
    if worker.status is Status.DISABLED:
        return f"a worker has no slots while it is disabled, as this one is now ({place(evidence)})"
    if known_before:
        return (
            "it was known to Loom before, so it was disabled then, not in the registry, "
            "or had another schedule"
        )
    first = next((tick for tick in evidence.ticks if tick.at >= at), None)
    if evidence.last_tick_before(at) is None and first is not None:
        begins = first_mark(first.at, worker.schedule.zone)
        if begins >= at:
            return (
                f"it came before Loom's first tick here, at {times.at(first.at)}, "
                "and slots count from the start of that hour: it never was Loom's to run"
            )
    return (
        "nothing of it is on record before, and its slots count from the start of the hour in which a tick "
        "first saw it: this one came before that, or while it was disabled"
    )


def range_facts(evidence: Evidence, worker: Worker, at: datetime, occasion: Occasion) -> Iterator[Fact]:
    final = occasion.final
    if final is None or final.slot is None or final.slot_last is None:
        return
    times = evidence.times
    says = f"It is one of {count(final.count, 'slot')}, {times.range(final.slot, final.slot_last)}, "
    on = list(islice(between(worker.schedule, final.slot, final.slot_last), final.count + 1))
    if len(on) == final.count and at in on:
        yield Fact(topic=Topic.SLOT, says=f"{says}that share a fate and a record.", matters=True)
        return
    yield Fact(
        topic=Topic.SLOT,
        says=f"{says}by a record made when its schedule was another one; it may not have been among them.",
        matters=True,
    )


def mark_facts(evidence: Evidence, at: datetime) -> Iterator[Fact]:
    mark, times = evidence.mark, evidence.times
    if mark is None:
        yield Fact(topic=Topic.MARK, says="None of its slots is decided yet.", do="loom run", matters=True)
    elif at > mark:
        yield Fact(
            topic=Topic.MARK,
            says=f"Each slot of it up to {times.at(mark)} has been decided, this instant not yet.",
            matters=True,
        )
    else:
        yield Fact(topic=Topic.MARK, says=f"Each slot of it up to {times.at(mark)} has been decided.")


def ticks_facts(evidence: Evidence, at: datetime, occasion: Occasion) -> Iterator[Fact]:
    """Which ticks came around it, and which of them dealt with it, how late."""
    if not occasion.own:
        yield around_it(evidence, at)
        return
    dealt, late = dealt_with(evidence, occasion)
    around = around_it(evidence, at)
    first = next((tick for tick in evidence.ticks if tick.at >= at), None)
    if first is not None and first.at == dealt:
        dealing = f"{around.says[:-1]}, {late.words}, and dealt with it."
        yield replace(around, says=dealing, matters=bool(late.why))
        return
    yield around
    dealing = f"What came of it was first decided at {evidence.times.at(dealt)}, {late.words}"
    yield Fact(
        topic=Topic.TICKS, says=f"{dealing}{f': {late.why}' if late.why else ''}.", matters=bool(late.why)
    )


def around_it(evidence: Evidence, at: datetime) -> Fact:
    times = evidence.times
    before = evidence.last_tick_before(at)
    after = next((tick for tick in evidence.ticks if tick.at >= at), None)
    days = count((at - evidence.ticks_since).days, "day")
    was = f"No tick is on record in the {days} before it"
    if before is not None:
        was = f"The last tick before it came at {times.at(before.at)}"
    then = "none has come since"
    if after is not None:
        then = f"the next one came at {times.beside(after.at, at)}"
    return Fact(topic=Topic.TICKS, says=f"{was}; {then}.")
