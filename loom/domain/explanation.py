"""Explanation: what the rules say of one act of one worker, and which of them decides."""

from enum import StrEnum

from loom.domain.enforcement import Ruling
from loom.values import dataclass


class Says(StrEnum):
    """What one rule says of an act. A rule that allows is of no use where another denies."""

    ALLOWS = "allows"
    DENIES = "denies"
    DOES_NOT_FIT = "doesn't fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """Of one rule. applies: whether the rule is for this worker; of one that isn't, it is what the rule would
    say if it were, unless it `decides` all the same, as one that keeps a secret for others."""

    rule: str
    kind: str
    applies_to: tuple[str, ...]
    applies: bool
    decides: bool
    says: Says
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """act: as the record of a run would name it. ruling: what the guard would say of it.

    opinions: of the rules of the act's kind: all that apply to the worker, and of the others those that
    would allow or deny it. remedy: a rule, as YAML, that would make it allowed; empty if it is, or if none
    can. notes: what else bears on it.
    """

    worker: str
    agent: str | None
    act: str
    ruling: Ruling
    opinions: tuple[Opinion, ...] = ()
    remedy: str = ""
    notes: tuple[str, ...] = ()
