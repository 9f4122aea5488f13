"""What isn't as it should be, and who is to do what about it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from loom.domain.alert import RECOVERIES, Delivery, Episode
from loom.domain.board import Board, Row
from loom.domain.brief import WHOEVER, Need
from loom.domain.health import Health
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Ticket
from loom.domain.tick import Tick
from loom.domain.trigger import CLOCK_TRIGGERS, EARLY
from loom.domain.worker import Worker
from loom.ports import Ledger, RunQuery, Snapshot
from loom.report.gist import gist
from loom.report.words import count, when
from loom.slots.calendar import due, instants, previous_instant

LATE_TICKS: Final = 3
"""So many expected ticks may fail to come, one after the other, before somebody is needed: a trigger that
drops one or two is caught up with by itself."""

_LOOKS_BACK: Final = timedelta(days=35)
_BAD: Final = tuple(outcome.value for outcome in Outcome if outcome.bad)
_REGISTRY, _ENFORCEMENT, _CLOCK = "loom:registry", "loom:enforcement", "loom:clock"
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sights:
    """What the needs are read from, all as of `now` (UTC).

    settled: slots up to here should have been decided; the ticks for later ones may be on their way.
    undecided: by worker, the slots up to `settled` of which there is no record.
    """

    now: datetime
    registry: Registry
    ledger: Ledger
    snapshot: Snapshot
    board: Board
    settled: datetime
    undecided: Mapping[str, Sequence[datetime]]


def settled_until(registry: Registry, now: datetime) -> datetime:
    """Up to which instant (UTC) slots should have been decided, had at most `LATE_TICKS` - 1 ticks failed."""
    at = now
    for _ in range(LATE_TICKS):
        at = (previous_instant(registry.ticks_expected, at) or at) - _INSTANT
    return at


def undecided(worker: Worker, mark: datetime | None, until: datetime) -> Sequence[datetime]:
    """The slots of `worker` that came up to `until` and of which there is no record. A worker that no tick
    has met yet has none."""
    return due(worker, mark, until) if mark is not None else ()


def needs(sights: Sights) -> Sequence[Need]:
    """The most urgent first: what stops everything, what isn't told, then single workers, the longest first;
    at the end what only has to be waited for."""
    ticks = list(_ticks(sights))
    found = [
        *_setup(sights),
        *ticks,
        *_alerts(sights.snapshot.deliveries),
        *_workers(sights, asleep=bool(ticks)),
    ]
    return sorted(found, key=lambda each: each.waits)


def _setup(sights: Sights) -> Iterator[Need]:
    for subject, episode in sights.snapshot.episodes.items():
        if subject == _REGISTRY:
            # It was read just now, or there would be no brief.
            yield _setup_need(
                episode, "the registry was broken and is mended", "nothing: the next tick goes by it", True
            )
        elif subject == _ENFORCEMENT:
            held = {t.worker for t in sights.snapshot.tickets.values() if t.reason is OpenReason.ENFORCEMENT}
            workers = f"; it holds {count(len(held), 'worker')}" if held else ""
            do = "loom enforcement verify says what is wrong; held slots run once it is mended"
            yield _setup_need(episode, f"the enforcement context is broken{workers}", do)
        elif subject == _CLOCK:
            yield _setup_need(episode, "the clock went backwards", "set the clock right")


def _setup_need(episode: Episode, what: str, do: str, waits: bool = False) -> Need:
    said = episode.last_alert.summary if episode.last_alert else ""
    return Need(kind="setup", what=what, says=said, do=do, since=episode.opened_at, waits=waits)


def _ticks(sights: Sights) -> Iterator[Need]:
    """Whether a clock woke Loom before, and doesn't now."""
    now, registry = sights.now, sights.registry
    last = _last_by_clock(sights.snapshot.last_tick, sights.ledger, now)
    if last is None:
        return
    # The newest expected tick may be on its way still.
    dropped = len(list(instants(registry.ticks_expected, last + EARLY, now))) - 1
    if dropped < LATE_TICKS:
        return
    zone = ZoneInfo(registry.zone)
    waiting = sum(map(len, sights.undecided.values()))
    slots = f", and {count(waiting, 'slot')} nobody has decided" if waiting else ""
    yield Need(
        kind="ticks",
        what=f"no tick has come since {when(last, zone)}",
        says=f"{count(dropped, 'tick')} didn't come{slots}",
        do="look at what wakes Loom (its workflow or cron), and start a tick with: loom run",
        since=last,
    )


def _last_by_clock(newest: Tick | None, ledger: Ledger, now: datetime) -> datetime | None:
    if newest is None:
        return None
    if newest.trigger in CLOCK_TRIGGERS and newest.at <= now:
        return newest.at
    ticks = ledger.ticks(since=now - _LOOKS_BACK)
    return max((t.at for t in ticks if t.trigger in CLOCK_TRIGGERS and t.at <= now), default=None)


def _alerts(deliveries: Sequence[Delivery]) -> Iterator[Need]:
    waiting: dict[str, list[Delivery]] = defaultdict(list)
    for each in deliveries:
        waiting[each.hook].append(each)
    for hook, unsent in waiting.items():
        # A recovery only waits for the bad news before it; why that isn't delivered is what counts.
        errors = Counter(each.error for each in unsent if each.error and each.alert.event not in RECOVERIES)
        why = "".join(f"{error}: " for error, _ in errors.most_common(1))
        events = ", ".join(dict.fromkeys(_event(each) for each in unsent))
        yield Need(
            kind="alerts",
            what=f"{count(len(unsent), 'alert')} not delivered by {hook}",
            says=f"{why}{events}",
            do="loom check says what the hook lacks; they are tried again on every tick",
            since=min(each.alert.at for each in unsent),
        )


def _event(each: Delivery) -> str:
    return f"{each.alert.event.value} of {each.alert.worker}" if each.alert.worker else each.alert.event.value


def _workers(sights: Sights, *, asleep: bool) -> Iterator[Need]:
    """asleep: whether it was said already that no ticks come, and that slots wait for them."""
    found = [need for row in sights.board.rows if (need := _of(row, sights, asleep)) is not None]
    order = ("broken", "down", "silent", "late")
    # To the minute: those of one tick stand in the order of their names.
    yield from sorted(
        found,
        key=lambda each: (
            order.index(each.kind),
            (each.since or sights.now).replace(second=0, microsecond=0),
            each.worker or "",
        ),
    )


def _of(row: Row, sights: Sights, asleep: bool) -> Need | None:
    if row.health is None:
        return _broken(row, sights.snapshot.episodes.get(f"{_REGISTRY}:{row.worker}"))
    tickets = sorted(
        (t for t in sights.snapshot.tickets.values() if t.worker == row.worker and t.reason is not None),
        key=lambda ticket: (ticket.slot or sights.now, ticket.key),
    )
    if row.health is Health.DOWN:
        return _down(row, tickets, sights)
    if row.health is not Health.LATE:
        return None
    if tickets:
        return _late(row, tickets[0], sights)
    slots = sights.undecided.get(row.worker, ())
    if not slots or asleep:
        return None
    return Need(
        kind="silent",
        worker=row.worker,
        agent=row.agent,
        whom=row.agent or WHOEVER,
        what=f"{count(len(slots), 'slot')} came and no tick decided {'it' if len(slots) == 1 else 'them'}",
        do=f"start a tick with: loom run; then see: loom history --worker {row.worker}",
        since=slots[0],
    )


def _broken(row: Row, episode: Episode | None) -> Need:
    return Need(
        kind="broken",
        worker=row.worker,
        what="its entry in worker-registry.yaml is broken, so it doesn't run",
        says=row.needs,
        do="mend the entry, then: loom check",
        since=episode.opened_at if episode else None,
    )


def _down(row: Row, tickets: Sequence[Ticket], sights: Sights) -> Need | None:
    episode = sights.snapshot.episodes.get(row.worker)
    held = next((t for t in tickets if t.reason is OpenReason.REQUIREMENT), None)
    if held is not None:
        return _named(
            row,
            what="can't start, something is missing",
            says=held.detail,
            do="set or make what is missing where ticks run; the next tick tries again",
            since=episode.opened_at if episode else held.slot,
            run_id=held.run_id,
        )
    if any(t.reason is OpenReason.ENFORCEMENT for t in tickets):
        if _ENFORCEMENT in sights.snapshot.episodes:
            return None  # said once, for all that it holds
        what, do = "held by the enforcement context", "loom enforcement verify says what is wrong"
        return _named(row, what=what, says=tickets[0].detail, do=do, since=tickets[0].slot)
    bad = _newest_bad(row.worker, sights)
    failures = row.consecutive_failures
    streak = f", {failures} times in a row" if failures > 1 else ""
    outcome = (bad.outcome if bad else row.last_outcome) or Outcome.FAILED
    return _named(
        row,
        what=f"down: {_words(outcome)}{streak}",
        says=gist(bad) if bad else "",
        do=_do(bad, row.worker),
        since=episode.opened_at if episode else row.last_at,
        run_id=bad.run_id if bad else row.last_run_id,
    )


def _late(row: Row, ticket: Ticket, sights: Sights) -> Need:
    run = sights.ledger.run(ticket.run_id) if ticket.run_id else None
    after = f" after {when(ticket.not_before, ZoneInfo(sights.registry.zone))}" if ticket.not_before else ""
    bad = run is not None and run.outcome.bad
    what = f"late: {_words(run.outcome)}" if run is not None and bad else f"late: {ticket.reason or 'open'}"
    return _named(
        row,
        kind="late",
        what=what,
        says=gist(run) if run is not None else ticket.detail,
        do=f"nothing yet: it is tried again on the next tick{after}",
        since=ticket.slot,
        run_id=ticket.run_id,
        waits=True,
    )


def _named(
    row: Row,
    *,
    kind: str = "down",
    what: str,
    says: str,
    do: str,
    since: datetime | None,
    run_id: str | None = None,
    waits: bool = False,
) -> Need:
    return Need(
        kind="late" if kind == "late" else "down",
        worker=row.worker,
        agent=row.agent,
        whom=row.agent or WHOEVER,
        what=what,
        says=says,
        do=do,
        since=since,
        run_id=run_id,
        waits=waits,
    )


def _newest_bad(worker: str, sights: Sights) -> Run | None:
    query = RunQuery(worker=worker, outcomes=_BAD, until=sights.now, limit=5)
    return next((run for run in sights.ledger.runs(query) if run.counts), None)


def _words(outcome: Outcome) -> str:
    return {
        Outcome.INVALID: "its output was rejected",
        Outcome.TIMED_OUT: "it ran out of time",
        Outcome.BLOCKED: "it was blocked",
        Outcome.MISSED: "it was missed",
        Outcome.ABANDONED: "its process died",
    }.get(outcome, f"it {outcome.value.replace('_', ' ')}")


def _do(bad: Run | None, worker: str) -> str:
    if bad is None:
        return f"loom history --worker {worker}"
    if bad.outcome is Outcome.MISSED:
        return f"see why no tick came in time: loom status; make up for it: loom run --worker {worker}"
    id_ = bad.run_id[-12:]
    return f"loom show {id_}; once it is mended: loom retry {id_}"
