"""`decide`, the straightforward way: every slot is looked at by itself, and neighbours are found at the end.

It takes ten seconds where the product takes a tenth of one, and is what the product is held to.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from loom.domain.pause import Pause
from loom.domain.run import Outcome
from loom.domain.schedule import Schedule
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Status, Worker
from loom.slots.calendar import instants
from loom.slots.decision import Closing, Decision, Ended, Obstacle
from loom.slots.life import (
    _blocker,
    _choose,
    _halted,
    _left_behind,
    _over,
    _passed_in_a_pause,
    _skipped_for_another,
)
from loom.slots.owed import Owed, shown


def decide_one_by_one(
    worker: Worker,
    *,
    mark: datetime,
    now: datetime,
    due: Sequence[datetime],
    tickets: Sequence[Ticket],
    paused: Pause | None,
    obstacle: Obstacle | None,
    alive: Callable[[Ticket], bool],
) -> Decision:
    moved = max(mark, now)
    running = [t for t in tickets if t.state in (TicketState.CLAIMED, TicketState.STARTED) and alive(t)]
    requests, owed = _left_behind(tickets, running)
    known = {ticket.slot for ticket in tickets if not ticket.is_request}
    fresh = [at for at in due[bisect_right(due, mark) : bisect_right(due, now)] if at not in known]
    if halted := _halted(worker, paused, now):
        newly = [] if worker.status is Status.DISABLED else [Owed(at) for at in fresh]
        skipped = [each.skipped(halted) for each in sorted([*owed, *newly], key=lambda each: each.at)]
        return Decision(mark=moved, close=ranges([*requests, *skipped], worker.schedule))
    blocker = _blocker(worker, obstacle, running)
    ended: list[Ended] = []
    ready: list[Owed] = []
    for each in sorted([*owed, *map(Owed, fresh)], key=lambda each: each.at):
        end = (
            _passed_in_a_pause(worker, each, paused)
            or _over(worker, each, mark, now)
            or _skipped_for_another(worker, each, blocker, running)
        )
        if end is None:
            ready.append(each)
        else:
            ended.append(end)
    start, hold = _choose(worker, ready, now, blocker)
    stays = {each.at for each in (*start, *hold)}
    if passed := [each for each in ready if each.at not in stays]:
        instead = f"the slot of {shown(worker, (start or hold)[0].at)} runs instead"
        ended += [each.ended(Outcome.SUPERSEDED, instead) for each in passed]
    ended.sort(key=lambda each: each.slot or mark)
    return Decision(
        mark=moved,
        start=tuple(each.as_ticket(worker) for each in start),
        close=ranges([*requests, *ended], worker.schedule),
        hold=tuple(each.as_ticket(worker) for each in hold),
        abandoned=tuple(each.died for each in ready if each.died is not None and each.at in stays),
    )


def ranges(ended: Sequence[Ended], schedule: Schedule) -> tuple[Closing, ...]:
    slots = [each.slot for each in ended if each.slot is not None]
    places: dict[datetime, int] = {}
    if len(slots) >= 2:
        on = instants(schedule, slots[0] - timedelta(microseconds=1), slots[-1])
        places = {at: place for place, at in enumerate(on)}
    groups: list[list[Ended]] = []
    for each in ended:
        if groups and _share_a_range(groups[-1][-1], each, places):
            groups[-1].append(each)
        else:
            groups.append([each])
    return tuple(
        Closing(
            outcome=group[0].outcome,
            reason=group[0].reason,
            first=group[0].slot,
            last=group[-1].slot,
            count=len(group),
            tickets=tuple(each.ticket for each in group if each.ticket is not None),
            started=group[0].ticket if group[0].attempted else None,
            died=group[0].died,
        )
        for group in groups
    )


def _share_a_range(one: Ended, other: Ended, places: dict[datetime, int]) -> bool:
    if one.attempted or other.attempted or one.slot is None or other.slot is None:
        return False
    if (one.outcome, one.reason) != (other.outcome, other.reason):
        return False
    place = places.get(one.slot)
    return place is not None and places.get(other.slot) == place + 1
