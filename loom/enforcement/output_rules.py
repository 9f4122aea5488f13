"""What must not leave in an output: found, blanked, and, where a rule says so, refused."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from loom.cutting import cut
from loom.domain.enforcement import GUARD, OutputRuling, Refusal
from loom.domain.rules import OutputPattern, OutputRule

DEEPEST = 200
"""Levels of nesting in an output. Deeper ones can't be checked, and what can't be checked may not leave."""

LARGEST = 8_000_000
"""Characters in all strings of an output, as `DEEPEST`."""


def rule_on(rules: Sequence[OutputRule], output: Any) -> OutputRuling:
    """What `rules` say of an output's JSON form; never raises.

    Strings and keys are looked at, numbers never: a count or an id must stay what it is. The value that
    comes back is blanked even when the output is refused, so it may be shown to a person. A refusal says
    which rule, what was found and where, but never the text itself.
    """
    # What rejects is looked for first: blanking may take away the half of a secret that shows it to be one.
    ordered = sorted(rules, key=lambda rule: rule.action != "reject")
    reading = _Reading(tuple(_compiled(rule) for rule in ordered))
    try:
        value = reading.value(output, "", 0)
    except _Uncheckable as trouble:
        return OutputRuling(None, (), Refusal(GUARD, "an output that can't be checked", str(trouble)))
    return OutputRuling(value, tuple(reading.redacted), reading.refusal)


class _Uncheckable(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Pattern:
    name: str
    find: re.Pattern[str]
    genuine: Callable[[str], bool]
    has_hit: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: OutputRule
    patterns: tuple[_Pattern, ...]


@lru_cache(maxsize=256)
def _compiled(rule: OutputRule) -> _Rule:
    return _Rule(rule, tuple(_compile(pattern) for pattern in rule.patterns))


def _compile(pattern: OutputPattern) -> _Pattern:
    find = re.compile(pattern.pattern)
    genuine = _luhn if pattern.check == "luhn" else _always
    return _Pattern(pattern.name, find, genuine, "hit" in find.groupindex)


class _Reading:
    """One walk through one output."""

    def __init__(self, rules: tuple[_Rule, ...]) -> None:
        self._rules = rules
        self._left = LARGEST
        self.redacted: dict[str, None] = {}
        self.refusal: Refusal | None = None

    def value(self, value: Any, path: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise _Uncheckable(f"it is nested more than {DEEPEST} levels deep at {cut(path, 200)}")
        match value:
            case str():
                return self._text(value, path or "the output")
            case dict():
                return self._mapping(value, path, depth)
            case list() | tuple():
                return [self.value(each, _below(path, str(i)), depth + 1) for i, each in enumerate(value)]
            case None | bool() | int() | float():
                return value
            case _:
                raise _Uncheckable(f"it holds a {type(value).__name__} at {cut(path, 200)}, which isn't JSON")

    def _mapping(self, mapping: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in mapping.items():
            if not isinstance(key, str):
                raise _Uncheckable(f"it has a key that isn't text at {cut(path, 200)}, which isn't JSON")
            name = plain = self._text(key, f"a key of {path or 'the output'}")
            copies = 2
            while name in result:  # two keys that differ only in what was blanked
                name, copies = f"{plain} ({copies})", copies + 1
            result[name] = self.value(value, _below(path, name), depth + 1)
        return result

    def _text(self, text: str, where: str) -> str:
        self._left -= len(text)
        if self._left < 0:
            raise _Uncheckable(f"it holds more than {LARGEST:,} characters")
        for rule in self._rules:
            for pattern in rule.patterns:
                text = self._blanked(text, rule.rule, pattern, where)
        return text

    def _blanked(self, text: str, rule: OutputRule, pattern: _Pattern, where: str) -> str:
        pieces: list[str] = []
        end = 0
        for found in pattern.find.finditer(text):
            start, stop = found.span("hit") if pattern.has_hit else found.span()
            if start == stop or start < end or not pattern.genuine(text[start:stop]):
                continue
            pieces += [text[end:start], f"[{pattern.name} redacted]"]
            end = stop
        if not pieces:
            return text
        if rule.action != "reject":
            self.redacted[pattern.name] = None
        elif self.refusal is None:
            self.refusal = Refusal(rule.id, f"an output with a {pattern.name} in {where}", rule.why)
        return "".join(pieces) + text[end:]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _always(_text: str) -> bool:
    return True


def _luhn(text: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    digits = [int(character) for character in text if character in "0123456789"]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return bool(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
