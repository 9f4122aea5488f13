"""How times and the ledger's own sentences are said, in the worker's zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loom.report.words import told, when
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """zone: in which times are told. now: when, UTC: a year is named only when it is another one."""

    zone: ZoneInfo
    now: datetime

    def at(self, instant: datetime) -> str:
        """``Sat 21 Nov 06:00 CST``, with the year where it isn't this one."""
        local = instant.astimezone(self.zone)
        if local.year == self.now.astimezone(self.zone).year:
            return when(instant, self.zone)
        return f"{local:%a %-d %b %Y %H:%M %Z}"

    def beside(self, instant: datetime, other: datetime) -> str:
        """``05:17`` on the day of `other`, which is told as well; in full on any other day."""
        here, there = instant.astimezone(self.zone), other.astimezone(self.zone)
        same = (here.date(), here.utcoffset()) == (there.date(), there.utcoffset())
        return f"{here:%H:%M}" if same else self.at(instant)

    def range(self, first: datetime, last: datetime | None) -> str:
        return self.at(first) if last is None or last == first else f"{self.at(first)} to {self.at(last)}"

    def told(self, reason: str) -> str:
        """A reason of Loom's own with its times in words."""
        return told(reason, self.at)


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``"""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
