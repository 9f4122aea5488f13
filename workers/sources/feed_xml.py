"""A feed's XML as it is written: which elements its channel and each of its items hold.

Strict where feedparser is lenient: what an element's absence means can only be told before a library has
filled the gaps. A document type, which could define entities that grow without end, is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_MAX_ITEMS = 5_000
_MAX_TEXT = 2_000
_MAX_DEPTH = 200
# What feedparser does with some of the elements of one item takes the square of their number.
_MAX_ELEMENTS = 300
_MAX_ALL_ELEMENTS = 200_000
# feedparser's search for document types takes the square of what stands before the root element.
_MAX_PROLOG = 5_000
_SPACES = {
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/rss/1.0/": "",
    "": "",
}
_CHANNELS = {"rss": "channel", "feed": "feed"}
_ITEMS = frozenset({"item", "entry"})


class FeedError(ValueError):
    """The body is no feed that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Element:
    """text: what stands directly in it, stripped, at most 2,000 characters. attributes: by name."""

    text: str
    attributes: Mapping[str, str]


Elements = Mapping[str, tuple[Element, ...]]
"""An element's direct children by their name: 'title', 'itunes:explicit'; other vocabularies' are not."""


@dataclass(frozen=True, slots=True)
class Outline:
    """root: 'rss' or 'feed' (Atom). items: in the order written."""

    root: str
    channel: Elements
    items: tuple[Elements, ...]


def read_outline(body: bytes) -> Outline:
    """Raises FeedError."""
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise FeedError(f"it isn't well-formed XML: {error}") from None
    except (LookupError, UnicodeError, ValueError) as error:  # an encoding that Python doesn't know
        if isinstance(error, FeedError):
            raise
        raise FeedError(f"its encoding can't be read: {error}") from None
    if reader.root not in _CHANNELS:
        raise FeedError(f"its root element is <{reader.root[:40]}>; expected <rss> or <feed>")
    return Outline(reader.root, _frozen(reader.channel), tuple(_frozen(item) for item in reader.items))


def _frozen(children: dict[str, list[Element]]) -> Elements:
    return {name: tuple(elements) for name, elements in children.items()}


@dataclass(slots=True)
class _Open:
    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    length: int = 0


class _Reader:
    def __init__(self) -> None:
        self.root = ""
        self.channel: dict[str, list[Element]] = {}
        self.items: list[dict[str, list[Element]]] = []
        self._path: list[_Open] = []
        self._elements = self._all_elements = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        prefix = _SPACES.get(space.lower())
        named = f"{prefix}{local}" if prefix is not None else name
        if not self.root and self.parser.CurrentByteIndex > _MAX_PROLOG:
            raise FeedError(f"more than {_MAX_PROLOG:,} bytes stand before its root element")
        self.root = self.root or named
        if len(self._path) >= _MAX_DEPTH:
            raise FeedError(f"its elements are nested deeper than {_MAX_DEPTH}")
        self._path.append(_Open(named, attributes))
        if self._holder(len(self._path) - 1) == "item":
            self.items.append({})
            self._elements = 0
        self._count()

    def _end(self, _name: str) -> None:
        holder = self._holder(len(self._path) - 2)
        one = self._path.pop()
        children = self.channel if holder == "channel" else self.items[-1] if holder == "item" else None
        if children is not None and one.name not in _ITEMS and " " not in one.name:
            children.setdefault(one.name, []).append(Element("".join(one.text).strip(), one.attributes))

    def _count(self) -> None:
        self._elements += 1
        self._all_elements += 1
        if len(self.items) > _MAX_ITEMS:
            raise FeedError(f"it has more than {_MAX_ITEMS:,} items")
        if self._elements > _MAX_ELEMENTS:
            raise FeedError(f"one of its items, or the channel, has more than {_MAX_ELEMENTS} elements")
        if self._all_elements > _MAX_ALL_ELEMENTS:
            raise FeedError(f"it has more than {_MAX_ALL_ELEMENTS:,} elements")

    def _text(self, text: str) -> None:
        if self._path and self._path[-1].length < _MAX_TEXT:
            one = self._path[-1]
            one.text.append(text[: _MAX_TEXT - one.length])
            one.length += len(text)

    def _holder(self, depth: int) -> str:
        """What the open element at this depth is: 'channel', 'item' or ''."""
        path = [one.name for one in self._path[: depth + 1]]
        channel = ["rss", "channel"] if self.root == "rss" else ["feed"]
        if path == channel:
            return "channel"
        return "item" if path[:-1] == channel and path[-1] in _ITEMS else ""

    def _refuse(self, *_declaration: object) -> None:
        raise FeedError("it has a document type, which no feed needs")
