"""From the ledger and the registry to a brief: the only module here that knows the order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from loom.brief.doings import Accounts, tells
from loom.brief.findings import compare, grouped
from loom.brief.headline import headline
from loom.brief.needs import needs
from loom.brief.sights import Sights, undecided
from loom.brief.stretch import Stretch
from loom.domain.board import Board
from loom.domain.brief import Ahead, Brief, Halted
from loom.domain.health import Health
from loom.domain.record import RunQuery, Snapshot
from loom.domain.registry import Registry
from loom.domain.run import Outcome, Run
from loom.domain.worker import Status
from loom.ports import Ledger
from loom.report.trigger import sentences
from loom.report.words import count, recently, when
from loom.runner.plan import pause_in_force
from loom.runner.renaming import carry_over
from loom.slots.calendar import instants
from loom.slots.notes import clock_change_note
from loom.status import board, figures_since
from loom.values import dataclass

AHEAD: Final = timedelta(hours=24)
MOST_RUNS: Final = 5_000
"""So many of the newest runs are read; who has more in one brief is told so."""

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_UNDER_WAY = timedelta(hours=6)
_LOOKS = 50


def brief(registry: Registry, ledger: Ledger, *, now: datetime, stretch: Stretch) -> Brief:
    """What a person should know at `now` (UTC) of the time since `stretch.since`. Reads, never writes.

    How workers stand is as the ledger has it, whatever `now` says. Raises LedgerError.
    """
    snapshot, _ = carry_over(registry, ledger.snapshot())
    seen = board(registry, ledger, now=now)
    settled = seen.trigger.settled or now
    sights = Sights(
        now=now,
        registry=registry,
        ledger=ledger,
        snapshot=snapshot,
        board=seen,
        settled=settled,
        undecided=_undecided(registry, snapshot, settled, now),
    )
    after = stretch.since + _INSTANT
    read = _read(ledger, after, now, stretch.open)
    ran = read.accounts.told(
        before=_before(read.accounts.workers, ledger, stretch.since),
        silent={worker: len(slots) for worker, slots in sights.undecided.items()},
        agents={row.worker: row.agent for row in seen.rows},
    )
    compared = [compare(run, _run_before(run, ledger)) for run in read.outputs]
    groups = grouped(compared)
    wanting, health = needs(sights), _health(seen, sights)
    begun, up_to = _read_up_to(registry, ledger, snapshot, stretch.since, now)
    days = max(1, round((now - stretch.since) / _DAY))
    span = figures_since(ledger, snapshot, since=after, days=days)
    critical = [each for group in groups for each in group.findings if each.severity == "critical"]
    return Brief(
        at=now,
        since=stretch.since,
        read_up_to=up_to,
        still_open=sorted(ticket.run_id for ticket in snapshot.tickets.values() if ticket.run_id),
        covers=stretch.covers,
        zone=registry.zone,
        headline=headline(
            wanting,
            health,
            runs=span.runs,
            # What ended now and began before is in the accounts alone.
            bad=max(span.bad, sum(each.bad for each in ran)),
            since=recently(stretch.since, now, ZoneInfo(registry.zone)),
            critical=len(critical),
            new=sum(each.new for each in critical),
        ),
        span=span,
        week=seen.figures,
        health=health,
        needs=wanting,
        ran=ran,
        groups=groups,
        gone=sum(each.gone for each in compared),
        coming=_coming(registry, snapshot, now),
        coming_until=now + AHEAD,
        paused=_paused(registry, snapshot, now),
        ticks=_ticks(seen),
        notes=_notes(read, begun, registry.zone),
    )


def _undecided(
    registry: Registry, snapshot: Snapshot, until: datetime, now: datetime
) -> Mapping[str, Sequence[datetime]]:
    return {
        worker.id: undecided(worker, snapshot.marks.get(worker.id), until)
        for worker in registry.workers
        if worker.status is Status.ACTIVE and pause_in_force(snapshot.pauses.get(worker.id), now) is None
    }


@dataclass(frozen=True, slots=True)
class _Read:
    """accounts: of all runs. outputs: of each worker the newest run that ended with a valid output; one with
    --param may have looked at other things. more_before: when the oldest run came that was read, if older
    ones weren't."""

    accounts: Accounts
    outputs: Sequence[Run]
    more_before: datetime | None


def _read(ledger: Ledger, after: datetime, now: datetime, were_open: Sequence[str]) -> _Read:
    accounts, outputs, oldest, number = Accounts(), dict[str, Run](), None, 0
    for run in ledger.reader()(RunQuery(since=after, until=now, limit=MOST_RUNS)):
        accounts.add(run)
        if run.final and run.counts and run.outcome is Outcome.SUCCEEDED:
            outputs.setdefault(run.worker, run)
        oldest, number = run.tick_at, number + 1
    for run_id in were_open:
        # It is on record under the tick that started it, which the last brief told of.
        ended = ledger.run(run_id)
        if ended is not None and ended.final and ended.tick_at < after:
            accounts.add(ended)
    return _Read(accounts, tuple(outputs.values()), oldest if number >= MOST_RUNS else None)


def _before(workers: Sequence[str], ledger: Ledger, since: datetime) -> Mapping[str, Run]:
    """Of each worker the newest run up to `since` that says how it did."""
    found: dict[str, Run] = {}
    outcomes = tuple(each.value for each in Outcome if each not in (Outcome.SKIPPED, Outcome.SUPERSEDED))
    for worker in workers:
        query = RunQuery(worker=worker, outcomes=outcomes, until=since, limit=3)
        run = next(filter(tells, ledger.reader()(query)), None)
        if run is not None:
            found[worker] = run
    return found


def _run_before(run: Run, ledger: Ledger) -> Run | None:
    """The run of the same worker whose output came before that of `run`."""
    query = RunQuery(worker=run.worker, outcomes=(Outcome.SUCCEEDED.value,), until=run.tick_at, limit=_LOOKS)
    # Newest first, so that those of the same tick that are newer come before it.
    seen = False
    for each in ledger.reader()(query):
        if seen and each.counts and each.final:
            return each
        seen = seen or each.run_id == run.run_id
    return None


def _health(seen: Board, sights: Sights) -> Mapping[str, int]:
    """How many workers stand how. One whose newest slots wait for a tick that may still come isn't late."""
    waiting = {ticket.worker for ticket in sights.snapshot.tickets.values() if ticket.reason is not None}
    numbers: Counter[str] = Counter()
    for row in seen.rows:
        health = row.health.value if row.health else "broken"
        if row.health is Health.LATE and row.worker not in waiting and not sights.undecided.get(row.worker):
            health = Health.UP.value if row.last_outcome else Health.NEW.value
        numbers[health] += 1
    return dict(numbers)


def _coming(registry: Registry, snapshot: Snapshot, now: datetime) -> Sequence[Ahead]:
    """One entry a worker that comes within `AHEAD`, the soonest first, without those that are paused."""
    found: list[Ahead] = []
    for worker in registry.workers:
        if worker.status is not Status.ACTIVE:
            continue
        pause = snapshot.pauses.get(worker.id)
        slots = [
            at for at in instants(worker.schedule, now, now + AHEAD) if pause_in_force(pause, at) is None
        ]
        if slots:
            notes = (clock_change_note(worker.schedule, at) for at in slots)
            found.append(
                Ahead(
                    worker=worker.id,
                    agent=worker.agent,
                    slot=slots[0],
                    last=slots[-1],
                    count=len(slots),
                    note=next(filter(None, notes), ""),
                )
            )
    return sorted(found, key=lambda each: (each.slot, each.worker))


def _paused(registry: Registry, snapshot: Snapshot, now: datetime) -> Sequence[Halted]:
    found: list[Halted] = []
    for worker in registry.workers:
        pause = pause_in_force(snapshot.pauses.get(worker.id), now)
        if worker.status is Status.DISABLED:
            found.append(Halted(worker=worker.id, agent=worker.agent, status="disabled"))
        elif pause is not None:
            found.append(
                Halted(
                    worker=worker.id,
                    agent=worker.agent,
                    status="paused",
                    by=pause.by,
                    at=pause.at,
                    until=pause.until,
                    reason=pause.reason,
                )
            )
        elif worker.status is Status.PAUSED:
            found.append(Halted(worker=worker.id, agent=worker.agent, status="paused"))
    return sorted(found, key=lambda each: (each.status == "disabled", each.worker))


def _ticks(seen: Board) -> Sequence[str]:
    """Whether ticks were dropped in the last day; nothing when all came, or nobody's clock brings them."""
    if seen.last_tick is None:
        return ("No tick has come yet. Start one with: loom run",)
    if seen.trigger.week.longest_gap_s is None or not seen.trigger.day.dropped:
        return ()
    return sentences(seen.trigger)[:1]


def _read_up_to(
    registry: Registry, ledger: Ledger, snapshot: Snapshot, since: datetime, now: datetime
) -> tuple[datetime | None, datetime]:
    """When the oldest tick came that hasn't ended, or None; and up to where all there will be is on record.

    A run is recorded under its tick's time, and a tick shows itself only once it has woken: so that is where
    the newest tick came that has ended, and before any that hasn't. One that died has been told by the next.
    """
    reach = max([_UNDER_WAY, *(worker.timeout for worker in registry.workers)]) + timedelta(hours=1)
    ticks = [tick for tick in ledger.ticks(since=min(since, now - reach)) if tick.at <= now]
    recent = [tick for tick in ticks if tick.at > now - reach]
    if any(ticket.claimer is not None for ticket in snapshot.tickets.values()):
        begun = min((tick.at for tick in recent if tick.finished_at is None), default=None)
    else:
        begun = recent[-1].at if recent and recent[-1].finished_at is None else None
    if begun is not None:
        return begun, begun - _INSTANT
    return None, max((tick.at for tick in ticks if tick.finished_at is not None), default=since)


def _notes(read: _Read, begun: datetime | None, zone: str) -> Sequence[str]:
    notes: list[str] = []
    if begun is not None:
        notes.append(
            f"The tick of {when(begun, ZoneInfo(zone))} hasn't ended: the next brief begins with it again."
        )
    if read.more_before is not None:
        oldest = when(read.more_before, ZoneInfo(zone))
        notes.append(f"Only the newest {count(MOST_RUNS, 'run')} are in this brief, back to {oldest}.")
    return notes
