"""One tick, in order: read, decide, claim, work, tell, close. The only module that knows this order."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from loom.alerts.outbox import send
from loom.alerts.policy import Trouble
from loom.domain.alert import Delivery, DeliveryState
from loom.domain.enforcement import EnforcementContext
from loom.domain.registry import Registry
from loom.domain.run import OpenReason, Outcome
from loom.domain.slot import Slot, Ticket, TicketState
from loom.domain.tick import Planned, Tick, TickReport
from loom.domain.worker import Status, Worker
from loom.errors import (
    EnforcementError,
    ExitCode,
    LedgerError,
    RegistryError,
    StaleDecision,
    UsageError,
    worst,
)
from loom.ids import new_id
from loom.ports import AlertHook, Entry, Ledger, Liveness, Snapshot
from loom.runner import troubles as trouble
from loom.runner.books import Books
from loom.runner.manual import plan_by_hand
from loom.runner.parts import Parts
from loom.runner.plan import Circumstances, Plan, carry_over, pause_in_force, plan
from loom.runner.request import TickRequest, find_workers
from loom.slots.calendar import next_instant
from loom.slots.life import Obstacle

CLOCK_TOLERANCE = timedelta(minutes=5)
_CLAIM_TRIES = 60


def run_tick(parts: Parts, request: TickRequest) -> TickReport:
    """Wake once: do what is due, or what `request` asks for, and say what happened.

    Raises UsageError for a request that makes no sense and LedgerError when nothing can be recorded;
    every other trouble is in the report.
    """
    return _Tick(parts, request).run()


class _Tick:
    """The state of one waking. Filled in order by `run`."""

    def __init__(self, parts: Parts, request: TickRequest) -> None:
        self.parts = parts
        self.request = request
        at = parts.clock.now()
        self.tick = Tick(
            id=new_id(at), at=at, trigger="manual" if request.by_hand else "schedule", host=parts.host
        )
        self.registry: Registry | None = None
        self.registry_error: RegistryError | None = None
        self.enforcement: EnforcementContext | None = None
        self.enforcement_error: EnforcementError | None = None
        self.secrets: Mapping[str, str] = {}
        self.chosen: tuple[Worker, ...] = ()

    def run(self) -> TickReport:
        self._read_configuration()
        ledger = self.parts.open_ledger(self.registry)
        liveness = self.parts.liveness(self.registry)
        try:
            self._refuse_a_wrong_clock(ledger.snapshot())
            if self.request.dry_run:
                return self._rehearse(ledger, liveness)
            return self._perform(ledger, liveness)
        finally:
            liveness.release()
            ledger.close()

    # -- reading -------------------------------------------------------------------------------------

    def _read_configuration(self) -> None:
        try:
            self.registry = self.parts.load_registry()
        except RegistryError as error:
            self.registry_error = error
        try:
            self.enforcement = self.parts.load_enforcement()
        except EnforcementError as error:
            self.enforcement_error = error
        if self.registry is not None:
            self.secrets = self.parts.take_secrets(self.registry.declared_env)
        if self.request.by_hand:
            if self.registry is None:
                assert self.registry_error is not None  # noqa: S101  (one of the two is set above)
                raise self.registry_error
            self.chosen = find_workers(self.registry, self.request.workers)
            if self.request.params:
                self._refuse_wrong_params(self.chosen[0])

    def _refuse_wrong_params(self, worker: Worker) -> None:
        """A mistyped --param is a mistake of the command line, not a run that failed."""
        from loom.execution.entrypoint import EntrypointError, load
        from loom.execution.parameters import apply_params

        try:
            model = load(worker, self.parts.project).settings_model
        except EntrypointError:
            return  # the run itself will say so, and record it
        apply_params(model, worker.settings, self.request.params)

    def _refuse_a_wrong_clock(self, snapshot: Snapshot) -> None:
        """`--at` in the future or before the last tick would decide slots twice or too early."""
        if not self.request.at_given or self.request.dry_run:
            return
        at, last = self.tick.at, snapshot.last_tick
        if at > self.parts.clock.real():
            raise UsageError(
                f"--at {at.isoformat()} is in the future: nothing can be run before its time. "
                "To see what would happen then, add --dry-run."
            )
        if last is not None and at < last.at:
            raise UsageError(
                f"--at {at.isoformat()} is before the ledger's last tick ({last.at.isoformat()}): "
                "those slots are decided. To see what would have happened, add --dry-run; "
                "to run one slot again, use --worker NAME --slot ISO8601."
            )

    # -- deciding ------------------------------------------------------------------------------------

    def _snapshot(self, ledger: Ledger) -> tuple[Snapshot, list[Entry]]:
        snapshot = ledger.snapshot()
        return carry_over(self.registry, snapshot) if self.registry is not None else (snapshot, [])

    def _plan(self, snapshot: Snapshot, ledger: Ledger, liveness: Liveness) -> Plan:
        if self.registry is None:
            return Plan()
        real_now = self.parts.clock.real()
        world = Circumstances(
            tick=self.tick,
            digest=self.enforcement.digest if self.enforcement else None,
            obstacle=self._obstacle,
            alive=lambda ticket: liveness.alive(ticket, real_now=real_now),
            closed_slots=lambda worker, after: ledger.closed_slots(worker, after=after),
            run=ledger.run,
            new_id=self._new_id,
        )
        if self.request.by_hand:
            return plan_by_hand(self.chosen, self.request, snapshot, ledger, world)
        return plan(self.registry, snapshot, world)

    def _obstacle(self, worker: Worker) -> Obstacle | None:
        if self.enforcement_error is not None:
            first = self.enforcement_error.problems[0]
            return Obstacle(OpenReason.ENFORCEMENT, f"the enforcement context is broken: {first}")
        missing = [f"{name} is not set" for name in worker.requires.env if name not in self.secrets]
        missing += [
            f"{path} is not there"
            for path in worker.requires.paths
            if not (self.parts.project / path).exists()
        ]
        return Obstacle(OpenReason.REQUIREMENT, "; ".join(missing)) if missing else None

    def _claim(
        self, ledger: Ledger, liveness: Liveness, hooks: Sequence[AlertHook]
    ) -> tuple[Snapshot, Plan, list[Ticket], Books]:
        """Decide and write the decision, again and again until nobody came between."""
        for _ in range(_CLAIM_TRIES):
            snapshot, renames = self._snapshot(ledger)
            decided = self._plan(snapshot, ledger, liveness)
            claimed = self._claimed(decided, liveness)
            books = self._books(snapshot, hooks)
            for run_id in dict.fromkeys(decided.standing):
                standing = ledger.run(run_id)
                if standing is not None:
                    books.show(standing)
            said = books.enter(decided.runs, reminders=True)
            idle = not claimed and not books.deliveries and not snapshot.deliveries
            tick = self._ended(self._exit_code(books, ())) if idle else self.tick
            try:
                ledger.claim([tick, *renames, *decided.entries, *claimed, *said], revision=snapshot.revision)
            except StaleDecision:
                time.sleep(random.uniform(0.002, 0.05))  # noqa: S311  (spreads rivals, guards nothing)
            else:
                return snapshot, decided, claimed, books
        raise LedgerError(
            f"the ledger changed {_CLAIM_TRIES} times while this tick was deciding: too many ticks at once. "
            "Nothing was lost; the next tick decides these slots."
        )

    def _claimed(self, decided: Plan, liveness: Liveness) -> list[Ticket]:
        if not decided.start:
            return []
        # Imported only when there is work: an idle tick is over before these would have loaded.
        from loom.runner.work import lease

        assert self.registry is not None  # noqa: S101  (a plan without a registry starts nothing)
        workers = {worker.id: worker for worker in self.registry.workers}
        claimer, real_now = liveness.claim_as(), self.parts.clock.real()
        return [
            replace(
                ticket,
                state=TicketState.CLAIMED,
                fence=ticket.fence + 1,
                claimer=claimer,
                lease_until=lease(workers[ticket.worker], real_now),
                run_id=self._new_id(),
                reason=None,
                detail="",
                not_before=None,
            )
            for ticket in decided.start
        ]

    # -- performing ----------------------------------------------------------------------------------

    def _perform(self, ledger: Ledger, liveness: Liveness) -> TickReport:
        hooks = self._hooks(ledger)
        snapshot, decided, claimed, books = self._claim(ledger, liveness, hooks)
        if claimed:
            self._work(ledger, decided, claimed, books)
        sent = self._tell(ledger, hooks, [*snapshot.deliveries, *books.deliveries])
        code = self._exit_code(books, sent)
        if claimed or books.deliveries or snapshot.deliveries:
            ledger.record([self._ended(code)])
        self._forget_the_old(ledger, snapshot)
        return TickReport(
            tick=self.tick,
            zone=self.registry.zone if self.registry else "UTC",
            runs=tuple(books.runs.values()),
            deliveries=tuple(sent),
            problems=self._problems(),
            notes=self._notes(),
            upcoming=self._upcoming(),
            exit_code=code,
        )

    def _work(self, ledger: Ledger, decided: Plan, claimed: Sequence[Ticket], books: Books) -> None:
        from loom.runner.work import Commission, work

        assert self.registry is not None  # noqa: S101  (claims come from a registry)
        assert self.enforcement is not None  # noqa: S101  (without one every slot is held)
        work(
            self.parts,
            Commission(
                tick=self.tick,
                registry=self.registry,
                enforcement=self.enforcement,
                secrets=self.secrets,
                previous=lambda worker: _previous(ledger, books.previous_run(worker)),
                params=self.request.params,
                on_time=frozenset(decided.on_time),
            ),
            claimed,
            books,
            ledger.record,
        )

    def _tell(
        self, ledger: Ledger, hooks: Sequence[AlertHook], deliveries: Sequence[Delivery]
    ) -> tuple[Delivery, ...]:
        if not deliveries:
            return ()
        return send(deliveries, hooks, record=ledger.record, now=self.parts.clock.now)

    def _hooks(self, ledger: Ledger) -> tuple[AlertHook, ...]:
        if self.registry is not None:
            return self.parts.hooks(self.registry.hooks, self.secrets)
        kept = ledger.snapshot().hooks
        if kept is None:
            return self.parts.fallback_hooks()
        names = [str(v) for hook in kept for k, v in hook.options.items() if k.endswith("_env") and v]
        return self.parts.hooks(kept, self.parts.take_secrets(names))

    def _books(self, snapshot: Snapshot, hooks: Sequence[AlertHook]) -> Books:
        workers = self.registry.workers if self.registry else ()
        policies = {worker.id: worker.alert for worker in workers}
        removed: set[str] = set()
        if self.registry is not None:
            active = {worker.id for worker in workers if worker.status is not Status.DISABLED}
            removed = snapshot.episodes.keys() - active - {entry.id for entry in self.registry.broken}
        paused = {worker.id for worker in workers if worker.status is Status.PAUSED}
        paused |= {id_ for id_, each in snapshot.pauses.items() if pause_in_force(each, self.tick.at)}
        return Books(
            snapshot,
            policies=policies,
            hooks=hooks,
            troubles=self._troubles(snapshot),
            now=self.parts.clock.now,
            new_id=self._new_id,
            run_url=self.parts.run_url,
            zone=self.registry.zone if self.registry else "UTC",
            removed=removed,
            paused=paused,
        )

    def _troubles(self, snapshot: Snapshot) -> tuple[Trouble, ...]:
        return trouble.current(
            registry=self.registry,
            registry_error=self.registry_error,
            enforcement_error=self.enforcement_error,
            last_tick=snapshot.last_tick,
            now=self.tick.at,
            tolerance=CLOCK_TOLERANCE,
        )

    # -- rehearsing ----------------------------------------------------------------------------------

    def _rehearse(self, ledger: Ledger, liveness: Liveness) -> TickReport:
        """What a tick would do, with nothing written and nothing run."""
        decided = self._plan(self._snapshot(ledger)[0], ledger, liveness)
        agents = {w.id: w.agent for w in self.registry.workers} if self.registry else {}
        planned = [
            Planned(
                worker=ticket.worker,
                agent=agents.get(ticket.worker),
                slot=ticket.slot,
                action="run",
                reason=ticket.detail,
            )
            for ticket in decided.start
        ]
        planned += [
            Planned(
                worker=run.worker,
                agent=run.agent,
                slot=run.slot,
                action="hold" if run.open_reason else f"record as {run.outcome.value}",
                reason=run.reason,
                count=run.count,
            )
            for run in decided.runs
        ]
        problems = self._problems()
        return TickReport(
            tick=self.tick,
            zone=self.registry.zone if self.registry else "UTC",
            planned=tuple(planned),
            problems=problems,
            upcoming=self._upcoming(),
            exit_code=ExitCode.BROKEN if problems else ExitCode.OK,
        )

    # -- telling -------------------------------------------------------------------------------------

    def _exit_code(self, books: Books, sent: Sequence[Delivery]) -> ExitCode:
        codes = [ExitCode.OK]
        if self._problems():
            codes.append(ExitCode.BROKEN)
        if any(each.state is not DeliveryState.SENT for each in sent):
            codes.append(ExitCode.UNDELIVERED)
        runs = books.runs.values()
        if any(run.bad for run in runs) or (
            self.request.by_hand and any(run.outcome is Outcome.SKIPPED for run in runs)
        ):
            codes.append(ExitCode.BAD_RUN)
        return worst(codes)

    def _problems(self) -> tuple[str, ...]:
        found: list[str] = []
        if self.registry_error is not None:
            found += [str(problem) for problem in self.registry_error.problems]
        if self.registry is not None:
            found += [str(problem) for entry in self.registry.broken for problem in entry.problems]
        if self.enforcement_error is not None:
            found += [str(problem) for problem in self.enforcement_error.problems]
        return tuple(found)

    def _notes(self) -> tuple[str, ...]:
        if self.parts.in_actions and (self.registry is None or self.registry.state.branch is None):
            return ("no memory between runners: only this hour's slots are seen",)
        return ()

    def _upcoming(self) -> Slot | None:
        """The earliest slot of any active worker; each search stops where an earlier one was found."""
        if self.registry is None:
            return None
        best: Slot | None = None
        asked: set[tuple[object, ...]] = set()
        for worker in self.registry.workers:
            schedule = worker.schedule
            same = (schedule.cron, schedule.zone, schedule.dst.gap, schedule.dst.fold)
            if worker.status is not Status.ACTIVE or same in asked:
                continue
            asked.add(same)
            at = next_instant(schedule, self.tick.at, before=best.at if best else None)
            if at is not None and (best is None or at < best.at):
                best = Slot(worker.id, at)
        return best

    def _ended(self, code: ExitCode) -> Tick:
        return replace(self.tick, finished_at=self.parts.clock.now(), exit_code=int(code))

    def _forget_the_old(self, ledger: Ledger, snapshot: Snapshot) -> None:
        """Once a day is enough, and the day's first tick is as good as any."""
        last = snapshot.last_tick
        if self.registry is not None and last is not None and last.at.date() != self.tick.at.date():
            ledger.prune(before=self.tick.at - self.registry.state.keep)

    def _new_id(self) -> str:
        return new_id(self.parts.clock.now())


def _previous(ledger: Ledger, run_id: str | None) -> Mapping[str, Any] | None:
    run = ledger.run(run_id) if run_id else None
    return run.output if run else None
