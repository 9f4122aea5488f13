"""What must not leave in an output: found, blanked, and, where a rule says so, refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from loom.cutting import cut
from loom.domain.enforcement import GUARD, OutputRuling, Refusal
from loom.domain.rules import OutputPattern, OutputRule
from loom.enforcement.judges.checks import CHECKS
from loom.values import dataclass

DEEPEST = 200
"""Levels of nesting in an output. Deeper ones can't be checked, and what can't be checked may not leave."""

LARGEST = 8_000_000
"""Characters in all strings of an output, as `DEEPEST`."""

_PLACES = 3
_SHORT, _REMEMBERED = 64, 4_096
_LONGEST_PLACE = 80
# Few outputs need these: they are compiled when they are first asked.
_NUMBER = r"(?<![^. ])\d+(?![^.])"
_UNSEEN = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_HIDING = f"([{_UNSEEN}])|[{_DASHES}]"


def rule_on(rules: Sequence[OutputRule], output: Any) -> OutputRuling:
    """What `rules` say of an output's JSON form; never raises.

    Strings and keys are looked at, numbers never: a count or an id must stay what it is. The value that
    comes back is blanked even when the output is refused, so it may be shown to a person. A refusal says
    which rule, what was found and where, but never the text itself.

    A text is also looked at as it reads: without characters that nobody sees, and with full-width and other
    forms of a letter, digit or dash as the keyboard has them. If something is found only so, that reading
    is what is kept of it.
    """
    reading = _Reading(_scanner(tuple(rules)))
    try:
        value = reading.value(output, "", 0)
    except _Uncheckable as trouble:
        return OutputRuling(None, (), Refusal(GUARD, "an output that can't be checked", str(trouble)))
    return OutputRuling(value, reading.redacted(), reading.refusal)


class _Uncheckable(Exception):
    pass


class _Pattern:
    """Compiled when a text is first searched: most are only tried beside a word that few texts have."""

    def __init__(self, pattern: OutputPattern) -> None:
        self._pattern = pattern.pattern
        self.name = pattern.name
        self.genuine: Callable[[str], bool] = CHECKS.get(pattern.check, _always)
        self.near = pattern.near

    @cached_property
    def find(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    @cached_property
    def has_hit(self) -> bool:
        return "hit" in self.find.groupindex


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: OutputRule
    patterns: tuple[_Pattern, ...]


class _Scanner:
    """What a list of rules looks for, and the short texts in which it found nothing: the keys of outputs, and
    much of what stands under them, come again with every run."""

    def __init__(self, rules: tuple[OutputRule, ...]) -> None:
        # What rejects comes first: blanking may take away the half of a secret that shows it to be one.
        ordered = sorted(rules, key=lambda rule: rule.action != "reject")
        self.rules = tuple(_Rule(rule, tuple(map(_Pattern, rule.patterns))) for rule in ordered)
        self._clean: set[str] = set()
        self._near: dict[str, tuple[tuple[OutputRule, _Pattern], ...]] = {}

    def knows(self, text: str) -> bool:
        """Whether it is known that nothing is found in `text`."""
        return text in self._clean

    def remember(self, text: str) -> None:
        if len(text) <= _SHORT and len(self._clean) < _REMEMBERED:
            self._clean.add(text)

    def tried_beside(self, key: str) -> tuple[tuple[OutputRule, _Pattern], ...]:
        """The patterns that are only known by a name such as `key`."""
        found = self._near.get(key)
        if found is None:
            small = key.lower()
            found = tuple(
                (rule.rule, pattern)
                for rule in self.rules
                for pattern in _tried(rule.patterns, small)
                if pattern.near
            )
            if len(key) <= _SHORT and len(self._near) < _REMEMBERED:
                self._near[key] = found
        return found


@lru_cache(maxsize=64)
def _scanner(rules: tuple[OutputRule, ...]) -> _Scanner:
    return _Scanner(rules)


class _Reading:
    """One walk through one output."""

    def __init__(self, scanner: _Scanner) -> None:
        self._scanner = scanner
        self._left = LARGEST
        self._redacted: dict[str, Counter[str]] = {}
        self.refusal: Refusal | None = None

    def redacted(self) -> tuple[str, ...]:
        return tuple(f"{name} ({_told(places)})" for name, places in self._redacted.items())

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
            if isinstance(value, str):
                result[name] = self._beside(plain, result[name], _below(path, name))
        return result

    def _beside(self, key: str, text: str, where: str) -> str:
        """`text` under `key` once more, for what is only known by the name that stands beside it."""
        label = f"{key}: "
        for rule, pattern in self._scanner.tried_beside(key):
            found = self._blanked(label + text, rule, pattern, where)
            text = found.removeprefix(label) if found.startswith(label) else text
        return text

    def _text(self, text: str, where: str) -> str:
        self._spend(len(text))
        text = self._looked_over(text, where)
        if text.isascii():
            return text
        plain = _as_it_reads(text)
        if plain == text:
            return text
        self._spend(len(plain) - len(text))
        found = self._looked_over(plain, where)
        return text if found is plain else found

    def _spend(self, characters: int) -> None:
        self._left -= max(0, characters)
        if self._left < 0:
            raise _Uncheckable(f"it holds more than {LARGEST:,} characters")

    def _looked_over(self, text: str, where: str) -> str:
        if self._scanner.knows(text):
            return text
        small, before = text.lower(), text
        for rule in self._scanner.rules:
            for pattern in _tried(rule.patterns, small):
                text = self._blanked(text, rule.rule, pattern, where)
        if text is before:
            self._scanner.remember(text)
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
            place = cut(re.sub(_NUMBER, "*", " ".join(where.split())), _LONGEST_PLACE)
            self._redacted.setdefault(pattern.name, Counter())[place] += len(pieces) // 2
        elif self.refusal is None:
            self.refusal = Refusal(rule.id, f"an output with a {pattern.name} in {where}", rule.why)
        return "".join(pieces) + text[end:]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _always(_text: str) -> bool:
    return True


def _tried(patterns: tuple[_Pattern, ...], small: str) -> Iterator[_Pattern]:
    for pattern in patterns:
        if not pattern.near:
            yield pattern
        for word in pattern.near:
            if word in small:
                yield pattern
                break


def _as_it_reads(text: str) -> str:
    return unicodedata.normalize("NFKC", re.sub(_HIDING, lambda found: "" if found[1] else "-", text))


def _told(places: Counter[str]) -> str:
    told = [f"{count} in {place}" for place, count in list(places.items())[:_PLACES]]
    rest = places.total() - sum(list(places.values())[:_PLACES])
    return ", ".join([*told, *([f"{rest} elsewhere"] if rest else [])])
