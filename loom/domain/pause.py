"""Pause: a worker that stands still because a person said so, and the times in which it did."""

from datetime import datetime

from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """The instants (UTC) from `since` on, `until` itself not among them, for which `by` paused a worker."""

    since: datetime
    until: datetime
    by: str

    def __contains__(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A worker that a person paused with `loom pause`.

    by, at: who, and when. until: when it ends by itself; once `ended_by` is set, when that person resumed the
    worker. earlier: the times before `at` in which it was paused too, as far as slots of them may be
    undecided. lifted: it is over, and nothing goes by it any more.
    """

    worker: str
    by: str
    at: datetime
    reason: str = ""
    until: datetime | None = None
    ended_by: str = ""
    earlier: tuple[Span, ...] = ()
    lifted: bool = False

    def in_force(self, now: datetime) -> bool:
        """Whether it holds at `now`."""
        return not self.lifted and (self.until is None or now < self.until)

    def covers(self, slot: datetime) -> bool:
        """Whether the worker was, or is, paused at that instant."""
        if self.lifted:
            return False
        now = self.at <= slot and (self.until is None or slot < self.until)
        return now or any(slot in span for span in self.earlier)
