"""Previews: what each worker of a dry run says that it would read, asked as it would be run."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from loom.domain.enforcement import EnforcementContext
from loom.domain.execution import Ending, Execution
from loom.domain.record import RunReader
from loom.domain.tick import Planned
from loom.domain.worker import Expect, Retry, Worker
from loom.execution.assignment import Assignment
from loom.instants import in_words
from loom.ports import Guard
from loom.report.words import one_line
from loom.runner.waking import Waking
from loom.validation import judge
from loom.values import replace

PATIENCE = timedelta(seconds=10)
"""How long a worker may take to say what it would read, its import included."""
_LONGEST_LINE = 300
_LOOK_UP_S = 0.25


def with_reads(waking: Waking, planned: Iterable[Planned], runs: RunReader) -> list[Planned]:
    """`planned`, with what is read where a worker would run, or was asked for by name.

    Under the worker's guard, in a process of its own if it has one, and without secrets. A worker that can't
    say it, in time or at all, has one line that says why.
    """
    told = list(planned)
    registry, enforcement = waking.conditions.registry, waking.conditions.enforcement
    if registry is None or enforcement is None:
        return told  # nothing would run
    asked = {each.worker for each in told if each.action == "run" or waking.request.by_hand}
    workers = [worker for worker in registry.workers if worker.id in asked]
    if not workers:
        return told
    said = _ask(waking, workers, enforcement, registry.max_parallel, runs)
    return [replace(each, reads=said.get(each.worker)) for each in told]


def _ask(
    waking: Waking,
    workers: Sequence[Worker],
    enforcement: EnforcementContext,
    at_once: int,
    runs: RunReader,
) -> Mapping[str, tuple[str, ...] | None]:
    parts = waking.parts
    waiting = list(reversed(workers))
    running: dict[str, tuple[Worker, Guard]] = {}
    said: dict[str, tuple[str, ...] | None] = {}
    with parts.executor() as executor:
        while (waiting or running) and not parts.stop.asked:
            while waiting and len(running) < at_once:
                worker = _hurried(waiting.pop())
                guard = parts.guard(enforcement, worker)
                running[worker.id] = worker, guard
                executor.submit(_assignment(waking, worker, enforcement, guard, runs))
            for key, execution in executor.wait(_LOOK_UP_S):
                worker, guard = running.pop(key)
                said[worker.id] = _lines(worker, execution, guard)
                guard.revoke("it was only asked what it would read")
        executor.cancel("nobody waits for it any more")
    return said


def _assignment(
    waking: Waking, worker: Worker, enforcement: EnforcementContext, guard: Guard, runs: RunReader
) -> Assignment:
    return Assignment(
        key=worker.id,
        worker=worker,
        slot=None,
        slot_key=worker.id,
        now=waking.tick.at.astimezone(ZoneInfo(worker.schedule.zone)),
        project=waking.parts.project,
        previous=None,
        runs=runs,
        enforcement=enforcement,
        guard=guard,
        secrets=MappingProxyType({}),
        params=waking.request.params,
        preview=True,
        say=lambda _: None,
    )


def _hurried(worker: Worker) -> Worker:
    return replace(worker, timeout=min(worker.timeout, PATIENCE), retry=Retry(attempts=1))


def _lines(worker: Worker, execution: Execution, guard: Guard) -> tuple[str, ...] | None:
    """As far as the output rules let them be shown; None when the worker doesn't say."""
    if execution.ending is Ending.SKIPPED:
        said = [f"nothing, it would be skipped: {execution.reason}"]
    elif execution.ending is Ending.TIMED_OUT:
        said = [f"can't be told: its `reads` was still at it after {in_words(worker.timeout)}"]
    elif execution.error is not None:
        where = f" ({execution.error.where})" if execution.error.where else ""
        kind = "" if execution.ending is Ending.REFUSED else f"{execution.error.kind}: "
        said = [f"can't be told: {kind}{execution.error.message}{where}"]
    else:
        with guard.inside():
            output = judge(execution, Expect()).output
        if output is None or output["lines"] is None:
            return None
        said = list(output["lines"])
    ruling = guard.rule_on(said)
    said = [f"can't be told: {ruling.refusal}"] if ruling.refusal is not None else ruling.value
    return tuple(one_line(line, _LONGEST_LINE) for line in said)
