"""What a runner is made of. Concrete classes are chosen in `wiring`; here they are named by their sockets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from loom.clock import Clock
from loom.domain.registry import HookSettings, Registry
from loom.domain.worker import Worker
from loom.runner.request import Stop
from loom.values import dataclass

if TYPE_CHECKING:
    from loom.domain.enforcement import EnforcementContext
    from loom.domain.execution import Execution
    from loom.execution.assignment import Assignment
    from loom.execution.capture import RunLog
    from loom.heartbeat import Heartbeat
    from loom.ports import AlertHook, Guard, Ledger, Liveness, Progress


class Executor(Protocol):
    """Runs assignments side by side and says what happened; never raises for what a worker does."""

    def submit(self, assignment: Assignment) -> None: ...

    def wait(self, timeout: float | None) -> list[tuple[str, Execution]]: ...

    def cancel(self, why: str) -> None: ...


class LiveLog(Protocol):
    """What one run says, for others to read while it is under way (see `loom.execution.live`)."""

    def attach(self, log: RunLog) -> None: ...

    def text(self) -> str: ...

    def update(self) -> None: ...

    def remove(self) -> None: ...


class LiveLogs(Protocol):
    """What runs that aren't recorded have said."""

    def of(self, run_id: str, clean: Callable[[str], str]) -> LiveLog: ...

    def runs(self) -> frozenset[str]: ...

    def last_words(self, run_id: str) -> str: ...

    def forget(self, runs: Collection[str]) -> None: ...


class Mask(Protocol):
    """Takes out of a text every secret that it has learnt."""

    def __bool__(self) -> bool:
        """Whether it has learnt any."""

    def learn(self, values: Iterable[str]) -> None: ...

    def __call__(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """load_registry raises RegistryError; load_enforcement raises EnforcementError; open_ledger LedgerError.

    digest_of_rules: of the files that `load_enforcement` would read; None where they can't be in order.
    forgetful: whether the ledger is gone with this machine, as on GitHub's runners without a state branch.
    shortest_lease: how long a claim holds at least, for the eyes of other machines.
    trigger: what wakes ticks that nobody asked for by hand. trigger_watched: whether to say how well it does.
    take_secrets: removes the named variables from the environment and gives the values.
    mask: for whatever leaves; learns what `take_secrets` gives.
    fallback_hooks: where to cry when the registry never was readable.
    stop: how the surroundings ask the tick to end early.
    """

    project: Path
    clock: Clock
    host: str
    run_url: str | None
    shortest_lease: timedelta
    trigger: str
    trigger_watched: bool
    forgetful: Callable[[Registry | None], bool]
    load_registry: Callable[[], Registry]
    load_enforcement: Callable[[], EnforcementContext]
    digest_of_rules: Callable[[], str | None]
    open_ledger: Callable[[Registry | None], Ledger]
    liveness: Callable[[Registry | None], Liveness]
    live_logs: Callable[[], LiveLogs]
    executor: Callable[[], AbstractContextManager[Executor]]
    guard: Callable[[EnforcementContext, Worker], Guard]
    hooks: Callable[[Sequence[HookSettings], Mapping[str, str]], tuple[AlertHook, ...]]
    fallback_hooks: Callable[[], tuple[AlertHook, ...]]
    take_secrets: Callable[[Sequence[str]], Mapping[str, str]]
    mask: Mask
    heartbeat: Callable[[str], Heartbeat]
    stop: Stop
    progress: Progress
