"""What is asked of the SQLite ledger. No question's cost grows with history: each is answered by an index."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loom.domain.alert import Delivery, Episode
from loom.domain.record import HooksInForce, Promises, RunQuery, Snapshot
from loom.domain.run import Run
from loom.domain.slot import Slot, Ticket
from loom.domain.tick import Tick
from loom.ledger.codec import UnreadableEntry, field_of, from_json, stamp
from loom.ledger.laws import still_renamed
from loom.ledger.rows import OUTCOMES as _OUTCOMES
from loom.ledger.rows import (
    SLOT_OUTCOME,
    read_instant,
    read_mark,
    read_pause,
    read_slot_outcome,
    read_standing,
    tail,
)

if TYPE_CHECKING:
    from loom.domain.slot_outcome import SlotOutcome

OUTCOMES = ", ".join(f"'{name}'" for name in _OUTCOMES)
"""Every outcome, in SQL: an index that begins with the outcome is sought once for each."""

STANDINGS = (
    "SELECT worker, last_run_id, last_outcome, last_final, last_at, last_success_at,"
    " previous_run_id, consecutive_failures FROM standings"
)
# Of many keys, in a JSON array, at once.
HELD_TICKETS = "SELECT key, fence, closed FROM tickets WHERE key IN (SELECT value FROM json_each(?))"
HELD_RUNS = "SELECT run_id, outcome, final FROM runs WHERE run_id IN (SELECT value FROM json_each(?))"
HELD_STANDINGS = f"{STANDINGS} WHERE worker IN (SELECT value FROM json_each(?))"  # noqa: S608  (constants only)
MARKS = "SELECT worker, at FROM marks"
OPEN_TICKETS = "SELECT key, worker, body FROM tickets WHERE closed = 0"
OPEN_EPISODES = "SELECT subject, body FROM episodes WHERE closed_at IS NULL ORDER BY opened_at, id"
UNSENT = "SELECT body FROM deliveries WHERE sent = 0 ORDER BY number"
LAST_TICK = "SELECT body FROM ticks ORDER BY at DESC, id DESC LIMIT 1"
TICKS = "SELECT body FROM ticks WHERE at >= ? ORDER BY at, id"
TICK_TIMES = (
    "SELECT at FROM ticks WHERE at >= ? AND at <= ?"
    " AND json_extract(body, '$.trigger') IN (SELECT value FROM json_each(?)) ORDER BY at DESC LIMIT ?"
)
DELIVERIES = "SELECT body FROM deliveries WHERE run_id = ? ORDER BY number"
DELIVERIES_SINCE = (
    "SELECT body FROM (SELECT number, body FROM deliveries WHERE sent = 1 AND changed_at >= ?"
    " UNION ALL SELECT number, body FROM deliveries WHERE sent = 0 AND changed_at >= ?) ORDER BY number"
)
EPISODES_SINCE = (
    "SELECT subject, body FROM (SELECT opened_at, id, subject, body FROM episodes WHERE closed_at >= ?"
    " UNION ALL SELECT opened_at, id, subject, body FROM episodes WHERE closed_at IS NULL)"
    " ORDER BY opened_at, id"
)
RUN = "SELECT worker, body FROM runs WHERE run_id = ?"
RUN_BY_START = "SELECT worker, body FROM runs WHERE run_id >= ? AND run_id < ? LIMIT 2"
RUN_BY_END = (
    "SELECT worker, body FROM runs WHERE tail >= ? AND tail < ? AND substr(run_id, -length(?)) = ? LIMIT 2"
)
NEWEST_CLOSED = "SELECT worker, at FROM tickets WHERE closed = 1 ORDER BY at DESC LIMIT 1"
# The keys of one worker's slots lie together, in the order of time.
CLOSED_SLOTS = "SELECT at FROM tickets WHERE key >= ? AND key < ? AND closed = 1 AND at > ?"
PROMISES = (
    "SELECT total(slots * final), total(slots * final * on_time), total(started),"  # noqa: S608  (as above)
    " total(started * governed), total(bad) FROM runs INDEXED BY runs_by_outcome"
    f" WHERE outcome IN ({OUTCOMES}) AND tick_at >= ?"
)

UNHEARD = (
    "SELECT count(*) FROM runs INDEXED BY runs_by_outcome"  # noqa: S608  (as above)
    f" WHERE outcome IN ({OUTCOMES}) AND tick_at >= ? AND bad = 1"
    " AND json_extract(body, '$.episode') IN (SELECT value FROM json_each(?))"
)


def read_snapshot(db: sqlite3.Connection) -> Snapshot:
    """Everything a decision needs; the caller holds a read transaction, so that it is of one moment."""
    revision, hooks, renamed = _only_row(db, "revision, hooks, renamed")
    tick = db.execute(LAST_TICK).fetchone()
    marks = {row[0]: read_mark(row).at for row in db.execute(MARKS)}
    return Snapshot(
        revision=revision,
        marks=marks,
        renamed=still_renamed(read_ids(renamed), marks),
        tickets={
            key: from_json(Ticket, body, key=key, worker=worker)
            for key, worker, body in db.execute(OPEN_TICKETS)
        },
        pauses={
            row[0]: read_pause(row)
            for row in db.execute("SELECT worker, lifted, body FROM pauses WHERE lifted = 0")
        },
        standings={row[0]: read_standing(row) for row in db.execute(STANDINGS)},
        episodes={
            subject: from_json(Episode, body, subject=subject) for subject, body in db.execute(OPEN_EPISODES)
        },
        deliveries=tuple(from_json(Delivery, body) for (body,) in db.execute(UNSENT)),
        last_tick=None if tick is None else from_json(Tick, tick[0]),
        hooks=None if hooks is None else from_json(HooksInForce, hooks).hooks,
    )


def read_revision(db: sqlite3.Connection) -> int:
    (revision,) = _only_row(db, "revision")
    return int(revision)


def read_renamed(db: sqlite3.Connection) -> Mapping[str, str]:
    """Ids that workers had before, each with the one that its worker has now."""
    _, text = _only_row(db, "revision, renamed")
    if text is None:
        return {}
    return still_renamed(read_ids(text), {worker for worker, _ in db.execute(MARKS)})


def read_ids(text: str | None) -> Mapping[str, str]:
    """A JSON object of ids, as the ledger keeps it; None for none. Raises UnreadableEntry."""
    try:
        ids: dict[str, str] = {} if text is None else json.loads(text)
        for pair in ids.items():
            "".join(pair).encode()
    except (ValueError, TypeError, AttributeError) as error:
        raise UnreadableEntry(f"ids that were given up {str(text)[:80]!r}: {error}") from error
    return ids


def _only_row(db: sqlite3.Connection, columns: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = db.execute(f"SELECT {columns} FROM ledger").fetchone()  # noqa: S608  (as above)
    if row is None or not isinstance(row[0], int):
        raise UnreadableEntry(f"the row that numbers its revisions: {row!r}")
    return row


def read_run(db: sqlite3.Connection, run_id: str) -> Run | None:
    try:
        run_id.encode()
    except UnicodeEncodeError:  # from a terminal may come bytes that are no text
        return None
    rows = db.execute(RUN, (run_id,)).fetchall()
    if not rows and len(run_id) >= 8:
        end = tail(run_id)
        found = db.execute(RUN_BY_START, (run_id, _past(run_id))).fetchall()
        found += db.execute(RUN_BY_END, (end, _past(end), run_id, run_id)).fetchall()
        rows = list(set(found))
    return _run(rows[0]) if len(rows) == 1 else None


def read_output(db: sqlite3.Connection, run_id: str) -> Mapping[str, Any] | None:
    row = db.execute(RUN, (run_id,)).fetchone()
    return None if row is None else field_of(Run, row[1], "output")


def read_newest_closed(db: sqlite3.Connection) -> datetime | None:
    row = db.execute(NEWEST_CLOSED).fetchone()
    return None if row is None or row[1] is None else read_mark(row).at


def read_closed_slots(db: sqlite3.Connection, worker: str, after: datetime) -> frozenset[datetime]:
    first, past = Slot(worker, after).key, _past(f"{worker}@")
    rows = db.execute(CLOSED_SLOTS, (first, past, stamp(after)))
    return frozenset(read_mark((worker, at)).at for (at,) in rows)


def _past(start: str) -> str:
    """A bound above every text that begins with `start`."""
    return f"{start}\U0010ffff"


def read_runs(db: sqlite3.Connection, query: RunQuery) -> Sequence[Run]:
    return list(each_run(db, query))


def each_run(db: sqlite3.Connection, query: RunQuery) -> Iterator[Run]:
    return map(_run, db.execute(*runs_statement(query)))


def runs_statement(query: RunQuery) -> tuple[str, Sequence[Any]]:
    """The SQL that answers `query`, and its parameters.

    A slot or a tick has few runs: they are found, then filtered. Otherwise the newest runs of each
    outcome are read from an index that is in that order, and merged; so a rare outcome in a long history
    costs as little as a common one.
    """
    limit = max(query.limit, 0)
    if query.slot is not None or query.tick_id is not None:
        return _few(query, limit)
    chosen, params = _newest(query, limit)
    return _NEWEST_FIRST.format("worker, body", f"id IN ({chosen})"), params


def slot_outcomes_statement(query: RunQuery) -> tuple[str, Sequence[Any]]:
    """The SQL that answers a `query` without slot or tick by columns alone, and its parameters."""
    chosen, params = _newest(query, max(query.limit, 0))
    return _NEWEST_FIRST.format(SLOT_OUTCOME, f"id IN ({chosen}) AND slots > 0"), params


def _newest(query: RunQuery, limit: int) -> tuple[str, Sequence[Any]]:
    where, params = _conditions(query)
    index = "runs_by_outcome" if query.worker is None else "runs_by_worker"
    conditions = " AND ".join(["outcome = ?", *where])
    one = (
        f"SELECT * FROM (SELECT id, tick_at, run_id FROM runs INDEXED BY {index}"  # noqa: S608  (constants only)
        f" WHERE {conditions} ORDER BY tick_at DESC, run_id DESC LIMIT ?)"
    )
    outcomes = list(dict.fromkeys(query.outcomes or _OUTCOMES))
    every = " UNION ALL ".join([one] * len(outcomes))
    chosen = f"SELECT id FROM ({every}) ORDER BY tick_at DESC, run_id DESC LIMIT ?"  # noqa: S608  (as above)
    each = [part for name in outcomes for part in (name, *params, limit)]
    return chosen, [*each, limit]


_NEWEST_FIRST = "SELECT {} FROM runs WHERE {} ORDER BY tick_at DESC, run_id DESC"


def _few(query: RunQuery, limit: int) -> tuple[str, Sequence[Any]]:
    # The unary plus keeps SQLite from preferring an index of the whole history.
    where, params = _conditions(query, plus="+")
    if query.outcomes:
        where.append(f"+outcome IN ({', '.join('?' * len(query.outcomes))})")
        params += query.outcomes
    if query.tick_id is not None:
        where.append("tick_id = ?")
        params.append(query.tick_id)
    if query.slot is not None:
        slot = stamp(query.slot)
        where.append("(slot = ? OR (slot_last >= ? AND slot <= ?))")
        params += [slot, slot, slot]
    chosen = f"SELECT id FROM runs WHERE {' AND '.join(where)}"  # noqa: S608  (constants only)
    return f"{_NEWEST_FIRST.format('worker, body', f'id IN ({chosen})')} LIMIT ?", [*params, limit]


def _conditions(query: RunQuery, *, plus: str = "") -> tuple[list[str], list[Any]]:
    conditions = {
        f"{plus}worker = ?": query.worker,
        f"{plus}tick_at >= ?": query.since and stamp(query.since),
        f"{plus}tick_at <= ?": query.until and stamp(query.until),
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return list(given), list(given.values())


def read_ticks(db: sqlite3.Connection, since: datetime) -> Sequence[Tick]:
    return [from_json(Tick, body) for (body,) in db.execute(TICKS, (stamp(since),))]


def read_tick_times(
    db: sqlite3.Connection,
    triggers: Collection[str],
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
) -> Sequence[datetime]:
    first = "" if since is None else stamp(since)
    last = _past("") if until is None else stamp(until)
    rows = db.execute(TICK_TIMES, (first, last, json.dumps([*triggers]), -1 if limit is None else limit))
    return [read_instant(at) for (at,) in rows]


def read_slot_outcomes(db: sqlite3.Connection, query: RunQuery) -> "Sequence[SlotOutcome]":
    return [read_slot_outcome(row) for row in db.execute(*slot_outcomes_statement(query))]


def read_deliveries(db: sqlite3.Connection, run_id: str | None, since: datetime | None) -> Sequence[Delivery]:
    if run_id is None:
        start = "" if since is None else stamp(since)
        return [from_json(Delivery, body) for (body,) in db.execute(DELIVERIES_SINCE, (start, start))]
    found = (from_json(Delivery, body) for (body,) in db.execute(DELIVERIES, (run_id,)))
    return [each for each in found if since is None or each.changed_at >= since]


def read_episodes(db: sqlite3.Connection, since: datetime) -> Sequence[Episode]:
    rows = db.execute(EPISODES_SINCE, (stamp(since),))
    return [from_json(Episode, body, subject=subject) for subject, body in rows]


def read_promises(db: sqlite3.Connection, since: datetime, unheard: Collection[str]) -> Promises:
    totals = map(int, db.execute(PROMISES, (stamp(since),)).fetchone())
    slots, on_time, started, under_digest, bad = totals
    # Asked only while something waits to be delivered: it opens every bad run of these days.
    waiting = db.execute(UNHEARD, (stamp(since), json.dumps([*unheard]))).fetchone()[0] if unheard else 0
    return Promises(
        slots=slots, on_time=on_time, started=started, under_digest=under_digest, bad=bad, unheard=waiting
    )


def _run(row: tuple[str, str]) -> Run:
    worker, body = row
    return from_json(Run, body, worker=worker)
