"""Show notes drafted from a transcript by picking from it: nothing in them is written by a program.

What is picked: the speakers in the order in which they begin; the sentences that say most, in the order in
which they fall; the chapters. How much a sentence says: each word counts as often as the transcript has it
(words of fewer than four letters and those that every text has count nothing), a sentence as much as its
distinct words together, divided by how many words it has. Only sentences of 8 to 40 words come into question,
no questions, and none that shares half of its counted words with one already picked.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.sources.chapters import Chapter, stamp
from workers.sources.findings import plain
from workers.sources.transcripts import Transcript, Turn

_SENTENCE = re.compile(r"[^.!?…]+[.!?…]+[\"”’)]*|[^.!?…]+$")
_WORD = re.compile(r"[^\W\d_]{4,}")
_EVERYWHERE = re.compile(
    "about|after|again|also|always|another|because|been|before|being|between|both|came|come|could|does|doing|"
    "done|down|each|even|ever|every|from|getting|give|goes|going|have|having|here|into|just|kind|know|like|"
    "little|made|make|many|maybe|mean|more|most|much|must|need|never|only|other|over|really|right|said|same|"
    "should|some|something|still|such|take|than|that|their|them|then|there|these|they|thing|things|think|this|"
    "those|through|time|very|want|well|went|were|what|when|where|which|while|will|with|would|yeah|years|your"
)
_FEWEST_WORDS, _MOST_WORDS = 8, 40
_SPEAKERS, _CHAPTERS, _LONGEST_LINE, _LONGEST = 8, 40, 500, 6_000


@dataclass(frozen=True, slots=True)
class Sentence:
    """number: which of the transcript's. words: those that count, each once. length: in words of any kind."""

    number: int
    turn: Turn
    text: str
    words: frozenset[str]
    length: int


def headline_sentences(transcript: Transcript, *, most: int) -> list[Sentence]:
    """At most so many, in the order in which they fall (see the module)."""
    sentences = [
        Sentence(number, turn, text, frozenset(_counted(text)), len(text.split()))
        for number, (turn, text) in enumerate(_statements(transcript))
    ]
    counts = Counter(word for each in transcript.turns for word in _counted(each.text))
    fit = [one for one in sentences if _FEWEST_WORDS <= one.length <= _MOST_WORDS and one.words]
    ranked = sorted(fit, key=lambda one: -sum(counts[word] for word in one.words) / one.length)
    picked: list[Sentence] = []
    for one in ranked:
        if len(picked) == most:
            break
        if all(len(one.words & other.words) * 2 < len(one.words) for other in picked):
            picked.append(one)
    return sorted(picked, key=lambda one: one.number)


def draft_notes(
    *, title: str, transcript: Transcript, chapters: Sequence[Chapter], source: str, sentences: int
) -> str:
    """The draft, in Markdown; text from the transcript can't become markup in it. source: the transcript's
    path. chapters: in the order to list them."""
    picked = headline_sentences(transcript, most=sentences)
    lines = [
        f"# {_escaped(title)}",
        "",
        f"Draft picked from {_escaped(source)}: read it before it is used.",
        "",
    ]
    if transcript.speakers:
        lines += [f"With {_escaped(', '.join(transcript.speakers[:_SPEAKERS]))}.", ""]
    lines += [_quoted(one) for one in picked]
    if chapters:
        lines += ["", "## Chapters", ""]
        lines += [f"- {stamp(each.start_s)} {_escaped(each.title)}" for each in chapters[:_CHAPTERS]]
    text = "\n".join(lines).strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _quoted(one: Sentence) -> str:
    at = "" if one.turn.start_s is None else f"[{stamp(one.turn.start_s)}] "
    by = f"{_escaped(one.turn.speaker)}: " if one.turn.speaker else ""
    return f"- {at}{by}“{_escaped(one.text)}”"


def _statements(transcript: Transcript) -> Iterator[tuple[Turn, str]]:
    for turn in transcript.turns:
        for match in _SENTENCE.finditer(turn.text):
            text = match[0].strip()
            if not text.rstrip('"”’)').endswith("?"):
                yield turn, text


def _counted(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if not _EVERYWHERE.fullmatch(word)]


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]#])", r"\\\1", html.escape(plain(text, limit=_LONGEST_LINE), quote=False))
