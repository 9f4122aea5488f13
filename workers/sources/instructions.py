"""A file of instructions for agents, as values: its passages, links, code, and the size of its sections.

Tokens are estimated: four characters of English to one, rounded up. That is near what the common tokenizers
make of prose, and low for code and other languages.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from workers.sources.markdown import Document, read_document
from workers.sources.passages import Body, Passage, read_body
from workers.sources.texts import Text

_CHARACTERS_PER_TOKEN = 4
_CODE = re.compile(r"`[^`]*`")
_QUOTED = re.compile(r"\"[^\"\n]{1,200}\"|“[^”]{1,200}”|‘[^’]{1,200}’|(?<!\w)'[^'\n]{1,200}'(?!\w)")
_NEAR = 400
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, up to the next of any level. title: the file's path before the first."""

    title: str
    line: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Instructions:
    """One file. describes: it describes the project rather than instructs agents, as a README does."""

    path: str
    document: Document
    body: Body
    sections: tuple[Section, ...]
    describes: bool = False

    @property
    def tokens(self) -> int:
        return sum(section.tokens for section in self.sections)

    def prose(self) -> Iterator[Passage]:
        """Its passages without the headings."""
        return (passage for passage in self.body.passages if not passage.level)


def read_instructions(file: Text, *, describes: bool = False) -> Instructions:
    """Never raises: what is wrong with the front matter is in `document.mistake`."""
    document = read_document(file.text)
    body = read_body(file.text, skip=document.body)
    sections = tuple(_sections(file, body))
    return Instructions(file.path, document, body, sections, describes)


def estimated_tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _sections(file: Text, body: Body) -> Iterator[Section]:
    lines = file.text.split("\n")
    heads = [(file.path, 1), *((passage.text, passage.line) for passage in body.passages if passage.level)]
    ends = [line for _, line in heads[1:]] + [len(lines) + 1]
    for (title, line), end in zip(heads, ends, strict=True):
        tokens = estimated_tokens("\n".join(lines[line - 1 : end - 1]))
        if tokens:
            yield Section(" ".join(title.split()), line, tokens)


def without_code(text: str) -> str:
    """The text with blanks for inline code and for what stands in quotes: every character keeps its place."""
    for kind in (_CODE, _QUOTED):
        text = kind.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return text


def sentence_at(text: str, offset: int) -> tuple[int, str]:
    """The sentence round the character at `offset`, and where it begins; of a very long one, what is near."""
    start, last = max(0, offset - _NEAR), min(len(text), offset + _NEAR)
    for end in _SENTENCE_END.finditer(text, start, last):
        if end.start() > offset:
            return start, text[start : end.start()]
        start = end.end()
    return start, text[start:last]
