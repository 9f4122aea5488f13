"""One batch of entries into the SQLite ledger, inside a transaction that the caller opens and ends."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from loom.domain.alert import Delivery, Episode
from loom.domain.pause import Pause
from loom.domain.record import Entry, HooksInForce, Renamed
from loom.domain.run import Outcome, Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.errors import ClaimLost
from loom.ledger.codec import stamp, to_json
from loom.ledger.laws import (
    UNKNOWN,
    Holding,
    as_now_called,
    may_follow,
    may_write,
    renamed_key,
    renamed_standing,
)
from loom.ledger.reads import HELD_RUNS, HELD_STANDINGS, HELD_TICKETS, read_renamed
from loom.ledger.rows import (
    Row,
    delivery_row,
    episode_row,
    pause_row,
    read_pause,
    read_standing,
    run_row,
    standing_row,
    tick_row,
    ticket_row,
)
from loom.values import replace


def write(db: sqlite3.Connection, entries: Sequence[Entry], *, claiming: bool) -> None:
    """Write `entries` in their order; the revision grows if a decision could depend on any of them.

    Raises ClaimLost with every key that may not be written; the caller must then roll back.
    """
    if lost := _write_all(db, entries, partial(may_write, claiming=claiming)):
        raise ClaimLost(lost)


def replay(db: sqlite3.Connection, entries: Sequence[Entry | Standing]) -> Sequence[str]:
    """Write what was decided elsewhere and has its place in a shared history, in its order.

    Returns the keys of tickets that can't follow what is held: those versions are left out.
    """
    return _write_all(db, entries, may_follow)


def replay_folded(
    db: sqlite3.Connection, entries: Sequence[Entry | Standing], bodies: Sequence[str | None]
) -> Sequence[str]:
    """As `replay`, for a history that holds one version of each value and says every standing itself.

    bodies: of each entry the JSON that `to_json` made of it, where it is at hand.
    """
    db.executemany(
        _RUN,
        (run_row(entry, body) for entry, body in zip(entries, bodies, strict=True) if isinstance(entry, Run)),
    )
    return replay(db, [entry for entry in entries if not isinstance(entry, Run)])


def _write_all(
    db: sqlite3.Connection,
    entries: Sequence[Entry | Standing],
    allowed: Callable[[Ticket, Holding], bool],
) -> list[str]:
    lost: list[str] = []
    moved = False
    renamed: Mapping[str, str] | None = None
    for kind, of_kind in groupby(entries, key=type):
        group: list[Any] = list(of_kind)
        if kind in _OF_A_WORKER:
            renamed = read_renamed(db) if renamed is None else renamed
        called = [as_now_called(entry, renamed) for entry in group] if renamed else group
        if kind is Ticket:
            lost += [group[place].key for place in _write_tickets(db, called, allowed)]
            moved = True
        elif kind is Run:
            _write_runs(db, called)
        elif kind is Mark:
            moved |= _write_marks(db, group)
            renamed = None
        else:
            moved |= kind in (Pause, Renamed)
            for entry in called:
                _WRITERS[kind](db, entry)
            renamed = None if kind is Renamed else renamed
    if moved:
        db.execute("UPDATE ledger SET revision = revision + 1")
    return lost


def _write_marks(db: sqlite3.Connection, marks: Iterable[Mark]) -> bool:
    before = db.total_changes
    db.executemany(
        "INSERT INTO marks (worker, at) VALUES (?, ?)"
        " ON CONFLICT (worker) DO UPDATE SET at = excluded.at WHERE excluded.at > marks.at",
        [(mark.worker, stamp(mark.at)) for mark in marks],
    )
    return db.total_changes > before


def _write_tickets(
    db: sqlite3.Connection, tickets: Sequence[Ticket], allowed: Callable[[Ticket, Holding], bool]
) -> list[int]:
    """Returns the places, among `tickets`, of those that may not be written."""
    lost: list[int] = []
    keys = json.dumps([ticket.key for ticket in tickets])
    held = {key: Holding(*row) for key, *row in db.execute(HELD_TICKETS, (keys,))}
    rows: list[Row] = []
    for place, ticket in enumerate(tickets):
        if not allowed(ticket, held.get(ticket.key, UNKNOWN)):
            lost.append(place)
            continue
        held[ticket.key] = Holding(ticket.fence, ticket.state is TicketState.CLOSED)
        rows.append(ticket_row(ticket))
    db.executemany(_TICKET, rows)
    return lost


_TICKET = (
    "INSERT INTO tickets (key, worker, fence, closed, at, run_id, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET worker = excluded.worker, fence = excluded.fence,"
    " closed = excluded.closed, at = excluded.at, run_id = excluded.run_id, body = excluded.body"
)
_RUN = (
    "INSERT INTO runs (run_id, tail, worker, outcome, final, on_time, slots, started, governed, bad,"
    " slot, slot_last, tick_id, tick_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (run_id) DO UPDATE SET worker = excluded.worker, outcome = excluded.outcome,"
    " final = excluded.final, on_time = excluded.on_time, slots = excluded.slots,"
    " started = excluded.started, governed = excluded.governed, bad = excluded.bad,"
    " slot = excluded.slot, slot_last = excluded.slot_last, tick_id = excluded.tick_id,"
    " tick_at = excluded.tick_at, body = excluded.body"
    " WHERE runs.final = 0 OR excluded.final = 1"
)


def _write_runs(db: sqlite3.Connection, runs: Sequence[Run]) -> None:
    held = {
        run_id: (Outcome(outcome), final)
        for run_id, outcome, final in db.execute(HELD_RUNS, (json.dumps([run.run_id for run in runs]),))
    }
    standings = _standings(db, {run.worker for run in runs})
    moved: dict[str, Standing] = {}
    rows: list[Row] = []
    for run in runs:
        before, final = held.get(run.run_id, (None, False))
        if final and not run.final:
            continue
        held[run.run_id] = run.outcome, run.final
        rows.append(run_row(run))
        standing = standings.get(run.worker) or Standing(worker=run.worker)
        after = standing.after(run, before)
        if after is not standing:
            standings[run.worker] = moved[run.worker] = after
    db.executemany(_RUN, rows)
    db.executemany(_STANDING, map(standing_row, moved.values()))


def _standings(db: sqlite3.Connection, workers: Iterable[str]) -> dict[str, Standing]:
    return {row[0]: read_standing(row) for row in db.execute(HELD_STANDINGS, (json.dumps([*workers]),))}


_STANDING = (
    "INSERT OR REPLACE INTO standings (worker, last_run_id, last_outcome, last_final, last_at,"
    " last_success_at, previous_run_id, consecutive_failures) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def _write_standing(db: sqlite3.Connection, standing: Standing) -> None:
    db.execute(_STANDING, standing_row(standing))


def _write_tick(db: sqlite3.Connection, tick: Tick) -> None:
    db.execute(
        "INSERT OR REPLACE INTO ticks (id, at, finished_at, body) VALUES (?, ?, ?, ?)",
        tick_row(tick),
    )


def _write_episode(db: sqlite3.Connection, episode: Episode) -> None:
    db.execute(
        "INSERT OR REPLACE INTO episodes (id, subject, opened_at, closed_at, body) VALUES (?, ?, ?, ?, ?)",
        episode_row(episode),
    )


def _write_delivery(db: sqlite3.Connection, delivery: Delivery) -> None:
    db.execute(
        "INSERT INTO deliveries (id, run_id, sent, changed_at, body) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id, sent = excluded.sent,"
        " changed_at = excluded.changed_at, body = excluded.body",
        delivery_row(delivery),
    )


def _write_pause(db: sqlite3.Connection, pause: Pause) -> None:
    db.execute(
        "INSERT OR REPLACE INTO pauses (worker, lifted, body) VALUES (?, ?, ?)",
        pause_row(pause),
    )


def _write_hooks(db: sqlite3.Connection, hooks: HooksInForce) -> None:
    db.execute("UPDATE ledger SET hooks = ?", (to_json(hooks),))


def _rename(db: sqlite3.Connection, renamed: Renamed) -> None:
    old, new = renamed.old, renamed.new
    if old == new:
        return
    after = renamed.onto(read_renamed(db))
    db.execute("UPDATE ledger SET renamed = ?", (json.dumps(after, separators=(",", ":")),))
    marks = db.execute("DELETE FROM marks WHERE worker = ? RETURNING at", (old,)).fetchall()
    db.executemany(
        "INSERT INTO marks (worker, at) VALUES (?, ?)"
        " ON CONFLICT (worker) DO UPDATE SET at = excluded.at WHERE excluded.at > marks.at",
        [(new, at) for (at,) in marks],
    )
    standings = _standings(db, (old, new))
    standing = standings.get(old)
    if standing is not None:
        db.execute("DELETE FROM standings WHERE worker = ?", (old,))
        if moved := renamed_standing(standing, standings.get(new)):
            _write_standing(db, replace(moved, worker=new))
    for row in db.execute(
        "DELETE FROM pauses WHERE worker = ? RETURNING worker, lifted, body", (old,)
    ).fetchall():
        held = db.execute("SELECT lifted FROM pauses WHERE worker = ?", (new,)).fetchone()
        if held in (None, (1,)):
            _write_pause(db, replace(read_pause(row), worker=new))
    _rename_tickets(db, old, new)
    db.execute("UPDATE runs SET worker = ? WHERE worker = ?", (new, old))
    db.execute("UPDATE episodes SET subject = ? WHERE subject = ? AND closed_at IS NULL", (new, old))


def _rename_tickets(db: sqlite3.Connection, old: str, new: str) -> None:
    """Closed tickets move too: a slot that ran under the old name never runs under the new one."""
    tickets = db.execute("SELECT key, closed FROM tickets WHERE worker = ?", (old,)).fetchall()
    for key, closed in tickets:
        taken = renamed_key(key, old, new)
        held = db.execute("SELECT closed FROM tickets WHERE key = ? AND key <> ?", (taken, key)).fetchone()
        if held is None or (closed and not held[0]):
            db.execute("UPDATE OR REPLACE tickets SET key = ?, worker = ? WHERE key = ?", (taken, new, key))
        else:
            db.execute("DELETE FROM tickets WHERE key = ?", (key,))


_OF_A_WORKER = (Ticket, Run, Pause, Episode)
_WRITERS: dict[type[Any], Callable[[sqlite3.Connection, Any], None]] = {
    Tick: _write_tick,
    Episode: _write_episode,
    Delivery: _write_delivery,
    Pause: _write_pause,
    HooksInForce: _write_hooks,
    Renamed: _rename,
    Standing: _write_standing,
}
