"""What is known of a ledger that was damaged, besides what could be read of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loom.domain.slot import Ticket
from loom.ledger.rows import TABLES

_AHEAD = timedelta(days=1)


@dataclass
class Losses:
    """What couldn't be read, by table. pages: of its tree. rows: at least so many. commits: transactions of
    the write-ahead log that lie behind a damaged place."""

    pages: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    commits: int = 0

    def whole(self, *tables: str) -> bool:
        """Whether nothing of these is lost."""
        return not self.commits and not any(self.pages[table] or self.rows[table] for table in tables)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a ledger besides what was saved.

    losses: what wasn't. workers: ids in the registry. written_at: nothing was written later. now: UTC, both.
    doubtful: tickets that were read, but may be older versions. states: whether each ticket of which only
    that was read is closed, by key.
    """

    losses: Losses
    workers: frozenset[str]
    written_at: datetime
    now: datetime
    doubtful: Sequence[Ticket] = ()
    states: Sequence[tuple[str, bool]] = ()

    @property
    def latest(self) -> datetime:
        """Whatever says that something was decided later is damaged."""
        return max(self.now, self.written_at) + _AHEAD


def all_lost() -> Losses:
    """For when something is lost and nothing tells what."""
    return Losses(rows=Counter(dict.fromkeys(TABLES, 1)))
