"""Why a worker did or didn't run around one instant: is it a slot, and what does the ledger have of it?"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from loom.domain.reasons import Expected, Fact, Reasons, SlotFate, Topic
from loom.domain.run import Outcome
from loom.domain.worker import Status, Worker
from loom.report.words import ago
from loom.slots.calendar import is_slot
from loom.slots.notes import absence_note
from loom.values import replace
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
from loom.why.recorded import around_it, mark_facts, nothing_recorded, range_facts, ticks_facts
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
    return is_slot(worker.schedule, at)


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
        verdict, expected = foreseen(evidence, worker, at)
        return verdict, (*facts, *_now(evidence, worker), expected), (found,)
    nothing = not occasion.own and evidence.ticket_of(at) is None
    if nothing and (evidence.mark is None or at <= evidence.mark):
        why = nothing_recorded(evidence, worker, at, known_before)
        facts.append(Fact(topic=Topic.SLOT, says=f"Nothing is on record of it: {why}.", matters=True))
        facts += [*steps(evidence, occasion), *mark_facts(evidence, at), *ticks_facts(evidence, at, occasion)]
        facts += registry_facts(evidence)
        verdict = f"{evidence.id} has no record for {times.at(at)}: {why}."
        return verdict, tuple(facts), (replace(found, final=True, reason=why),)
    facts += range_facts(evidence, worker, at, occasion)
    facts += steps(evidence, occasion)
    facts += mark_facts(evidence, at)
    facts += ticks_facts(evidence, at, occasion)
    if found.outcome in _CAUGHT_UP or (not found.final and occasion.own):
        facts.append(catch_up_fact(worker, matters=True))
    if not found.final:
        facts += _now(evidence, worker)
    return of_fate(evidence, found), tuple(facts), (found,)


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
        facts += mark_facts(evidence, at)
        facts.append(around_it(evidence, at))
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
    facts = [*registry_facts(evidence), *steps(evidence, occasion), *mark_facts(evidence, at)]
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
        if found.outcome is Outcome.SUCCEEDED:
            yield Fact(topic=Topic.NEXT, says="Nothing more: it has its outcome.")
        else:
            iso = at.astimezone(evidence.times.zone).isoformat(timespec="minutes")
            force = _needs_force(evidence)
            again = "again all the same" if found.began else "after all"
            over = f"Nothing more by itself, for it has its outcome. To run it {again}:"
            yield Fact(
                topic=Topic.NEXT,
                says=over if found.outcome is not None else "No tick will run it any more; a person may:",
                do=f"loom run --worker {evidence.id} --slot {iso}{force}",
            )
    if coming.slot is not None:
        note = f" ({coming.note})" if coming.note else ""
        yield Fact(topic=Topic.NEXT, says=f"Its next slot is {evidence.times.at(coming.slot)}{note}.")


def _needs_force(evidence: Evidence) -> str:
    worker = evidence.worker
    halted = worker is not None and worker.status is not Status.ACTIVE
    return " --force" if halted or any(True for _ in pause_facts(evidence)) else ""
