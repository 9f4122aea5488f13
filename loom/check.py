"""Would the next tick work? Looks at everything a tick needs and runs nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from loom.alerts.missing import MissingHook
from loom.domain.alert import EVERY_EVENT
from loom.domain.board import Answer
from loom.domain.enforcement import EnforcementContext
from loom.domain.pause import Pause
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.errors import EnforcementError, LedgerError, LoomError, RegistryError
from loom.ports import AlertHook, Guard, Ledger
from loom.report.words import ago
from loom.runner.waking import not_there
from loom.workflows import lacks

if TYPE_CHECKING:
    from loom.worker import WorkerOutput

_A_LONG_PAUSE = timedelta(days=14)


def check(
    *,
    project: Path,
    env: Mapping[str, str],
    forgetful: Callable[[Registry], bool],
    load_registry: Callable[[], Registry],
    load_enforcement: Callable[[], EnforcementContext],
    guard: Callable[[EnforcementContext, Worker], Guard],
    open_ledger: Callable[[Registry | None], Ledger],
    hooks: Callable[[Registry], tuple[AlertHook, ...]],
    state_branch: Callable[[Registry], str | None],
    public: bool | None,
    now: datetime,
) -> Iterator[Answer]:
    """One answer after another, as they are found. Secrets are named, never shown."""
    registry: Registry | None = None
    try:
        registry = load_registry()
    except RegistryError as error:
        for problem in error.problems:
            yield Answer(level="error", what="worker-registry.yaml", detail=str(problem))
    else:
        yield from _registry(registry)
    enforcement = EnforcementContext(digest="none")  # which allows nothing
    try:
        enforcement = load_enforcement()
    except EnforcementError as error:
        yield from _broken(error)
    else:
        yield _in_force(enforcement)
    if registry is not None:
        yield from _short_secrets(registry, env)
        for worker in registry.workers:
            yield from _worker(worker, project, env, guard(enforcement, worker))
    yield from _ledger(lambda: open_ledger(registry), now)
    if registry is not None:
        yield from _alerts(hooks(registry))
        yield from _memory(forgetful(registry))
        yield from _workflows(project, registry)
        if public and state_branch(registry) is not None:
            yield Answer(
                level="warning",
                what="state branch",
                detail="the repository is public, so everybody can read what the workers found",
                remedy="make it private, or keep the ledger off the branch: only personal data is redacted",
            )


def _registry(registry: Registry) -> Iterator[Answer]:
    active = sum(worker.status is Status.ACTIVE for worker in registry.workers)
    yield Answer(
        level="ok",
        what="worker-registry.yaml",
        detail=f"{_count(len(registry.workers), 'worker')}, {active} active, times in {registry.zone}",
    )
    for entry in registry.broken:
        for problem in entry.problems:
            yield Answer(level="error", what=f"worker {entry.id}", detail=str(problem))


def _broken(error: EnforcementError) -> Iterator[Answer]:
    for problem in error.problems:
        yield Answer(
            level="error",
            what="enforcement",
            detail=str(problem),
            remedy="no worker runs until this is mended: loom enforcement verify",
        )


def _in_force(context: EnforcementContext) -> Answer:
    ids = context.rule_ids
    return Answer(
        level="ok", what="enforcement", detail=f"{_count(len(ids), 'rule')} in force: {', '.join(ids)}"
    )


def _short_secrets(registry: Registry, env: Mapping[str, str]) -> Iterator[Answer]:
    from loom.enforcement.masking import SHORTEST, is_too_short

    for name in registry.declared_env:
        if env.get(name) and is_too_short(env[name]):
            yield Answer(
                level="warning",
                what=f"secret {name}",
                detail=f"it has fewer than {SHORTEST} characters, so it isn't masked where a worker shows it",
                remedy=f"set {name} to a longer value; a mask for this one would blank ordinary words",
            )


def _worker(worker: Worker, project: Path, env: Mapping[str, str], guard: Guard) -> Iterator[Answer]:
    from loom.execution.entrypoint import Entrypoint, load
    from loom.execution.looking import look_briefly
    from loom.execution.parameters import read_settings

    def look() -> Entrypoint:
        with guard.inside():
            entrypoint = load(worker, project)
            read_settings(worker, entrypoint.settings_model, {})
            return entrypoint

    what = f"worker {worker.id}"
    disabled = worker.status is Status.DISABLED
    try:
        entrypoint = look_briefly(worker, look)
    except LoomError as error:
        yield Answer(level="warning" if disabled else "error", what=what, detail=str(error))
        return
    finally:
        guard.revoke("it was only looked at")
    if guard.refusals:
        yield Answer(
            level="error",
            what=what,
            detail=f"while it is imported: {guard.refusals[0]}",
            remedy="do it in `run`, where a rule allows it; each run would be blocked",
        )
        return
    if not disabled:
        lacking = [*_lacking(worker, project, env, entrypoint.module)]
        yield from lacking
        if lacking:
            return
    output = f"{entrypoint.output_model.__module__}:{entrypoint.output_model.__qualname__}"
    unmet = [*_unmeetable(worker, entrypoint.output_model)]
    for mistake in unmet:
        yield Answer(
            level="warning" if disabled else "error",
            what=what,
            detail=mistake,
            remedy="each run would be invalid, whatever it returned",
        )
    if unmet:
        return
    yield Answer(level="ok", what=what, detail=f"{worker.status.value}, returns {output}")


def _lacking(worker: Worker, project: Path, env: Mapping[str, str], module: ModuleType) -> Iterator[Answer]:
    """What it requires and hasn't got, and which of the libraries that it names aren't installed."""
    what = f"worker {worker.id}"
    missing = [f"{name} is not set" for name in worker.requires.env if not env.get(name)]
    missing += filter(None, (not_there(project, path) for path in worker.requires.paths))
    if missing:
        yield Answer(
            level="warning",
            what=what,
            detail="; ".join(missing),
            remedy="its slots wait for it within their catch-up, then they are missed and alerted",
        )
    libraries = getattr(module, "LIBRARIES", ())
    if not isinstance(libraries, tuple | list) or not all(isinstance(name, str) for name in libraries):
        yield Answer(
            level="warning",
            what=what,
            detail="its LIBRARIES can't be read",
            remedy='write the names as they are imported, such as LIBRARIES = ("feedparser",)',
        )
    elif absent := [name for name in libraries if not _is_installed(name)]:
        are = "isn't" if len(absent) == 1 else "aren't"
        yield Answer(
            level="warning",
            what=what,
            detail=f"{' and '.join(map(repr, absent))} {are} installed, so it skips its runs",
            remedy="pip install 'loom-runner[workers]', in a checkout "
            "pip install --constraint constraints.txt --editable '.[workers]'",
        )


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def _unmeetable(worker: Worker, output: "type[WorkerOutput]") -> Iterator[str]:
    """What of `expect` names something that no output has."""
    from loom.expectation import missing_part
    from loom.registry.mistakes import did_you_mean

    place = "worker-registry.yaml" if worker.line is None else f"worker-registry.yaml:{worker.line}"
    expect = worker.expect
    named = {"non_empty": expect.non_empty, "min": expect.minimum, "max": expect.maximum}
    for key, paths in named.items():
        for path in paths:
            missing = missing_part(output, path)
            if missing is None:
                continue
            hint = missing.hint or did_you_mean(missing.part, missing.choices)
            yield (
                f"{place}: at worker {worker.id!r} > at key 'expect' > at key {key!r} > {path!r}: "
                f"{missing.holder} has no {missing.part!r}" + (f"; {hint}" if hint else "")
            )


def _ledger(open_: Callable[[], Ledger], now: datetime) -> Iterator[Answer]:
    try:
        ledger = open_()
        try:
            snapshot = ledger.snapshot()
            # Writing nothing is the smallest write there is: it takes the lock and commits.
            ledger.record([])
        finally:
            ledger.close()
    except LedgerError as error:
        yield Answer(level="error", what="ledger", detail=str(error))
        return
    last = f"last tick {ago(snapshot.last_tick.at, now)}" if snapshot.last_tick else "no tick yet"
    yield Answer(level="ok", what="ledger", detail=f"writable, {last}")
    yield from _pauses(snapshot.pauses.values(), now)
    waiting = len(snapshot.deliveries)
    if waiting:
        reasons = "; ".join(sorted({f"{d.hook}: {d.error}" for d in snapshot.deliveries if d.error}))
        yield Answer(
            level="warning",
            what="alerts",
            detail=f"{waiting} not delivered yet" + (f" ({reasons})" if reasons else ""),
            remedy="each tick tries them again; check the hook with: loom check --send-test-alert",
        )


def _pauses(held: Iterable[Pause], now: datetime) -> Iterator[Answer]:
    """Those that somebody may have forgotten."""
    for pause in held:
        if pause.in_force(now) and pause.until is None and now - pause.at > _A_LONG_PAUSE:
            why = f": {pause.reason}" if pause.reason else ""
            yield Answer(
                level="warning",
                what=f"worker {pause.worker}",
                detail=f"paused by {pause.by} {(now - pause.at).days} days ago, without an end{why}",
                remedy=f"let it go on, loom resume {pause.worker}, or say until when: "
                f"loom pause {pause.worker} --until 7d",
            )


def _alerts(hooks: tuple[AlertHook, ...]) -> Iterator[Answer]:
    usable = [hook for hook in hooks if not isinstance(hook, MissingHook)]
    for hook in hooks:
        if isinstance(hook, MissingHook) and any(hook.wants(event) for event in EVERY_EVENT):
            yield Answer(level="error", what=f"alert hook {hook.name}", detail=hook.why)
    if not usable:
        yield Answer(
            level="error",
            what="alert hooks",
            detail="none is configured, so no failure would reach a person",
            remedy="add one under alerts: in worker-registry.yaml, such as {kind: stderr}",
        )
        return
    yield Answer(level="ok", what="alert hooks", detail=", ".join(hook.name for hook in usable))
    if all(hook.name.startswith("stderr") for hook in usable):
        yield Answer(
            level="warning",
            what="alert hooks",
            detail="alerts only go to stderr, which a person has to read",
            remedy="set LOOM_ALERT_WEBHOOK_URL, or add a webhook, command or file hook",
        )


def _workflows(project: Path, registry: Registry) -> Iterator[Answer]:
    for lack in lacks(project, registry):
        yield Answer(level="error" if lack.serious else "warning", what=lack.place, detail=lack.what)


def _memory(forgetful: bool) -> Iterator[Answer]:
    if forgetful:
        yield Answer(
            level="error",
            what="memory between runners",
            detail="each tick on GitHub Actions starts with an empty ledger: it sees only this hour's slots",
            remedy="set LOOM_STATE_BRANCH, or state: {branch: loom-state} in worker-registry.yaml",
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
