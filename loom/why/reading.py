"""The reader: gathers the evidence for one worker and has the answer built. Never writes, runs nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from loom.domain.reasons import Reasons
from loom.domain.record import RunQuery, Snapshot
from loom.domain.registry import BrokenEntry, Registry
from loom.domain.run import Run
from loom.domain.slot import Ticket, TicketState
from loom.domain.worker import Status, Worker
from loom.errors import RegistryError
from loom.ports import Ledger, Liveness
from loom.registry.places import line_of_key
from loom.runner.claiming import decided
from loom.runner.naming import find_workers
from loom.runner.parts import Parts
from loom.runner.plan import Plan
from loom.runner.rehearsal import told
from loom.runner.renaming import carry_over
from loom.runner.request import TickRequest
from loom.runner.waking import Conditions, Waking, wake
from loom.slots.calendar import due, nearest
from loom.slots.decision import Obstacle
from loom.values import replace
from loom.why.evidence import LOOKS_BACK, Evidence, Occasion
from loom.why.fates import BY_HAND
from loom.why.occasion import about
from loom.why.standing import stands
from loom.why.words import Times

_SHOWN = 5
# The mark tells of all of them; what became of the others is to be seen as well.
_UNDECIDED = 2
_READ = 60
_MOST_RUNS = 200
_AGAIN = 5
_NOT_A_DECISION = "manual"
_REGISTRY = "worker-registry.yaml"


def why(parts: Parts, name: str, *, at: datetime | None = None) -> Reasons:
    """Why the worker called `name`, an id or an agent in any case, stands as it does; with `at` (UTC), why it
    did or didn't run around that instant.

    parts: with a ledger to read. Raises UsageError for a name that means no worker or several, RegistryError
    for a registry that can't be used as a whole, LedgerError.
    """
    # Cron knows no seconds: whoever asks about 06:00:30 means the slot of 06:00.
    at = None if at is None else at.replace(second=0, microsecond=0)
    waking = wake(parts, TickRequest(dry_run=True))
    registry = waking.conditions.demand_registry()
    worker, broken = _meant(registry, name)
    ledger = parts.open_ledger(registry)
    liveness = parts.liveness(registry)
    try:
        return _answer(waking, worker, broken, ledger, liveness, at)
    finally:
        liveness.release()
        ledger.close()


def _meant(registry: Registry, name: str) -> tuple[Worker | None, BrokenEntry | None]:
    try:
        (worker,) = find_workers(registry, [name], option="")
    except RegistryError:
        return None, next(each for each in registry.broken if each.id.casefold() == name.casefold())
    return worker, None


def _answer(
    waking: Waking,
    worker: Worker | None,
    broken: BrokenEntry | None,
    ledger: Ledger,
    liveness: Liveness,
    at: datetime | None,
) -> Reasons:
    for _ in range(_AGAIN):
        snapshot = ledger.snapshot()
        made = decided(waking, (), ledger, liveness)
        if ledger.snapshot().revision == snapshot.revision:
            break  # else a tick came between, and the plan would be of another moment than the facts
    registry = waking.conditions.demand_registry()
    carried, _ = carry_over(registry, snapshot)
    id_ = worker.id if worker is not None else broken.id if broken is not None else ""
    called = _ids(id_, worker, broken, snapshot)
    evidence = _evidence(waking, id_, worker, broken, carried, made, ledger, liveness)
    occasions = _last(evidence, called, ledger) if at is None else _around(evidence, called, ledger, at)
    first = min([evidence.now, *([at] if at else []), *(each.first for each in occasions)])
    evidence = _with_ticks(evidence, ledger, since=first - LOOKS_BACK)
    if at is None:
        return stands(replace(evidence, asked_for=_asked_for(called, ledger)), occasions)
    known = any(ledger.runs(RunQuery(worker=each, until=at, limit=1)) for each in called)
    return about(evidence, at, occasions, known_before=known)


def _ids(id_: str, worker: Worker | None, broken: BrokenEntry | None, snapshot: Snapshot) -> tuple[str, ...]:
    """The id, and the one under which the ledger has the worker until the next tick renames it."""
    was = worker.was if worker is not None else broken.was if broken is not None else None
    return (id_,) if was is None or id_ in snapshot.marks or was not in snapshot.marks else (id_, was)


def _evidence(
    waking: Waking,
    id_: str,
    worker: Worker | None,
    broken: BrokenEntry | None,
    snapshot: Snapshot,
    made: Plan,
    ledger: Ledger,
    liveness: Liveness,
) -> Evidence:
    conditions, now = waking.conditions, waking.tick.at
    registry = conditions.demand_registry()
    zone = worker.schedule.zone if worker is not None else registry.zone
    tickets = {key: ticket for key, ticket in snapshot.tickets.items() if ticket.worker == id_}
    real_now = waking.parts.clock.real()
    mark = snapshot.marks.get(id_)
    open_due = worker is not None and mark is not None and worker.status is not Status.DISABLED
    undecided: tuple[datetime, ...] = ()
    if open_due and worker is not None and mark is not None and mark < now:
        done = ledger.closed_slots(id_, after=mark)
        undecided = tuple(each for each in due(worker, mark, now) if each not in done)
    return Evidence(
        now=now,
        times=Times(ZoneInfo(zone), now),
        id=id_,
        agent=worker.agent if worker is not None else None,
        worker=worker,
        broken=broken,
        host=waking.parts.host,
        mark=mark,
        last_tick=snapshot.last_tick,
        tickets=tickets,
        alive=frozenset(t.key for t in tickets.values() if liveness.alive(t, real_now=real_now)),
        pause=snapshot.pauses.get(id_),
        undecided=undecided,
        obstacles=() if worker is None else _obstacles(conditions, worker, waking),
        enforcement=conditions.enforcement,
        would=tuple(each for each in told(made, conditions.workers) if each.worker == id_),
        kept=_kept(tickets.values(), made),
        ticks=(),
        ticks_since=now,
        ticks_expected=registry.ticks_expected,
        episodes=(),
        records_since=now - registry.state.keep,
        status_line=None if worker is None else _status_line(worker, waking.parts.project / _REGISTRY),
    )


def _status_line(worker: Worker, registry: Path) -> int | None:
    return None if worker.status is Status.ACTIVE else line_of_key(registry, worker.id, "status")


def _obstacles(conditions: Conditions, worker: Worker, waking: Waking) -> tuple[Obstacle, ...]:
    return tuple(conditions.obstacles(worker, waking.parts.project))


def _kept(tickets: Iterable[Ticket], made: Plan) -> tuple[Ticket, ...]:
    """What the plan neither starts nor closes stays open; as it is, unless the plan has a new version."""
    started = {ticket.key for ticket in made.start}
    written = {entry.key: entry for entry in made.entries if isinstance(entry, Ticket)}
    left = [written.get(ticket.key, ticket) for ticket in tickets if ticket.key not in started]
    return tuple(ticket for ticket in left if ticket.state is not TicketState.CLOSED)


def _with_ticks(evidence: Evidence, ledger: Ledger, *, since: datetime) -> Evidence:
    """With what came and what was wrong from `since` on: as far back as the slots that are told of reach."""
    id_ = evidence.id
    subjects = {id_, f"loom:registry:{id_}", "loom:registry", "loom:enforcement", "loom:clock"}
    return replace(
        evidence,
        ticks=[tick for tick in ledger.ticks(since=since) if tick.trigger != _NOT_A_DECISION],
        ticks_since=since,
        episodes=[each for each in ledger.episodes(since=since) if each.subject in subjects],
    )


def _last(evidence: Evidence, called: Sequence[str], ledger: Ledger) -> list[Occasion]:
    """The newest slots, newest first: undecided, open, and closed."""
    found: dict[datetime, Occasion] = {}
    open_slots = [t.slot for t in evidence.tickets.values() if t.slot is not None and not t.is_request]
    for slot in [*evidence.undecided[-_UNDECIDED:], *open_slots]:
        found.setdefault(slot, _occasion(slot, slot, 1, called, ledger))
    outcomes = [each for id_ in called for each in ledger.slot_outcomes(worker=id_, limit=_READ)]
    for each in sorted((o for o in outcomes if o.final), key=lambda o: o.last, reverse=True)[:_SHOWN]:
        if each.first not in found:
            found[each.first] = _occasion(each.first, each.last, each.count, called, ledger)
    return sorted(found.values(), key=lambda each: each.last, reverse=True)[:_SHOWN]


def _asked_for(called: Sequence[str], ledger: Ledger) -> Run | None:
    """The newest run, where a person asked for it."""
    runs = [run for id_ in called for run in ledger.runs(RunQuery(worker=id_, limit=_SHOWN))]
    began = [run for run in runs if run.started_at is not None]
    newest = max(began, key=lambda run: (run.tick_at, run.run_id), default=None)
    asked = newest is not None and (newest.by_hand or newest.trigger in BY_HAND)
    return newest if asked else None


def _around(evidence: Evidence, called: Sequence[str], ledger: Ledger, at: datetime) -> list[Occasion]:
    """The slot at `at`; if there is none, the nearest ones, newest first. Without a schedule, `at` itself."""
    slots: list[datetime | None] = [at]
    if evidence.worker is not None:
        before, after = nearest(evidence.worker.schedule, at)
        slots = [at] if before == at else [after, before]
    return [_occasion(slot, slot, 1, called, ledger) for slot in slots if slot is not None]


def _occasion(
    first: datetime, last: datetime, number: int, called: Sequence[str], ledger: Ledger
) -> Occasion:
    runs: list[Run] = []
    for id_ in called:
        runs += ledger.runs(RunQuery(worker=id_, slot=first, limit=_MOST_RUNS))
    runs.sort(key=lambda run: (run.tick_at, run.run_id))
    own = [run for run in runs if not run.by_hand]
    finals = [run for run in own if run.final]
    # A record is updated in place once its slot closes, so the final one may be older than others.
    own.sort(key=lambda run: run in finals)
    return Occasion(
        first=first,
        last=last,
        count=number,
        own=tuple(own),
        by_hand=tuple(run for run in runs if run.by_hand),
    )
