"""Why a worker stands as it does now: each thing that decides, then what a tick right now would do."""

from collections.abc import Iterator, Sequence

from loom.domain.reasons import Expected, Fact, Reasons, SlotFate, Topic
from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Planned
from loom.domain.worker import Status, Worker
from loom.report.words import ago, one_line, short_id
from loom.runner.plan import pause_in_force
from loom.slots.calendar import next_instant
from loom.slots.notes import absence_note
from loom.why.circumstances import (
    alert_facts,
    asked_for_facts,
    catch_up_fact,
    enforcement_fact,
    for_slot,
    mark_fact,
    overlap_fact,
    pause_facts,
    pause_words,
    place,
    registry_facts,
    requirement_fact,
    schedule_words,
    silence,
    ticks_fact,
    would_words,
)
from loom.why.evidence import Evidence, Occasion
from loom.why.fates import ended_words, fate, note_of
from loom.why.verdicts import of_fate
from loom.why.words import listed

_CAUGHT_UP = frozenset({Outcome.MISSED, Outcome.SUPERSEDED})


def stands(evidence: Evidence, occasions: Sequence[Occasion]) -> Reasons:
    """The answer without an instant. occasions: the worker's newest slots, newest first."""
    slots = tuple(fate(evidence, each) for each in occasions)
    coming = upcoming(evidence)
    return Reasons(
        worker=evidence.id,
        agent=evidence.agent,
        schedule=schedule_words(evidence.worker) if evidence.worker is not None else "",
        zone=evidence.times.zone.key,
        now=evidence.now,
        at=None,
        verdict=_verdict(evidence, slots),
        facts=(*_facts(evidence, slots, coming), *next_facts(evidence, coming)),
        slots=slots,
        next=coming,
    )


def upcoming(evidence: Evidence) -> Expected:
    """The next slot of a worker that has any, and what a tick right now would do."""
    would = (*evidence.would, *(_kept(ticket, evidence) for ticket in evidence.kept))
    worker = evidence.worker
    if worker is None or worker.status is Status.DISABLED:
        return Expected(would=would)
    slot = next_instant(worker.schedule, evidence.now)
    if slot is None:
        return Expected(would=would)
    notes = [note_of(evidence, slot)]
    if worker.status is Status.PAUSED:
        notes.append(f"it will be skipped: paused in {place(evidence)}")
    elif (pause := pause_in_force(evidence.pause, slot)) is not None:
        notes.append(f"it will be skipped: {pause_words(pause, evidence)}")
    return Expected(slot=slot, note="; ".join(filter(None, notes)), would=would)


def _kept(ticket: Ticket, evidence: Evidence) -> Planned:
    """What the plan leaves as it is."""
    if evidence.is_alive(ticket):
        action, reason = "leave running", f"its run is under way, claimed by {ticket.claimer}"
    else:
        wait = ticket.not_before
        later = wait is not None and wait > evidence.now
        detail = f"{ticket.reason}: {ticket.detail}" if ticket.detail else f"{ticket.reason}"
        not_before = f", not before {evidence.times.at(wait)}" if later and wait is not None else ""
        action, reason = "keep open", f"{detail}{not_before}"
    slot = None if ticket.is_request else ticket.slot
    return Planned(worker=evidence.id, agent=evidence.agent, slot=slot, action=action, reason=reason)


def next_facts(evidence: Evidence, coming: Expected) -> Iterator[Fact]:
    words = [would_words(each, evidence) for each in coming.would]
    for number, each in enumerate(words):
        yield Fact(
            topic=Topic.NEXT,
            says=f"{'A tick right now would' if number == 0 else 'It would'} {each}.",
            matters=True,
        )
    if not words:
        yield Fact(topic=Topic.NEXT, says=f"A tick right now would do nothing with it: {_why_not(evidence)}.")
    if coming.slot is not None:
        note = f" ({coming.note})" if coming.note else ""
        yield Fact(
            topic=Topic.NEXT,
            says=f"Its next slot is {evidence.times.at(coming.slot)}{note}.",
            matters=bool(coming.note),
        )
    elif evidence.worker is not None:
        yield Fact(topic=Topic.NEXT, says="It has no next slot.", matters=True)


def _why_not(evidence: Evidence) -> str:
    if evidence.broken is not None:
        return "its registry entry is broken"
    disabled = evidence.worker is not None and evidence.worker.status is Status.DISABLED
    return "it is disabled" if disabled else "no slot is due or open"


def _facts(evidence: Evidence, slots: Sequence[SlotFate], coming: Expected) -> Iterator[Fact]:
    yield from registry_facts(evidence)
    yield from pause_facts(evidence)
    yield mark_fact(evidence)
    yield from _owed(evidence)
    yield from asked_for_facts(evidence)
    yield ticks_fact(evidence)
    worker = evidence.worker
    if worker is not None:
        yield from _clock_changes(evidence, worker, slots, coming)
        yield catch_up_fact(worker, matters=any(each.outcome in _CAUGHT_UP for each in slots[:1]))
        yield overlap_fact(evidence, worker)
        yield requirement_fact(evidence, worker)
    yield enforcement_fact(evidence)
    yield from alert_facts(evidence)


def _owed(evidence: Evidence) -> Iterator[Fact]:
    """Each open slot: why, not before when, how many starts are left."""
    times, worker = evidence.times, evidence.worker
    for ticket in evidence.tickets.values():
        if ticket.state is not TicketState.OPEN or ticket.slot is None or ticket.is_request:
            continue
        wait = ticket.not_before
        later = f", not before {times.at(wait)}" if wait is not None and wait > evidence.now else ""
        starts = ""
        if worker is not None and ticket.starts:
            most = 1 + worker.retry.later_ticks
            starts = f"; {ticket.starts} of {most} starts are used"
        detail = f": {one_line(ticket.detail, 600)}" if ticket.detail else ""
        slot = times.at(ticket.slot)
        yield Fact(
            topic=Topic.SLOT,
            says=f"The slot of {slot} is still owed ({ticket.reason}{detail}){later}{starts}.",
            do=f"loom show {short_id(ticket.run_id)}" if ticket.run_id else "",
            matters=True,
        )


def _clock_changes(
    evidence: Evidence, worker: Worker, slots: Sequence[SlotFate], coming: Expected
) -> Iterator[Fact]:
    """Those that have a slot of the last ones, or the next, where it is; and one between now and the next."""
    times = evidence.times
    for each in slots:
        if each.note:
            yield Fact(topic=Topic.CLOCK_CHANGE, says=f"{times.at(each.slot)}: {each.note}.")
    if coming.slot is not None:
        missing = absence_note(worker.schedule, evidence.now)
        if missing is not None:
            yield Fact(topic=Topic.CLOCK_CHANGE, says=f"Today: {missing}.", matters=True)


def _verdict(evidence: Evidence, slots: Sequence[SlotFate]) -> str:
    id_, worker, times = evidence.id, evidence.worker, evidence.times
    if worker is None:
        return f"{id_} doesn't run, because its entry in worker-registry.yaml has mistakes."
    if worker.status is Status.DISABLED:
        return f"{id_} doesn't run, because it is disabled at {place(evidence)}."
    if worker.status is Status.PAUSED:
        return f"{id_} doesn't run, because it is paused at {place(evidence)}."
    pause = pause_in_force(evidence.pause, evidence.now)
    if pause is not None:
        return f"{id_} doesn't run, because it is {pause_words(pause, evidence)}."
    running = [ticket for ticket in evidence.tickets.values() if evidence.is_alive(ticket)]
    if running:
        which = "by hand" if running[0].is_request else f"for {times.at(running[0].slot or evidence.now)}"
        return f"{id_} is running now, {which}."
    if evidence.mark is None:
        return _before_any_tick(evidence)
    told = of_fate(evidence, slots[0]) if slots else _nothing_yet(evidence, worker)
    if not evidence.obstacles:
        return told
    obstacle = evidence.obstacles[0]
    detail = one_line(obstacle.detail, 400)
    if obstacle.reason is OpenReason.REQUIREMENT and all(
        ticket.reason is not OpenReason.REQUIREMENT for ticket in evidence.tickets.values()
    ):
        # Another machine may be where it runs.
        return f"{told} On this machine it could not run now: {detail}."
    waiting = [times.at(each.slot) for each in slots if not each.final and each.slot <= evidence.now]
    owed = f"; owed meanwhile: {listed(waiting)}" if waiting else ""
    return f"{id_} can't run now: {detail}{owed}."


def _before_any_tick(evidence: Evidence) -> str:
    unseen = "no tick has seen it yet" if evidence.ticks else f"no clock has called Loom {silence(evidence)}"
    ran, run = _by_hand(evidence), evidence.asked_for
    if not ran:
        return f"{evidence.id} hasn't run yet: {unseen}."
    none = "none of its slots" if run is None or run.slot is None else "no other slot of it"
    return f"{ran}; {unseen}, so {none} has been decided."


def _by_hand(evidence: Evidence) -> str:
    """How the newest run that a person asked for ended; empty without any."""
    for ticket in evidence.tickets.values():
        if ticket.is_request and ticket.started_at is not None and not evidence.is_alive(ticket):
            at = ago(ticket.started_at, evidence.now)
            return (
                f"{evidence.id} was started by hand {at}, and its process died, which the next tick records"
            )
    run = evidence.asked_for
    if run is None:
        return ""
    at = ago(run.started_at or run.tick_at, evidence.now) + for_slot(evidence, run)
    return f"{evidence.id} ran by hand {at} and {ended_words(evidence, run)}"


def _nothing_yet(evidence: Evidence, worker: Worker) -> str:
    slot = next_instant(worker.schedule, evidence.now)
    when = f": the first comes at {evidence.times.at(slot)}" if slot is not None else ""
    if ran := _by_hand(evidence):
        return f"{ran}; no slot of it has come since a tick first saw it{when}."
    return f"{evidence.id} hasn't run yet, because no slot of it has come since a tick first saw it{when}."
