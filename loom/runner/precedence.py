"""In which order claimed work starts: whoever may take this process with it comes last, and runs alone."""

from collections.abc import Iterable, Mapping, Sequence

from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import Ticket
from loom.domain.standing import Standing
from loom.domain.worker import Isolation, Worker


def suspects(
    tickets: Sequence[Ticket], standings: Mapping[str, Standing], workers: Mapping[str, Worker]
) -> Mapping[str, int]:
    """The workers of which it isn't known whether their last run took the process with it or only died with
    it, each with how often in a row it went wrong: the more often, the likelier it is the one.

    tickets: those to start, as they were before they were claimed. standings: as read with them. workers: by
    id; one that runs in a process of its own can't take this one with it.
    """
    found: dict[str, int] = {}
    for ticket in tickets:
        if workers[ticket.worker].isolation is Isolation.PROCESS:
            continue
        standing = standings.get(ticket.worker)
        died_now = ticket.reason is OpenReason.ABANDONED
        if died_now or (standing is not None and standing.last_outcome is Outcome.ABANDONED):
            failures = (standing.consecutive_failures if standing else 0) + died_now
            found[ticket.worker] = max(failures, found.get(ticket.worker, 0))
    return found


def in_order(
    tickets: Sequence[Ticket], suspected: Mapping[str, int], open_before: Iterable[Ticket]
) -> list[Ticket]:
    """Workers that an earlier tick had no time for first, suspects last; one worker's slots stay in order.

    open_before: what the ledger held open. Its slot may have been superseded since, but the worker waited.
    """
    waited = {ticket.worker for ticket in open_before if ticket.reason is OpenReason.BUDGET}
    return sorted(
        tickets,
        key=lambda ticket: (suspected.get(ticket.worker, -1), ticket.worker not in waited),
    )
