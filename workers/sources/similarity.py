"""Which texts say nearly the same.

Two texts are alike when their words, in any order and whatever their capitals and punctuation, differ in few
letters: rapidfuzz's `ratio` of the sorted words is at least the threshold (of 100). Texts that don't share
half of their words are never compared.

A group forms round its first text: every other one in it is like that one, so that a chain of small changes
doesn't join what has nothing in common.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from workers.sources.extras import extra

_WORD = re.compile(r"\w+")
# What of a long text counts, and how many groups with a word of it in common it is held against.
_WORDS, _LETTERS, _NEIGHBOURS = 80, 40, 500


def words(text: str) -> list[str]:
    """Its words, in one spelling for all capitals and all forms of a letter."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in it: what keeps 'Episode 41' and 'Episode 42' apart."""
    return tuple(re.findall(r"\d+", text))


def alike(
    texts: Sequence[str], *, threshold: float, apart: Sequence[Hashable] | None = None
) -> list[tuple[int, ...]]:
    """Groups of two or more texts that are alike, as positions in `texts`, each in rising order.

    apart: for each text something that all of its group must share. Raises Skip without the library.
    """
    forms: dict[tuple[Hashable, str], list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        form = " ".join(sorted(word[:_LETTERS] for word in words(text)[:_WORDS]))
        if form:
            forms[apart[number] if apart else None, form].append(number)
    groups = _Groups(threshold, Counter(word for _, form in forms for word in set(form.split())))
    for (key, form), members in forms.items():
        groups.add(key, form, members)
    return [tuple(sorted(members)) for members in groups.members if len(members) > 1]


class _Groups:
    """members: of each group, in the order of their first texts."""

    def __init__(self, threshold: float, frequency: Counter[str]) -> None:
        self.members: list[list[int]] = []
        self._firsts: list[str] = []
        self._holding: dict[tuple[Hashable, str], list[int]] = defaultdict(list)
        self._threshold, self._frequency = threshold, frequency
        self._find_best = extra("rapidfuzz.process").extractOne
        self._ratio = extra("rapidfuzz.fuzz").ratio

    def add(self, key: Hashable, form: str, members: list[int]) -> None:
        # Texts that share half of their words share one of the rarer half: only those are looked up.
        rarest = sorted(set(form.split()), key=lambda word: (self._frequency[word], word))
        rarer = rarest[: len(rarest) // 2 + 1]
        near = sorted({group for word in rarer for group in self._holding.get((key, word), ())[:_NEIGHBOURS]})
        choices = [self._firsts[group] for group in near]
        best = self._find_best(
            form, choices, scorer=self._ratio, score_cutoff=self._threshold, processor=None
        )
        if best is not None:
            self.members[near[best[2]]] += members
            return
        for word in rarer:
            self._holding[key, word].append(len(self.members))
        self.members.append(list(members))
        self._firsts.append(form)
