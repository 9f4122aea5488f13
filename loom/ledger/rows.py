"""Entry <-> row: the columns that SQLite finds an entry by, beside the JSON that is the entry.

Columns are drawn from the entry, never the other way round; so a row whose columns say something else than
its JSON is damaged. A row is given as the values of its columns in the order of `loom.ledger.schema`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from loom.domain.alert import Delivery, DeliveryState, Episode
from loom.domain.pause import Pause
from loom.domain.run import Outcome, Run
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.standing import Standing
from loom.domain.tick import Mark, Tick
from loom.ledger.codec import UnreadableEntry, from_json, read_stamp, stamp, to_json
from loom.ledger.laws import scheduled_slots
from loom.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from loom.domain.slot_outcome import SlotOutcome

OUTCOMES: Mapping[str, Outcome] = {outcome.value: outcome for outcome in Outcome}

Row = tuple[Any, ...]
"""Plain texts, numbers and None: SQLite's module asks of all else whether it has to be adapted."""

Recorded = Tick | Mark | Pause | Ticket | Standing | Run | Episode | Delivery
"""What has a table of its own."""

# What values of a wrong kind end in.
_UNFIT = (ValueError, TypeError, AttributeError, KeyError, OverflowError)


def tail(run_id: str) -> str:
    """The last twelve characters, backwards: as the ledger indexes the ends of ids."""
    return run_id[:-13:-1]


def tick_row(tick: Tick, body: str | None = None) -> Row:
    ended = None if tick.finished_at is None else stamp(tick.finished_at)
    return tick.id, stamp(tick.at), ended, to_json(tick) if body is None else body


def pause_row(pause: Pause, body: str | None = None) -> Row:
    return pause.worker, int(pause.lifted), to_json(pause) if body is None else body


def ticket_row(ticket: Ticket, body: str | None = None) -> Row:
    at = ticket.slot or ticket.started_at
    return (
        ticket.key,
        ticket.worker,
        ticket.fence,
        int(ticket.state is TicketState.CLOSED),
        None if at is None else stamp(at),
        ticket.run_id,
        to_json(ticket) if body is None else body,
    )


def mark_row(mark: Mark, _: str | None = None) -> Row:
    return mark.worker, stamp(mark.at)


def standing_row(standing: Standing, _: str | None = None) -> Row:
    return (
        standing.worker,
        standing.last_run_id,
        standing.last_outcome and standing.last_outcome.value,
        int(standing.last_final),
        None if standing.last_at is None else stamp(standing.last_at),
        None if standing.last_success_at is None else stamp(standing.last_success_at),
        standing.previous_run_id,
        standing.consecutive_failures,
    )


def run_row(run: Run, body: str | None = None) -> Row:
    """Without the first column, a number that SQLite gives."""
    return (
        run.run_id,
        tail(run.run_id),
        run.worker,
        run.outcome.value,
        int(run.final),
        int(run.on_time),
        scheduled_slots(run),
        int(run.started_at is not None),
        int(run.enforcement_digest is not None),
        int(run.bad),
        None if run.slot is None else stamp(run.slot),
        None if run.slot_last is None or run.slot_last == run.slot else stamp(run.slot_last),
        run.tick_id,
        stamp(run.tick_at),
        to_json(run) if body is None else body,
    )


def episode_row(episode: Episode, body: str | None = None) -> Row:
    return (
        episode.id,
        episode.subject,
        stamp(episode.opened_at),
        None if episode.closed_at is None else stamp(episode.closed_at),
        to_json(episode) if body is None else body,
    )


def delivery_row(delivery: Delivery, body: str | None = None) -> Row:
    """Without the first column, a number that SQLite gives."""
    return (
        delivery.id,
        delivery.alert.run_id,
        int(delivery.state is DeliveryState.SENT),
        stamp(delivery.changed_at),
        to_json(delivery) if body is None else body,
    )


def read_mark(row: Row) -> Mark:
    """Raises UnreadableEntry, as all of these do."""
    try:
        worker, at = row
        return Mark(worker, read_stamp(at))
    except _UNFIT as error:
        raise UnreadableEntry(f"Mark {row!r}: {error}") from error


def read_instant(text: Any) -> "datetime":
    try:
        at = read_stamp(text)
    except _UNFIT as error:
        raise UnreadableEntry(f"an instant {str(text)[:80]!r}: {error}") from error
    if at.tzinfo is None:
        raise UnreadableEntry(f"an instant {text!r}: it has no time zone")
    return at


def read_pause(row: Row) -> Pause:
    return from_json(Pause, row[-1], worker=row[0])


def read_standing(row: Row) -> Standing:
    try:
        worker, last_run_id, outcome, final, last_at, success_at, previous_run_id, failures = row
        return Standing(
            worker=worker,
            last_run_id=last_run_id,
            last_outcome=None if outcome is None else OUTCOMES[outcome],
            last_final=final == 1,
            last_at=None if last_at is None else read_stamp(last_at),
            last_success_at=None if success_at is None else read_stamp(success_at),
            previous_run_id=previous_run_id,
            consecutive_failures=failures,
        )
    except _UNFIT as error:
        raise UnreadableEntry(f"Standing {row!r}: {error}") from error


SLOT_OUTCOME = "worker, run_id, slot, slot_last, slots, outcome, final, on_time, started, tick_at"
"""The columns of `runs` that a `SlotOutcome` is read from."""


def read_slot_outcome(row: Row) -> "SlotOutcome":
    # Made where somebody asks: a tick with nothing due never does.
    from loom.domain.slot_outcome import SlotOutcome

    try:
        worker, run_id, first, last, count, outcome, final, on_time, started, tick_at = row
        begins = read_stamp(first)
        return SlotOutcome(
            worker=worker,
            run_id=run_id,
            first=begins,
            last=begins if last is None else read_stamp(last),
            count=count,
            outcome=OUTCOMES[outcome],
            final=final == 1,
            on_time=on_time == 1,
            started=started == 1,
            tick_at=read_stamp(tick_at),
        )
    except _UNFIT as error:
        raise UnreadableEntry(f"SlotOutcome {row!r}: {error}") from error


def _read_ticket(row: Row) -> Ticket:
    key, worker = row[:2]
    ticket = from_json(Ticket, row[6], key=key, worker=worker)
    own = ticket.slot is not None and key == Slot(worker, ticket.slot).key
    if not own and not key.startswith(f"{worker}#"):
        raise ValueError(f"it is of the slot {ticket.slot}, and of {worker}")
    return ticket


@dataclass(frozen=True, slots=True)
class _Table:
    """width: how many columns. own: how many of the first are SQLite's own, and drawn from no entry."""

    width: int
    own: int
    read: Callable[[Row], Any]
    draw: Callable[[Any, str], Row]


_TABLES: Mapping[str, _Table] = {
    "ticks": _Table(4, 0, lambda row: from_json(Tick, row[3]), tick_row),
    "marks": _Table(2, 0, read_mark, mark_row),
    "pauses": _Table(3, 0, read_pause, pause_row),
    "tickets": _Table(7, 0, _read_ticket, ticket_row),
    "standings": _Table(8, 0, read_standing, standing_row),
    "runs": _Table(16, 1, lambda row: from_json(Run, row[15], worker=row[3]), run_row),
    "episodes": _Table(5, 0, lambda row: from_json(Episode, row[4], subject=row[1]), episode_row),
    "deliveries": _Table(6, 1, lambda row: from_json(Delivery, row[5]), delivery_row),
}

TABLES = tuple(_TABLES)


def read_row(table: str, row: Row) -> Recorded:
    """The entry that a row of `table` holds, all of it held against its columns. Raises UnreadableEntry."""
    form = _TABLES[table]
    try:
        if len(row) != form.width:
            raise ValueError(f"{len(row)} columns where {form.width} are expected")
        entry: Recorded = form.read(row)
        drawn = form.draw(entry, row[-1])
        if drawn != row[form.own :]:
            raise ValueError(f"its columns don't say what its text does: {row[:-1]!r}")
    except (UnreadableEntry, *_UNFIT) as error:
        name = row[form.own] if len(row) > form.own else row
        raise UnreadableEntry(f"{table}, {str(name)[:80]!r}: {error}") from error
    return entry
