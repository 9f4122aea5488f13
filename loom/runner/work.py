"""Claimed tickets -> recorded runs. One thread owns the ledger; the workers run beside it.

What has finished and what starts next is written in one batch, so a busy tick costs about one durable
write for each run, and nothing starts before the ledger says so.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.alert import Delivery
from loom.domain.enforcement import EnforcementContext
from loom.domain.registry import Registry
from loom.domain.run import Execution, Run
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.enforcement.masking import mask
from loom.errors import ClaimLost
from loom.execution.assignment import Assignment
from loom.ports import Entry, Guard
from loom.runner.books import Books
from loom.runner.conclude import conclude
from loom.runner.parts import Executor, Parts
from loom.slots.life import after_run

LEASE_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What all the work of one tick has in common. alone: workers that run with no other beside them.
    by_hand: a person asked for it, so what fails isn't tried again."""

    tick: Tick
    registry: Registry
    enforcement: EnforcementContext
    secrets: Mapping[str, str]
    previous: Callable[[str], Mapping[str, Any] | None]
    params: Mapping[str, str]
    on_time: frozenset[str]
    alone: frozenset[str]
    by_hand: bool


@dataclass(frozen=True, slots=True)
class _Running:
    ticket: Ticket
    worker: Worker
    guard: Guard


def lease(worker: Worker, real_now: datetime, at_least: timedelta) -> datetime:
    """Until when, in real time, a claim on `worker` holds: its whole timeout and a grace to record."""
    return real_now + max(worker.timeout + LEASE_GRACE, at_least)


def work(
    parts: Parts,
    commission: Commission,
    tickets: Sequence[Ticket],
    books: Books,
    record: Callable[[Sequence[Entry]], None],
) -> None:
    """Run the claimed `tickets`, at most `max_parallel` at once and one at a time per worker, oldest first.

    Every run ends up in `books` and, through `record`, in the ledger. Raises what `record` raises, except
    ClaimLost: a ticket that another process took over is theirs to record.
    """
    workers = {worker.id: worker for worker in commission.registry.workers}
    waiting = deque(tickets)
    running: dict[str, _Running] = {}
    entries: list[Entry] = []
    with parts.executor() as executor:
        while waiting or running:
            starting = _pick(waiting, running, workers, parts, commission)
            lost = _write(record, [*entries, *(each.ticket for each in starting)], books)
            entries = []
            for each in starting:
                if each.ticket.key not in lost:
                    running[each.ticket.key] = each
                    _submit(executor, each, parts, commission)
            if not running:
                continue
            for key, execution in executor.wait(None):
                each = running.pop(key)
                entries += _finish(each, execution, parts, commission, books)
        _write(record, entries, books)


def _pick(
    waiting: deque[Ticket],
    running: Mapping[str, _Running],
    workers: Mapping[str, Worker],
    parts: Parts,
    commission: Commission,
) -> list[_Running]:
    picked: list[_Running] = []
    busy = {each.worker.id for each in running.values()}
    passed: list[Ticket] = []
    while waiting and len(busy) < commission.registry.max_parallel and not busy & commission.alone:
        ticket = waiting.popleft()
        if ticket.worker in busy or (busy and ticket.worker in commission.alone):
            passed.append(ticket)
            continue
        busy.add(ticket.worker)
        worker = workers[ticket.worker]
        started = replace(
            ticket,
            state=TicketState.STARTED,
            starts=ticket.starts + 1,
            started_at=parts.clock.now(),
            lease_until=lease(worker, parts.clock.real(), parts.shortest_lease),
        )
        picked.append(_Running(started, worker, parts.guard(commission.enforcement, worker)))
    waiting.extendleft(reversed(passed))
    return picked


def _submit(executor: Executor, each: _Running, parts: Parts, commission: Commission) -> None:
    ticket, worker = each.ticket, each.worker
    zone = ZoneInfo(worker.schedule.zone)
    parts.progress.started(ticket, worker.agent)
    executor.submit(
        Assignment(
            key=ticket.key,
            worker=worker,
            slot=ticket.slot.astimezone(zone) if ticket.slot else None,
            slot_key=Slot(worker.id, ticket.slot).key if ticket.slot else ticket.key,
            now=commission.tick.at.astimezone(zone),
            project=parts.project,
            previous=commission.previous(worker.id),
            enforcement=commission.enforcement,
            guard=each.guard,
            secrets={
                name: commission.secrets[name] for name in worker.requires.env if name in commission.secrets
            },
            params=commission.params,
            say=lambda text: parts.progress.said(ticket, text),
        )
    )


def _finish(
    each: _Running, execution: Execution, parts: Parts, commission: Commission, books: Books
) -> list[Entry]:
    secrets = tuple(commission.secrets.values())
    run = conclude(
        each.ticket,
        each.worker,
        execution,
        each.guard,
        tick=commission.tick,
        digest=commission.enforcement.digest,
        params=commission.params,
        mask=lambda text: mask(text, secrets),
    )
    # Whatever the worker left behind (a thread, a task) may do nothing more in its name.
    each.guard.revoke("the run is over")
    ticket, run = _settle(each, execution, run, parts, commission)
    run = replace(run, on_time=each.ticket.key in commission.on_time)
    parts.progress.finished(run)
    return [ticket, *books.enter([run])]


def _settle(
    each: _Running, execution: Execution, run: Run, parts: Parts, commission: Commission
) -> tuple[Ticket, Run]:
    """Whether the ticket is closed by this run or stays open for a later tick. By hand, once is all."""
    if commission.by_hand:
        return replace(each.ticket, state=TicketState.CLOSED, outcome=run.outcome), run
    ticket = after_run(
        each.worker,
        each.ticket,
        outcome=run.outcome,
        transient=execution.transient,
        retry_after=execution.retry_after,
        now=parts.clock.now(),
    )
    final = ticket.state is TicketState.CLOSED
    return ticket, replace(
        run, final=final, open_reason=None if final else ticket.reason, not_before=ticket.not_before
    )


def _write(
    record: Callable[[Sequence[Entry]], None], entries: Sequence[Entry], books: Books
) -> frozenset[str]:
    """Record `entries`; those of tickets that another process took over are left out. Returns their keys."""
    lost: frozenset[str] = frozenset()
    left = list(entries)
    while left:
        try:
            record(left)
        except ClaimLost as error:
            lost |= frozenset(error.keys)
            runs = {e.run_id for e in left if isinstance(e, Ticket) and e.key in lost}
            books.lose(run_id for run_id in runs if run_id)
            left = [
                e
                for e in left
                if not (isinstance(e, Ticket) and e.key in lost)
                and not (isinstance(e, Run) and e.run_id in runs)
                and not (isinstance(e, Delivery) and e.alert.run_id in runs)
            ]
        else:
            break
    return lost
