"""Brief: what a person who looks after the workers should know in the morning, as read at one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from loom.domain.board import Figures
from loom.values import dataclass

WHOEVER = "whoever looks after Loom"

NeedKind = Literal["setup", "ticks", "alerts", "broken", "down", "silent", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that isn't as it should be, and who is to do what about it.

    kind: setup (registry, enforcement, clock), ticks (nothing wakes Loom), alerts (some weren't delivered),
        broken (a worker's entry), down, silent (slots came and no tick decided them), late (owed, and will be
        tried).
    what: in a few words of Loom's. says: what happened in its own words, which are foreign, or empty.
    whom: an agent's name, or `WHOEVER`. since: UTC; None when nobody knows.
    waits: there is nothing to do but to wait for the next tick.
    """

    kind: NeedKind
    what: str
    says: str = ""
    do: str
    whom: str = WHOEVER
    worker: str | None = None
    agent: str | None = None
    since: datetime | None = None
    run_id: str | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of one worker's slots and requests in the time of the brief.

    outcomes: how many ended so, by outcome, each slot of a range counted; those by hand among them.
    runs: how often its code was run to an end. bad: how many of the records are, a range counted once, as in
        the figures. by_hand: how many of the records are. retried: attempts after which a slot stayed open.
        silent: slots that came and of which there is no record.
    took_s: of all runs together; None without any. longest_s: of the longest.
    says: what the newest record has to say, foreign words. run_id, outcome: of that record.
    recovered: when it succeeded again after it had been bad; None if it hadn't, or is bad still.
    """

    worker: str
    agent: str | None
    outcomes: Mapping[str, int]
    runs: int = 0
    by_hand: int = 0
    retried: int = 0
    bad: int = 0
    silent: int = 0
    took_s: float | None = None
    longest_s: float | None = None
    says: str = ""
    run_id: str | None = None
    outcome: str | None = None
    recovered: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A finding as the newest run of its worker tells it; its texts are foreign.

    whom: its owner, where it names one, else the agent, else None. new: whether the run before didn't tell
    it, or told it as less severe.
    """

    severity: str
    title: str
    detail: str
    subject: str
    action: str
    url: str
    worker: str
    agent: str | None
    whom: str | None
    run_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What was found about one subject, worst first. subject: without places within it if the findings name
    several; or empty: then they are those of one worker that name none."""

    subject: str
    findings: tuple[Noted, ...]

    @property
    def worst(self) -> str:
        return self.findings[0].severity

    @property
    def workers(self) -> tuple[str, ...]:
        """Who found something about it, each once."""
        return tuple(dict.fromkeys(each.worker for each in self.findings))

    @property
    def new(self) -> int:
        return sum(each.new for each in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The slots of one worker to come: the first and the last of `count`, UTC. note: what a clock change
    does to the first one that it touches, or empty."""

    worker: str
    agent: str | None
    slot: datetime
    last: datetime
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """A worker that a person keeps from running. by: who, or None when the registry says so. at, until: UTC.
    reason: foreign words, or empty."""

    worker: str
    agent: str | None
    status: Literal["paused", "disabled"]
    by: str | None = None
    at: datetime | None = None
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """at, since: the brief covers (since, at], UTC. covers: a sentence on why it begins there, or empty.
    read_up_to: from where the next brief is to go on: all that is recorded up to then has been told.
    still_open: ids of the runs whose slots were open.
    zone: the registry's. headline: one or two sentences. span, week: the three figures.
    health: how many workers stand how. groups: the worst first. gone: how many findings of the runs before
    aren't there any more. coming_until: how far `coming` looks. ticks: sentences on how ticks came.
    """

    at: datetime
    since: datetime
    read_up_to: datetime
    still_open: Sequence[str]
    covers: str
    zone: str
    headline: str
    span: Figures
    week: Figures
    health: Mapping[str, int]
    needs: Sequence[Need]
    ran: Sequence[Ran]
    groups: Sequence[Group]
    gone: int
    coming: Sequence[Ahead]
    coming_until: datetime
    paused: Sequence[Halted]
    ticks: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def findings(self) -> int:
        return sum(len(group.findings) for group in self.groups)

    @property
    def new(self) -> int:
        return sum(group.new for group in self.groups)
