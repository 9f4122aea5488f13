"""What a person asked a tick for: whom they named, and whether it makes sense."""

import sys

from loom.domain.record import Snapshot
from loom.domain.worker import Isolation, Worker
from loom.errors import UsageError
from loom.runner.waking import Waking


def chosen(waking: Waking) -> tuple[Worker, ...]:
    """The workers that a person named.

    Raises UsageError for a name or a parameter that fits none, and RegistryError where theirs is broken.
    """
    # Imported only where somebody is named: an idle tick at a time of its own comes here too.
    from loom.runner.naming import find_workers

    workers = find_workers(waking.conditions.demand_registry(), waking.request.workers)
    if waking.request.params:
        _refuse_wrong_params(waking, workers[0])
    return workers


def refuse_a_wrong_clock(waking: Waking, snapshot: Snapshot) -> None:
    """Raises UsageError for an `--at` in the future or before the last tick: slots would be decided too early
    or twice."""
    at, last = waking.tick.at, snapshot.last_tick
    if at > waking.parts.clock.real():
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


def _refuse_wrong_params(waking: Waking, worker: Worker) -> None:
    """A mistyped --param is a mistake of the command line, not a run that failed; but a worker that is kept
    out of this process isn't imported to find out: its run says so."""
    if worker.isolation is Isolation.PROCESS:
        return
    from loom.execution.entrypoint import EntrypointError, forget, load
    from loom.execution.inspection import NotOver, inspected
    from loom.execution.parameters import apply_params

    def look() -> None:
        with guard.inside():
            model = load(worker, waking.parts.project).settings_model
            apply_params(model, worker.settings, waking.request.params)

    enforcement = waking.conditions.enforcement
    if enforcement is None:
        return  # nothing of it will run
    guard, known = waking.parts.guard(enforcement, worker), set(sys.modules)
    stop = waking.parts.stop
    try:
        inspected(look, within_s=worker.timeout.total_seconds(), given_up=lambda: stop.asked)
    except (EntrypointError, NotOver):
        return  # the run itself will say so, and record it
    finally:
        guard.revoke("it was only looked at")
        if guard.refusals:
            forget(known, waking.parts.project)  # nobody records what was asked for here
