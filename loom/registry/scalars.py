"""A word of YAML -> text, a number, a truth value or nothing.

Where YAML 1.1 and 1.2 disagree on a plain word (`yes`, `on`, `010`, `1:30`, dates), it is text.
"""

import json
import re
from typing import Final

from loom.registry.nodes import Flaw, Node, Scalar

CORE: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MERGE: Final = "<<"
# A word outside these two sets is text.
SPECIAL: Final = frozenset((*_WORDS, _MERGE))
_MOST_DIGITS: Final = 1_000
# Few files need these: they are compiled when they are first asked.
_FRACTION: Final = r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?"
_NOT_FINITE: Final = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_PLAIN: Final = r"-{0,2}[A-Za-z0-9_./][A-Za-z0-9_./+=@%-]*"
MAY_START_A_NUMBER: Final = frozenset("0123456789+-.")
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}


def resolved(text: str, line: int) -> Node:
    """The value of a word that stands without quotes and without a tag."""
    if text == _MERGE:
        shared = "put what workers share under the top-level key 'defaults'"
        return Flaw(f"YAML's merge keys aren't read here; {shared}", line, text)
    if text in _WORDS:
        return Scalar(_WORDS[text], text, line)
    if _is_whole(text):
        return Scalar(int(text), text, line)
    if re.fullmatch(_FRACTION, text):
        number = float(text)
        if number - number == 0:
            return Scalar(number, text, line)
        return Flaw(f"{text} is too large a number", line)
    if re.fullmatch(_NOT_FINITE, text):
        return Flaw(f"{text} isn't a finite number; write a number, or leave the key out", line)
    return Scalar(text, text, line)


def _is_whole(text: str) -> bool:
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isdigit() and digits.isascii()) or len(digits) > _MOST_DIGITS:
        return False
    return digits == "0" or digits[0] != "0"


def tagged(text: str, tag: str, line: int) -> Node:
    """The value of a word that has a tag; only tags of plain values are read."""
    if tag in ("!", f"{CORE}str"):
        return Scalar(text, text, line)
    types = _TYPES.get(tag.removeprefix(CORE)) if tag.startswith(CORE) else None
    if types is None:
        return Flaw(foreign_tag(tag), line)
    node = resolved(text, line)
    if isinstance(node, Scalar) and type(node.value) not in types:
        return Flaw(f"{text!r} doesn't fit its tag {_short(tag)}; remove the tag", line)
    return node


def foreign_tag(tag: str) -> str:
    return f"the YAML tag {_short(tag)} isn't read here; write plain text, numbers, lists and mappings"


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(CORE)}" if tag.startswith(CORE) else tag


def as_written(text: str) -> str:
    """How `text` is written as an item of a YAML list in brackets: in quotes where it must be."""
    if re.fullmatch(_PLAIN, text) and resolved(text, 0) == Scalar(text, text, 0):
        return text
    return json.dumps(text, ensure_ascii=False)
