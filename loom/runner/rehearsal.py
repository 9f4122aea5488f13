"""Rehearsal: what a tick would do, slot by slot, for a dry run."""

from collections.abc import Mapping, Sequence

from loom.domain.tick import Planned
from loom.domain.worker import Worker
from loom.ports import Ledger, Liveness
from loom.runner.claiming import decided
from loom.runner.plan import Plan
from loom.runner.waking import Waking


def planned(
    waking: Waking, chosen: Sequence[Worker], ledger: Ledger, liveness: Liveness
) -> tuple[Planned, ...]:
    """Decided as a tick decides, with nothing written and nothing run."""
    made = decided(waking, chosen, ledger, liveness)
    found = told(made, waking.conditions.workers)
    if found and waking.request.previews:
        # Imported only where somebody is asked: what workers run in costs an idle dry run nothing.
        from loom.runner.previews import with_reads

        found = with_reads(waking, found, ledger.reader())
    return (*found, *made.left)


def told(made: Plan, workers: Mapping[str, Worker]) -> list[Planned]:
    """What `made` would start and record, in words. workers: by id."""
    found = [
        Planned(worker=t.worker, agent=workers[t.worker].agent, slot=t.slot, action="run", reason=t.detail)
        for t in made.start
    ]
    found += [
        Planned(
            worker=run.worker,
            agent=run.agent,
            slot=run.slot,
            action="hold" if run.open_reason else f"record as {run.outcome.value}",
            reason=run.reason,
            count=run.count,
        )
        for run in made.runs
    ]
    return found
