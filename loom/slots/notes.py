"""What a person should know of a slot that falls in a clock change."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from loom.domain.schedule import Gap, Schedule
from loom.slots.calendar import policies, to_utc
from loom.slots.steady import steady
from loom.slots.zones import Change, changes

_REACH = timedelta(hours=25)
_INSTANT = timedelta(microseconds=1)


def clock_change_note(schedule: Schedule, slot: datetime) -> str | None:
    """Why a clock change has `slot` where it is, or None when no change plays a part.

    slot: aware, an instant of `schedule`.
    """
    slot = to_utc(slot)
    for change in changes(schedule.zone, slot - _REACH, slot + _REACH):
        if change.at <= slot < change.at + change.size:
            return _after_a_gap(schedule, change, slot)
        if change.at + change.size <= slot < change.at - change.size:
            return _in_a_fold(schedule, change, slot)
    return None


def left_out_notes(schedule: Schedule, after: datetime, until: datetime) -> Iterator[tuple[datetime, str]]:
    """Each time of `schedule` that a clock change in (after, until] leaves out and its policy skips: the
    change's instant (UTC), and why no slot comes. Who follows elapsed time misses none."""
    if schedule.fields.elapsed or policies(schedule)[0] is not Gap.SKIP:
        return
    for change in changes(schedule.zone, to_utc(after) + _INSTANT, to_utc(until) + _INSTANT):
        for swallowed in steady(schedule.fields, change.before, change.at, change.at + change.size):
            shown = _shown(swallowed, change.before)
            yield change.at, f"the clock leaves out {shown} that day, so no slot comes (gap: {Gap.SKIP})"


def _after_a_gap(schedule: Schedule, change: Change, slot: datetime) -> str | None:
    gap, _ = policies(schedule)
    if gap is Gap.SKIP or (gap is Gap.TRANSITION and slot != change.at):
        return None
    until = slot + _INSTANT if gap is Gap.SHIFT else change.at + change.size
    swallowed = next(steady(schedule.fields, change.before, slot, until), None)
    if swallowed is None:
        return None
    return (
        f"the clock leaves out {_shown(swallowed, change.before)} that day, "
        f"so this slot comes at {_shown(slot, change.after)} (gap: {gap})"
    )


def _in_a_fold(schedule: Schedule, change: Change, slot: datetime) -> str:
    _, fold = policies(schedule)
    which, distance = ("first", change.before) if slot < change.at else ("second", change.after)
    why = "the schedule follows elapsed time" if schedule.fields.elapsed else f"fold: {fold}"
    return f"the clock shows {_shown(slot, distance)} twice that day, and this is the {which} ({why})"


def _shown(at: datetime, distance: timedelta) -> str:
    return f"{at + distance:%H:%M}"
