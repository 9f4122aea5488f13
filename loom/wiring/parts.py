"""Settings in, a runner's parts out.

Heavy rooms are imported when the part that needs them is asked for, so that a tick with nothing due, or a
`loom --help`, doesn't pay for them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loom.clock import Clock, SetClock, SystemClock
from loom.domain.registry import HookSettings, Registry, StateSettings
from loom.domain.worker import Isolation, Worker
from loom.errors import RegistryError, UsageError
from loom.runner.parts import Executor, Parts
from loom.runner.request import Stop
from loom.settings import Settings, take_secrets

if TYPE_CHECKING:
    from loom.domain.enforcement import EnforcementContext
    from loom.enforcement.judges.places import Places
    from loom.execution.arrivals import Arrivals
    from loom.execution.inline import InlineExecutor
    from loom.execution.isolated.process import ProcessExecutor
    from loom.execution.live.logs import LiveLogs
    from loom.heartbeat import Heartbeat
    from loom.ledger.branch import BranchLedger
    from loom.ledger.liveness import ProcessLiveness
    from loom.ports import AlertHook, Guard, Ledger, Progress


# On a branch nobody sees a claimer's heartbeat: its claim must outlast the job that made it, whatever waits
# behind max_parallel. On one machine a lock shows at once that a claimer died, so this costs nothing there.
_SHORTEST_LEASE = timedelta(hours=1)

# -P: nothing is imported from the current folder by accident. -u: what is printed is out before one dies.
_PYTHON = (sys.executable, "-P", "-u")


def clock_for(at_text: str | None) -> Clock:
    """The machine's clock, or one set to `at_text` (ISO 8601). Raises UsageError for text that is no time."""
    if at_text is None:
        return SystemClock()
    from loom.instants import parse_instant

    return SetClock(parse_instant(at_text, option="--at"))


def read_registry(settings: Settings) -> Registry:
    """The one door to it, at which `settings.mask` learns what it declares secret. Raises RegistryError."""
    from loom.registry import load

    registry = load(settings.registry_file, project=settings.project)
    settings.mask.learn(settings.env.get(name, "") for name in registry.declared_env)
    return registry


def read_enforcement(settings: Settings) -> EnforcementContext:
    """Raises EnforcementError."""
    from loom.enforcement.reading.loader import load

    return load(settings.enforcement_folder)


def digest_of_rules(settings: Settings) -> str | None:
    """The digest of the files in enforcement/ as they are; None where they can't be in order."""
    from loom.enforcement.folder import digest_of_folder

    return digest_of_folder(settings.enforcement_folder)


def ledger_path(settings: Settings, registry: Registry | None) -> Path:
    """Where the ledger lies. A registry that can't be read leaves the default, where it most likely is."""
    state = registry.state if registry is not None else StateSettings()
    return settings.project / state.ledger


def state_branch(settings: Settings, registry: Registry | None) -> str | None:
    """The branch that carries the ledger between machines: as the environment says, else as the registry."""
    return settings.state_branch or (registry.state.branch if registry is not None else None)


def open_ledger(settings: Settings, registry: Registry | None, clock: Clock) -> Ledger:
    """Opened for writing, made if it isn't there. Raises LedgerError."""
    ledger = _open_ledger(settings, registry, clock)
    if not settings.mask:
        return ledger
    from loom.runner.discretion import discreet_ledger

    return discreet_ledger(ledger, settings.mask)


def _open_ledger(settings: Settings, registry: Registry | None, clock: Clock) -> Ledger:
    if state_branch(settings, registry) is not None:
        return branch_ledger(settings, registry, clock, reading=False)
    from loom.ledger.sqlite import SqliteLedger

    return SqliteLedger(ledger_path(settings, registry))


def open_branch(settings: Settings, registry: Registry, *, reading: bool) -> BranchLedger:
    """The ledger on its branch, for who looks after the branch itself. Raises UsageError without one."""
    if state_branch(settings, registry) is None:
        raise UsageError(
            "there is no state branch: set LOOM_STATE_BRANCH, or state: {branch: loom-state} in "
            "worker-registry.yaml"
        )
    return branch_ledger(settings, registry, SystemClock(), reading=reading)


def branch_ledger(
    settings: Settings, registry: Registry | None, clock: Clock, *, reading: bool
) -> BranchLedger:
    """The ledger on its branch, which there must be. reading: nothing of it will be written."""
    from loom.ledger.branch import BranchLedger

    outputs = registry.state.outputs if registry is not None else "redacted"
    # As it was at the start: what an inline worker makes of PATH decides which git would be run.
    secrets = registry.declared_env if registry is not None else ()
    env = {name: value for name, value in settings.env.items() if name not in secrets}
    return BranchLedger(
        ledger_path(settings, registry),
        repository=settings.project,
        branch=state_branch(settings, registry) or "",
        env=env,
        clock=clock,
        redact=None if outputs == "full" else redactor(),
        reading=reading,
    )


def redactor() -> Callable[[Any], Any]:
    """Blanks what the starter's rules call personal data, whatever this project's own rules let through."""
    from loom.domain.rules import OutputRule
    from loom.enforcement.judges.output import rule_on
    from loom.enforcement.reading.loader import load

    shipped = load(Path(__file__).parents[1] / "starter" / "enforcement")
    rules = [rule for rule in shipped.of(OutputRule) if rule.action == "redact"]
    return lambda value: rule_on(rules, value).value


def alert_hooks(
    settings: Settings, configured: Sequence[HookSettings], secrets: Mapping[str, str]
) -> tuple[AlertHook, ...]:
    from loom.alerts.build import build

    env = {**os.environ, **secrets}
    withheld = secrets.keys() - {
        str(value) for hook in configured for key, value in hook.options.items() if key.endswith("_env")
    }
    hooks = build(configured, env=env, project=settings.project, stderr=sys.stderr, withheld=withheld)
    settings.mask.learn(secrets.values())
    if not settings.mask:
        return hooks
    from loom.alerts.missing import MissingHook
    from loom.runner.discretion import DiscreetHook

    # One that is missing says nothing but why, and is known by its class.
    return tuple(h if isinstance(h, MissingHook) else DiscreetHook(h, settings.mask) for h in hooks)


def parts_for(settings: Settings, clock: Clock, progress: Progress) -> Parts:
    """Everything a tick needs."""
    return Parts(
        project=settings.project,
        clock=clock,
        host=settings.host,
        run_url=settings.run_url,
        forgetful=lambda registry: settings.in_actions and state_branch(settings, registry) is None,
        shortest_lease=_SHORTEST_LEASE,
        trigger=settings.trigger,
        trigger_watched=settings.in_actions,
        load_registry=lambda: read_registry(settings),
        load_enforcement=lambda: read_enforcement(settings),
        digest_of_rules=lambda: digest_of_rules(settings),
        open_ledger=lambda registry: open_ledger(settings, registry, clock),
        liveness=lambda registry: liveness(settings, registry),
        live_logs=lambda: live_logs(settings),
        executor=lambda: _executor(clock),
        guard=guard_of(settings),
        hooks=lambda configured, secrets: alert_hooks(settings, configured, secrets),
        fallback_hooks=lambda: _fallback_hooks(settings),
        take_secrets=lambda names: take_secrets(os.environ, names),
        mask=settings.mask,
        heartbeat=_heartbeat,
        stop=Stop(),
        progress=progress,
    )


def hooks_in_need(settings: Settings) -> tuple[AlertHook, ...]:
    """The registry's hooks if it can be read, else those of last resort; for when the ledger is gone."""
    try:
        registry = read_registry(settings)
    except RegistryError:
        return _fallback_hooks(settings)
    # What a tick took out of the environment at its start is still in the copy made before it.
    names = {name: settings.env[name] for name in registry.declared_env if settings.env.get(name)}
    return alert_hooks(settings, registry.hooks, names)


def liveness(settings: Settings, registry: Registry | None) -> ProcessLiveness:
    from loom.ledger.liveness import ProcessLiveness

    folder = ledger_path(settings, registry).parent
    return ProcessLiveness(folder, host=settings.host, pid=os.getpid())


def live_logs_folder(settings: Settings) -> Path:
    """Where runs that are under way on this machine write what they say: wherever the ledger lies, a folder
    that is Loom's alone, and that no rule opens to a worker."""
    return settings.project / ".loom" / "live"


def live_logs(settings: Settings) -> LiveLogs:
    from loom.execution.live.logs import LiveLogs

    return LiveLogs(live_logs_folder(settings), monotonic=SystemClock().monotonic)


@contextmanager
def _executor(clock: Clock) -> Iterator[Executor]:
    from loom.execution.executors import Executors

    env = dict(os.environ)  # as it is before any worker runs in this process, and may change it

    def make(isolation: Isolation, arrivals: Arrivals) -> InlineExecutor | ProcessExecutor:
        if isolation is Isolation.INLINE:
            from loom.execution.inline import InlineExecutor
            from loom.validation import fits

            return InlineExecutor(clock, arrivals=arrivals, fits=fits)
        from loom.execution.isolated.process import ProcessExecutor

        return ProcessExecutor(clock, python=_PYTHON, env=env, arrivals=arrivals)

    try:
        with Executors(make) as executors:
            yield executors
    finally:
        # What is told afterwards goes by the proxies and certificates that the person set.
        if dict(os.environ) != env:
            os.environ.clear()
            os.environ.update(env)


def guard_of(settings: Settings) -> Callable[[EnforcementContext, Worker], Guard]:
    """What makes the guard of one run of a worker."""
    places: list[Places] = []

    def guard(context: EnforcementContext, worker: Worker) -> Guard:
        from loom.enforcement.guarding.guard import RunGuard
        from loom.enforcement.judges.places import places_of

        if not places:
            places.append(places_of(settings.project, settings.env))
        return RunGuard(context, worker_id=worker.id, agent=worker.agent, places=places[0])

    return guard


def _fallback_hooks(settings: Settings) -> tuple[AlertHook, ...]:
    from loom.alerts.build import FALLBACK

    return alert_hooks(settings, FALLBACK, {})


def _heartbeat(url: str) -> Heartbeat:
    from loom.heartbeat import Heartbeat

    return Heartbeat(url)
