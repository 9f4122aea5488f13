"""Registry x snapshot x time -> what this tick will write and do. Pure: it reads nothing and runs nothing."""

from collections.abc import Sequence
from datetime import datetime

from loom.domain.record import HooksInForce, Snapshot
from loom.domain.registry import Registry
from loom.domain.slot import Ticket
from loom.domain.tick import Mark
from loom.domain.worker import Worker
from loom.runner.plan import Circumstances, Plan
from loom.slots.calendar import due, first_mark


def plan(registry: Registry, snapshot: Snapshot, world: Circumstances) -> Plan:
    """Decide every newly due and every open slot of every worker at `world.tick.at`."""
    result = Plan()
    if registry.hooks != snapshot.hooks:
        result.entries.append(HooksInForce(registry.hooks))
    by_worker: dict[str, list[Ticket]] = {}
    for ticket in snapshot.tickets.values():
        by_worker.setdefault(ticket.worker, []).append(ticket)
    asked: _Asked = {}
    for worker in registry.workers:
        _plan_worker(worker, snapshot, by_worker.get(worker.id, ()), asked, world, result)
    for entry in registry.broken:
        if entry.id not in snapshot.marks:
            result.entries.append(Mark(entry.id, first_mark(world.tick.at, registry.zone)))
    for id_ in by_worker.keys() - registry.ids:
        if not gone(id_, registry, snapshot, world.tick.at):
            continue
        from loom.runner.fates import close_all

        close_all(id_, by_worker[id_], world, result)
    return result


def gone(id_: str, registry: Registry, snapshot: Snapshot, now: datetime) -> bool:
    """Whether a worker that `registry`, of the tick at `now`, doesn't name is removed.

    It is when the tick before didn't know it either: one alone may go by an older registry than the last one
    did. A worker's mark says when the last tick woke that knew it; what a person asked for, and a tick that
    could read no registry, move no mark and so know of nobody.
    """
    mark, last = snapshot.marks.get(id_), snapshot.last_tick
    if mark is None or last is None:
        return mark is None
    known = [snapshot.marks[each.id] for each in registry.workers if each.id in snapshot.marks]
    return mark < min(max(known, default=last.at), now)


_Asked = dict[tuple[object, ...], tuple[datetime, ...]]
"""What came due, by schedule and mark: many workers have both in common."""


def _plan_worker(
    worker: Worker,
    snapshot: Snapshot,
    tickets: Sequence[Ticket],
    asked: _Asked,
    world: Circumstances,
    result: Plan,
) -> None:
    now, schedule = world.tick.at, worker.schedule
    mark = snapshot.marks.get(worker.id) or first_mark(now, schedule.zone)
    same = schedule.cron, schedule.zone, schedule.dst, mark
    newly_due = asked.get(same)
    if newly_due is None:
        newly_due = asked[same] = due(worker, mark, now)
    if not newly_due and not tickets:
        result.entries.append(Mark(worker.id, max(mark, now)))
        return
    # Imported only where there is a slot to decide: most ticks have none.
    from loom.runner.fates import decide_slots

    decide_slots(worker, mark, newly_due, tickets, snapshot, world, result)
