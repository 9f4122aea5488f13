"""What a tick that has to end leaves undone: slots that it claimed and didn't start, runs that it cut off."""

from collections.abc import Callable, Mapping, Sequence

from loom.domain.run import OpenReason, Outcome, Run, RunError
from loom.domain.slot import Ticket, TicketState
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.runner.held import held_run
from loom.slots.life import cut_off
from loom.slots.owed import closed, let_go
from loom.values import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """tickets: new versions, each in the fence it was claimed with. runs: what is recorded of them."""

    tickets: tuple[Ticket, ...]
    runs: tuple[Run, ...]


def put_off(
    claimed: Sequence[Ticket],
    as_before: Mapping[str, Ticket],
    workers: Mapping[str, Worker],
    *,
    why: str,
    tick: Tick,
    digest: str,
    new_id: Callable[[], str],
) -> Undone:
    """Give back what was claimed and never began: slots stay open, a request by hand ends, and so does a
    slot that only a request could have started again.

    as_before: the same tickets by key as they were before the claim, whose last run is still theirs.
    """
    tickets: list[Ticket] = []
    runs: list[Run] = []
    waiting: dict[str, list[Ticket]] = {}
    for ticket in claimed:
        if ticket.is_request:
            tickets.append(closed(ticket, Outcome.SKIPPED))
            runs.append(_request_ended(ticket, workers[ticket.worker], why, tick, digest))
        elif _died_for_good(before := as_before[ticket.key], workers[ticket.worker]):
            tickets.append(closed(replace(before, fence=ticket.fence), Outcome.ABANDONED))
            runs.append(_not_repeated(before, workers[ticket.worker], why, tick, digest, new_id()))
        else:
            given_back = replace(let_go(before), fence=ticket.fence, reason=OpenReason.BUDGET, detail=why)
            waiting.setdefault(ticket.worker, []).append(replace(given_back, not_before=None))
    for worker, slots in waiting.items():
        run = held_run(
            workers[worker], slots, OpenReason.BUDGET, why, tick=tick, digest=digest, run_id=new_id()
        )
        runs.append(run)
        # A slot that started before keeps its last attempt's run, as any slot that is held does.
        tickets += [
            slot if slot.starts else replace(slot, run_id=run.run_id, outcome=run.outcome) for slot in slots
        ]
    return Undone(tickets=tuple(tickets), runs=tuple(runs))


def cut_short(
    started: Sequence[Ticket],
    workers: Mapping[str, Worker],
    *,
    logs: Mapping[str, str],
    refused: Mapping[str, RunError],
    why: str,
    asked_for: bool,
    tick: Tick,
    digest: str,
) -> Undone:
    """Record as abandoned what was still running; as blocked, for good, what had been refused an act.

    asked_for: by a person, so it isn't started again. logs: what each has said by now, by the ticket's key.
    refused: the first act that was refused, of those that were refused any.
    """
    tickets, runs = [], []
    for ticket in started:
        worker = workers[ticket.worker]
        error = refused.get(ticket.key)
        after = closed(ticket, Outcome.BLOCKED) if error else cut_off(worker, ticket, by_hand=asked_for)
        final = after.state is TicketState.CLOSED
        tickets.append(after)
        runs.append(
            Run(
                run_id=ticket.run_id or ticket.key,
                worker=worker.id,
                agent=worker.agent,
                slot=ticket.slot,
                trigger=ticket.trigger,
                by_hand=ticket.is_request,
                outcome=Outcome.BLOCKED if error else Outcome.ABANDONED,
                error=error,
                final=final,
                open_reason=None if final else after.reason,
                reason=f"the tick was {why}, and the run didn't end in the time it was given",
                log=logs.get(ticket.key, ""),
                attempts=1,
                started_at=ticket.started_at,
                enforcement_digest=digest,
                tick_id=tick.id,
                tick_at=tick.at,
            )
        )
    return Undone(tickets=tuple(tickets), runs=tuple(runs))


def _died_for_good(before: Ticket, worker: Worker) -> bool:
    """Whether only a person's force could have started it again."""
    return before.outcome is Outcome.ABANDONED and not worker.retry.abandoned


def _not_repeated(ticket: Ticket, worker: Worker, why: str, tick: Tick, digest: str, run_id: str) -> Run:
    return Run(
        run_id=run_id,
        worker=worker.id,
        agent=worker.agent,
        slot=ticket.slot,
        trigger=ticket.trigger,
        outcome=Outcome.ABANDONED,
        reason=f"{why} before it began again; its process had died, and such a run is not repeated",
        enforcement_digest=digest,
        tick_id=tick.id,
        tick_at=tick.at,
    )


def _request_ended(ticket: Ticket, worker: Worker, why: str, tick: Tick, digest: str) -> Run:
    return Run(
        run_id=ticket.run_id or ticket.key,
        worker=worker.id,
        agent=worker.agent,
        slot=ticket.slot,
        trigger=ticket.trigger,
        by_hand=True,
        outcome=Outcome.SKIPPED,
        reason=f"{why} before it began; a request by hand is not tried again",
        enforcement_digest=digest,
        tick_id=tick.id,
        tick_at=tick.at,
    )
