"""Enforcement context: the rules in force, frozen, with the digest that every run records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any


def applies(applies_to: tuple[str, ...], worker_id: str, agent: str | None) -> bool:
    """Whether a rule is for this worker: `applies_to` holds ids, agents and globs, in any case."""
    names = [worker_id.lower(), *([agent.lower()] if agent else [])]
    return any(fnmatchcase(name, pattern.lower()) for pattern in applies_to for name in names)


@dataclass(frozen=True, slots=True)
class HttpAllowance:
    """Methods and paths that may be asked of a host.

    paths: segments between slashes; ``*`` stands for exactly one segment that isn't empty, a final ``**``
        for everything below. ``/**`` is every path. A path that a server might read in another way than
        it is written (dot segments, doubled or encoded slashes, encoded percent signs, backslashes,
        ``;parameters``) fits ``/**`` alone.
    hosts: of the rule's hosts, those it holds for; empty: all of them. Written as in the rule.
    https_only: whether it leaves plain http out.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    https_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRule:
    """hosts: 'api.hubapi.com', 'localhost:8080', '*.example.org' (every name below it) or '*'. A request to
    a host that a rule names is allowed only if one of its allowances fits; a request to a host no rule
    names is refused. Without a port, 80 and 443 are meant. '*' speaks only of hosts no other rule names."""

    id: str
    applies_to: tuple[str, ...]
    hosts: tuple[str, ...]
    allow: tuple[HttpAllowance, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPattern:
    """name: what it finds ('mail address'). pattern: a regular expression; when it has a group named
    ``hit``, only that part is meant. check: 'luhn' (the digits must be a card number's) or empty."""

    name: str
    pattern: str
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRule:
    """What must not leave in an output. action: 'reject' (the run is blocked) or 'redact'."""

    id: str
    applies_to: tuple[str, ...]
    action: str
    patterns: tuple[OutputPattern, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """Text handed to a model as its instructions."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementContext:
    """digest: ``sha256:`` of every file in force, in order of name; any change of a byte changes it.
    files: the SHA-256 of each file, in hex, by its name in the folder."""

    digest: str
    http: tuple[HttpRule, ...]
    output: tuple[OutputRule, ...]
    guidance: tuple[Guidance, ...]
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def rule_ids(self) -> tuple[str, ...]:
        rules: tuple[HttpRule | OutputRule | Guidance, ...] = (*self.http, *self.output, *self.guidance)
        return tuple(rule.id for rule in rules)


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

    redacted: the names of what was blanked. refusal: set when a rule rejects the output."""

    value: Any
    redacted: tuple[str, ...] = ()
    refusal: Refusal | None = None
