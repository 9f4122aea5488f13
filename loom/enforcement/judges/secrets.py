"""May this worker read that secret? By the rules of kind secrets. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from loom.domain.enforcement import GUARD, Ruling
from loom.domain.rules import SecretsRule


def rule_on_secret(rules: Sequence[SecretsRule], worker_id: str, agent: str | None, name: str) -> Ruling:
    """rules: all of them, since what is allowed to others alone is denied to this one. name: of a secret that
    the worker requires."""
    allowing: SecretsRule | None = None
    reserving: SecretsRule | None = None
    for rule in rules:
        mine = rule.is_for(worker_id, agent)
        if mine and _among(name, rule.deny):
            return Ruling(False, rule.id, rule.why)
        if _among(name, rule.allow):
            if mine:
                allowing = allowing or rule
            else:
                reserving = reserving or rule
    if allowing is not None:
        return Ruling(True, allowing.id, allowing.why)
    if reserving is not None:
        return Ruling(False, reserving.id, f"it is for {', '.join(reserving.applies_to)}. {reserving.why}")
    return Ruling(True, GUARD, "the worker requires it, and no rule keeps it for others")


def _among(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
