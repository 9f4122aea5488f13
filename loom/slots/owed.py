"""A slot that is to be decided now, and the ways in which it can end without another start."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loom.domain.pause import Pause
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.domain.schedule import CatchUpPolicy
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.worker import Worker
from loom.slots.calendar import catch_up_within, hour_start
from loom.slots.decision import Ended
from loom.values import dataclass, replace


@dataclass(frozen=True, slots=True)
class Owed:
    """at: the slot's instant. ticket: OPEN, or None when the slot is newly due.
    died: the ticket as read, when an attempt was under way and its process died."""

    at: datetime
    ticket: Ticket | None = None
    died: Ticket | None = None

    @property
    def started(self) -> bool:
        return self.ticket is not None and self.ticket.starts > 0

    def waits(self, now: datetime) -> bool:
        """Whether it isn't to be tried yet."""
        return self.ticket is not None and self.ticket.not_before is not None and self.ticket.not_before > now

    def as_ticket(self, worker: Worker) -> Ticket:
        """Its ticket; a new one, OPEN, when it is newly due."""
        return self.ticket or new_ticket(worker, self.at)

    def ended(self, outcome: Outcome, reason: str) -> Ended:
        """Its end. What did start ends with its last attempt's outcome instead: a failure is not hidden."""
        if self.ticket is None:
            return Ended(self.at, outcome, reason)
        if self.started:
            last = self.ticket.outcome or Outcome.ABANDONED
            died = self.died is not None
            return Ended(self.at, last, reason, closed(self.ticket, last), attempted=True, died=died)
        return Ended(self.at, outcome, reason, closed(self.ticket, outcome))

    def skipped(self, reason: str) -> Ended:
        """Its end by a person's wish, whatever came before; only a run that died just now still says so."""
        if self.died is not None:
            return self.ended(Outcome.ABANDONED, reason)
        ticket = None if self.ticket is None else closed(self.ticket, Outcome.SKIPPED)
        return Ended(self.at, Outcome.SKIPPED, reason, ticket)


def new_ticket(worker: Worker, at: datetime) -> Ticket:
    """The ticket, OPEN, of a slot that is newly due."""
    return Ticket(
        key=Slot(worker.id, at).key,
        worker=worker.id,
        slot=at,
        trigger=Trigger.SCHEDULE,
        state=TicketState.OPEN,
    )


def taken_back(at: datetime, ticket: Ticket) -> Owed:
    """The slot of a ticket that is open, or was left behind by a process that died."""
    if ticket.state is not TicketState.STARTED:
        return Owed(at, let_go(ticket))
    again = replace(
        let_go(ticket),
        reason=OpenReason.ABANDONED,
        detail="its process died before the end was recorded",
        not_before=None,
        starts=max(1, ticket.starts),
        outcome=Outcome.ABANDONED,
    )
    return Owed(at, again, died=ticket)


def request_ended(ticket: Ticket) -> Ended:
    """The end of a manual request that nobody works on any more: it is never started again."""
    last = Outcome.ABANDONED
    if ticket.state is TicketState.OPEN:
        last, reason = ticket.outcome or Outcome.SKIPPED, "a request by hand is not tried again"
    elif ticket.state is TicketState.CLAIMED:
        reason = "its process died before it began; a request by hand is not started again"
    else:
        reason = "its process died before the end was recorded; a request by hand is not started again"
    died = ticket.state is TicketState.STARTED
    return Ended(None, last, reason, closed(ticket, last), attempted=died or ticket.starts > 0, died=died)


def let_go(ticket: Ticket) -> Ticket:
    """The ticket, OPEN, in nobody's hands."""
    if ticket.state is TicketState.OPEN:
        return ticket
    return replace(ticket, state=TicketState.OPEN, claimer=None, lease_until=None, started_at=None)


def closed(ticket: Ticket, outcome: Outcome) -> Ticket:
    """The ticket, closed for ever."""
    return replace(
        ticket,
        state=TicketState.CLOSED,
        outcome=outcome,
        reason=None,
        detail="",
        not_before=None,
        claimer=None,
        lease_until=None,
    )


def out_of_reach(worker: Worker, at: datetime, now: datetime, *, started: bool = False) -> str:
    """Why the slot `at` can't be started any more at `now` (both UTC), or an empty text. started: whether it
    was before; then its hour alone doesn't end it."""
    only_this_hour = worker.catch_up.policy is CatchUpPolicy.NONE and not started
    if only_this_hour and at < hour_start(now, worker.schedule.zone):
        return "catch-up is none and its hour is over"
    within = catch_up_within(worker)
    return f"catch-up reaches back {span(within)}" if at + within < now else ""


def waited(ticket: Ticket) -> str:
    """What an open ticket that never started was waiting for."""
    if ticket.reason is None:
        return "was claimed, and never begun"
    return f"waited for {ticket.reason}: {ticket.detail}" if ticket.detail else f"waited for {ticket.reason}"


def why_paused(worker: Worker, pause: Pause, slot: datetime | None = None) -> str:
    """``paused by Ada until 2026-12-01T06:00-06:00: budget freeze``; of one that a person ended, not its end.

    slot: what it is the reason of, if it may be an earlier pause that covered it."""
    before = [span for span in pause.earlier if slot is not None and slot in span]
    if before:
        return f"paused by {before[-1].by}"
    until = f" until {shown(worker, pause.until)}" if pause.until is not None and not pause.ended_by else ""
    return f"paused by {pause.by}{until}" + (f": {pause.reason}" if pause.reason else "")


def shown(worker: Worker, at: datetime) -> str:
    """The instant as the worker's clock shows it, to the minute, with its offset."""
    return at.astimezone(ZoneInfo(worker.schedule.zone)).isoformat(timespec="minutes")


def span(length: timedelta) -> str:
    """A length of time in one unit: '3 d', '24 h', '90 min', '45 s'."""
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if length >= 2 * size:
            return f"{round(length / size, 1):g} {unit}"
    return f"{round(length.total_seconds(), 1):g} s"
