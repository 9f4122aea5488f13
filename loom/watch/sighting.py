"""What the ledger says of the ticks, as seen from outside."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loom.domain.alert import Event
from loom.domain.record import Snapshot
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.ports import Ledger
from loom.report.words import ago, count, span, when
from loom.runner.plan import pause_in_force
from loom.runner.renaming import carry_over
from loom.slots.calendar import due
from loom.values import dataclass

_LOOKS_BACK = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Undecided:
    """The slots of one worker that no tick has decided, by the oldest (UTC) and how many there are."""

    worker: str
    oldest: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the ledger says at `at`.

    last_at: when the newest tick came that decided slots and ended; None: none in the last 35 days.
    undecided: slots that should have been decided and weren't. trouble: what to alert, if anything.
    summary: one sentence.
    """

    at: datetime
    zone: str
    summary: str
    trouble: Event | None = None
    last_at: datetime | None = None
    undecided: tuple[Undecided, ...] = ()


def look(
    ledger: Ledger,
    snapshot: Snapshot,
    registry: Registry | None,
    *,
    now: datetime,
    max_age: timedelta,
    grace: timedelta,
) -> Sighting:
    """Whether ticks come, as of `now` (UTC). Ticks by hand decide no slots, and one that hasn't ended may
    have died: neither counts."""
    zone = registry.zone if registry else "UTC"
    ticks = [tick for tick in ledger.ticks(since=now - _LOOKS_BACK) if tick.trigger != "manual"]
    last_at = max((tick.at for tick in ticks if tick.finished_at is not None), default=None)
    undecided = _undecided(registry, snapshot, now - grace, now) if registry else ()
    late = last_at is None or now - last_at > max_age
    if last_at is not None and not late and not undecided:
        summary = f"the last tick came {when(last_at, ZoneInfo(zone))}, {ago(min(last_at, now), now)}"
        return Sighting(at=now, zone=zone, last_at=last_at, summary=summary)
    parts = [_what(last_at, max_age, ZoneInfo(zone)) if late else "ticks come, but not every slot is decided"]
    begun = sum(tick.finished_at is None and (last_at is None or tick.at > last_at) for tick in ticks)
    if begun:
        parts.append(f"{count(begun, 'tick')} began since and never ended")
    if undecided:
        number, first = sum(each.count for each in undecided), undecided[0]
        oldest = f"{first.worker}, {when(first.oldest, ZoneInfo(zone))}"
        verb = "waits" if number == 1 else "wait"
        parts.append(f"{count(number, 'slot')} {verb} to be decided, the oldest: {oldest}")
    parts.append("look at what wakes Loom, and start a tick with: loom run")
    return Sighting(
        at=now,
        zone=zone,
        last_at=last_at,
        undecided=undecided,
        trouble=Event.TICK_OVERDUE,
        summary="; ".join(parts),
    )


def _what(last_at: datetime | None, max_age: timedelta, zone: ZoneInfo) -> str:
    """Without how long ago it was: one trouble is told in the same words, however often it is told."""
    since = f"since {when(last_at, zone)}" if last_at else "in the last 35 days"
    return f"no tick has come and ended {since} (at most {span(max_age.total_seconds())} may pass)"


def _undecided(
    registry: Registry, snapshot: Snapshot, until: datetime, now: datetime
) -> tuple[Undecided, ...]:
    """What each worker's mark leaves up to `until`, the longest wait first."""
    snapshot, _ = carry_over(registry, snapshot)
    found: list[Undecided] = []
    for worker in registry.workers:
        mark = snapshot.marks.get(worker.id)
        if mark is not None and _works(worker, snapshot, now) and (slots := due(worker, mark, until)):
            found.append(Undecided(worker.id, slots[0], len(slots)))
    return tuple(sorted(found, key=lambda each: (each.oldest, each.worker)))


def _works(worker: Worker, snapshot: Snapshot, now: datetime) -> bool:
    pause = pause_in_force(snapshot.pauses.get(worker.id), now)
    return worker.status is Status.ACTIVE and pause is None
