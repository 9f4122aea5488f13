"""Decide and claim: read the ledger, decide, write the decision, again until nobody came between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from loom.domain.alert import Delivery
from loom.domain.record import Entry, RunQuery, Snapshot
from loom.domain.run import Outcome, Run, Trigger
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Status, Worker
from loom.errors import LedgerError, StaleDecision
from loom.runner.books import Books
from loom.runner.plan import Circumstances, Plan, pause_in_force
from loom.runner.planning import gone, plan
from loom.runner.troubles import troubles
from loom.runner.waking import Waking
from loom.values import dataclass, replace

if TYPE_CHECKING:
    from loom.ports import AlertHook, Ledger, Liveness

_TRIES = 60


@dataclass(frozen=True, slots=True)
class Claim:
    """What a tick has made its own. snapshot: as it was when it decided. tickets: claimed, to be run in this
    order. alone: the workers that run with no other beside them."""

    snapshot: Snapshot
    plan: Plan
    tickets: tuple[Ticket, ...]
    alone: frozenset[str]
    books: Books

    @property
    def deliveries(self) -> list[Delivery]:
        """What is to be sent: what earlier ticks couldn't deliver, then what this one has to say."""
        return [*self.snapshot.deliveries, *self.books.deliveries]

    @property
    def leaves_work(self) -> bool:
        """Whether anything is left to do after the claim."""
        return bool(self.tickets or self.deliveries)


def decided(waking: Waking, chosen: Sequence[Worker], ledger: Ledger, liveness: Liveness) -> Plan:
    """The plan on the ledger as it stands. Writes nothing."""
    snapshot, _ = _as_called(waking, ledger.snapshot())
    return _planned(waking, chosen, snapshot, ledger, liveness)


def _as_called(waking: Waking, snapshot: Snapshot) -> tuple[Snapshot, list[Entry]]:
    registry = waking.conditions.registry
    if registry is None or registry.ids <= snapshot.marks.keys():
        return snapshot, []
    # Imported only where there is an id that the ledger doesn't know.
    from loom.runner.renaming import carry_over

    return carry_over(registry, snapshot)


def _planned(
    waking: Waking, chosen: Sequence[Worker], snapshot: Snapshot, ledger: Ledger, liveness: Liveness
) -> Plan:
    registry = waking.conditions.registry
    if registry is None:
        return Plan()
    real_now = waking.parts.clock.real()
    newest = cache(ledger.newest_closed)

    def closed_slots(worker: str, after: datetime) -> frozenset[datetime]:
        # Mostly nothing was run ahead of any mark, and one question answers for all workers.
        last = newest()
        return frozenset() if last is None or last <= after else ledger.closed_slots(worker, after=after)

    world = Circumstances(
        tick=waking.tick,
        digest=lambda: waking.conditions.enforcement.digest if waking.conditions.enforcement else None,
        obstacle=lambda worker: next(waking.conditions.obstacles(worker, waking.parts.project), None),
        alive=lambda ticket: liveness.alive(ticket, real_now=real_now),
        closed_slots=closed_slots,
        last_run=lambda ticket, died: _last_run(ledger, ticket, died=died),
        last_words=lambda worker, run_id: _last_words(waking, worker, run_id),
        new_id=waking.new_id,
    )
    if waking.request.by_hand:
        from loom.runner.manual import plan_by_hand

        return plan_by_hand(chosen, waking.request, snapshot, ledger, world)
    return plan(registry, snapshot, world)


def claim(
    waking: Waking,
    chosen: Sequence[Worker],
    ledger: Ledger,
    snapshot: Snapshot,
    liveness: Liveness,
    hooks: Callable[[], Sequence[AlertHook]],
) -> Claim:
    """Everything this tick decides, in the ledger: slots closed and held, tickets claimed, marks moved.

    snapshot: of the ledger; read anew where somebody came between.
    hooks: asked for only if there is something to say.
    Raises LedgerError when other ticks keep coming between; nothing of this one is written then.
    """
    for attempt in range(_TRIES):
        snapshot, renames = _as_called(waking, ledger.snapshot() if attempt else snapshot)
        if renames:
            # Carried out before anything is decided on it: what the ledger is asked while deciding (runs,
            # slots that were dealt with by hand) it must know under the new names.
            with suppress(StaleDecision):
                ledger.claim(renames, revision=snapshot.revision)
            continue
        made = _planned(waking, chosen, snapshot, ledger, liveness)
        tickets, alone = _claimed(waking, made, snapshot, liveness)
        books = _books(waking, snapshot, hooks)
        for run_id in dict.fromkeys(made.standing):
            standing = ledger.run(run_id)
            if standing is not None:
                books.show(standing)
        said = books.enter(made.runs, reminders=True)
        claimed = Claim(snapshot, made, tickets, alone, books)
        # One write for an idle tick, which on a branch is one commit: its end goes with its beginning.
        ended = waking.ended(waking.exit_code(books.runs.values(), ()))
        tick = waking.begun() if claimed.leaves_work else ended
        try:
            ledger.claim([tick, *made.entries, *tickets, *said], revision=snapshot.revision)
        except StaleDecision:
            _let_rivals_pass()
        else:
            _forget_last_words(waking, made)
            return claimed
    raise LedgerError(
        f"the ledger changed {_TRIES} times while this tick was deciding: too many ticks at once. "
        "Nothing was lost; the next tick decides these slots."
    )


def _last_run(ledger: Ledger, ticket: Ticket, *, died: bool) -> Run | None:
    run = ledger.run(ticket.run_id) if ticket.run_id else None
    if run is not None or died or ticket.slot is None:
        return run
    # Claimed once more, and never begun: nothing was recorded under the id of that claim.
    recorded = ledger.runs(RunQuery(worker=ticket.worker, slot=ticket.slot))
    return next((run for run in recorded if run.attempts and not run.by_hand), None)


def _last_words(waking: Waking, id_: str, run_id: str) -> str:
    """Cleaned as they were said, and now as a whole, as every log that is recorded."""
    conditions, parts = waking.conditions, waking.parts
    said = parts.live_logs().last_words(run_id)
    # A worker that was removed is bound by the rules for all, which any other is bound by.
    worker = conditions.workers.get(id_) or next(iter(conditions.workers.values()), None)
    if not said or worker is None or conditions.enforcement is None:
        return parts.mask(said) if said else ""
    # Imported only where a process died.
    from loom.runner.conclude import cleaner

    return cleaner(parts.guard(conditions.enforcement, replace(worker, id=id_)), parts.mask)(said)


def _forget_last_words(waking: Waking, made: Plan) -> None:
    """They are in the ledger now."""
    died = {run.run_id for run in made.runs if run.outcome is Outcome.ABANDONED}
    if died:
        waking.parts.live_logs().forget(died)


def _let_rivals_pass() -> None:
    time.sleep(random.uniform(0.002, 0.05))  # noqa: S311  (spreads rivals, guards nothing)


def _claimed(
    waking: Waking, made: Plan, snapshot: Snapshot, liveness: Liveness
) -> tuple[tuple[Ticket, ...], frozenset[str]]:
    """The tickets to start, in order, and the workers that run with no other beside them."""
    if not made.start:
        return (), frozenset()
    # Imported only when there is work: an idle tick is over before this would have loaded.
    from loom.runner.precedence import in_order, suspects
    from loom.runner.waiting import lease

    workers, real_now = waking.conditions.workers, waking.parts.clock.real()
    suspected = suspects(made.start, snapshot.standings, workers)
    claimer = liveness.claim_as()
    tickets = tuple(
        replace(
            ticket,
            state=TicketState.CLAIMED,
            trigger=Trigger.RETRY if ticket.starts and not waking.request.by_hand else ticket.trigger,
            fence=ticket.fence + 1,
            claimer=claimer,
            lease_until=lease(workers[ticket.worker], real_now, waking.parts.shortest_lease),
            run_id=waking.new_id(),
            reason=None,
            detail="",
            not_before=None,
        )
        for ticket in in_order(made.start, suspected, snapshot.tickets.values())
    )
    return tickets, frozenset(suspected)


def _books(waking: Waking, snapshot: Snapshot, hooks: Callable[[], Sequence[AlertHook]]) -> Books:
    conditions, now = waking.conditions, waking.tick.at
    workers = conditions.workers
    removed: set[str] = set()
    absent: set[str] = set()
    if conditions.registry is not None:
        absent = snapshot.episodes.keys() - conditions.registry.ids
        removed = {id_ for id_ in absent if gone(id_, conditions.registry, snapshot, now)}
        removed |= {id_ for id_, worker in workers.items() if worker.status is Status.DISABLED}
    paused = {id_ for id_, worker in workers.items() if worker.status is Status.PAUSED} | absent
    paused |= {id_ for id_, each in snapshot.pauses.items() if pause_in_force(each, now)}
    return Books(
        snapshot,
        policies={id_: worker.alert for id_, worker in workers.items()},
        hooks=hooks,
        # By the clock as it is now: a tick that waited for its turn may find one that woke after it.
        troubles=troubles(conditions, last_tick=snapshot.last_tick, now=waking.parts.clock.now()),
        now=waking.parts.clock.now,
        new_id=waking.new_id,
        run_url=waking.parts.run_url,
        zone=conditions.zone,
        removed=removed,
        paused=paused,
    )
