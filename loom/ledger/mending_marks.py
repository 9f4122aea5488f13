"""The marks of a ledger that lost some: as early as nothing that may have finished allows."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from loom.domain.tick import Mark
from loom.ledger.codec import read_stamp, stamp
from loom.ledger.losses import Known
from loom.ledger.rows import mark_row

_BY_SLOT = "its newest recorded slot"
# A request by hand may be for a slot that no tick has decided yet.
_NEWEST_BY_RUN = (
    "SELECT worker, max(coalesce(slot_last, slot)) FROM runs"
    " WHERE slots > 0 AND coalesce(slot_last, slot) <= ? GROUP BY worker"
)
_NEWEST_BY_TICKET = (
    "SELECT worker, max(at) FROM tickets WHERE at <= ? AND key = worker || '@' || substr(at, 1, 19) || 'Z'"
    " AND json_extract(body, '$.trigger') IN ('schedule', 'retry') GROUP BY worker"
)
_LAST_DECISIONS = (
    "SELECT max(at) FROM ticks WHERE at <= ? AND json_extract(body, '$.trigger') <> 'manual'",
    "SELECT max(tick_at) FROM runs WHERE tick_at <= ? AND slots > 0",
    "SELECT max(at) FROM marks WHERE at <= ?",
)


def mend_marks(db: sqlite3.Connection, known: Known) -> Iterator[str]:
    marks = {worker: read_stamp(at) for worker, at in db.execute("SELECT worker, at FROM marks")}
    newest: dict[str, datetime] = {}
    limit = (stamp(known.latest),)
    for statement in (_NEWEST_BY_RUN, _NEWEST_BY_TICKET):
        for worker, at in db.execute(statement, limit):
            newest[worker] = max(read_stamp(at), newest.get(worker, read_stamp(at)))
    last = _last_decision(db, limit)
    for worker in sorted({*marks, *newest, *known.workers}):
        held, decided = marks.get(worker), newest.get(worker)
        if known.losses.commits:
            at, why = known.written_at, "when the ledger was last written: what its log said is lost"
        elif held is not None and held > known.latest:
            at, why = _derived(known, decided, last)
            why = f"{why}; the mark read lay in the future"
        elif held is not None and decided is not None and held < decided:
            at, why = decided, _BY_SLOT
        elif held is None and (decided is not None or not known.losses.whole("marks")):
            at, why = _derived(known, decided, last)
        else:
            continue
        db.execute("INSERT OR REPLACE INTO marks (worker, at) VALUES (?, ?)", mark_row(Mark(worker, at)))
        yield _about(worker, at, why, lost_since=decided if why != _BY_SLOT else at)


def _last_decision(db: sqlite3.Connection, limit: tuple[str]) -> datetime | None:
    """When slots were last decided, as far as what was saved says."""
    said = [at for statement in _LAST_DECISIONS for (at,) in db.execute(statement, limit) if at is not None]
    return max(map(read_stamp, said), default=None)


def _derived(known: Known, decided: datetime | None, last: datetime | None) -> tuple[datetime, str]:
    """The mark that lets nothing start again which may have finished, as early as that allows."""
    if decided is not None and known.losses.whole("runs", "tickets"):
        return decided, _BY_SLOT
    if last is not None and known.losses.whole("ticks"):
        return max(last, decided or last), "the last tick"
    return max(known.written_at, decided or known.written_at), "when the ledger was last written"


def _about(worker: str, at: datetime, why: str, lost_since: datetime | None) -> str:
    instant = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    said = f"the mark of {worker} is set to {instant}, {why}"
    if why == _BY_SLOT:
        return said
    since = "" if lost_since is None else f"after {lost_since:%Y-%m-%dT%H:%M:%SZ} and "
    return (
        f"{said}. Slots {since}up to it count as decided; one that didn't run is run with: "
        f"loom run --worker {worker} --slot ISO8601"
    )
