"""Assignment: one piece of work for an executor, with everything its run may know and touch."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from loom.domain.enforcement import EnforcementContext
from loom.domain.worker import Worker
from loom.values import dataclass, field

if TYPE_CHECKING:
    from loom.domain.record import RunReader
    from loom.execution.capture import RunLog
    from loom.ports import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """key: the ticket's; what `wait` hands the execution back under.
    slot: the scheduled instant (aware, in the worker's zone), or None by hand. slot_key: the idempotency key.
    now: the tick's time (aware, in the worker's zone).
    previous: the last valid output's JSON form. runs: reads the ledger, for the run that asks for it.
    secrets: values by name, only of those the worker requires.
    params: ``--param`` overrides of its settings, as typed.
    preview: only ask the worker's module what the run would read (see `loom.execution.reads`).
    say: where the worker's progress goes; called in the run's threads. listen: is given the run's log as it
        begins, to read it while it is written.
    """

    key: str
    worker: Worker
    slot: datetime | None
    slot_key: str
    now: datetime
    project: Path
    previous: Mapping[str, Any] | None
    runs: "RunReader"
    enforcement: EnforcementContext
    guard: "Guard"
    secrets: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    preview: bool = False
    say: Callable[[str], None]
    listen: "Callable[[RunLog], None]" = lambda _: None
