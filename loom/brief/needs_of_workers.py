"""What single workers need: those that are broken, down, silent or late."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from loom.brief.sights import ENFORCEMENT, REGISTRY, Sights
from loom.domain.alert import Episode
from loom.domain.board import Row
from loom.domain.brief import WHOEVER, Need
from loom.domain.health import Health
from loom.domain.record import RunQuery
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Ticket
from loom.report.gist import gist
from loom.report.words import count, short_id, when

_BAD: Final = tuple(outcome.value for outcome in Outcome if outcome.bad)


def workers(sights: Sights, *, asleep: bool) -> Iterator[Need]:
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
        return _broken(row, sights.snapshot.episodes.get(f"{REGISTRY}:{row.worker}"))
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
        if ENFORCEMENT in sights.snapshot.episodes:
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
    id_ = short_id(bad.run_id)
    return f"loom show {id_}; once it is mended: loom retry {id_}"
