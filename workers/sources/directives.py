"""What a text says to do or not to do, and where two such sayings contradict each other.

A clause speaks for or against something by its markers (`MARKERS`): always and never, must and must not, do
and don't, enabled and disabled, prefers and avoids. Two markers against make one for: "never disable it".
What it speaks about are its other words, without the small ones and without their endings.

Two clauses contradict each other when one speaks for and one against, and

- their words are the same; or those of the wider one are all in the narrower, make up three fifths of it,
  and the wider one is absolute (`ABSOLUTE`): "never email clients" and "email clients
  always on Mondays";
- both have the same hinges, if any: "never publish before review" doesn't contradict "always publish after
  review";
- a clause without a marker, such as "Use tabs", speaks for what it says only against one that forbids
  (`FORBIDDING`) and begins with the same verb: "Don't use tabs".
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

MARKERS = {
    "always": True, "must always": True, "must": True, "should always": True, "should": True, "do": True,
    "prefer": True, "prefers": True, "likes": True, "enable": True, "enabled": True, "allowed": True,
    "make sure to": True, "be sure to": True, "remember to": True, "can": True,
    "never": False, "must never": False, "must not": False, "mustn't": False, "should never": False,
    "should not": False, "shouldn't": False, "do not": False, "don't": False, "does not": False,
    "doesn't": False, "avoid": False, "avoids": False, "dislikes": False, "disable": False, "disabled": False,
    "not allowed": False, "isn't allowed": False, "aren't allowed": False, "forbidden": False,
    "no longer": False, "may not": False, "can't": False, "cannot": False,
}  # fmt: skip
ABSOLUTE = frozenset({
    "always", "never", "must", "must always", "must never", "must not", "mustn't", "enabled", "disabled",
    "forbidden", "not allowed",
})  # fmt: skip
FORBIDDING = frozenset({
    "never", "must never", "must not", "mustn't", "should never", "should not", "shouldn't", "do not",
    "don't", "avoid", "forbidden", "not allowed", "may not", "cannot", "can't",
})  # fmt: skip
HINGES = frozenset(
    {"before", "after", "without", "unless", "except", "until", "if", "when", "while", "only", "outside"}
    | {"instead", "than", "not"}
)
_SMALL = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "is", "are", "be", "been", "was", "were", "to", "of",
    "in", "on", "at", "for", "by", "and", "or", "but", "it", "its", "we", "you", "they", "he", "she", "i",
    "our", "your", "their", "his", "her", "please", "ever", "any", "all", "every", "each", "has", "have",
    "will", "would", "with", "as", "from", "into", "so", "then", "also", "very", "just",
})  # fmt: skip
_ANY_MARKER = "|".join(each.replace(" ", r"\s+") for each in sorted(MARKERS, key=len, reverse=True))
_MARKER = re.compile(rf"(?<![\w'-])(?:{_ANY_MARKER})(?![\w'-])", re.IGNORECASE)
_BREAK = re.compile(
    rf"(?<=[.!?:])\s+|[;•]|\s[-–—]\s|,?\s(?:and|but)\s+(?=(?:{_ANY_MARKER})\b)|,\s+(?=(?:{_ANY_MARKER})\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w(?:[\w'/.@-]*\w)?")
_FEWEST, _SHARE, _COMPARED = 2, 0.6, 2_000


@dataclass(frozen=True, slots=True)
class Directive:
    """text: the clause. start: where it begins in the text it was read from. wants: for rather than against.
    marked: whether a marker says so. absolute: whether it says so of every case. forbids: whether it tells
    somebody not to do it. verb: its first word of meaning. about: its words, hinges: those of them that turn
    the meaning."""

    text: str
    start: int
    wants: bool
    marked: bool
    absolute: bool
    forbids: bool
    verb: str
    about: frozenset[str]
    hinges: frozenset[str]


def read_directives(text: str, *, about: str = "") -> Iterator[Directive]:
    """Those of a text; about: what it is about as a whole, if that is said apart from it."""
    subject = [stem(word) for word in _WORD.findall(about.lower()) if word not in _SMALL]
    for start, clause in _clauses(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        markers = [" ".join(match[0].lower().split()) for match in _MARKER.finditer(clause)]
        rest = _WORD.findall(_MARKER.sub(" ", clause).lower())
        content = [stem(word) for word in rest if word not in _SMALL and word not in HINGES]
        if len(content) + len(subject) < _FEWEST or not content:
            continue
        against = sum(not MARKERS[marker] for marker in markers)
        yield Directive(
            text=" ".join(clause.split()).rstrip(":, "),
            start=start,
            wants=against % 2 == 0,
            marked=bool(markers),
            absolute=any(marker in ABSOLUTE for marker in markers),
            forbids=any(marker in FORBIDDING for marker in markers),
            verb=content[0],
            about=frozenset(content) | frozenset(subject),
            hinges=HINGES & frozenset(rest),
        )


def speaks_against(text: str) -> bool:
    """Whether its markers, taken together, speak against something."""
    plain = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return bool(sum(not MARKERS[" ".join(match[0].lower().split())] for match in _MARKER.finditer(plain)) % 2)


def contradictions(
    directives: Sequence[Directive], *, limit: int, origins: Sequence[Hashable] | None = None
) -> list[tuple[int, int]]:
    """Pairs of positions, the earlier first; at most `limit`. Of those that say the same, the first and the
    last speak for all. origins: where each stands; what stands in one place may weigh both sides."""
    first: dict[Directive, int] = {}
    last: dict[Directive, int] = {}
    for number, one in enumerate(directives):
        meaning = replace(one, text="", start=0)
        first.setdefault(meaning, number)
        last[meaning] = number
    places = sorted({*first.values(), *last.values()})
    distinct = [directives[number] for number in places]
    index = _Index(distinct)
    pairs: dict[tuple[frozenset[str], frozenset[str]], tuple[int, int]] = {}
    for place, one in zip(places, distinct, strict=True):
        for other in index.near(one) if one.wants else ():
            together = origins is not None and origins[place] == origins[places[other]]
            if not together and _contradict(one, distinct[other]):
                pair = (min(place, places[other]), max(place, places[other]))
                pairs.setdefault((one.about, distinct[other].about), pair)
        if len(pairs) >= limit:
            break
    return sorted(pairs.values())[:limit]


class _Index:
    """Which directives against something may have all the words of another, or all of theirs in it."""

    def __init__(self, directives: Sequence[Directive]) -> None:
        self._frequency = Counter(word for one in directives for word in one.about)
        self._holding: dict[str, list[int]] = defaultdict(list)
        self._rarest: dict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(directives):
            if not one.wants:
                self._rarest[self._rare(one)].append(number)
                for word in one.about:
                    self._holding[word].append(number)

    def near(self, one: Directive) -> list[int]:
        """At most `_COMPARED` positions."""
        wider = {number for word in one.about for number in self._rarest[word]}
        return sorted(wider.union(self._holding[self._rare(one)]))[:_COMPARED]

    def _rare(self, one: Directive) -> str:
        return min(one.about, key=lambda word: (self._frequency[word], word))


def _contradict(yes: Directive, no: Directive) -> bool:
    if yes.hinges != no.hinges or not no.marked:
        return False
    if not yes.marked and not (no.forbids and yes.verb == no.verb):
        return False
    if yes.about == no.about:
        return len(yes.about) >= _FEWEST
    wide, narrow = (yes, no) if len(yes.about) < len(no.about) else (no, yes)
    return (
        len(wide.about) >= _FEWEST
        and wide.absolute
        and wide.about < narrow.about
        and len(wide.about) >= _SHARE * len(narrow.about)
    )


def stem(word: str) -> str:
    """The word without the commonest English endings: sends, sending and send are one."""
    word = word.removesuffix("'s").strip("'-./")
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 2 and not word.endswith("ss"):
            word = word.removesuffix(ending) + instead
            break
    if word.endswith("e") and len(word) > 2:
        word = word[:-1]
    return word[:-1] if len(word) > 2 and word[-1] == word[-2] else word


def _clauses(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for match in _BREAK.finditer(text):
        yield start, text[start : match.start()]
        start = match.end()
    yield start, text[start:]
