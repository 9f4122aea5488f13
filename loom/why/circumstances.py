"""What holds for a worker now, whatever the slot: one fact for each thing that could keep it from running."""

from collections.abc import Iterator

from loom.domain.pause import Pause
from loom.domain.reasons import Fact, Topic
from loom.domain.run import OpenReason, Run
from loom.domain.schedule import CatchUpPolicy
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Planned
from loom.domain.trigger import CLOCK_TRIGGERS
from loom.domain.worker import Overlap, Status, Worker
from loom.report.schedule_words import schedule_in_words
from loom.report.words import ago, count, one_line, short_id
from loom.report.words import span as length
from loom.runner.plan import pause_in_force
from loom.slots.calendar import catch_up_within, next_instant
from loom.slots.owed import span
from loom.why.evidence import Evidence
from loom.why.fates import ended_words
from loom.why.words import listed

_POLICIES = {
    CatchUpPolicy.LATEST: "of several that are late the newest runs, and the older ones are superseded",
    CatchUpPolicy.ALL: "of several that are late all run, oldest first",
    CatchUpPolicy.NONE: "once its hour is over it is missed",
}
_OVERLAPS = {
    Overlap.SKIP: "a slot that comes due meanwhile is skipped (overlap: skip)",
    Overlap.WAIT: "a slot that comes due meanwhile waits for its end (overlap: wait)",
    Overlap.ALLOW: "a slot that comes due meanwhile starts beside it (overlap: allow)",
}


def schedule_words(worker: Worker) -> str:
    """``every day at 06:00, America/Chicago ('0 6 * * *')``"""
    schedule = worker.schedule
    words, cron = schedule_in_words(schedule.fields), repr(schedule.cron)
    return f"{words}, {schedule.zone} ({cron})" if words else f"{cron}, {schedule.zone}"


def pause_words(pause: Pause, evidence: Evidence) -> str:
    """``paused by ann since ..., until ...: reason``"""
    times = evidence.times
    until = f" until {times.at(pause.until)}" if pause.until is not None else ", until it is resumed"
    why = f": {one_line(pause.reason)}" if pause.reason else ""
    return f"paused by {one_line(pause.by)} since {times.at(pause.at)}{until}{why}"


def place(evidence: Evidence) -> str:
    """Where the registry says how the worker is to be."""
    line = evidence.status_line or (evidence.worker.line if evidence.worker is not None else None)
    return "worker-registry.yaml" if line is None else f"worker-registry.yaml:{line}"


def registry_facts(evidence: Evidence) -> Iterator[Fact]:
    """A broken entry, or a status that keeps the worker from running."""
    for problem in evidence.broken.problems if evidence.broken is not None else ():
        yield Fact(
            topic=Topic.REGISTRY,
            says=f"{one_line(str(problem), 600)}",
            do="mend it; then: loom check",
            matters=True,
        )
    worker = evidence.worker
    if worker is not None and worker.status is Status.DISABLED:
        yield Fact(
            topic=Topic.REGISTRY,
            says=f"It is disabled at {place(evidence)}, so it has no slots, and nothing is recorded of them.",
            do=f"status: active, or by hand: loom run --worker {worker.id} --force",
            matters=True,
        )
    if worker is not None and worker.status is Status.PAUSED:
        yield Fact(
            topic=Topic.PAUSE,
            says=f"It is paused at {place(evidence)}: each of its slots is recorded as skipped.",
            do=f"status: active, or by hand: loom run --worker {worker.id} --force",
            matters=True,
        )


def pause_facts(evidence: Evidence) -> Iterator[Fact]:
    pause = evidence.pause
    if pause is not None and pause_in_force(pause, evidence.now) is not None:
        yield Fact(
            topic=Topic.PAUSE,
            says=f"It is {pause_words(pause, evidence)}. Each slot meanwhile is recorded as skipped.",
            do=f"loom resume {evidence.id}",
            matters=True,
        )


def catch_up_fact(worker: Worker, *, matters: bool = False) -> Fact:
    policy = worker.catch_up.policy
    within = span(catch_up_within(worker))
    says = f"A slot may run up to {within} late; {_POLICIES[policy]} (catch-up: {policy})."
    if policy is CatchUpPolicy.NONE:
        says = f"A slot runs only within its own hour; {_POLICIES[policy]} (catch-up: none)."
    return Fact(topic=Topic.CATCH_UP, says=says, matters=matters)


def overlap_fact(evidence: Evidence, worker: Worker) -> Fact:
    alive = [ticket for ticket in evidence.tickets.values() if evidence.is_alive(ticket)]
    if not alive:
        return Fact(topic=Topic.OVERLAP, says="No run of it is under way.")
    return Fact(
        topic=Topic.OVERLAP,
        says=f"{listed([_under_way(ticket, evidence) for ticket in alive])}; {_OVERLAPS[worker.overlap]}.",
        matters=True,
    )


def _under_way(ticket: Ticket, evidence: Evidence) -> str:
    times = evidence.times
    which = (
        "A run by hand" if ticket.is_request or ticket.slot is None else f"The run of {times.at(ticket.slot)}"
    )
    verb = "is under way" if ticket.state is TicketState.STARTED else "is claimed"
    lease = f", whose claim lasts until {times.at(ticket.lease_until)}" if ticket.lease_until else ""
    return f"{which} {verb} by {ticket.claimer}{lease}"


def requirement_fact(evidence: Evidence, worker: Worker) -> Fact:
    here = f"in this machine's environment ({evidence.host})"
    for obstacle in evidence.obstacles:
        if obstacle.reason is OpenReason.REQUIREMENT:
            return Fact(
                topic=Topic.REQUIREMENT,
                says=f"{obstacle.detail}, {here}; where ticks run it may be otherwise.",
                do="set it where ticks run; then: loom check",
                matters=True,
            )
    needs = [*worker.requires.env, *worker.requires.paths]
    says = f"All that it requires is there, {here}: {listed(needs)}." if needs else "It requires nothing."
    return Fact(topic=Topic.REQUIREMENT, says=says)


def enforcement_fact(evidence: Evidence) -> Fact:
    for obstacle in evidence.obstacles:
        if obstacle.reason is OpenReason.ENFORCEMENT:
            return Fact(
                topic=Topic.ENFORCEMENT,
                says=f"{one_line(obstacle.detail, 600)}. No worker runs until it is mended.",
                do="loom enforcement verify",
                matters=True,
            )
    context = evidence.enforcement
    if context is None:
        says = "The enforcement context is broken, so nothing runs."
        return Fact(topic=Topic.ENFORCEMENT, says=says, do="loom enforcement verify", matters=True)
    rules = count(len(context.rule_ids), "rule")
    return Fact(topic=Topic.ENFORCEMENT, says=f"The context is complete and in force: {rules}.")


def alert_facts(evidence: Evidence) -> Iterator[Fact]:
    """The episodes that are open, of the worker and of what it stands on."""
    times = evidence.times
    for each in evidence.episodes:
        if each.closed_at is not None:
            continue
        about = "" if each.subject == evidence.id else f" of {each.subject.removeprefix('loom:')}"
        said = "nobody was told yet"
        if each.last_alert is not None and each.announced:
            at = each.last_alert_at or each.last_alert.at
            said = f"last told at {times.at(at)}"
            # What is wrong with the worker itself stands above.
            said += f": {one_line(each.last_alert.summary)}" if about else ""
        bad = f", with {count(each.gathered, 'bad outcome')}" if each.gathered else ""
        yield Fact(
            topic=Topic.ALERT,
            says=f"An alert{about} is open since {times.at(each.opened_at)}{bad}; {said}.",
            do=f"loom show {short_id(each.last_run)}" if each.last_run else "",
            matters=True,
        )


def mark_fact(evidence: Evidence) -> Fact:
    times, mark = evidence.times, evidence.mark
    if mark is None:
        return Fact(
            topic=Topic.MARK,
            says="None of its slots is decided yet; they count from the start of the hour of the first tick.",
            do="loom run",
            matters=True,
        )
    due = [times.at(each) for each in evidence.undecided]
    says = f"Each slot of it up to {times.at(mark)} has been decided"
    if evidence.broken is not None:
        says += "; the mark stays there until the entry is mended, so that no slot is lost"
    if due:
        which = listed(due) if len(due) <= 3 else f"{count(len(due), 'slot')} from {due[0]} to {due[-1]}"
        says += f"; due since, and not decided: {which}"
    return Fact(topic=Topic.MARK, says=f"{says}.", matters=bool(due))


def ticks_fact(evidence: Evidence) -> Fact:
    """When the last tick came, and whether one is overdue."""
    times, last = evidence.times, evidence.ticks[-1] if evidence.ticks else None
    expected = evidence.ticks_expected
    often = schedule_in_words(expected.fields) or repr(expected.cron)
    if last is None:
        says = f"No clock has brought a tick {silence(evidence)}; they are expected {often}."
        return Fact(topic=Topic.TICKS, says=says, do="loom watch", matters=True)
    came = f"The last one came at {times.at(last.at)}, {ago(last.at, evidence.now)}"
    first = next_instant(expected, last.at)
    second = next_instant(expected, first) if first is not None else None
    overdue = second is not None and second <= evidence.now
    late = f"; they are expected {often}, so the clock that wakes Loom is late" if overdue else ""
    return Fact(topic=Topic.TICKS, says=f"{came}{late}.", matters=overdue)


def silence(evidence: Evidence) -> str:
    """How long no tick has come of which any slot that is told of would know: ``yet``, ``for 61 d``."""
    last = evidence.last_tick
    if last is None or last.trigger not in CLOCK_TRIGGERS or last.at > evidence.now:
        return "yet"
    return f"for {length((evidence.now - last.at).total_seconds())}"


def asked_for_facts(evidence: Evidence) -> Iterator[Fact]:
    """The newest run, where a person asked for it."""
    run = evidence.asked_for
    if run is not None:
        at = evidence.times.at(run.started_at or run.tick_at) + for_slot(evidence, run)
        yield Fact(
            topic=Topic.SLOT,
            says=f"By hand it ran at {at} and {ended_words(evidence, run)}.",
            do=f"loom show {short_id(run.run_id)}",
        )


def for_slot(evidence: Evidence, run: Run) -> str:
    return f" for {evidence.times.at(run.slot)}" if run.slot is not None else ""


def would_words(each: Planned, evidence: Evidence) -> str:
    """``run the slot of Sat 21 Nov 06:00 CST``"""
    times = evidence.times
    which = "a run by hand" if each.slot is None else f"the slot of {times.at(each.slot)}"
    if each.count > 1 and each.slot is not None:
        which = f"{count(each.count, 'slot')} from {times.at(each.slot)} on"
    verb, _, rest = each.action.partition(" ")
    reason = f" ({times.told(one_line(each.reason))})" if each.reason else ""
    return f"{verb} {which}{f' {rest}' if rest else ''}{reason}"
