"""Why a worker did or didn't run around one instant: is it a slot, and what does the ledger have of it?"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from loom.domain.reasons import Expected, Fact, Reasons, SlotFate, Topic
from loom.domain.run import Outcome
from loom.domain.worker import Status, Worker
from loom.report.words import ago, count
from loom.report.words import span as in_words
from loom.slots.calendar import between, first_mark
from loom.slots.notes import absence_note
from loom.slots.owed import span
from loom.why.circumstances import (
    catch_up_fact,
    enforcement_fact,
    overlap_fact,
    pause_facts,
    registry_facts,
    requirement_fact,
    schedule_words,
    would_words,
)
from loom.why.evidence import Evidence, Occasion
from loom.why.fates import fate, steps
from loom.why.foreseen import foreseen
from loom.why.standing import upcoming
from loom.why.verdicts import of_fate

_CAUGHT_UP = frozenset({Outcome.MISSED, Outcome.SUPERSEDED})


def about(evidence: Evidence, at: datetime, occasions: Sequence[Occasion], *, known_before: bool) -> Reasons:
    """The answer for the instant `at` (UTC). occasions: the slot there, or the nearest ones, newest first.

    known_before: whether anything of the worker is on record from before `at`.
    """
    coming = _for_it(evidence, occasions)
    worker = evidence.worker
    if worker is None:
        verdict, facts, slots = _without_schedule(evidence, at, occasions)
    elif _is_asked(occasions, at, worker):
        verdict, facts, slots = _of_slot(evidence, worker, at, occasions[0], known_before)
    else:
        verdict, facts, slots = _of_no_slot(evidence, worker, at, occasions)
    return Reasons(
        worker=evidence.id,
        agent=evidence.agent,
        schedule=schedule_words(worker) if worker is not None else "",
        zone=evidence.times.zone.key,
        now=evidence.now,
        at=at,
        verdict=verdict,
        facts=(*facts, *_what_next(evidence, at, slots, coming)),
        slots=slots,
        next=coming,
    )


_Told = tuple[str, tuple[Fact, ...], tuple[SlotFate, ...]]


def _is_asked(occasions: Sequence[Occasion], at: datetime, worker: Worker) -> bool:
    if len(occasions) != 1 or not occasions[0].first <= at <= occasions[0].last:
        return False
    return next(between(worker.schedule, at, at), None) is not None


def _for_it(evidence: Evidence, occasions: Sequence[Occasion]) -> Expected:
    """What comes next, and of what a tick would do only what concerns the slots that were asked about."""
    coming = upcoming(evidence)
    spans = [(each.first, each.last) for each in occasions]
    would = tuple(
        each
        for each in coming.would
        if each.slot is not None and any(first <= each.slot <= last for first, last in spans)
    )
    return Expected(slot=coming.slot, note=coming.note, would=would)


def _of_slot(
    evidence: Evidence, worker: Worker, at: datetime, occasion: Occasion, known_before: bool
) -> _Told:
    times = evidence.times
    found = fate(evidence, occasion)
    facts = [Fact(topic=Topic.SLOT, says=f"{times.at(at)} is a slot of it: {schedule_words(worker)}.")]
    if found.note:
        facts.append(Fact(topic=Topic.CLOCK_CHANGE, says=f"{found.note}.", matters=True))
    if at > evidence.now:
        verdict, more = foreseen(evidence, worker, at)
        return verdict, (*facts, *more, *_now(evidence, worker)), (found,)
    facts += _range_facts(evidence, worker, at, occasion)
    facts += steps(evidence, occasion)
    facts += _mark(evidence, at)
    facts += _ticks(evidence, at, occasion)
    if found.outcome in _CAUGHT_UP or (not found.final and occasion.own):
        facts.append(catch_up_fact(worker, matters=True))
    if not found.final:
        facts += _now(evidence, worker)
    nothing = not occasion.own and evidence.ticket_of(at) is None
    if nothing and (evidence.mark is None or at <= evidence.mark):
        why = _nothing_recorded(evidence, worker, at, known_before)
        facts.append(Fact(topic=Topic.SLOT, says=f"{why[0].upper()}{why[1:]}.", matters=True))
        return f"{evidence.id} has no record for {times.at(at)}: {why}.", tuple(facts), (found,)
    return of_fate(evidence, found), tuple(facts), (found,)


def _nothing_recorded(evidence: Evidence, worker: Worker, at: datetime, known_before: bool) -> str:
    """Why the ledger has nothing of a slot at or before the mark."""
    times = evidence.times
    if at < evidence.records_since:
        kept = span(evidence.now - evidence.records_since)
        return f"it is older than {kept}, and what is older is forgotten (state: keep)"
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


def _range_facts(evidence: Evidence, worker: Worker, at: datetime, occasion: Occasion) -> Iterator[Fact]:
    if occasion.count == 1:
        return
    times = evidence.times
    says = f"It is one of {count(occasion.count, 'slot')}, {times.range(occasion.first, occasion.last)}, "
    on = list(between(worker.schedule, occasion.first, occasion.last))
    if len(on) == occasion.count and at in on:
        yield Fact(topic=Topic.SLOT, says=f"{says}that share a fate and a record.", matters=True)
        return
    yield Fact(
        topic=Topic.SLOT,
        says=f"{says}by a record made when its schedule was another one; it may not have been among them.",
        matters=True,
    )


def _of_no_slot(evidence: Evidence, worker: Worker, at: datetime, occasions: Sequence[Occasion]) -> _Told:
    times = evidence.times
    slots = tuple(fate(evidence, each) for each in occasions)
    note = absence_note(worker.schedule, at)
    facts = [
        Fact(
            topic=Topic.SLOT,
            says=f"{times.at(at)} is no slot of it: {schedule_words(worker)}.",
            matters=True,
        )
    ]
    if note is not None:
        facts.append(Fact(topic=Topic.CLOCK_CHANGE, says=f"{note[0].upper()}{note[1:]}.", matters=True))
    facts += [
        Fact(topic=Topic.CLOCK_CHANGE, says=f"{times.at(each.slot)}: {each.note}.", matters=True)
        for each in slots
        if each.note
    ]
    before = next((each for each in slots if each.slot < at), None)
    after = next((each for each in slots if each.slot > at), None)
    near = [f"before it: {_in_short(evidence, before)}"] if before is not None else []
    near += [f"after it: {_in_short(evidence, after)}"] if after is not None else []
    for each in near:
        facts.append(Fact(topic=Topic.SLOT, says=f"The nearest {each}."))
    if at <= evidence.now:
        facts += _mark(evidence, at)
        facts += _around_it(evidence, at)
    because = f": {note}" if note is not None else ""
    nearest = " and ".join(times.at(each.slot) for each in (before, after) if each is not None)
    return (
        f"{evidence.id} was not to run at {times.at(at)}, which is no slot of it{because}; "
        f"the nearest are {nearest}."
        if at <= evidence.now
        else f"{evidence.id} is not to run at {times.at(at)}, which is no slot of it{because}; "
        f"the nearest are {nearest}.",
        tuple(facts),
        slots,
    )


def _in_short(evidence: Evidence, found: SlotFate) -> str:
    slot = evidence.times.at(found.slot)
    if found.slot > evidence.now:
        return f"{slot}, {ago(found.slot, evidence.now)}"
    outcome = found.outcome.value if found.outcome is not None else "nothing is on record of it"
    reason = f" ({found.reason})" if found.reason else ""
    return f"{slot}, {outcome}{reason}"


def _without_schedule(evidence: Evidence, at: datetime, occasions: Sequence[Occasion]) -> _Told:
    times, occasion = evidence.times, occasions[0]
    facts = [*registry_facts(evidence), *steps(evidence, occasion), *_mark(evidence, at)]
    if occasion.own:
        found = fate(evidence, occasion)
        return of_fate(evidence, found), tuple(facts), (found,)
    return (
        f"Whether {evidence.id} was to run at {times.at(at)} can't be told, because its entry in "
        "worker-registry.yaml has mistakes, and nothing is on record of that instant.",
        tuple(facts),
        (),
    )


def _now(evidence: Evidence, worker: Worker) -> Iterator[Fact]:
    """What holds now of what could keep an undecided slot from running."""
    yield from registry_facts(evidence)
    yield from pause_facts(evidence)
    yield overlap_fact(evidence, worker)
    yield requirement_fact(evidence, worker)
    yield enforcement_fact(evidence)


def _mark(evidence: Evidence, at: datetime) -> Iterator[Fact]:
    mark, times = evidence.mark, evidence.times
    if mark is None:
        yield Fact(topic=Topic.MARK, says="No tick has seen it yet.", do="loom run", matters=True)
    elif at > mark:
        yield Fact(
            topic=Topic.MARK,
            says=f"Everything up to {times.at(mark)} has been decided, this instant not yet.",
            matters=True,
        )
    else:
        yield Fact(topic=Topic.MARK, says=f"Everything up to {times.at(mark)} has been decided.")


def _ticks(evidence: Evidence, at: datetime, occasion: Occasion) -> Iterator[Fact]:
    """Which tick dealt with the slot, how late it came, and the ones around it."""
    yield from _around_it(evidence, at)
    if occasion.own:
        dealt = occasion.own[0].tick_at
        late = in_words((dealt - at).total_seconds())
        yield Fact(
            topic=Topic.TICKS,
            says=f"The tick that dealt with it first came at {evidence.times.at(dealt)}, {late} after it.",
        )


def _around_it(evidence: Evidence, at: datetime) -> Iterator[Fact]:
    times = evidence.times
    before = evidence.last_tick_before(at)
    after = next((tick for tick in evidence.ticks if tick.at >= at), None)
    was = (
        f"The last tick before it came at {times.at(before.at)}"
        if before is not None
        else (f"No tick is on record in the time before it, from {times.at(evidence.ticks_since)} on")
    )
    then = f"the first one after it at {times.at(after.at)}" if after is not None else "none has come since"
    yield Fact(topic=Topic.TICKS, says=f"{was}; {then}.")


def _what_next(
    evidence: Evidence, at: datetime, slots: Sequence[SlotFate], coming: Expected
) -> Iterator[Fact]:
    """What a tick would do with it, what a person can, and which slot comes next."""
    for number, each in enumerate(coming.would):
        begin = "A tick right now would" if number == 0 else "It would"
        yield Fact(topic=Topic.NEXT, says=f"{begin} {would_words(each, evidence)}.", matters=True)
    exact = len(slots) == 1 and at <= evidence.now and evidence.worker is not None
    if exact and not coming.would:
        found = slots[0]
        over = "Nothing more: a slot that has its outcome is never started again by a tick."
        if found.outcome is Outcome.SUCCEEDED:
            yield Fact(topic=Topic.NEXT, says=over)
        else:
            iso = at.astimezone(evidence.times.zone).isoformat(timespec="minutes")
            force = _needs_force(evidence)
            yield Fact(
                topic=Topic.NEXT,
                says=over if found.final else "No tick will run it any more; a person may.",
                do=f"loom run --worker {evidence.id} --slot {iso}{force}",
            )
    if coming.slot is not None:
        note = f" ({coming.note})" if coming.note else ""
        yield Fact(topic=Topic.NEXT, says=f"Its next slot is {evidence.times.at(coming.slot)}{note}.")


def _needs_force(evidence: Evidence) -> str:
    worker = evidence.worker
    halted = worker is not None and worker.status is not Status.ACTIVE
    return " --force" if halted or any(True for _ in pause_facts(evidence)) else ""
