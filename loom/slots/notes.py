"""What a person should know of a slot that falls in a clock change."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loom.domain.schedule import Fold, Gap, Schedule
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


def absence_note(schedule: Schedule, at: datetime) -> str | None:
    """What a clock change did to the slot that one might look for at `at`, or None when none plays a part.

    at: aware, no instant of `schedule`; in the offset from before the change or from after it.
    """
    at = to_utc(at)
    for change in changes(schedule.zone, at - _REACH, at + _REACH):
        told = _left_out(schedule, change, at) if change.size > timedelta() else None
        told = told or _not_repeated(schedule, change, at)
        if told is not None:
            return told
    return None


def _left_out(schedule: Schedule, change: Change, at: datetime) -> str | None:
    gap, _ = policies(schedule)
    swallowed = list(steady(schedule.fields, change.before, change.at, change.at + change.size))
    meant = [each for each in swallowed if at in (each, each - change.size)]
    if not meant and not schedule.fields.elapsed and _same_day(schedule, change, at):
        meant = swallowed
    if not meant:
        return None
    left_out = f"the clock leaves out {_shown(meant[0], change.before)} that day"
    if gap is Gap.SKIP:
        why = "the schedule follows elapsed time" if schedule.fields.elapsed else f"gap: {gap}"
        return f"{left_out}, so no slot comes of it ({why})"
    moved = change.at if gap is Gap.TRANSITION else meant[0]
    return f"{left_out}, so its slot comes at {_shown(moved, change.after)} (gap: {gap})"


def _not_repeated(schedule: Schedule, change: Change, at: datetime) -> str | None:
    """Why the pass of a repeated hour that `at` is in has no slot, when the other one has."""
    _, fold = policies(schedule)
    repeated = -change.size
    first = change.at - repeated <= at < change.at
    if fold is Fold.BOTH or not (first or change.at <= at < change.at + repeated):
        return None
    distance = change.before if first else change.after
    if next(steady(schedule.fields, distance, at, at + _INSTANT), None) is None:
        return None
    which = "second" if first else "first"
    return (
        f"the clock shows {_shown(at, distance)} twice that day, and only the {which} counts (fold: {fold})"
    )


def _same_day(schedule: Schedule, change: Change, at: datetime) -> bool:
    zone = ZoneInfo(schedule.zone)
    return at.astimezone(zone).date() == change.at.astimezone(zone).date()


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
