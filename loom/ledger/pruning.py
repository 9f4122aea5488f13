"""Forgetting in the SQLite ledger what nobody needs any more."""

import sqlite3
from datetime import datetime

from loom.ledger.codec import stamp
from loom.ledger.reads import OUTCOMES

RUNS = (
    f"DELETE FROM runs WHERE outcome IN ({OUTCOMES})"  # noqa: S608  (constants only)
    " AND tick_at < ? AND run_id NOT IN"
    " (SELECT last_run_id FROM standings WHERE last_run_id IS NOT NULL"
    " UNION ALL SELECT previous_run_id FROM standings WHERE previous_run_id IS NOT NULL"
    " UNION ALL SELECT run_id FROM tickets WHERE closed = 0 AND run_id IS NOT NULL)"
)
CLOSED_TICKETS = "DELETE FROM tickets WHERE closed = 1 AND at < ?"
# A manual request that never started has no time of its own: it goes when its run has gone.
TIMELESS_TICKETS = (
    "DELETE FROM tickets WHERE closed = 1 AND at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = tickets.run_id)"
)
SENT_DELIVERIES = "DELETE FROM deliveries WHERE sent = 1 AND changed_at < ?"
CLOSED_EPISODES = "DELETE FROM episodes WHERE closed_at IS NOT NULL AND closed_at < ?"
# The newest tick stays: it is how the next one tells that the clock went backwards.
ENDED_TICKS = (
    "DELETE FROM ticks WHERE at < ? AND finished_at IS NOT NULL"
    " AND id <> (SELECT id FROM ticks ORDER BY at DESC, id DESC LIMIT 1)"
)


def prune(db: sqlite3.Connection, before: datetime) -> int:
    """Delete what is older than `before` and over; returns how many runs went. Marks, standings, what is
    still open, and the runs that these name, stay however old. The caller opens and ends the transaction."""
    limit = (stamp(before),)
    runs = db.execute(RUNS, limit).rowcount
    db.execute(CLOSED_TICKETS, limit)
    db.execute(TIMELESS_TICKETS)
    for statement in (SENT_DELIVERIES, CLOSED_EPISODES, ENDED_TICKS):
        db.execute(statement, limit)
    return runs
