"""Claimed tickets -> recorded runs. One thread owns the ledger; the workers run beside it.

What has finished and what starts next is written in one batch, so a busy tick costs about one durable
write for each run, and nothing starts before the ledger says so. Work ends early when the tick's budget
is used up, or when somebody asks it to stop.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.alert import Delivery, Episode
from loom.domain.enforcement import EnforcementContext, Refusal
from loom.domain.execution import Execution
from loom.domain.record import Entry, RunReader
from loom.domain.registry import Registry
from loom.domain.run import Outcome, Run
from loom.domain.slot import Slot, Ticket
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.errors import ClaimLost
from loom.execution.assignment import Assignment
from loom.ports import Guard
from loom.runner.books import Books
from loom.runner.conclude import cleaner, conclude, refusal_error
from loom.runner.parts import Executor, LiveLog, Parts
from loom.runner.undone import cut_short, put_off
from loom.runner.waiting import Waiting
from loom.slots.life import after_run
from loom.slots.owed import closed
from loom.values import dataclass, replace

STOP_GRACE_S = 4.0
"""How long runs that are asked to stop may take to do so. A job that is cancelled on GitHub gets SIGINT, then
SIGTERM 7.5 s later and SIGKILL 2.5 s after that (its "workflow cancellation reference"), and what became of
the work has to be recorded meanwhile."""
_LOOK_UP_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What all the work of one tick has in common. alone: workers that run with no other beside them.
    by_hand: a person asked for it, so what fails isn't tried again. as_before: the tickets, by key, before
    their claim. over_by: in the clock's monotonic seconds, when every run must be over, or None."""

    tick: Tick
    registry: Registry
    enforcement: EnforcementContext
    secrets: Mapping[str, str]
    previous: Callable[[str], Mapping[str, Any] | None]
    runs: RunReader
    params: Mapping[str, str]
    on_time: frozenset[str]
    alone: frozenset[str]
    by_hand: bool
    as_before: Mapping[str, Ticket]
    over_by: float | None
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Running:
    ticket: Ticket
    worker: Worker
    guard: Guard
    log: LiveLog


def work(
    parts: Parts,
    commission: Commission,
    tickets: Sequence[Ticket],
    books: Books,
    record: Callable[[Sequence[Entry]], None],
) -> tuple[str, ...]:
    """Run the claimed `tickets`, at most `max_parallel` at once and one at a time per worker, in their order.

    Every run ends up in `books` and, through `record`, in the ledger, and so does what wasn't started or
    was cut off. Returns what else a person should read of it. Raises what `record` raises, except ClaimLost:
    a ticket that another process took over is theirs to record.
    """
    workers = {worker.id: worker for worker in commission.registry.workers}
    waiting = Waiting(
        tickets,
        workers,
        at_once=commission.registry.max_parallel,
        alone=commission.alone,
        over_by=commission.over_by,
        shortest_lease=parts.shortest_lease,
        clock=parts.clock,
    )
    running: dict[str, _Running] = {}
    done: dict[str, _Running] = {}
    ended: list[LiveLog] = []
    entries: list[Entry] = []
    live_logs = parts.live_logs()
    cut_off_at: float | None = None
    with parts.executor() as executor:
        while waiting or running:
            starting: list[Ticket] = []
            if not parts.stop.asked:
                starting = waiting.next([each.worker.id for each in running.values()])
            lost = _write(record, [*entries, *waiting.renewed(), *starting], books)
            entries = []
            _take_away(ended)
            for ticket in starting:
                if ticket.key not in lost:
                    worker = workers[ticket.worker]
                    guard = parts.guard(commission.enforcement, worker)
                    log = live_logs.of(ticket.run_id or ticket.key, cleaner(guard, parts.mask))
                    running[ticket.key] = _Running(ticket, worker, guard, log)
                    _submit(executor, running[ticket.key], parts, commission)
            if not running:
                if starting:
                    continue
                break
            if parts.stop.asked and cut_off_at is None:
                executor.cancel(f"the tick was {parts.stop.why}")
                cut_off_at = parts.clock.monotonic() + STOP_GRACE_S
            if cut_off_at is not None and parts.clock.monotonic() >= cut_off_at:
                break
            for key, execution in executor.wait(_LOOK_UP_S):
                each = running.pop(key)
                done[each.worker.id] = each
                ended.append(each.log)
                entries += _finish(each, execution, parts, commission, books)
            _let_others_read(running.values())
        late = _acted_late(done.values(), books, parts.mask)
        # Read while their guards are as they were: the end of the executor revokes them.
        refused = {key: each.guard.refusals[0] for key, each in running.items() if each.guard.refusals}
    left = _leave(waiting.tickets, running.values(), refused, workers, parts, commission, books)
    _write(record, [*entries, *left, *(run for run, _ in late)], books)
    _take_away([*ended, *(each.log for each in running.values())])
    return tuple(f"{run.worker}: {said}" for run, said in late)


def _let_others_read(running: Iterable[_Running]) -> None:
    for each in running:
        each.log.update()


def _take_away(recorded: list[LiveLog]) -> None:
    """The ledger has what these runs said."""
    while recorded:
        recorded.pop().remove()


def _acted_late(done: Iterable[_Running], books: Books, mask: Callable[[str], str]) -> list[tuple[Run, str]]:
    """The last runs of workers, as they are to be recorded anew, of which something that they left behind was
    refused after their end; and what is said of it."""
    late: list[tuple[Run, str]] = []
    for each in done:
        run = books.runs.get(each.ticket.run_id or each.ticket.key)
        more = each.guard.refused - run.refusals if run is not None else 0
        if run is None or more <= 0:
            continue
        acts = "1 more act" if more == 1 else f"{more} more acts"
        act = each.guard.refusals[run.refusals :][:1] or each.guard.refusals[-1:]
        said = f"after its end it tried {acts}, refused, such as {' '.join(act[0].act.split())}"
        said = str(each.guard.rule_on(mask(said)).value)
        log = f"{run.log}{'' if run.log.endswith(chr(10)) or not run.log else chr(10)}{said}\n"
        late.append((replace(run, refusals=each.guard.refused, log=log), said))
        books.runs[run.run_id] = late[-1][0]
    return late


def _leave(
    waiting: Sequence[Ticket],
    running: Collection[_Running],
    refused: Mapping[str, Refusal],
    workers: Mapping[str, Worker],
    parts: Parts,
    commission: Commission,
    books: Books,
) -> list[Entry]:
    """What is recorded of the work that this tick won't do."""
    tick, digest = commission.tick, commission.enforcement.digest
    why = parts.stop.why or "the tick's budget was used up"
    undone = [
        put_off(
            waiting,
            commission.as_before,
            workers,
            why=why,
            tick=tick,
            digest=digest,
            new_id=commission.new_id,
        ),
        cut_short(
            tuple(each.ticket for each in running),
            workers,
            logs={each.ticket.key: each.log.text() for each in running},
            refused={
                key: refusal_error(refused[key], each.guard, parts.project, parts.mask)
                for each in running
                if (key := each.ticket.key) in refused
            },
            why=why,
            asked_for=commission.by_hand,
            tick=tick,
            digest=digest,
        ),
    ]
    tickets = [ticket for each in undone for ticket in each.tickets]
    runs = [run for each in undone for run in each.runs]
    for run in runs:
        parts.progress.finished(run)
    return [*tickets, *books.enter(runs)] if runs else []


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
            runs=commission.runs,
            enforcement=commission.enforcement,
            guard=each.guard,
            secrets={
                name: commission.secrets[name]
                for name in worker.requires.env
                if name in commission.secrets and each.guard.grants_secret(name)
            },
            params=commission.params,
            say=lambda text: parts.progress.said(ticket, parts.mask(text)),
            listen=each.log.attach,
        )
    )


def _finish(
    each: _Running, execution: Execution, parts: Parts, commission: Commission, books: Books
) -> list[Entry]:
    run, ticket = conclude(
        each.ticket,
        each.worker,
        execution,
        each.guard,
        tick=commission.tick,
        digest=commission.enforcement.digest,
        params=commission.params,
        project=parts.project,
        mask=parts.mask,
        on_time=each.ticket.key in commission.on_time,
        settle=lambda outcome: _settled(each, execution, outcome, parts, commission),
    )
    # Whatever the worker left behind (a thread, a task) may do nothing more in its name.
    each.guard.revoke("the run is over")
    parts.progress.finished(run)
    return [ticket, *books.enter([run])]


def _settled(
    each: _Running, execution: Execution, outcome: Outcome, parts: Parts, commission: Commission
) -> Ticket:
    """The ticket, closed by this run or open for a later tick. By hand, once is all."""
    if commission.by_hand:
        return closed(each.ticket, outcome)
    return after_run(
        each.worker,
        each.ticket,
        outcome=outcome,
        # What was told to stop gets another chance, however it took it.
        transient=execution.transient or parts.stop.asked,
        retry_after=execution.retry_after,
        now=parts.clock.now(),
    )


def _write(
    record: Callable[[Sequence[Entry]], None], entries: Sequence[Entry], books: Books
) -> frozenset[str]:
    """Record `entries`; those of tickets that another process took over are left out, and so is what their
    runs did to their workers' episodes. Returns their keys."""
    lost: frozenset[str] = frozenset()
    # One kind after the other: the ledger writes those that stand together at once.
    left = sorted(entries, key=lambda entry: not isinstance(entry, Ticket))
    while left:
        try:
            record(left)
        except ClaimLost as error:
            lost |= frozenset(error.keys)
            taken = [e for e in left if isinstance(e, Ticket) and e.key in lost]
            # A ticket that is put off names its last run, which was recorded before and stays.
            runs = {ticket.run_id for ticket in taken} & {e.run_id for e in left if isinstance(e, Run)}
            workers = {ticket.worker for ticket in taken}
            books.lose(run_id for run_id in runs if run_id)
            left = [
                e
                for e in left
                if not (isinstance(e, Ticket) and e.key in lost)
                and not (isinstance(e, Run) and e.run_id in runs)
                and not (isinstance(e, Delivery) and e.alert.run_id in runs)
                and not (isinstance(e, Episode) and e.subject in workers)
            ]
        else:
            break
    return lost
