"""Parts for ticks that do everything a tick does, except work: nothing is run, asked, told or kept."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from loom.clock import Clock, ManualClock
from loom.domain.enforcement import EnforcementContext, OutputRuling, Refusal
from loom.domain.execution import Ending, Execution
from loom.domain.registry import Registry, StateSettings
from loom.domain.worker import Expect, Requires, Status, Worker
from loom.execution.assignment import Assignment
from loom.ledger.liveness import MemoryLiveness
from loom.ports import Ledger
from loom.report.progress import SilentProgress
from loom.runner.parts import Parts
from loom.values import replace
from loom.worker import WorkerOutput

if TYPE_CHECKING:
    import httpx

_NO_RULES = EnforcementContext(digest="none: rehearsed")


def rehearsed(parts: Parts, registry: Registry, ledger: Ledger, clock: ManualClock) -> Parts:
    """`parts` with each way to the outside replaced: their registry, ledger and time are those given, every
    run succeeds at once without its code being imported, and nobody hears of it."""
    return replace(
        parts,
        clock=clock,
        run_url=None,
        forgetful=lambda _: False,
        load_registry=lambda: registry,
        load_enforcement=lambda: _NO_RULES,
        digest_of_rules=lambda: None,
        open_ledger=lambda _: ledger,
        liveness=lambda _: MemoryLiveness(set()),
        executor=lambda: RehearsedExecutor(clock),
        guard=lambda *_: _Bystander(),
        hooks=lambda *_: (),
        fallback_hooks=lambda: (),
        take_secrets=lambda _: {},
        progress=SilentProgress(),
    )


def only_schedules(registry: Registry) -> Registry:
    """The active workers with their schedules and catch-up, asking for nothing else to be there."""
    return Registry(
        zone=registry.zone,
        workers=tuple(_bare(worker) for worker in registry.workers if worker.status is Status.ACTIVE),
        state=StateSettings(),
        max_parallel=registry.max_parallel,
    )


def _bare(worker: Worker) -> Worker:
    return replace(worker, requires=Requires(), expect=Expect(), settings={}, was=None)


class RehearsedExecutor:
    """`loom.runner.parts.Executor` without a worker: each assignment has succeeded when it is asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: deque[str] = deque()

    def __enter__(self) -> "RehearsedExecutor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is under way."""

    def submit(self, assignment: Assignment) -> None:
        self._ended.append(assignment.key)

    def wait(self, timeout: float | None) -> list[tuple[str, Execution]]:  # noqa: ARG002  the port's signature
        ended = [(key, self._succeeded()) for key in self._ended]
        self._ended.clear()
        return ended

    def cancel(self, why: str) -> None:
        """Nothing is under way."""

    def _succeeded(self) -> Execution:
        now = self._clock.now()
        return Execution(
            ending=Ending.RETURNED,
            value={"summary": "rehearsed", "findings": [], "metrics": {}},
            schema=WorkerOutput,
            started_at=now,
            finished_at=now,
            duration_s=timedelta().total_seconds(),
        )


class _Bystander:
    """`loom.ports.Guard` round a run that does nothing."""

    context = _NO_RULES
    refusals: tuple[Refusal, ...] = ()
    rules: tuple[str, ...] = ()
    checks = 0
    refused = 0

    def tell(self, listener: Callable[[Refusal], None]) -> None:
        """There is nothing to tell."""

    def inside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def outside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def grants_secret(self, name: str) -> bool:  # noqa: ARG002  (no worker asks)
        return False

    def admit_secret(self, name: str) -> None:  # noqa: ARG002  (no worker asks)
        self._refuse()

    def http(self) -> "httpx.Client":
        self._refuse()

    def http_async(self) -> "httpx.AsyncClient":
        self._refuse()

    def revoke(self, why: str) -> None:
        """There is nothing to revoke."""

    def rule_on(self, value: Any) -> OutputRuling:
        return OutputRuling(value)

    def rule_on_output(self, output: Any) -> OutputRuling:
        return OutputRuling(output)

    def _refuse(self) -> NoReturn:
        raise AssertionError("a rehearsed run has no worker that could ask for a client")
