"""Allowance: how much of what rules of kind limits bound one run has used up. Safe for several threads."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from loom.domain.enforcement import Refusal
from loom.domain.rules import LimitsRule

_WORDS = {
    "requests": ("requests", "a request"),
    "bytes_out": ("bytes sent", "sending"),
    "bytes_in": ("bytes received", "reading an answer"),
    "output_bytes": ("bytes of output", "an output"),
    "findings": ("findings", "an output"),
}


Limits = Mapping[str, tuple[LimitsRule, int]]
"""Each limit by its name in `LimitsRule`, with the rule that sets it."""


class Allowance:
    """limits: of the rules that apply to the worker."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._used = dict.fromkeys(limits, 0)
        self._lock = threading.Lock()
        self.unlimited = not self._limits
        """Whether no rule limits anything."""

    def use(self, name: str, amount: int) -> Refusal | None:
        """Use up so much of a limit of `LimitsRule`; a refusal, with nothing used up, if it is too much."""
        limit = self._limits.get(name)
        if limit is None:
            return None
        rule, most = limit
        with self._lock:
            used = self._used[name] + amount
            if used <= most:
                self._used[name] = used
                return None
        what, act = _WORDS[name]
        return Refusal(rule.id, f"{act}, {used:,} {what} in this run,", f"more than {most:,}. {rule.why}")

    def exceeded_by(self, output: Any, size: int) -> Refusal | None:
        """What of an output is too much. size: the bytes of its JSON form."""
        refusal = self.use("output_bytes", size)
        findings = output.get("findings") if isinstance(output, dict) else None
        if refusal is None and isinstance(findings, list):
            refusal = self.use("findings", len(findings))
        return refusal


def limits_of(rules: Sequence[LimitsRule]) -> Limits:
    """What holds of several rules."""
    return {name: limit for name in _WORDS if (limit := _smallest(rules, name)) is not None}


def _smallest(rules: Sequence[LimitsRule], name: str) -> tuple[LimitsRule, int] | None:
    given = [(rule, most) for rule in rules if (most := getattr(rule, name)) is not None]
    return min(given, key=lambda each: each[1], default=None)
