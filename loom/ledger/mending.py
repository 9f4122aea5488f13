"""What was lost of a ledger, derived from what was saved. No slot that finished starts again, and none is
lost in silence: where nothing tells what became of one, it counts as decided and a sentence says so.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from loom.domain.alert import Episode
from loom.domain.record import Entry, RunQuery
from loom.domain.run import Outcome, Run, Trigger
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.standing import Standing
from loom.ledger.codec import from_json, read_stamp
from loom.ledger.losses import Known
from loom.ledger.mending_marks import mend_marks
from loom.ledger.reads import STANDINGS, read_runs
from loom.ledger.rows import read_standing
from loom.ledger.writes import replay, replay_folded
from loom.values import replace

_TICKET = "SELECT 1 FROM tickets WHERE key = ?"
_LOST = "its record was lost with the damaged ledger"


def mend(db: sqlite3.Connection, known: Known) -> list[str]:
    """Make what was saved in `db` lawful again, in the transaction that the caller opens and ends.

    Returns a sentence for each thing that a person should know.
    """
    losses, said = known.losses, list[str]()
    if not losses.whole("tickets"):
        said += _tickets(db, known)
    if not losses.whole("tickets", "runs"):
        _runs_that_tickets_name(db, known)
    said += mend_marks(db, known)
    _standings(db)
    _episodes(db)
    if not losses.whole("pauses"):
        said.append("pauses by hand may be lost: a worker that was paused so runs again")
    if not losses.whole("ledger"):
        said.append(
            "it may be lost which ids workers had before: a registry that still has such an id starts that "
            "worker anew"
        )
    if not losses.whole("deliveries", "episodes"):
        said.append(
            "alerts were lost, some perhaps before they were delivered: what they were about is in "
            "`loom history --outcome failed --outcome missed`"
        )
    return said


# -- tickets and runs ------------------------------------------------------------------------------------


def _tickets(db: sqlite3.Connection, known: Known) -> Iterator[str]:
    states = dict(known.states)
    starts = {ticket.key: ticket.starts for ticket in known.doubtful}
    unfinished = _unfinished(db)
    for key in sorted({*states, *starts, *unfinished}):
        slot = _slot(key)
        if slot is None or slot.at > known.latest or db.execute(_TICKET, (key,)).fetchone():
            continue
        last = unfinished.get(key)
        if (ended := _end_of(db, slot)) is not None:
            _close(db, slot, ended)
        elif states.get(key) is False or (key not in states and known.losses.whole("runs")):
            # As if its process had died: whether that may be repeated is for the registry to say.
            again = Ticket(
                key=key,
                worker=slot.worker,
                slot=slot.at,
                trigger=Trigger.SCHEDULE,
                state=TicketState.STARTED,
                starts=max(1, starts.get(key, 0)),
                fence=1,
            )
            replay(db, [again])
            yield f"{key}: {_LOST}, and it had not ended: the next tick takes it for a run whose process died"
        elif last is not None:
            _close(db, slot, replace(last, final=True, open_reason=None, not_before=None))
            ended_as = last.outcome.value.replace("_", " ")
            yield _left_alone(slot, f"it {ended_as}, and what came after is lost")
        else:
            _close(db, slot, _lost_run(slot, known))
            yield _left_alone(slot, _LOST)


def _unfinished(db: sqlite3.Connection) -> dict[str, Run]:
    """The newest run of each slot that has only runs which weren't its last, by the slot's key."""
    rows = db.execute(
        "SELECT worker, body FROM runs WHERE final = 0 AND slots > 0 AND slot IS NOT NULL"
        " ORDER BY tick_at, id"
    )
    found: dict[str, Run] = {}
    for worker, body in rows:
        run = from_json(Run, body, worker=worker)
        for at in (run.slot, run.slot_last):
            if at is not None:
                found[Slot(worker, at).key] = run
    return {key: run for key, run in found.items() if not db.execute(_TICKET, (key,)).fetchone()}


def _end_of(db: sqlite3.Connection, slot: Slot) -> Run | None:
    """The final run of a slot, or of the range that it lies in."""
    runs = read_runs(db, RunQuery(worker=slot.worker, slot=slot.at))
    return next((run for run in runs if run.final and not run.by_hand), None)


def _close(db: sqlite3.Connection, slot: Slot, end: Run) -> None:
    ticket = Ticket(
        key=slot.key,
        worker=slot.worker,
        slot=slot.at,
        trigger=end.trigger,
        state=TicketState.CLOSED,
        run_id=end.run_id,
        outcome=end.outcome,
    )
    _write(db, end)
    replay(db, [ticket])


def _write(db: sqlite3.Connection, run: Run) -> None:
    # Not as a new run: the standing of its worker is as it was.
    replay_folded(db, [run], [None])


def _lost_run(slot: Slot, known: Known) -> Run:
    return Run(
        run_id=f"lost-{slot.key}",
        worker=slot.worker,
        agent=None,
        slot=slot.at,
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.ABANDONED,
        reason=_LOST,
        tick_at=min(slot.at, known.written_at),
    )


def _runs_that_tickets_name(db: sqlite3.Connection, known: Known) -> None:
    """A ticket knows how its run ended, though not what it put out."""
    rows = db.execute(
        "SELECT key, worker, body FROM tickets WHERE run_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = tickets.run_id)"
    ).fetchall()
    for key, worker, body in rows:
        ticket = from_json(Ticket, body, key=key, worker=worker)
        by_hand = _slot(key) is None
        closed = ticket.state is TicketState.CLOSED
        # What was claimed, or is at work, has no run yet; nor has what was closed together with others.
        if not closed and ticket.state is not TicketState.OPEN:
            continue
        if closed and not by_hand and _end_of(db, Slot(worker, ticket.slot or known.now)) is not None:
            continue
        run = Run(
            run_id=ticket.run_id or "",
            worker=worker,
            agent=None,
            slot=ticket.slot,
            trigger=ticket.trigger,
            outcome=ticket.outcome or (Outcome.ABANDONED if closed else Outcome.SKIPPED),
            final=closed,
            open_reason=None if closed else ticket.reason,
            reason=f"{_LOST}; this is what its ticket says",
            attempts=ticket.starts,
            started_at=ticket.started_at,
            tick_at=ticket.started_at or ticket.slot or known.written_at,
            not_before=ticket.not_before,
            by_hand=by_hand,
        )
        _write(db, run)


def _slot(key: str) -> Slot | None:
    """The slot that the key of a ticket names; None for the key of a request by hand."""
    worker, at, instant = key.rpartition("@")
    try:
        return (
            Slot(worker, datetime.strptime(instant, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)) if at else None
        )
    except ValueError:
        return None


def _left_alone(slot: Slot, why: str) -> str:
    at = f"{slot.at:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"{slot.key}: {why}. It is not tried again; to do that: loom run --worker {slot.worker} --slot {at}"
    )


# -- standings and episodes ------------------------------------------------------------------------------


def _standings(db: sqlite3.Connection) -> None:
    """Work out anew those that are gone, and those that name runs which are."""
    held = {row[0]: read_standing(row) for row in db.execute(STANDINGS)}
    ran = {worker for (worker,) in db.execute("SELECT DISTINCT worker FROM runs")}
    for worker in sorted(held.keys() | ran):
        standing = held.get(worker)
        if standing is not None and all(_is_there(db, run_id) for run_id in _named(standing)):
            continue
        again = Standing(worker=worker)
        for (body,) in db.execute("SELECT body FROM runs WHERE worker = ? ORDER BY tick_at, id", (worker,)):
            again = again.after(from_json(Run, body, worker=worker))
        replay(db, [again])


def _named(standing: Standing) -> Iterator[str]:
    yield from (run_id for run_id in (standing.last_run_id, standing.previous_run_id) if run_id is not None)


def _is_there(db: sqlite3.Connection, run_id: str) -> bool:
    return db.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone() is not None


def _episodes(db: sqlite3.Connection) -> None:
    """An episode that runs name and nobody has: over, as far as that can be said. What is still bad opens a
    new one."""
    rows = db.execute(
        "SELECT json_extract(body, '$.episode') AS episode, worker, min(tick_at), max(tick_at) FROM runs"
        " WHERE bad = 1 AND episode <> '' AND episode NOT LIKE '% %'"
        " AND NOT EXISTS (SELECT 1 FROM episodes WHERE episodes.id = episode) GROUP BY episode"
    ).fetchall()
    lost: list[Entry] = [
        Episode(
            id=id_, subject=worker, opened_at=read_stamp(first), closed_at=read_stamp(last), announced=True
        )
        for id_, worker, first, last in rows
    ]
    replay(db, lost)
