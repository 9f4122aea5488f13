"""What a shipped pattern is, and the pieces that many of them are made of.

Every pattern takes time in proportion to the text: a run without an upper bound has nothing behind it that
could fail, or begins in one place only. To be quick as well, what stands before a token is looked at after
its first letters, so that these can be searched for as they are; and `near` says which words must stand in a
text for the pattern to be tried at all.
"""

from loom.values import dataclass

UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_ALNUM = "A-Za-z0-9"
_IS = r"""["'`\\]{0,3}\s{0,3}(?:=>|[:=])\s{0,3}["'`\\]{0,3}"""


@dataclass(frozen=True, slots=True)
class Shipped:
    """id: what a rule asks for; several patterns may answer to one. name: what is found, in a person's words.
    source: where its form is told; "unconfirmed" where scanners agree on it, but no word of its issuer was
    found. check and near: as in `OutputPattern`."""

    id: str
    name: str
    pattern: str
    source: str
    check: str = ""
    near: tuple[str, ...] = ()


def begins(prefix: str, before: str = _ALNUM) -> str:
    """`prefix`, of a fixed width, where a word begins: not after one of the characters `before`, unless they
    are the end of an escape such as %3D or ``\\n``."""
    return rf"{prefix}(?:(?<![{before}]{prefix})|(?<=%[0-9A-Fa-f]{{2}}{prefix})|(?<=\\[nrt]{prefix}))"


def beside(label: str, value: str) -> str:
    """`value` behind a name that `label` describes, in any case, as settings, JSON, code, URLs write it."""
    return rf"(?i:{label}){_IS}(?P<hit>{value})"


def whole(pattern: str, after: str = _ALNUM) -> str:
    """`pattern`, and none of the characters `after` behind it."""
    return rf"{pattern}(?![{after}])"
