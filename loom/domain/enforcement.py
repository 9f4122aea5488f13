"""Enforcement context: the rules in force, frozen, with the digest that every run records."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from loom.domain.rules import Guidance, Rule, applies
from loom.values import dataclass, field

RuleT = TypeVar("RuleT")

PATTERNS = "+patterns:"
"""What stands in a context's digest before that of the patterns that ship with Loom."""

GUARD = "guard"
"""The name under which a ruling is recorded that no rule of the folder is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementContext:
    """digest: ``sha256:`` of every file in force, in order of name; any change of a byte changes it. If a
    rule asks for patterns that ship with Loom, ``+patterns:`` and 16 digits follow, changing with their text.
    sha256: that of each file, in hex, by its name in the folder."""

    digest: str
    rules: tuple[Rule, ...] = ()
    guidance: tuple[Guidance, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def digest_of_files(self) -> str:
        """The digest of the files in its folder, without that of Loom's own patterns."""
        return of_files(self.digest)

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """Of the rules and the guidance."""
        return (*(rule.id for rule in self.rules), *(text.id for text in self.guidance))

    def of(self, kind: type[RuleT]) -> tuple[RuleT, ...]:
        """The rules of one kind, in order of id."""
        return tuple(rule for rule in self.rules if isinstance(rule, kind))

    def narrowed(self, worker_id: str, agent: str | None) -> "EnforcementContext":
        """What of it applies to one worker; the digest stays that of the whole."""
        return EnforcementContext(
            digest=self.digest,
            rules=tuple([rule for rule in self.rules if applies(rule.applies_to, worker_id, agent)]),
            guidance=tuple([each for each in self.guidance if applies(each.applies_to, worker_id, agent)]),
            sha256=self.sha256,
        )


def of_files(digest: str) -> str:
    """The digest of the files, out of a context's digest."""
    return digest.partition(PATTERNS)[0]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one act. rule: the id of the rule that decides, or GUARD where none does."""

    allowed: bool
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A forbidden act that was stopped. where: file:line in the worker's own code, if known, the file's path
    being the one that Python has."""

    rule: str
    act: str
    why: str
    where: str | None = None

    def __str__(self) -> str:
        return f"{self.act} refused by {self.rule}: {self.why}"


@dataclass(frozen=True, slots=True)
class OutputRuling:
    """What the output rules say of an output: the value to keep (redacted), and why it may not leave at all.

    redacted: what was blanked, how often and where, such as 'mail address (3 in findings.*.detail)'.
    refusal: set when a rule rejects the output."""

    value: Any
    redacted: tuple[str, ...] = ()
    refusal: Refusal | None = None
