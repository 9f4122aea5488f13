"""A Markdown document as its reader sees it: paragraphs, list items, table cells and headings, and the code
blocks between them, each with its line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Passage:
    """text: as a reader sees it, inline code in backticks, line by line as written. line: its first, 1-based.
    section: the heading it stands under, empty before the first. level: 1 to 6 for a heading, else 0."""

    text: str
    line: int
    section: str = ""
    level: int = 0

    def line_at(self, offset: int) -> int:
        """The line in which the character at `offset` stands."""
        return self.line + self.text.count("\n", 0, offset)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block. language: as its fence names it, lower case. line: the first of its code."""

    text: str
    language: str
    line: int


@dataclass(frozen=True, slots=True)
class Body:
    passages: tuple[Passage, ...] = ()
    blocks: tuple[Block, ...] = ()


def read_body(text: str, *, skip: int = 0) -> Body:
    """skip: how many lines at the start belong to the front matter. Never raises: of a text nested too deeply
    to parse nothing is read (`read_document` calls that a mistake)."""
    lines = text.replace("\r\n", "\n").split("\n")
    parser = MarkdownIt("commonmark").enable("table")
    try:
        tokens = parser.parse("\n".join([*[""] * skip, *lines[skip:]]))
    except RecursionError:
        return Body()
    return Body(tuple(_passages(tokens)), tuple(_blocks(tokens)))


def _passages(tokens: Iterable[Token]) -> Iterator[Passage]:
    section, level = "", 0
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "inline":
            text = "".join(_visible(token.children or []))
            line = token.map[0] + 1 if token.map else 1
            yield Passage(text, line, section, level)
            section, level = (" ".join(text.split()) if level else section), 0


def _visible(children: Iterable[Token]) -> Iterator[str]:
    for child in children:
        if child.type == "text":
            yield child.content
        elif child.type == "code_inline":
            yield f"`{child.content}`"
        elif child.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif child.type == "image":
            yield child.content


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    for token in tokens:
        if token.type in ("fence", "code_block") and token.map:
            language = (token.info.split() or [""])[0].lower()
            yield Block(token.content, language, token.map[0] + (2 if token.type == "fence" else 1))
