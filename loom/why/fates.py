"""What became of a slot, and why, from its records: the newest one decides, the ones before explain."""

from dataclasses import replace
from datetime import datetime

from loom.domain.reasons import Fact, SlotFate, Topic
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import TicketState
from loom.domain.worker import Status
from loom.report.gist import gist
from loom.report.words import count, one_line
from loom.slots.notes import clock_change_note
from loom.why.evidence import Evidence, Occasion
from loom.why.lateness import lateness, what_kept

_TOPIC_OF_HOLD = {
    OpenReason.ENFORCEMENT: Topic.ENFORCEMENT,
    OpenReason.REQUIREMENT: Topic.REQUIREMENT,
    OpenReason.OVERLAP: Topic.OVERLAP,
}
_TOPIC_OF_END = {Outcome.MISSED: Topic.CATCH_UP, Outcome.SUPERSEDED: Topic.CATCH_UP}
BY_HAND = frozenset({Trigger.MANUAL, Trigger.BACKFILL})


def fate(evidence: Evidence, occasion: Occasion) -> SlotFate:
    """What became of it, in short."""
    found = SlotFate(
        slot=occasion.first,
        last=occasion.last if occasion.count > 1 else None,
        count=occasion.count,
        note=note_of(evidence, occasion.first),
    )
    newest = occasion.final or (occasion.own[-1] if occasion.own else None)
    if newest is None:
        return replace(found, reason=why_open(evidence, occasion.first))
    dealt = occasion.own[0].tick_at
    reason = why_ended(evidence, occasion, newest)
    if not newest.final:
        reason = f"{reason}; {why_open(evidence, occasion.first)}"
    return replace(
        found,
        outcome=newest.outcome,
        final=newest.final,
        reason=reason,
        run_id=newest.run_id,
        tick_at=dealt,
        late=dealt - occasion.first,
    )


def note_of(evidence: Evidence, slot: datetime) -> str:
    """What a clock change did to the slot, or empty."""
    return (clock_change_note(evidence.worker.schedule, slot) or "") if evidence.worker else ""


def why_ended(evidence: Evidence, occasion: Occasion, run: Run) -> str:
    """Why the slot met the outcome of `run`, as clauses without a subject."""
    clauses: list[str] = []
    before = [each for each in occasion.own if each.run_id != run.run_id]
    late = lateness(evidence, occasion.first, occasion.own[0].tick_at)
    if occasion.own[0].trigger in BY_HAND and occasion.own[0].started_at is not None:
        clauses.append("a person ran it by hand")
    elif late.why and run.outcome is not Outcome.MISSED:
        clauses.append(late.why)
    elif run.outcome is Outcome.SUCCEEDED and not before:
        clauses.append("on time")
    clauses += [_step(evidence, each) for each in _kinds(before)]
    if said := own_words(evidence, run):
        clauses.append(said)
    return "; ".join(clauses)


def _kinds(runs: list[Run]) -> list[Run]:
    """One of neighbours that say the same."""
    return [
        run
        for number, run in enumerate(runs)
        if number == 0 or (run.outcome, gist(run)) != (runs[number - 1].outcome, gist(runs[number - 1]))
    ]


def _step(evidence: Evidence, run: Run) -> str:
    if run.started_at is None and run.open_reason is not OpenReason.ABANDONED:
        return f"it waited for {_held_by(evidence, run)}"
    return f"a start at {evidence.times.at(run.tick_at)} ended {run.outcome.value}: {_said(evidence, run)}"


def _held_by(evidence: Evidence, run: Run) -> str:
    return evidence.times.told(one_line(run.reason))


def own_words(evidence: Evidence, run: Run) -> str:
    """What the record itself gives as its reason; empty where a good one has nothing to explain."""
    if run.outcome is Outcome.SUCCEEDED:
        return ""
    if run.started_at is None and run.open_reason is not None and run.open_reason is not OpenReason.ABANDONED:
        return _held_by(evidence, run)
    if run.outcome is Outcome.SKIPPED and run.started_at is not None:
        return (
            f"the worker itself said: {one_line(run.reason)}" if run.reason else "the worker itself said so"
        )
    if run.outcome is Outcome.SKIPPED and run.reason == "paused":
        return paused_by(evidence, run)
    if run.outcome is Outcome.SUPERSEDED:
        return evidence.times.told(run.reason).replace(" runs instead", " ran instead")
    return _said(evidence, run)


def _said(evidence: Evidence, run: Run) -> str:
    said = gist(run)
    if run.error is None:
        said = evidence.times.told(said)
    return one_line(said) or "the record gives no reason"


def paused_by(evidence: Evidence, run: Run) -> str:
    """By whom, as far as the last pause by hand tells; a pause that was lifted since isn't kept."""
    pause, slot = evidence.pause, run.slot
    if pause is None or slot is None or run.tick_at < pause.at or (pause.until and slot >= pause.until):
        in_registry = evidence.worker is not None and evidence.worker.status is Status.PAUSED
        return "paused in worker-registry.yaml" if in_registry else "paused"
    return f"paused by {one_line(pause.by)}" + (f" ({one_line(pause.reason)})" if pause.reason else "")


def why_open(evidence: Evidence, slot: datetime) -> str:
    """Why nothing final is on record of the slot; empty when nothing will come of it any more."""
    times, ticket = evidence.times, evidence.ticket_of(slot)
    if slot > evidence.now:
        return "it hasn't come yet"
    if ticket is not None and ticket.state is not TicketState.OPEN:
        if evidence.is_alive(ticket):
            return f"its run is under way, claimed by {ticket.claimer}"
        return f"its run died: {ticket.claimer} is gone, and no end was recorded"
    if ticket is not None:
        owed = f"it is owed: {ticket.reason or 'open'}"
        wait = ticket.not_before
        later = f", not before {times.at(wait)}" if wait is not None and wait > evidence.now else ""
        return f"{owed}{later}"
    if evidence.mark is None:
        return "no tick has seen the worker yet"
    if slot > evidence.mark:
        if evidence.broken is not None:
            return "its registry entry is broken, so its slots wait until that is mended"
        return what_kept(evidence, slot, evidence.now)
    return ""


def steps(evidence: Evidence, occasion: Occasion) -> list[Fact]:
    """Every record of the slot in the order of time, one fact each, and what a person ran beside it."""
    facts = [_step_fact(evidence, occasion, run) for run in occasion.own]
    for run in occasion.by_hand:
        at = evidence.times.at(run.finished_at or run.tick_at)
        said = "" if run.outcome is Outcome.SUCCEEDED else f": {_said(evidence, run)}"
        facts.append(
            Fact(
                topic=Topic.SLOT,
                says=f"Beside that a person ran it by hand, at {at}: {run.outcome.value}{said}.",
                do=f"loom show {run.run_id[-12:]}",
                matters=True,
            )
        )
    return facts


def _step_fact(evidence: Evidence, occasion: Occasion, run: Run) -> Fact:
    times = evidence.times
    what = f"The slots {times.range(run.slot or occasion.first, run.slot_last)} ({count(run.count, 'slot')})"
    subject = what if run.count > 1 else "The slot"
    if run.started_at is None and run.open_reason is not None:
        topic = _TOPIC_OF_HOLD.get(run.open_reason, Topic.SLOT)
        held = f"{subject} {'were' if run.count > 1 else 'was'} held open: {_held_by(evidence, run)}."
        return Fact(topic=topic, says=f"Tick at {times.at(run.tick_at)}: {held}", matters=True)
    end = "recorded as" if run.started_at is None else "started, and"
    attempts = f" after {count(run.attempts, 'attempt')}" if run.attempts > 1 else ""
    said = own_words(evidence, run)
    again = "" if run.final or run.open_reason is None else ", to be tried again"
    topic = _TOPIC_OF_END.get(run.outcome, Topic.SLOT)
    if run.outcome is Outcome.SKIPPED and run.reason.startswith("paused"):
        topic = Topic.PAUSE
    elif run.outcome is Outcome.SKIPPED and run.reason.startswith("overlap"):
        topic = Topic.OVERLAP
    elif run.outcome is Outcome.BLOCKED:
        topic = Topic.ENFORCEMENT
    return Fact(
        topic=topic,
        says=f"Tick at {times.at(run.tick_at)}: {subject[0].lower()}{subject[1:]} "
        f"{'were' if run.count > 1 else 'was'} {end} {run.outcome.value}{attempts}{again}"
        f"{f': {said}' if said else ''}.",
        do=f"loom show {run.run_id[-12:]}",
        matters=run.outcome is not Outcome.SUCCEEDED,
    )
