"""What must hold when a tick has ended, after each step, and once all is mended."""

import copy
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from loom.domain.alert import RECOVERIES, Event
from loom.domain.health import Health
from loom.domain.record import RunQuery, Snapshot
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.slot import Slot, Ticket, TicketState
from loom.errors import ExitCode
from loom.ports import Ledger
from loom.settings import read_settings
from loom.status import board
from loom.wiring.parts import read_registry
from tests.life.model import Model, slot_of
from tests.life.world import HOOKS, Ended, World, hold

_EVERY = RunQuery(limit=1_000_000)
_BAD_NEWS = (Event.WORKER_FAILING, Event.WORKER_DOWN, Event.SLOT_MISSED, Event.REGISTRY_BROKEN)
_HELD = re.compile(r"held \d+ of \d+")


def ended_well(ended: Ended, ledger: Ledger) -> None:
    """Asked of each tick once it is over."""
    report = ended.report
    if ended.request.dry_run:
        hold(not ended.written, f"a dry run wrote {ended.written}")
    if report is None or ended.request.dry_run:
        return
    for claim in ended.started:
        run = ledger.run(claim.run_id or "")
        hold(run is not None and run.finished_at is not None, f"what became of {claim.key} was lost")
    code = _exit_code(ended)
    hold(report.exit_code is code, f"the tick ended with {report.exit_code!r}, not {code!r}")
    told = {run.run_id: run for run in report.runs}
    for run in (each for each in ended.written if isinstance(each, Run)):
        hold(run.run_id in told, f"{_said(run)} was recorded but isn't in the tick's report")
    for run in told.values():
        hold(ledger.run(run.run_id) is not None, f"{_said(run)} was reported but not recorded")
    (own,) = (tick for tick in ledger.ticks(since=ended.conditions.at) if tick.id == report.tick.id)
    hold(own.finished_at is not None, "a tick that ended isn't recorded as ended")
    # Told to stop after its last word it can't take it back.
    same = ended.stopped or own.exit_code == report.exit_code
    hold(same, f"the tick ended with {report.exit_code!r} and recorded {own.exit_code}")


def _exit_code(ended: Ended) -> ExitCode:
    report, registry = ended.report, ended.conditions.registry
    assert report is not None
    if ended.stopped and report.exit_code is ExitCode.TERMINATED:
        return ExitCode.TERMINATED  # told to stop too late, it ends as it would have
    if registry.broken or registry.broken_ids() or not ended.conditions.enforced:
        return ExitCode.BROKEN
    if any(each.state != "sent" for each in report.deliveries):
        return ExitCode.UNDELIVERED
    skipped = ended.request.by_hand and any(run.outcome is Outcome.SKIPPED for run in report.runs)
    return ExitCode.BAD_RUN if skipped or any(run.bad for run in report.runs) else ExitCode.OK


def all_hold(world: World, ledger: Ledger) -> None:
    """Asked after every step."""
    snapshot, runs, model = ledger.snapshot(), ledger.runs(_EVERY), world.model
    hold(dict(snapshot.marks) == model.marks, f"marks: {snapshot.marks} instead of {model.marks}")
    _each_slot_has_one_fate(model, snapshot, runs)
    _each_says_why(snapshot, runs)
    _each_bad_run_reaches_a_person(world, snapshot, runs)
    _what_succeeded_was_done(world, runs)
    for worker, standing in snapshot.standings.items():
        bad, failures = len(model.of(worker).bad), standing.consecutive_failures
        certain, most = bad - model.of(worker).doubtful, bad + model.of(worker).twice
        hold(certain <= failures <= most, f"{worker} has {failures} failures in a row, but {bad} bad runs")
    if not world.registry.broken:
        _the_board_tells_the_truth(world, ledger, snapshot)


def _each_slot_has_one_fate(model: Model, snapshot: Snapshot, runs: Sequence[Run]) -> None:
    ends: dict[str, Counter[datetime]] = {}
    for run in runs:
        if run.final and not run.by_hand:
            covered, count = model.of(run.worker).covered(run), run.count
            hold(len(covered) == count, f"{_said(run)} counts {count} slots, but {len(covered)} came due")
            ends.setdefault(run.worker, Counter()).update(covered)
    for worker, known in model.workers.items():
        ended = ends.get(worker, Counter())
        for at in known.owed:
            key, count = Slot(worker, at).key, ended[at]
            is_open = key in snapshot.tickets
            hold(count <= 1, f"{key} has {count} final outcomes")
            hold(not (count and is_open), f"{key} has a final outcome and is still open")
            pruned = at in known.over and known.over[at] < model.forgotten
            hold(bool(count or is_open or pruned), f"{key} came due and was forgotten")
    for ticket in snapshot.tickets.values():
        slot = slot_of(ticket.key)
        hold(slot is None or slot in model.of(ticket.worker).owed, f"{ticket.key} never came due")


def _each_says_why(snapshot: Snapshot, runs: Iterable[Run]) -> None:
    for run in runs:
        hold(
            run.outcome is Outcome.SUCCEEDED or bool(run.reason or run.error), f"{_said(run)} doesn't say why"
        )
        hold(run.final or run.open_reason is not None, f"{_said(run)} is open without a reason")
    for ticket in snapshot.tickets.values():
        held = ticket.state in (TicketState.CLAIMED, TicketState.STARTED) and ticket.claimer is not None
        hold(held or ticket.reason is not None, f"{ticket.key} is open without a reason")


def _each_bad_run_reaches_a_person(world: World, snapshot: Snapshot, runs: Iterable[Run]) -> None:
    reached: dict[str, set[str | None]] = {
        name: {alert.episode for alert in hook.delivered} for name, hook in world.hooks.items()
    }
    for delivery in snapshot.deliveries:
        reached[delivery.hook].add(delivery.episode)
    for run in runs:
        if not run.bad:
            continue
        hold(run.episode != "", f"{_said(run)} is bad and belongs to no episode")
        if run.episode == "not counted":
            hold(not run.counts, f"{_said(run)} counts, but its episode says it doesn't")
        elif _HELD.fullmatch(run.episode):
            may_wait = run.outcome not in (Outcome.INVALID, Outcome.BLOCKED)
            hold(may_wait, f"{_said(run)} may not wait to be told, but is {run.episode}")
        else:
            deaf = [name for name in HOOKS if run.episode not in reached[name]]
            hold(not deaf, f"{_said(run)}: nothing of its episode was sent or waits for {deaf}")
    alarmed = {alert.event for hook in world.hooks.values() for alert in hook.delivered}
    false_alarm = Event.CLOCK_BACKWARDS in alarmed and not world.set_back
    hold(not false_alarm, "the clock was said to have gone back, and never did")


def _what_succeeded_was_done(world: World, runs: Iterable[Run]) -> None:
    # By the instant alone: a worker may have been renamed since.
    returned = {line.removesuffix(" returns").partition("@")[2] for line in world.traces()}
    for run in runs:
        if run.outcome is Outcome.SUCCEEDED and run.slot is not None:
            at = Slot("", run.slot).key.removeprefix("@")
            hold(at in returned, f"{_said(run)}, but the worker never returned")


def _the_board_tells_the_truth(world: World, ledger: Ledger, snapshot: Snapshot) -> None:
    now = world.clock.now()
    registry = _registry(world.root, (world.root / "worker-registry.yaml").read_text(encoding="utf-8"))
    model = world.model
    if any(entry.id not in model.marks for entry in world.registry.entries):
        # Under the names that the file has now, whether a tick has come since or not.
        model = copy.deepcopy(model)
        model.decided(world.registry, now, renames_only=True)
    waiting: dict[str, list[Ticket]] = {}
    for ticket in snapshot.tickets.values():
        waiting.setdefault(model.now_called(ticket.worker), []).append(ticket)
    rows = {row.worker: row for row in board(registry, ledger, now=now).rows}
    for entry in world.registry.readable():
        shown, known = rows[entry.id].health, model.of(entry.id)
        reasons = {ticket.reason for ticket in waiting.get(entry.id, ())} - {None}
        certain = {
            Health.DISABLED: entry.status == "disabled",
            Health.PAUSED: entry.status == "paused" or known.paused(now),
            Health.DOWN: bool(reasons & {OpenReason.ENFORCEMENT, OpenReason.REQUIREMENT}),
            Health.LATE: bool(reasons),
        }
        expected = next((health for health, holds in certain.items() if holds), None)
        if expected is not None:
            hold(shown is expected, f"{entry.id} is shown as {shown}, not {expected}")
        elif shown in (Health.UP, Health.DOWN):
            is_down = shown is Health.DOWN
            hold(bool(known.bad) == is_down, f"{entry.id} is {shown}; bad runs: {known.bad}")


@lru_cache(maxsize=8)
def _registry(root: Path, text: str) -> Registry:
    """What the registry says that holds `text`; the modules that it names are there from the beginning."""
    return read_registry(read_settings({}, cwd=root, project=None))


def all_is_well(world: World, last: Ended, ledger: Ledger) -> None:
    """Asked once everything was mended and every worker has had a slot since. last: a doubled tick."""
    snapshot, report = ledger.snapshot(), last.report
    hold(not snapshot.tickets, f"still open after calm ticks: {sorted(snapshot.tickets)}")
    hold(not snapshot.deliveries, f"{len(snapshot.deliveries)} alerts are still unsent after calm ticks")
    hold(not snapshot.episodes, f"episodes still open after calm ticks: {sorted(snapshot.episodes)}")
    hold(report is not None and report.exit_code is ExitCode.OK, f"the last tick ended with {report}")
    hold(report is not None and report.runs == (), f"a doubled tick did something: {report}")
    registry = read_registry(read_settings({}, cwd=world.root, project=None))
    shown = board(registry, ledger, now=world.clock.now())
    for row in shown.rows:
        hold(row.health is Health.UP, f"{row.worker} is {row.health} after calm ticks")
    untold = shown.figures.bad - shown.figures.bad_delivered
    hold(untold == 0, f"{untold} bad runs count as not delivered")
    if not world.restored:
        _each_trouble_was_said_to_be_over(world)
    for worker, known in world.model.workers.items():
        left = known.owed - known.over.keys()
        hold(not left, f"{worker}: without an outcome in the end: {sorted(left)}")


def _each_trouble_was_said_to_be_over(world: World) -> None:
    """To whoever heard of it; of a worker that was taken away meanwhile a person needs no telling."""
    for name, hook in world.hooks.items():
        heard = [alert for alert in hook.delivered if alert.worker not in world.gone]
        over = {alert.episode for alert in heard if alert.event in RECOVERIES}
        left = {alert.worker for alert in heard if alert.event in _BAD_NEWS and alert.episode not in over}
        hold(not left, f"{name} heard of trouble with {sorted(map(str, left))}, and not that it is over")


def _said(run: Run) -> str:
    final = "" if run.final else ", not final"
    return f"run {run.run_id[-6:]} of {run.worker} ({run.slot}, {run.outcome}{final})"
