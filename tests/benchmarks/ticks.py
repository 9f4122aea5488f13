"""`loom run`, tick after tick of one project, each a process of its own."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loom.domain.record import RunQuery
from loom.ledger.sqlite import SqliteLedger
from tests.benchmarks.measure import seconds
from tests.ground.command import PROGRAM

# In Chicago: 12:20 on a Tuesday in March, long after the day's only slot at 03:00.
FIRST_TICK = datetime(2026, 3, 3, 18, 20, tzinfo=UTC)
DAILY, HOURLY = "0 3 * * *", "0 * * * *"


@dataclass(slots=True)
class Ticks:
    """Call it for the next tick of the project in `root`, `step` after the one before; it gives the seconds
    from the start of the process to its end. `more`: in its environment. `count`: how many there were."""

    root: Path
    step: timedelta = timedelta(seconds=30)
    more: Mapping[str, str] = field(default_factory=dict)
    count: int = field(default=0, init=False)

    def __call__(self) -> float:
        taken = seconds([*PROGRAM, *self.arguments], cwd=self.root, more=self.more)
        self.count += 1
        return taken

    @property
    def at(self) -> datetime:
        """When the next one is."""
        return FIRST_TICK + self.count * self.step

    @property
    def arguments(self) -> tuple[str, ...]:
        """Those of the next one, after the name of the command."""
        return ("run", "--project", str(self.root), "--at", self.at.isoformat())


def outcomes(ledger: Path, since: datetime) -> Counter[str]:
    """How many runs of the ticks from `since` on ended how."""
    opened = SqliteLedger(ledger, create=False)
    try:
        runs = opened.runs(RunQuery(since=since, limit=100_000))
    finally:
        opened.close()
    return Counter(run.outcome.value for run in runs)
