"""What must hold of each decision and of each start, at the moment at which it is made."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from loom.domain.record import Entry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Ticket, TicketState
from loom.ports import Ledger
from tests.life.calendar import hour_start
from tests.life.doer import MOODS
from tests.life.model import Known, slot_of
from tests.life.registry import RESERVE, span
from tests.life.registry import Entry as Worker
from tests.life.world import Conditions, Start, World, hold

_FOR_NOW = ("fails for now", "is told to wait", "hangs")


def may_start(world: World, start: Start) -> None:
    """Asked of each run that is about to start."""
    key, found, slot = start.claim.key, start.conditions, slot_of(start.claim.key)
    entry, known = found.registry.by_id[start.claim.worker], world.model.of(start.claim.worker)
    hold(not start.request.dry_run, f"{key} starts in a dry run")
    hold(found.enforced, f"{key} starts although the enforcement context is broken")
    hold(found.secret or not entry.env, f"{key} starts without its secret")
    hold(not entry.path or (world.root / "data").exists(), f"{key} starts without its folder")
    mine = [each for each in world.flying.values() if each.tick == start.tick]
    hold(len(mine) < found.registry.max_parallel, f"{key} starts beyond max_parallel")
    if slot is None:
        hold(start.request.by_hand, f"{key} is no slot, and nobody asked for it")
        return
    # Whoever stands still between the claim and the work for longer than a claim lasts can't know better.
    now = world.clock.now()
    stalled = now >= start.lease
    hold(stalled or slot not in known.over, f"{key} starts although it is over")
    if start.request.by_hand:
        return
    hold(slot in known.owed, f"{key} starts and never came due")
    flying = [each for each in world.flying.values() if world.model.of(each.claim.worker) is known]
    alive = [each.claim.key for each in flying if now < each.lease]
    hold(stalled or entry.overlap == "allow" or not alive, f"{key} starts while {alive} is still running")
    _once_more(start, entry, known, slot)
    _in_time(start, entry, known, slot)


def _once_more(start: Start, entry: Worker, known: Known, slot: datetime) -> None:
    key, begun = start.claim.key, known.starts.get(slot, 0)
    hold(begun < known.most_starts, f"{key} starts again after {begun} times")
    again = slot not in known.lost or entry.abandoned == "true"
    hold(again, f"{key} died, may not be repeated, and starts once more")
    if entry.policy == "all" and entry.overlap != "allow":
        before = [at for at in known.owed - known.over.keys() if at < slot and at not in known.starts]
        hold(not before, f"{key} starts before {before}")


def _in_time(start: Start, entry: Worker, known: Known, slot: datetime) -> None:
    key, woke, budget = start.claim.key, start.conditions.at, start.conditions.registry.budget
    hold(entry.status == "active", f"{key} starts although {entry.id} is {entry.status}")
    hold(slot + entry.catch_up >= woke, f"{key} starts beyond its catch-up of {entry.catch_up}")
    if entry.policy == "none" and slot not in known.starts:
        this_hour = hour_start(woke, entry.timezone)
        hold(slot >= this_hour, f"{key} starts though catch-up is none and its hour is over")
    if budget != "null" and start.claim.started_at is not None:
        end = start.claim.started_at - woke + span(entry.timeout) + RESERVE
        hold(end <= span(budget), f"{key} starts although it might outlast the budget")


def before_the_claim(world: World, found: Conditions, entries: Sequence[Entry]) -> None:
    """Asked of what a tick has written as its decision, while the model knows nothing of it yet."""
    for ticket in (e for e in entries if isinstance(e, Ticket) and e.state is TicketState.CLAIMED):
        slot, known = slot_of(ticket.key), world.model.of(ticket.worker)
        hold(slot is not None, f"{ticket.key} is claimed, and nobody asked for it")
        until = known.waits.get(slot) if slot else None
        hold(until is None or until <= found.at, f"{ticket.key} is to wait until {until}, and is claimed")
        hold(not known.paused(found.at), f"{ticket.key} is claimed although {ticket.worker} is paused")


def after_the_claim(
    world: World, found: Conditions, stopped: bool, ledger: Ledger, entries: Sequence[Entry]
) -> None:
    """Asked of what a tick has written as its decision: no slot is given up or put off without need."""
    stays = [t for t in ledger.snapshot().tickets.values() if slot_of(t.key)]
    for entry in entries:
        if isinstance(entry, Run) and entry.final and not entry.by_hand and not entry.attempts:
            _may_end_unstarted(world, found, entry, stays)
        elif isinstance(entry, Ticket) and entry.state is TicketState.OPEN:
            _may_be_held(world, found, stopped, entry)
        elif isinstance(entry, Ticket) and entry.state is TicketState.CLAIMED:
            _is_the_one(found, entry, stays)


def _is_the_one(found: Conditions, claimed: Ticket, stays: Sequence[Ticket]) -> None:
    """Of a worker that catches up with its newest slot alone."""
    if found.registry.by_id[claimed.worker].policy == "all" or claimed.slot is None:
        return
    for other in (each for each in stays if each.worker == claimed.worker and each.key != claimed.key):
        waits = other.not_before is not None and other.not_before > found.at
        elsewhere = other.state is not TicketState.OPEN and other.claimer != claimed.claimer
        newer = other.slot is not None and other.slot > claimed.slot
        hold(elsewhere or (newer and waits), f"{claimed.key} is claimed, and {other.key} stays as well")


def _may_end_unstarted(world: World, found: Conditions, run: Run, stays: Sequence[Ticket]) -> None:
    said = f"{run.worker} {run.slot} to {run.slot_last or run.slot} is {run.outcome} ({run.reason})"
    assert run.slot is not None, said
    last, known = run.slot_last or run.slot, world.model.of(run.worker)
    entry = found.registry.by_id.get(run.worker)
    if run.reason == "removed" or entry is None:
        hold(entry is None and run.reason == "removed", f"{said}, but it is in the registry")
        before = [at for id_, at in world.model.woke.items() if id_ != run.tick_id]
        newest = min(found.at, max(before, default=found.at))
        hold(known.mark is None or known.mark < newest, f"{said}, but the tick before knows it")
        return
    match run.outcome:
        case Outcome.MISSED:
            late = last + entry.catch_up < found.at
            hour_over = entry.policy == "none" and last < hour_start(found.at, entry.timezone)
            hold(late or hour_over, f"{said} within its catch-up")
        case Outcome.SUPERSEDED:
            newer = [t for t in stays if t.worker == run.worker and t.slot is not None and t.slot > last]
            hold(entry.policy != "all" and bool(newer), f"{said}, and no newer slot stands for it")
        case Outcome.SKIPPED if run.reason.startswith("paused"):
            covered = known.pause is not None and (known.pause.until is None or last < known.pause.until)
            in_force = entry.status == "paused" or known.paused(found.at)
            hold(in_force or covered, f"{said} without a pause")
        case Outcome.SKIPPED if run.reason == "disabled":
            hold(entry.status == "disabled", f"{said}, but it isn't")
        case Outcome.SKIPPED:
            hold(run.reason.startswith("overlap: ") and entry.overlap == "skip", f"{said} without need")
        case Outcome.ABANDONED:
            pass  # it was started, by a process that died
        case _:
            hold(False, f"{said} without ever having been started")


def _may_be_held(world: World, found: Conditions, stopped: bool, ticket: Ticket) -> None:
    entry = found.registry.by_id.get(ticket.worker)
    assert entry is not None, ticket
    missing = (entry.env and not found.secret) or (entry.path and not (world.root / "data").exists())
    needed = {
        OpenReason.ENFORCEMENT: not found.enforced,
        OpenReason.REQUIREMENT: missing,
        OpenReason.OVERLAP: entry.overlap != "allow",
        OpenReason.BUDGET: stopped or found.registry.budget != "null",
    }
    waits = ticket.not_before is not None and ticket.not_before > found.at
    hold(
        waits or (ticket.reason is not None and needed.get(ticket.reason, ticket.starts > 0)),
        f"{ticket.key} is held open for {ticket.reason} without need",
    )


def may_be_recorded(found: Conditions, stopped: bool, run: Run, mood: str | None) -> None:
    """Asked of each run that a tick has recorded after its work. mood: the worker's, if it was started."""
    entry = found.registry.by_id.get(run.worker)
    if entry is None:
        return
    if run.episode.startswith("held "):
        _, number, _, threshold = run.episode.split()
        waits = entry.after == int(threshold) > int(number)
        hold(waits, f"{run.worker} alerts after {entry.after} bad outcomes, but is {run.episode}")
    if mood is None or run.finished_at is None:
        return
    slow = mood == "hangs" and entry.timeout != "50ms"
    expected = "succeeded" if slow else MOODS[mood]
    hold(run.outcome == expected, f"{run.worker} {mood}, and its run is {run.outcome}")
    if not run.final:
        # What was told to stop gets another chance, however it took it.
        hold(stopped or mood in _FOR_NOW, f"{run.worker} {mood}, and is to be tried again")
    elif mood in _FOR_NOW and not slow and run.trigger == "schedule" and run.slot is not None:
        wait = max(span(entry.max_backoff), timedelta(hours=3))
        over = run.slot + entry.catch_up < found.at + wait or not entry.later_ticks
        hold(over, f"{run.worker} {mood}, and isn't tried again")
