"""A Markdown document as values: its links, anchors, code spans and front matter, each with its line.

Parsed by markdown-it-py (CommonMark and GitHub's tables), so that code fences, escapes and reference
links are what a reader sees. Anchors follow GitHub's rule: https://github.com/gjtorikian/html-pipeline
(table_of_contents_filter), letters, marks, digits, hyphens and underscores of the heading in lower case.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

_FENCE = "---"
_FRONT_MATTER_LINES = 500


@dataclass(frozen=True, slots=True)
class Link:
    """target: as written, percent-encoded. image: an embedded image rather than a link."""

    target: str
    line: int
    image: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """Inline code, as `src/thing.py` in a sentence."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One plain `key: value` of a front matter; a value that isn't plain text is None."""

    value: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Mistake:
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """front_matter: its top-level keys; empty when there is none. mistake: why it can't be read. body: how
    many lines come before the text itself."""

    links: tuple[Link, ...] = ()
    code: tuple[Code, ...] = ()
    anchors: frozenset[str] = frozenset()
    front_matter: Mapping[str, Entry] = field(default_factory=dict)
    mistake: Mistake | None = None
    body: int = 0


def read_document(text: str) -> Document:
    """The document's parts; lines are 1-based and count the front matter. Never raises: text nested too
    deeply to parse is a `mistake` at line 1."""
    lines = text.replace("\r\n", "\n").split("\n")
    front_matter, mistake, skip = _front_matter(lines)
    try:
        # The front matter's lines are blanked, not cut, so that every line keeps its number.
        tokens = _parser().parse("\n".join([*[""] * skip, *lines[skip:]]))
    except RecursionError:
        too_deep = Mistake("nested too deeply to be read", 1)
        return Document(front_matter=front_matter, mistake=too_deep, body=skip)
    body = _Body()
    for token in tokens:
        body.take(token)
    return Document(
        links=tuple(body.links),
        code=tuple(body.code),
        anchors=frozenset(body.anchors) | frozenset(_slugs(body.headings)),
        front_matter=front_matter,
        mistake=mistake,
        body=skip,
    )


def slug(heading: str) -> str:
    """The anchor GitHub gives a heading with this text, before duplicates are numbered."""
    kept = (char for char in heading.strip().lower() if char in " -" or _is_word(char))
    return "".join(kept).replace(" ", "-")


def _is_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("Nd", "Pc")


def _slugs(headings: Iterable[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for heading in headings:
        anchor = slug(heading)
        yield f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


class _Body:
    """Gathers what a document's tokens say."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.code: list[Code] = []
        self.anchors: set[str] = set()
        self.headings: list[str] = []
        self._in_heading = False

    def take(self, token: Token) -> None:
        line = token.map[0] + 1 if token.map else 1
        if token.type == "inline":
            self._inline(token.children or [], line)
        elif token.type == "html_block":
            self._html(token.content, line)
        self._in_heading = token.type == "heading_open"

    def _inline(self, children: list[Token], line: int) -> None:
        if self._in_heading:
            self.headings.append("".join(_visible(children)))
        for child in children:
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "link_open":
                self.links.append(Link(str(child.attrs.get("href", "")), line))
            elif child.type == "image":
                self.links.append(Link(str(child.attrs.get("src", "")), line, image=True))
            elif child.type == "code_inline":
                self.code.append(Code(child.content, line))
            elif child.type == "html_inline":
                self._html(child.content, line)
                line += child.content.count("\n")

    def _html(self, content: str, line: int) -> None:
        reader = _Html()
        try:
            reader.feed(content)
        except AssertionError:  # html.parser's word for a declaration it can't read
            return
        self.anchors |= reader.anchors
        self.links += [Link(target, line + offset - 1, image) for target, offset, image in reader.links]


def _visible(children: Iterable[Token]) -> Iterator[str]:
    for child in children:
        if child.type in ("text", "code_inline"):
            yield child.content
        elif child.type in ("softbreak", "hardbreak"):
            yield " "


class _Html(HTMLParser):
    """The links and anchors of a piece of HTML inside a document."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, int, bool]] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        names = [values.get("id", ""), values.get("name", "") if tag == "a" else ""]
        self.anchors |= {name for name in names if name}
        attribute = {"a": "href", "img": "src"}.get(tag)
        if attribute and attribute in values:
            self.links.append((values[attribute].strip(), self.getpos()[0], tag == "img"))


def _front_matter(lines: list[str]) -> tuple[dict[str, Entry], Mistake | None, int]:
    """The top-level keys, what is wrong, and how many lines to leave out of the body."""
    if not lines or lines[0].rstrip() != _FENCE:
        return {}, None, 0
    ends = (n for n, line in enumerate(lines[1:_FRONT_MATTER_LINES], 1) if line.rstrip() in (_FENCE, "..."))
    end = next(ends, None)
    if end is None:
        # A rule across the page also begins with '---'; only one followed by a key was meant as front matter.
        if len(lines) > 1 and _looks_like_key(lines[1]):
            return {}, Mistake("the front matter that starts here has no closing '---'", 1), 0
        return {}, None, 0
    try:
        node = yaml.compose("\n".join(lines[1:end]), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return {}, _yaml_mistake(error), end + 1
    except RecursionError:
        return {}, Mistake("the front matter is nested too deeply", 1), end + 1
    if node is None:
        return {}, None, end + 1
    if not isinstance(node, yaml.MappingNode):
        return {}, Mistake("the front matter isn't a list of 'key: value' lines", 2), end + 1
    return (
        {
            key.value: Entry(
                value.value if isinstance(value, yaml.ScalarNode) else None, key.start_mark.line + 2
            )
            for key, value in node.value
            if isinstance(key, yaml.ScalarNode)
        },
        None,
        end + 1,
    )


def _looks_like_key(line: str) -> bool:
    key, colon, _ = line.partition(":")
    return bool(colon) and key.replace("_", "").replace("-", "").isalnum()


def _yaml_mistake(error: yaml.YAMLError) -> Mistake:
    mark: Any = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error).splitlines()[0]
    return Mistake(f"the front matter isn't YAML: {said}", mark.line + 2 if mark else 1)
