"""What the rules were: the commits they stood in, and what changed between two states of their folder."""

from datetime import datetime

from loom.domain.rules import Rule
from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit: its whole id, when it was made, the first line of its message."""

    commit: str
    at: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class RulesFile:
    """A file of the folder: its text, and the rule that it holds, if it holds one that can be read."""

    text: str
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class FileChange:
    """file: its name from the folder. before, now: None where there is no such file."""

    file: str
    before: RulesFile | None
    now: RulesFile | None

    @property
    def verb(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.now is None else "changed"
