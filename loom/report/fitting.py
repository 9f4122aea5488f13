"""Sections of a text that must stay under a number of bytes: each gives way at its own end, where it says
how much is left out."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from loom.report.words import count
from loom.values import dataclass

T = TypeVar("T")

_FOR_THE_REST = 120  # bytes that "and 1,234,567 more somethings" and the line ends round it may take


@dataclass(frozen=True, slots=True)
class Line:
    """One item as text without a line end. group: the heading under which it stands, or empty."""

    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """head: what stands above the items. items: most important first, cut from the end. noun: what one of
    them is called. most: how many are shown at most, however much room there is."""

    head: str
    noun: str
    items: Sequence[T]
    line: Callable[[T], Line]
    most: int


def fit(sections: Sequence[Section[T]], limit: int) -> str:
    """The sections that have items, one after another, in at most `limit` bytes of UTF-8.

    Nothing is cut while all of it fits. Otherwise each section gets an equal share, and what the small ones
    leave over goes to the large ones: no section can crowd out another.
    """
    drafts = [_Draft(each) for each in sections if each.items]
    shares = _shares([draft.size for draft in drafts], limit)
    return "".join(draft.within(share) for draft, share in zip(drafts, shares, strict=True))


def size(text: str) -> int:
    """In bytes of UTF-8."""
    return len(text.encode("utf-8", "replace"))


class _Draft(Generic[T]):
    def __init__(self, section: Section[T]) -> None:
        self._section = section
        self._lines = [section.line(item) for item in section.items[: section.most]]
        self.size = size(self._text(self._lines))

    def within(self, limit: int) -> str:
        if self.size <= limit:
            return self._text(self._lines)
        left = limit - size(self._section.head) - _FOR_THE_REST
        if left < 0:
            return ""
        kept: list[Line] = []
        groups: set[str] = set()
        for line in self._lines:
            left -= size(line.text) + 1 + (0 if line.group in groups else size(line.group) + 4)
            if left < 0:
                break
            groups.add(line.group)
            kept.append(line)
        return self._text(kept)

    def _text(self, lines: Sequence[Line]) -> str:
        groups: dict[str, list[str]] = {}
        for line in lines:
            groups.setdefault(line.group, []).append(line.text)
        blocks = [
            (f"\n{group}\n\n" if group else "") + "".join(f"{text}\n" for text in texts)
            for group, texts in groups.items()
        ]
        rest = len(self._section.items) - len(lines)
        more = f"\nand {count(rest, f'more {self._section.noun}')}\n" if rest else ""
        return f"{self._section.head}\n{''.join(blocks)}{more}\n"


def _shares(needs: Sequence[int], limit: int) -> list[int]:
    """How much of `limit` each need is given: all of it, or at least an equal part."""
    shares = [0] * len(needs)
    left = limit
    for done, index in enumerate(sorted(range(len(needs)), key=lambda index: needs[index])):
        shares[index] = min(needs[index], left // (len(needs) - done))
        left -= shares[index]
    return shares
