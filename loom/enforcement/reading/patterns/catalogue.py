"""Which patterns a rule gets for a name."""

from collections.abc import Iterable

from loom.digests import sha256
from loom.domain.rules import OutputPattern, OutputRule, Rule
from loom.enforcement.reading.patterns.credentials import CREDENTIALS
from loom.enforcement.reading.patterns.form import Shipped
from loom.enforcement.reading.patterns.personal import PERSONAL
from loom.enforcement.reading.patterns.tokens import TOKENS

SHIPPED = (*TOKENS, *CREDENTIALS, *PERSONAL)
ALL_TOKENS = "tokens"
"""The name for every one of `TOKENS`."""

NAMES = (ALL_TOKENS, *dict.fromkeys(each.id for each in SHIPPED))


def shipped(name: str) -> tuple[OutputPattern, ...]:
    """The patterns called `name`, one of `NAMES`; none for another."""
    asked = TOKENS if name == ALL_TOKENS else tuple(each for each in SHIPPED if each.id == name)
    return tuple(_pattern(each) for each in asked)


def text_digest(rules: Iterable[Rule]) -> str:
    """16 hexadecimal digits for the text of the shipped patterns that `rules` ask for; "" if they don't.

    They are Loom's own text, and not in the folder that is sealed: with another Loom the same name may stand
    for another pattern.
    """
    asked = [
        f"{each.use}\0{each.name}\0{each.pattern}\0{each.check}\0"
        for rule in rules
        if isinstance(rule, OutputRule)
        for each in rule.patterns
        if each.use
    ]
    return sha256("".join(sorted(set(asked))).encode()).hexdigest()[:16] if asked else ""


def _pattern(each: Shipped) -> OutputPattern:
    return OutputPattern(name=each.name, pattern=each.pattern, check=each.check, use=each.id, near=each.near)
