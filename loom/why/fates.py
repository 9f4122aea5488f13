"""What became of a slot, and why, from its records: the newest one decides, the ones before explain."""

from datetime import datetime

from loom.domain.reasons import Fact, SlotFate, Topic
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.domain.slot import TicketState
from loom.report.gist import gist
from loom.report.words import count, one_line, short_id
from loom.slots.notes import clock_change_note
from loom.values import replace
from loom.why.evidence import Evidence, Occasion
from loom.why.lateness import Lateness, lateness, what_kept

_TOPIC_OF_HOLD = {
    OpenReason.ENFORCEMENT: Topic.ENFORCEMENT,
    OpenReason.REQUIREMENT: Topic.REQUIREMENT,
    OpenReason.OVERLAP: Topic.OVERLAP,
}
_START_ENDED = {
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.ABANDONED: "was abandoned",
    Outcome.SUCCEEDED: "succeeded",
}
_TOPIC_OF_END = {
    Outcome.MISSED: Topic.CATCH_UP,
    Outcome.SUPERSEDED: Topic.CATCH_UP,
    Outcome.BLOCKED: Topic.ENFORCEMENT,
}
ENDED = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.INVALID: "returned what was rejected as invalid",
    Outcome.TIMED_OUT: "was stopped when its time was up (timed_out)",
    Outcome.BLOCKED: "was blocked",
    Outcome.SKIPPED: "was skipped",
    Outcome.ABANDONED: "was abandoned",
}
RUN_BY_HAND = "a person ran it by hand"
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
    reasons = [_why_ended(evidence, occasion, newest)]
    if not newest.final:
        reasons.append(why_open(evidence, occasion.first))
    first = occasion.own[0]
    dealt, late = dealt_with(evidence, occasion)
    on_time = late.on_time and newest.outcome is Outcome.SUCCEEDED and len(occasion.own) == 1
    return replace(
        found,
        outcome=newest.outcome,
        final=newest.final,
        reason="; ".join(filter(None, reasons)) or ("on time" if on_time else ""),
        run_id=newest.run_id,
        tick_at=dealt,
        late=late.late,
        late_because=_late_because(occasion, newest, late),
        began=newest.started_at is not None,
        at_once=first.started_at is not None,
        by_hand=first.trigger in BY_HAND,
    )


def _late_because(occasion: Occasion, newest: Run, late: Lateness) -> str:
    # One that waited first was missed for what it waited for, however late that began.
    return "" if newest.outcome is Outcome.MISSED and len(occasion.own) > 1 else late.why


def dealt_with(evidence: Evidence, occasion: Occasion) -> tuple[datetime, Lateness]:
    """When the tick came that dealt with it first, and how late that was."""
    first, slot = occasion.own[0], occasion.first
    dealt = min(first.tick_at, first.started_at or first.tick_at)
    if first.outcome is Outcome.ABANDONED and first.started_at is None:
        # That a process died only a later tick records; the one that started it came before.
        came = evidence.ticks_between(slot, first.tick_at)
        dealt = came[0].at if came else slot
    return dealt, lateness(evidence, slot, dealt)


def note_of(evidence: Evidence, slot: datetime) -> str:
    """What a clock change did to the slot, or empty."""
    return (clock_change_note(evidence.worker.schedule, slot) or "") if evidence.worker else ""


def _why_ended(evidence: Evidence, occasion: Occasion, run: Run) -> str:
    """Why the slot met the outcome of `run`, as clauses without a subject."""
    before = [each for each in occasion.own if each.run_id != run.run_id]
    said = own_words(evidence, run)
    starts = [each for each in before if not _was_held(each)]
    if run.outcome is Outcome.MISSED and not starts:
        return said  # it tells what the slot waited for
    if starts and not _was_held(run) and {_what(each) for each in starts} == {_what(run)}:
        last = evidence.times.at(run.tick_at)
        return f"{len(starts) + 1} starts, the last at {last}, all {run.outcome.value}: {said}"
    clauses = [_step(evidence, each) for each in _without_repeats(before)]
    if run.outcome is Outcome.SUCCEEDED and before:
        clauses.append(f"the start at {evidence.times.at(run.tick_at)} succeeded")
    if occasion.own[0].trigger in BY_HAND and not before:
        clauses.append(RUN_BY_HAND)
    return "; ".join(filter(None, [*clauses, said]))


def _was_held(run: Run) -> bool:
    """Whether it only records that the slot stayed open, unstarted."""
    return run.started_at is None and run.open_reason not in (None, OpenReason.ABANDONED)


def _what(run: Run) -> tuple[Outcome, str]:
    return run.outcome, gist(run)


def _without_repeats(runs: list[Run]) -> list[Run]:
    return [run for number, run in enumerate(runs) if number == 0 or _what(run) != _what(runs[number - 1])]


def _step(evidence: Evidence, run: Run) -> str:
    if _was_held(run):
        return f"it waited for {_held_by(evidence, run)}"
    ended = _START_ENDED.get(run.outcome, run.outcome.value)
    return f"the start at {evidence.times.at(run.tick_at)} {ended} ({_said(evidence, run)})"


def _held_by(evidence: Evidence, run: Run) -> str:
    return evidence.times.told(one_line(run.reason))


def own_words(evidence: Evidence, run: Run) -> str:
    """What the record itself gives as its reason; empty where a good one has nothing to explain."""
    if run.outcome is Outcome.SUCCEEDED:
        return ""
    if _was_held(run):
        return _held_by(evidence, run)
    if run.outcome is Outcome.SKIPPED and run.started_at is not None:
        return (
            f"the worker itself said: {one_line(run.reason)}" if run.reason else "the worker itself said so"
        )
    if run.outcome is Outcome.SUPERSEDED:
        return evidence.times.told(run.reason).replace(" runs instead", " ran instead")
    return _said(evidence, run)


def ended_words(evidence: Evidence, run: Run) -> str:
    """``succeeded``, ``failed: ValueError: ...``"""
    said = own_words(evidence, run)
    return f"{ENDED.get(run.outcome, run.outcome.value)}{f': {said}' if said else ''}"


def _said(evidence: Evidence, run: Run) -> str:
    said = gist(run)
    if run.error is None:
        said = evidence.times.told(said)
    elif run.final and run.reason:
        said = f"{said}; {evidence.times.told(run.reason)}"
    return one_line(said) or "the record gives no reason"


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
        wait = ticket.not_before
        later = f", not before {times.at(wait)}" if wait is not None and wait > evidence.now else ""
        again = ticket.reason in (OpenReason.RETRY, OpenReason.ABANDONED)
        return f"it is to be started again{later}" if again else f"it is still owed{later}"
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
                do=f"loom show {short_id(run.run_id)}",
                matters=True,
            )
        )
    return facts


def _step_fact(evidence: Evidence, occasion: Occasion, run: Run) -> Fact:
    times = evidence.times
    subject, were = "the slot", "was"
    if run.count > 1:
        slots = times.range(run.slot or occasion.first, run.slot_last)
        subject, were = f"the slots {slots} ({count(run.count, 'slot')})", "were"
    tick = f"Tick at {times.at(run.tick_at)}"
    if _was_held(run):
        return Fact(
            topic=_TOPIC_OF_HOLD.get(run.open_reason or OpenReason.RETRY, Topic.SLOT),
            says=f"{tick}: {subject} {were} held open: {_held_by(evidence, run)}.",
            matters=True,
        )
    said = own_words(evidence, run)
    began = "started, and" if run.started_at is not None else "recorded as"
    attempts = f" after {count(run.attempts, 'attempt')}" if run.attempts > 1 else ""
    again = ", to be tried again" if not run.final and run.open_reason is not None else ""
    if again and run is not occasion.own[-1]:
        again = ", and was tried again later"
    why = f": {said}" if said else ""
    return Fact(
        topic=_topic_of_end(run),
        says=f"{tick}: {subject} {were} {began} {run.outcome.value}{attempts}{again}{why}.",
        do=f"loom show {short_id(run.run_id)}",
        matters=run.outcome is not Outcome.SUCCEEDED,
    )


def _topic_of_end(run: Run) -> Topic:
    if run.outcome is Outcome.SKIPPED and run.started_at is None:
        kinds = {"paused": Topic.PAUSE, "overlap": Topic.OVERLAP, "disabled": Topic.REGISTRY}
        return kinds.get(run.reason.partition(":")[0].partition(" ")[0], Topic.SLOT)
    return _TOPIC_OF_END.get(run.outcome, Topic.SLOT)
