"""A runner in this process: everything real but the clock, the ledger, who is alive and who hears alerts,
which are the shipped twins."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from loom.alerts.memory import MemoryHook
from loom.clock import ManualClock
from loom.domain.record import RunQuery
from loom.domain.run import Run
from loom.domain.tick import TickReport
from loom.ledger.liveness import MemoryLiveness
from loom.ledger.memory import MemoryLedger
from loom.ports import Ledger, Progress
from loom.report.progress import SilentProgress
from loom.runner.parts import Parts
from loom.runner.request import Stop, TickRequest
from loom.runner.tick import run_tick
from loom.settings import read_settings
from loom.wiring.parts import parts_for
from tests.ground.modules import workers_of_its_own
from tests.ground.project import Project


@dataclass
class Rehearsal:
    """Tick after tick on one in-memory ledger, at times of the test's own choosing.

    read_once: the registry and the enforcement context don't change, and thousands of ticks are to come.
    """

    project: Project
    at: datetime
    ledger: Ledger = field(default_factory=MemoryLedger)
    running: set[str] = field(default_factory=set)
    hook: MemoryHook = field(default_factory=lambda: MemoryHook("memory"))
    secrets: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=SilentProgress)
    stop: Stop = field(default_factory=Stop)
    read_once: bool = False

    def __post_init__(self) -> None:
        self.clock = ManualClock(self.at)
        self._tick = 0
        self._parts: Parts | None = None

    def parts(self) -> Parts:
        settings = read_settings({}, cwd=self.project.root, project=None)
        self._tick += 1
        tick = self._tick
        parts = replace(parts_for(settings, self.clock, self.progress), stop=self.stop)
        if self.read_once:
            self._parts = self._parts or replace(
                parts,
                load_registry=cache(parts.load_registry),
                load_enforcement=cache(parts.load_enforcement),
                digest_of_rules=cache(parts.digest_of_rules),
            )
            parts = self._parts
        return replace(
            parts,
            open_ledger=lambda _: self.ledger,
            liveness=lambda _: MemoryLiveness(self.running, pid=tick),
            hooks=lambda *_: (self.hook,),
            fallback_hooks=lambda: (self.hook,),
            take_secrets=lambda names: {n: self.secrets[n] for n in names if n in self.secrets},
        )

    def tick(self, *, later: timedelta = timedelta(), request: TickRequest | None = None) -> TickReport:
        self.clock.advance(later)
        # Each tick is a process of its own in real life, and imports its workers anew.
        with workers_of_its_own():
            return run_tick(self.parts(), request or TickRequest())

    def history(self, worker: str) -> list[Run]:
        """Every run of `worker`, oldest first."""
        return list(reversed(self.ledger.runs(RunQuery(worker=worker, limit=1000))))

    def heard(self) -> list[str]:
        """The events of every alert delivered so far."""
        return [alert.event.value for alert in self.hook.delivered]
