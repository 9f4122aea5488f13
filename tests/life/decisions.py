"""What must hold of each decision and of each start, at the moment at which it is made."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Ticket, TicketState
from loom.ports import Entry, Ledger
from tests.life.calendar import hour_start
from tests.life.model import slot_of
from tests.life.registry import RESERVE, span
from tests.life.registry import Entry as Worker
from tests.life.world import Conditions, Start, World, hold

_INSTANT = timedelta(microseconds=1)


def may_start(world: World, start: Start) -> None:
    """Asked of each run that is about to start."""
    key, worker, now = start.claim.key, start.claim.worker, world.clock.now()
    found, slot = start.conditions, slot_of(key)
    entry = found.registry.by_id[worker]
    hold(not start.request.dry_run, f"{key} starts in a dry run")
    hold(found.enforced, f"{key} starts although the enforcement context is broken")
    hold(found.secret or not entry.env, f"{key} starts without its secret")
    hold(not entry.path or (world.root / "data").exists(), f"{key} starts without its folder")
    mine = [each for each in world.flying.values() if each.tick == start.tick]
    hold(len(mine) < found.registry.max_parallel, f"{key} starts beyond max_parallel")
    if slot is None:
        hold(start.request.by_hand, f"{key} is no slot, and nobody asked for it")
        return
    if worker not in world.model.marks:
        return  # renamed since it was claimed: what comes of it is lost, and its slot is the new name's
    # Whoever stands still between the claim and the work for longer than a claim lasts can't know better.
    stalled = now >= start.lease
    hold(stalled or slot not in world.model.over.get(worker, ()), f"{key} starts although it is over")
    if start.request.by_hand:
        return
    hold(slot in world.model.owed.get(worker, ()), f"{key} starts and never came due")
    alive = [k for k, each in world.flying.items() if each.claim.worker == worker and now < each.lease]
    hold(stalled or entry.overlap == "allow" or not alive, f"{key} starts while {alive} is still running")
    begun = world.model.starts.get(worker, {}).get(slot, 0)
    most = world.model.most_starts.get(worker, 1)
    hold(begun < most, f"{key} starts once more after {begun} times; {most} are allowed")
    _within_its_time(start, entry, slot, begun)


def _within_its_time(start: Start, entry: Worker, slot: datetime, begun: int) -> None:
    key, woke, budget = start.claim.key, start.conditions.at, start.conditions.registry.budget
    hold(entry.status == "active", f"{key} starts although {entry.id} is {entry.status}")
    hold(slot + entry.catch_up >= woke, f"{key} starts beyond its catch-up of {entry.catch_up}")
    if entry.policy == "none" and not begun:
        this_hour = hour_start(woke, entry.timezone)
        hold(slot >= this_hour, f"{key} starts though catch-up is none and its hour is over")
    if budget != "null" and start.claim.started_at is not None:
        end = start.claim.started_at - woke + span(entry.timeout) + RESERVE
        hold(end <= span(budget), f"{key} starts although it might outlast the budget")


def may_be_decided(
    world: World, found: Conditions, stopped: bool, ledger: Ledger, entries: Sequence[Entry]
) -> None:
    """Asked of what a tick has just written as its decision: no slot is given up or put off without need."""
    stays = [t for t in ledger.snapshot().tickets.values() if slot_of(t.key)]
    for entry in entries:
        if isinstance(entry, Run) and entry.final and not entry.by_hand and not entry.attempts:
            _may_end_unstarted(world, found, entry, stays)
        elif isinstance(entry, Ticket) and entry.state is TicketState.OPEN:
            _may_be_held(world, found, stopped, entry)
        elif isinstance(entry, Ticket) and entry.state is TicketState.CLAIMED:
            paused = world.model.paused(entry.worker, found.at)
            hold(not paused, f"{entry.key} is claimed although {entry.worker} is paused")


def _may_end_unstarted(world: World, found: Conditions, run: Run, stays: Sequence[Ticket]) -> None:
    said = f"{run.worker} {run.slot} to {run.slot_last or run.slot} is {run.outcome} ({run.reason})"
    assert run.slot is not None, said
    last = run.slot_last or run.slot
    entry = found.registry.by_id.get(run.worker)
    if run.reason == "removed" or entry is None:
        hold(entry is None and run.reason == "removed", f"{said}, but it is in the registry")
        return
    match run.outcome:
        case Outcome.MISSED:
            late = last + entry.catch_up < found.at
            hour_over = entry.policy == "none" and last < hour_start(found.at, entry.timezone)
            hold(late or hour_over, f"{said} within its catch-up")
        case Outcome.SUPERSEDED:
            newer = [t for t in stays if t.worker == run.worker and t.slot is not None and t.slot > last]
            hold(entry.policy != "all" and bool(newer), f"{said}, and no newer slot stands for it")
        case Outcome.SKIPPED if run.reason == "paused":
            pause = world.model.pauses.get(run.worker)
            covered = pause is not None and (pause.until is None or last < pause.until)
            in_force = entry.status == "paused" or world.model.paused(entry.id, found.at)
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
