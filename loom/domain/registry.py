"""Registry: what worker-registry.yaml says, read and checked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from loom.domain.cron import parse_cron
from loom.domain.schedule import Schedule
from loom.domain.worker import Worker
from loom.errors import Problem
from loom.values import dataclass

_HOURLY = "0 * * * *"


RESERVE = timedelta(minutes=2)
"""What a tick keeps of its budget to record, to alert (a minute at most) and to push."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """One entry of ``alerts:``; `options` are checked for its kind when the registry is read."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StateSettings:
    """ledger: path from the project root. branch: a git branch that carries the ledger, or None.
    outputs: what of an output leaves the local ledger, 'redacted' or 'full'.
    keep: how long closed records stay."""

    ledger: str = ".loom/ledger.db"
    branch: str | None = None
    outputs: str = "redacted"
    keep: timedelta = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """A worker whose entry has mistakes: it doesn't run, its mark stays put, the others go on.

    was: the id it had before, as far as that can be read."""

    id: str
    problems: tuple[Problem, ...]
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """zone: the IANA zone of the file. declared_env: every name any worker requires or any hook reads.
    tick: when a clock is to wake Loom, as ``tick:`` says; None: not said.
    budget: how long a tick may take from its waking to its end, or None for as long as the work does.
    heartbeat_env: the variable that holds the URL to ping (``heartbeat: {url_env: NAME}``), or None."""

    zone: str
    workers: tuple[Worker, ...]
    broken: tuple[BrokenEntry, ...] = ()
    hooks: tuple[HookSettings, ...] = ()
    state: StateSettings = StateSettings()
    max_parallel: int = 4
    declared_env: tuple[str, ...] = ()
    tick: Schedule | None = None
    budget: timedelta | None = None
    heartbeat_env: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Of every worker it names, those with a broken entry among them."""
        return frozenset([*(worker.id for worker in self.workers), *(entry.id for entry in self.broken)])

    @property
    def ticks_expected(self) -> Schedule:
        """When ticks are expected: as the file says, else hourly, at the hour."""
        return self.tick or Schedule(_HOURLY, parse_cron(_HOURLY), self.zone)
