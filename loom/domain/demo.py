"""What happens in the demo's week, and what came of it."""

from datetime import datetime
from enum import StrEnum

from loom.domain.board import Board
from loom.domain.tick import TickReport
from loom.values import dataclass


class Act(StrEnum):
    """TICK: a clock calls Loom. CRM_FAILS, CRM_ANSWERS: HubSpot's stand-in begins to answer 503, and stops.
    NEWCOMER: a worker is added to the project that writes to HubSpot. MENDED: it doesn't write any more."""

    TICK = "tick"
    CRM_FAILS = "crm_fails"
    CRM_ANSWERS = "crm_answers"
    NEWCOMER = "newcomer"
    MENDED = "mended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens at `at` (UTC). says: what a narrator says of it, once it has happened.
    shows: the worker of whose findings the first is shown, if any."""

    at: datetime
    act: Act = Act.TICK
    says: str = ""
    shows: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A step that was played. report: of a tick. notes: what a clock change did to its slots."""

    step: Step
    report: TickReport | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """The week as its ledger has it. Slots are counted one by one, ranges by their size.

    ticks: how often Loom was called. hours: how often it should have been.
    due: slots that came due. decided: those with a final outcome; repeated: those with more than one.
    ran, skipped, superseded, missed: those that were run to an end, whose worker had nothing to do or lacked
        a library, that gave way to a later one, or were lost.
    by_hour: those that a runner would have run which starts what is scheduled in the hour on the clock.
    findings: what the workers found, all in all.
    asked, written: requests that reached HubSpot, and those of them that would have changed it.
    alerts: what was delivered, recoveries among it. episodes: troubles that were opened; closed: those over.
    """

    ticks: int
    hours: int
    due: int
    decided: int
    repeated: int
    ran: int
    skipped: int
    superseded: int
    missed: int
    by_hour: int
    findings: int
    asked: int
    written: int
    alerts: int
    episodes: int
    closed: int
    board: Board
