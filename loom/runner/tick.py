"""One tick, in order: wake, decide and claim, work, tell, end. The only module that knows this order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from loom.domain.alert import Delivery
from loom.domain.pause import Pause
from loom.domain.record import Snapshot
from loom.domain.slot import Slot
from loom.domain.tick import TickReport
from loom.domain.worker import Status, Worker
from loom.errors import ExitCode, RegistryError, StateUnpushed, worst
from loom.runner.claiming import Claim, claim
from loom.runner.parts import Parts
from loom.runner.plan import Plan, pause_in_force
from loom.runner.request import TickRequest
from loom.runner.waking import Waking, wake
from loom.slots.calendar import next_instant
from loom.values import replace

if TYPE_CHECKING:
    from loom.ports import AlertHook, Ledger, Liveness

_INSTANT = timedelta(microseconds=1)


def run_tick(parts: Parts, request: TickRequest) -> TickReport:
    """Wake once: do what is due, or what `request` asks for, and say what happened.

    Raises UsageError for a request that makes no sense and LedgerError when nothing can be recorded; every
    other trouble is in the report.
    """
    waking = wake(parts, request)
    url = _heartbeat_url(waking)
    if url is None:
        return _tick(waking)
    # Imported only where a monitor listens.
    from loom.heartbeat import beating

    return beating(parts.heartbeat(url), lambda: _tick(waking), mask=parts.mask)


def _heartbeat_url(waking: Waking) -> str | None:
    """None for a tick by hand: it must not quiet a switch that waits for the clock's."""
    registry, request = waking.conditions.registry, waking.request
    if registry is None or registry.heartbeat_env is None or request.by_hand or request.dry_run:
        return None
    return waking.conditions.secrets.get(registry.heartbeat_env)


def _tick(waking: Waking) -> TickReport:
    try:
        chosen = _chosen(waking)
    except RegistryError:
        chosen = ()  # one of the conditions: recorded, told and reported as on any other tick
    ledger = waking.parts.open_ledger(waking.conditions.registry)
    liveness = waking.parts.liveness(waking.conditions.registry)
    try:
        snapshot = ledger.snapshot()
        if not (waking.request.dry_run or waking.request.by_hand):
            waking.conditions.rules.go_by(snapshot.last_tick, waking.tick)
        if waking.request.at_given and not waking.request.dry_run:
            from loom.runner.asked import refuse_a_wrong_clock

            refuse_a_wrong_clock(waking, snapshot)
        act = _rehearse if waking.request.dry_run else _perform
        return _discreet(waking, act(waking, chosen, ledger, snapshot, liveness))
    finally:
        liveness.release()
        ledger.close()


def _discreet(waking: Waking, report: TickReport) -> TickReport:
    mask = waking.parts.mask
    if not mask:
        return report
    # Imported only where there is something to hide.
    from loom.runner import discretion

    return discretion.report(report, mask)


def _perform(
    waking: Waking, chosen: Sequence[Worker], ledger: Ledger, snapshot: Snapshot, liveness: Liveness
) -> TickReport:
    hooks = functools.cache(lambda: _hooks(waking, ledger))
    claimed = claim(waking, chosen, ledger, snapshot, liveness, hooks)
    sent, worked = _carried_out(waking, claimed, hooks, ledger) if claimed.leaves_work else ((), ())
    code = waking.exit_code(claimed.books.runs.values(), sent)
    if claimed.leaves_work:
        ledger.record([waking.ended(code)])
    _forget_the_old(waking, ledger, claimed.snapshot)
    try:
        claimed.books.lose(_runs_of(claimed, ledger.publish()))
    except StateUnpushed as error:
        from loom.runner.telling import cry_unpushed

        sent = [*sent, *cry_unpushed(waking, error, hooks(), ledger)]
        report = _report(waking, worst([code, ExitCode.UNDELIVERED]), claimed.snapshot)
        report = replace(report, problems=(*report.problems, str(error)))
    else:
        report = _report(waking, code, claimed.snapshot)
    return replace(
        report,
        runs=tuple(claimed.books.runs.values()),
        deliveries=tuple(sent),
        notes=(*report.notes, *worked, *_left_alone(claimed.plan)),
        trigger_lines=_trigger_lines(waking, ledger),
    )


def _carried_out(
    waking: Waking, claimed: Claim, hooks: Callable[[], Sequence[AlertHook]], ledger: Ledger
) -> tuple[Sequence[Delivery], Sequence[str]]:
    """What was sent, and what else a person should read of the work."""
    # Imported only where there is something to do or to say.
    from loom.runner.telling import BEFORE_WORK, tell, tell_the_rest

    sent: Sequence[Delivery] = ()
    worked: Sequence[str] = ()
    if claimed.tickets:
        # A worker that takes the process with it must not keep a person from hearing of the last time.
        sent = tell(waking, claimed.deliveries, hooks(), ledger, within=BEFORE_WORK)
        worked = _work(waking, claimed, ledger)
        claimed.books.lose(_runs_of(claimed, _published(ledger)))
    return tell_the_rest(waking, claimed.deliveries, sent, hooks(), ledger), worked


def _trigger_lines(waking: Waking, ledger: Ledger) -> tuple[str, ...]:
    registry = waking.conditions.registry
    if registry is None or not waking.parts.trigger_watched:
        return ()
    from loom.report.trigger import sentences
    from loom.slots.trigger import trigger_health

    return sentences(trigger_health(registry.ticks_expected, ledger, now=waking.tick.at))


def _published(ledger: Ledger) -> Collection[str]:
    """What was done goes out before it is told: telling takes its time, and the job may end meanwhile."""
    try:
        return ledger.publish()
    except StateUnpushed:
        return ()  # the tick's end tries again, and says so


def _runs_of(claimed: Claim, keys: Collection[str]) -> set[str]:
    return {ticket.run_id for ticket in claimed.tickets if ticket.key in keys and ticket.run_id}


def _rehearse(
    waking: Waking, chosen: Sequence[Worker], ledger: Ledger, snapshot: Snapshot, liveness: Liveness
) -> TickReport:
    """What a tick would do, with nothing written and nothing run."""
    from loom.runner.rehearsal import planned

    code = ExitCode.BROKEN if waking.conditions.mistakes else ExitCode.OK
    report = _report(waking, code, snapshot)
    return replace(report, planned=planned(waking, chosen, ledger, liveness))


def _report(waking: Waking, code: ExitCode, snapshot: Snapshot) -> TickReport:
    return TickReport(
        tick=waking.begun(),
        zone=waking.conditions.zone,
        problems=tuple(str(mistake) for mistake in waking.conditions.mistakes),
        mistakes=waking.conditions.mistakes,
        notes=_notes(waking),
        upcoming=_upcoming(waking, snapshot.pauses),
        pauses=tuple(snapshot.pauses.values()),
        exit_code=code,
    )


def _chosen(waking: Waking) -> tuple[Worker, ...]:
    """The workers named by hand."""
    if not waking.request.by_hand:
        return ()
    # Imported only where a person asks.
    from loom.runner.asked import chosen

    return chosen(waking)


def _work(waking: Waking, claimed: Claim, ledger: Ledger) -> Sequence[str]:
    from loom.runner.work import Commission, work

    registry, enforcement = waking.conditions.registry, waking.conditions.enforcement
    if registry is None or enforcement is None:
        raise AssertionError("tickets were claimed without a registry and an enforcement context")
    commission = Commission(
        tick=waking.tick,
        registry=registry,
        enforcement=enforcement,
        secrets=waking.conditions.secrets,
        previous=lambda worker: _output(ledger, claimed.books.previous_run(worker)),
        runs=ledger.reader(),
        params=waking.request.params,
        on_time=frozenset(claimed.plan.on_time),
        alone=claimed.alone,
        by_hand=waking.request.by_hand,
        as_before={ticket.key: ticket for ticket in claimed.plan.start},
        over_by=waking.over_by,
        new_id=waking.new_id,
    )
    return work(waking.parts, commission, claimed.tickets, claimed.books, ledger.record)


def _output(ledger: Ledger, run_id: str | None) -> Mapping[str, Any] | None:
    return ledger.output(run_id) if run_id else None


def _hooks(waking: Waking, ledger: Ledger) -> tuple[AlertHook, ...]:
    """The registry's hooks; when it can't be read, the last ones that could; else those of last resort."""
    parts, registry = waking.parts, waking.conditions.registry
    if registry is not None:
        return parts.hooks(registry.hooks, waking.conditions.secrets)
    kept = ledger.snapshot().hooks
    if kept is None:
        return parts.fallback_hooks()
    names = [str(v) for hook in kept for k, v in hook.options.items() if k.endswith("_env") and v]
    secrets = parts.take_secrets(names)
    parts.mask.learn(secrets.values())
    return parts.hooks(kept, secrets)


def _notes(waking: Waking) -> tuple[str, ...]:
    notes: list[str] = []
    stop = waking.parts.stop
    if stop.asked:
        notes.append(f"{stop.why}: what wasn't begun or didn't end is taken up by the next tick")
    registry = waking.conditions.registry
    if waking.parts.forgetful(registry):
        notes.append("no memory between runners: only this hour's slots are seen")
    monitor = registry.heartbeat_env if registry is not None else None
    if monitor is not None and monitor not in waking.conditions.secrets and not waking.request.by_hand:
        notes.append(f"{monitor} is not set, so no monitor hears of ticks")
    return tuple(notes)


def _left_alone(plan: Plan) -> tuple[str, ...]:
    number = len(plan.left)
    if not number:
        return ()
    said = "1 slot succeeded before and stays" if number == 1 else f"{number} slots succeeded before and stay"
    return (f"{said} as recorded",)


def _upcoming(waking: Waking, pauses: Mapping[str, Pause]) -> Slot | None:
    """The earliest slot of any active worker; each search stops where an earlier one was found, and workers
    that share a schedule are asked once. One that is paused comes next when its pause is over."""
    best: Slot | None = None
    asked: set[tuple[object, ...]] = set()
    for worker in waking.conditions.workers.values():
        pause = pause_in_force(pauses.get(worker.id), waking.tick.at)
        schedule = worker.schedule
        until = waking.tick.at if pause is None else pause.until
        same = (schedule.cron, schedule.zone, schedule.dst.gap, schedule.dst.fold, until)
        if worker.status is not Status.ACTIVE or until is None or same in asked:
            continue
        asked.add(same)
        after = until if pause is None else until - _INSTANT
        at = next_instant(schedule, after, before=best.at if best else None)
        if at is not None and (best is None or at < best.at):
            best = Slot(worker.id, at)
    return best


def _forget_the_old(waking: Waking, ledger: Ledger, snapshot: Snapshot) -> None:
    """Once a day is enough, and the day's first tick is as good as any."""
    registry, last = waking.conditions.registry, snapshot.last_tick
    if registry is not None and last is not None and last.at.date() != waking.tick.at.date():
        ledger.prune(before=waking.tick.at - registry.state.keep)
        live = waking.parts.live_logs()
        if kept := live.runs():
            # Read after them: a run that begins to speak has its ticket in the ledger before.
            at_work = {ticket.run_id for ticket in ledger.snapshot().tickets.values()}
            live.forget(kept - at_work)
