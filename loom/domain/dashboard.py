"""Dashboard: what the page for everybody shows, as read at one moment.

All text in it may be published: secrets are masked, and personal data is blanked unless the project lets it
out.
"""

from collections.abc import Mapping
from datetime import date, datetime

from loom.domain.alert import Delivery, Episode
from loom.domain.board import Board
from loom.domain.finding import Found
from loom.domain.run import OpenReason, Outcome, Trigger
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Days:
    """`count` days of the zone in a row, the last of which is today. starts: the instant (UTC) at which each
    begins, and, as the last one, that at which today ends."""

    first: date
    starts: tuple[datetime, ...]

    @property
    def count(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True, slots=True)
class Offset:
    """From `since` (UTC) on, the zone's clocks are `seconds` ahead of UTC and its time is called `name`."""

    since: datetime
    seconds: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefRun:
    """A run without its output and log. at: when it started, or else when its tick came; UTC.
    said: what it had to say. metrics: every number in its output by name, and how many findings it had.
    The rest as in `Run`."""

    run_id: str
    outcome: Outcome
    final: bool
    waits: OpenReason | None
    trigger: Trigger
    slot: datetime | None
    slot_last: datetime | None
    count: int
    at: datetime
    started: bool
    duration_s: float | None
    said: str
    metrics: Mapping[str, float]


DayOutcomes = Mapping[str, int]
"""How many slots of a day ended in each outcome; those that are still open count as ``open``."""

OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardWorker:
    """One worker's own page. zone: of its schedule, which may differ from the registry's.

    days: one for each of the dashboard's days. runs: the newest ones, newest first.
    findings: of the newest final run that returned something, which ended at `found_at`, worst first.
    """

    worker: str
    zone: str
    days: tuple[DayOutcomes, ...]
    runs: tuple[BriefRun, ...]
    findings: tuple[Found, ...]
    found_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickDay:
    """The ticks that were expected on one day, and how late those came that did, in seconds."""

    day: date
    expected: int
    came: int
    lateness_median_s: float | None
    lateness_max_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSpan:
    """A time in which every run that is known had one enforcement digest. rules: the most that one of them
    was under."""

    digest: str
    first: datetime
    last: datetime
    runs: int
    rules: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """project: its folder's name. offsets: of the registry's zone, the first one as the days begin.
    board, workers: in the registry's order; a worker with a broken entry is in both.
    trigger_lines: sentences on whether ticks come when they should. lateness: for each instant of the last
    days for which a tick was expected, oldest first, how many seconds late it came, or None if it didn't.
    deliveries: newest first, and how many older ones are left out. episodes: those open, and those closed
        since, newest first, and how many older ones are left out.
    digests: newest first. notes: what of the days the page doesn't show, and why.
    behind: whether the ledger was a copy that lacks what others recorded after `known_until` (UTC; None if
        the copy was never in step with anything).
    """

    project: str
    at: datetime
    zone: str
    days: Days
    offsets: tuple[Offset, ...]
    board: Board
    workers: tuple[DashboardWorker, ...]
    trigger_lines: tuple[str, ...]
    lateness: tuple[tuple[datetime, float | None], ...]
    tick_days: tuple[TickDay, ...]
    deliveries: tuple[Delivery, ...]
    deliveries_left: int
    episodes: tuple[Episode, ...]
    episodes_left: int
    digests: tuple[DigestSpan, ...]
    notes: tuple[str, ...] = ()
    known_until: datetime | None = None
    behind: bool = False
