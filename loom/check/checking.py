"""Would the next tick work? Looks at everything a tick needs and runs nothing."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from loom.check.surroundings import about_alerts, about_ledger, about_memory, about_workflows
from loom.check.workers import about_secrets, about_worker
from loom.domain.board import Answer
from loom.domain.enforcement import EnforcementContext
from loom.domain.registry import Registry
from loom.domain.worker import Status, Worker
from loom.errors import EnforcementError, RegistryError
from loom.ports import AlertHook, Guard, Ledger


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
        yield from about_secrets(registry, env)
        for worker in registry.workers:
            yield from about_worker(worker, project, env, guard(enforcement, worker))
    yield from about_ledger(lambda: open_ledger(registry), now)
    if registry is not None:
        yield from about_alerts(hooks(registry))
        yield from about_memory(forgetful(registry))
        yield from about_workflows(project, registry)
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
