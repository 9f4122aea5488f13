"""Waking: what holds for one tick from its beginning to its end."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.registry import RESERVE, Registry
from loom.domain.run import OpenReason, Outcome, Run
from loom.domain.tick import Tick
from loom.domain.worker import Worker
from loom.errors import EnforcementError, ExitCode, Problem, RegistryError, worst
from loom.ids import new_id
from loom.runner.in_force import RulesInForce
from loom.runner.parts import Parts
from loom.runner.request import TickRequest
from loom.values import dataclass, replace

if TYPE_CHECKING:
    from loom.domain.enforcement import EnforcementContext
    from loom.slots.life import Obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the project's files and the environment gave. Of registry and rules there is either the value or
    the error; broken ones are conditions too, under which a tick still records and tells."""

    registry: Registry | None
    registry_error: RegistryError | None
    rules: RulesInForce
    secrets: Mapping[str, str]

    @property
    def zone(self) -> str:
        return self.registry.zone if self.registry is not None else "UTC"

    @property
    def enforcement(self) -> "EnforcementContext | None":
        return self.rules.context

    def demand_registry(self) -> Registry:
        """The registry. Raises the RegistryError that there is instead of it."""
        if self.registry is None:
            raise self.registry_error or RegistryError(())
        return self.registry

    @property
    def workers(self) -> Mapping[str, Worker]:
        return {worker.id: worker for worker in self.registry.workers} if self.registry else {}

    @property
    def mistakes(self) -> tuple[Problem, ...]:
        """Every mistake found in the project's files."""
        found = list(self.registry_error.problems) if self.registry_error else []
        for entry in self.registry.broken if self.registry else ():
            found += entry.problems
        broken = self.rules.error
        found += broken.problems if broken else ()
        return tuple(found)

    def obstacles(self, worker: Worker, project: Path) -> "Iterator[Obstacle]":
        """What keeps `worker` from starting: a broken enforcement context, then a requirement not met."""
        # Asked only where there is a slot to decide.
        from loom.slots.life import Obstacle

        if self.rules.context is None:
            first = self.rules.error.problems[0] if self.rules.error else ""
            yield Obstacle(OpenReason.ENFORCEMENT, f"the enforcement context is broken: {first}")
        missing = [f"{name} is not set" for name in worker.requires.env if name not in self.secrets]
        missing += filter(None, (not_there(project, path) for path in worker.requires.paths))
        if missing:
            yield Obstacle(OpenReason.REQUIREMENT, "; ".join(missing))


def not_there(project: Path, path: str) -> str:
    """What keeps a worker from `path`, which it requires, in words; "" if it is there."""
    try:
        return "" if (project / path).exists() else f"{path} is not there"
    except OSError as error:  # a folder on the way that this user may not look into
        return f"{path} can't be looked at: {error.strerror}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waking:
    """One tick's parts, request and conditions; and its record, as far as it is known as it wakes.

    began: when it woke, in the clock's monotonic seconds."""

    parts: Parts
    request: TickRequest
    conditions: Conditions
    tick: Tick
    began: float

    def new_id(self) -> str:
        return new_id(self.parts.clock.now())

    @property
    def over_by(self) -> float | None:
        """When work must be over so that the tick keeps to its budget, in the clock's monotonic seconds. A
        person who asked for work waits for it."""
        registry = self.conditions.registry
        if registry is None or registry.budget is None or self.request.by_hand:
            return None
        return self.began + (registry.budget - RESERVE).total_seconds()

    def begun(self) -> Tick:
        """The tick's record as it stands when its decisions are made."""
        return replace(self.tick, rules_in_order=self.conditions.rules.in_order)

    def exit_code(self, runs: Iterable[Run], sent: Sequence[Delivery]) -> ExitCode:
        """The first that applies, in the design's order, of what is wrong with this tick."""
        codes = [self.parts.stop.exit_code]
        if self.conditions.mistakes:
            codes.append(ExitCode.BROKEN)
        if any(each.state is not DeliveryState.SENT for each in sent):
            codes.append(ExitCode.UNDELIVERED)
        by_hand = self.request.by_hand
        if any(run.bad or (by_hand and run.outcome is Outcome.SKIPPED) for run in runs):
            codes.append(ExitCode.BAD_RUN)
        return worst(codes)

    def ended(self, code: ExitCode) -> Tick:
        """The tick's record as it stands at its end."""
        return replace(self.begun(), finished_at=self.parts.clock.now(), exit_code=int(code))


def wake(parts: Parts, request: TickRequest) -> Waking:
    """Read what a tick goes by; its rules are read when they are asked for. Declared secrets leave the
    environment here."""
    at, began = parts.clock.now(), parts.clock.monotonic()
    registry, registry_error = None, None
    try:
        registry = parts.load_registry()
    except RegistryError as error:
        registry_error = error
    secrets = parts.take_secrets(registry.declared_env) if registry is not None else {}
    parts.mask.learn(secrets.values())
    if registry is not None and registry.broken:
        from loom.runner.discretion import problems

        broken = (replace(each, problems=problems(each.problems, parts.mask)) for each in registry.broken)
        registry = replace(registry, broken=tuple(broken))
    return Waking(
        parts=parts,
        request=request,
        conditions=Conditions(
            registry=registry,
            registry_error=registry_error,
            rules=RulesInForce(lambda: _rules(parts), parts.digest_of_rules),
            secrets=secrets,
        ),
        tick=Tick(
            id=new_id(at), at=at, trigger="manual" if request.by_hand else parts.trigger, host=parts.host
        ),
        began=began,
    )


def _rules(parts: Parts) -> "EnforcementContext":
    try:
        return parts.load_enforcement()
    except EnforcementError as error:
        from loom.runner.discretion import problems

        raise EnforcementError(problems(error.problems, parts.mask)) from error
