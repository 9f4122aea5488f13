"""The record of slots that stay open without having been started."""

from collections.abc import Iterable

from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.slot import Ticket
from loom.domain.tick import Tick
from loom.domain.worker import Worker

OUTCOME_WHILE_OPEN = {
    OpenReason.ENFORCEMENT: Outcome.BLOCKED,
    OpenReason.REQUIREMENT: Outcome.SKIPPED,
    OpenReason.BUDGET: Outcome.SKIPPED,
    OpenReason.OVERLAP: Outcome.SKIPPED,
}


def held_run(
    worker: Worker,
    tickets: Iterable[Ticket],
    reason: OpenReason,
    detail: str,
    *,
    tick: Tick,
    digest: str | None,
    run_id: str,
) -> Run:
    """One run for all `tickets` (slots of `worker`) that `reason` holds open; their first and last slot."""
    slots = sorted(ticket.slot for ticket in tickets if ticket.slot is not None)
    return Run(
        run_id=run_id,
        worker=worker.id,
        agent=worker.agent,
        slot=slots[0],
        slot_last=slots[-1] if len(slots) > 1 else None,
        count=len(slots),
        trigger=Trigger.SCHEDULE,
        outcome=OUTCOME_WHILE_OPEN[reason],
        final=False,
        open_reason=reason,
        reason=f"{reason.value}: {detail}" if detail else reason.value,
        error=RunError("enforcement", detail) if reason is OpenReason.ENFORCEMENT else None,
        enforcement_digest=digest,
        tick_id=tick.id,
        tick_at=tick.at,
    )
