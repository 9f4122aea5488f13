"""Claimed tickets that wait: whose turn it is, whether there is time left, and the claim on the rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from loom.clock import Clock
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Worker
from loom.values import replace

LEASE_GRACE = timedelta(minutes=2)


def lease(worker: Worker, real_now: datetime, at_least: timedelta) -> datetime:
    """Until when, in real time, a claim on `worker` holds: its whole timeout and a grace to record."""
    return real_now + max(worker.timeout + LEASE_GRACE, at_least)


class Waiting:
    """Mutable, for one tick and one thread.

    tickets: in the order to start them in. at_once: how many workers may run side by side. alone: workers
    that run with no other beside them. over_by: in the clock's monotonic seconds, when every run must be
    over, or None. shortest_lease: how long a claim holds at least.
    """

    def __init__(
        self,
        tickets: Sequence[Ticket],
        workers: Mapping[str, Worker],
        *,
        at_once: int,
        alone: frozenset[str],
        over_by: float | None,
        shortest_lease: timedelta,
        clock: Clock,
    ) -> None:
        self._tickets = list(tickets)
        self._workers = workers
        self._at_once = at_once
        self._alone = alone
        self._over_by = over_by
        self._shortest_lease = shortest_lease
        self._clock = clock
        self._renew_at: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self._tickets)

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """What hasn't started, in order."""
        return tuple(self._tickets)

    def next(self, running: Sequence[str]) -> list[Ticket]:
        """Those whose turn it is beside the workers that are `running`, as they are once started."""
        busy = set(running)
        picked: list[Ticket] = []
        place = 0
        while place < len(self._tickets) and len(busy) < self._at_once and not busy & self._alone:
            ticket = self._tickets[place]
            if ticket.worker in busy or (busy and ticket.worker in self._alone) or self._too_late(ticket):
                place += 1
                continue
            del self._tickets[place]
            busy.add(ticket.worker)
            picked.append(self._started(ticket))
        return picked

    def renewed(self) -> list[Ticket]:
        """The claims on what waits, once half of their time is over: they must outlast the wait."""
        real_now = self._clock.real()
        if not self._tickets or (self._renew_at is not None and real_now < self._renew_at):
            return []
        renewed: list[Ticket] = []
        next_times: list[datetime] = []
        for place, ticket in enumerate(self._tickets):
            longest = lease(self._workers[ticket.worker], real_now, self._shortest_lease)
            half = (longest - real_now) / 2
            if ticket.lease_until is not None and ticket.lease_until - real_now < half:
                ticket = self._tickets[place] = replace(ticket, lease_until=longest)
                renewed.append(ticket)
            next_times.append((ticket.lease_until or longest) - half)
        self._renew_at = min(next_times)
        return renewed

    def _too_late(self, ticket: Ticket) -> bool:
        """Whether a run that took its whole timeout would outlast what the tick may take."""
        if self._over_by is None:
            return False
        timeout = self._workers[ticket.worker].timeout.total_seconds()
        return self._clock.monotonic() + timeout > self._over_by

    def _started(self, ticket: Ticket) -> Ticket:
        return replace(
            ticket,
            state=TicketState.STARTED,
            starts=ticket.starts + 1,
            started_at=self._clock.now(),
            lease_until=lease(self._workers[ticket.worker], self._clock.real(), self._shortest_lease),
        )
