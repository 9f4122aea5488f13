"""YAML text -> nodes: plain values that know the line they stand on.

Built from the parser's events, in one pass and without recursion. A value that can't be used (a foreign tag,
an alias without its anchor, too deep a nest) becomes a `Flaw` in its place, so that it spoils no more than
the entry it stands in.
"""

from collections.abc import Callable
from typing import Any, Final

import yaml

from loom.registry.mistakes import Fault, Mistakes
from loom.registry.nodes import Entry, Flaw, Mapping, Node, Scalar, Sequence
from loom.registry.scalars import CORE, MAY_START_A_NUMBER, SPECIAL, foreign_tag, resolved, tagged

DEEPEST: Final = 40
# From here on nothing is read any more: on a hundred thousand levels libyaml takes minutes.
BOTTOMLESS: Final = 5000
MOST_REPEATED: Final = 250_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> Node | None:
    """The one document in `text`, or None when there is nothing but comments.

    Raises Mistakes when `text` isn't YAML or holds several documents.
    """
    try:
        return _Builder().build(_LOADER(text))
    except yaml.YAMLError as error:
        from loom.registry.syntax import syntax_fault  # only a mistake needs it

        raise Mistakes([syntax_fault(error, text)]) from None


_Open = tuple[list[Node], Any, int]
"""Of a mapping or sequence whose end hasn't come yet: what stands beside it, its beginning, and how many
nodes there were by then."""


class _Builder:
    def __init__(self) -> None:
        self.root: list[Node] = []
        self.items = self.root
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[str, int] = {}
        self.anchored = 0
        self.seen = 0
        self.repeated = 0

    def build(self, loader: Any) -> Node | None:
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.DocumentStartEvent: self.document,
        }
        try:
            next_event = loader.get_event
            while type(event := next_event()) is not yaml.StreamEndEvent:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        finally:
            loader.dispose()
        return self.root[0] if self.root else None

    def document(self, event: Any) -> None:
        if self.root:
            line = event.start_mark.line + 1
            message = "a second document starts here; keep one, without '---' between parts"
            raise Mistakes([Fault(message, (), line)])

    def scalar(self, event: Any) -> None:
        self.seen += 1
        text: str = event.value
        line: int = event.start_mark.line + 1
        node: Node
        if event.tag is not None:
            node = tagged(text, event.tag, line)
        elif event.implicit[0] and (text in SPECIAL or text[0] in MAY_START_A_NUMBER):
            node = resolved(text, line)
        else:
            node = Scalar(text, text, line)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
            self.sizes[event.anchor] = 1
        self.items.append(node)

    def alias(self, event: Any) -> None:
        name: str = event.anchor
        self.items.append(self._repeat(name) or Flaw(self._refusal(name), event.start_mark.line + 1))

    def _repeat(self, name: str) -> Node | None:
        # Aliases inside anchored values are how a small file grows without end, or contains itself.
        if self.anchored or name not in self.anchors:
            return None
        self.repeated += self.sizes[name]
        return self.anchors[name] if self.repeated <= MOST_REPEATED else None

    def _refusal(self, name: str) -> str:
        if self.anchored:
            return f"the alias *{name} stands inside a value that has an anchor itself; write the value out"
        if name not in self.anchors:
            return f"the alias *{name} has no anchor &{name} before it; write the value out"
        return f"aliases repeat more than {MOST_REPEATED} values in this file; write the values out"

    def start(self, event: Any) -> None:
        self.seen += 1
        if event.anchor is not None:
            self.anchored += 1
        if len(self.open) >= BOTTOMLESS:
            message = f"nested more than {BOTTOMLESS} levels deep; write it flatter"
            raise Mistakes([Fault(message, (), event.start_mark.line + 1)])
        self.open.append((self.items, event, self.seen))
        self.items = []

    def end(self, _event: Any) -> None:
        children = self.items
        self.items, start, began = self.open.pop()
        node = self._container(children, start)
        if start.anchor is not None:
            self.anchored -= 1
            self.anchors[start.anchor] = node
            self.sizes[start.anchor] = self.seen - began + 1
        self.items.append(node)

    def _container(self, children: list[Node], start: Any) -> Node:
        line = start.start_mark.line + 1
        if len(self.open) >= DEEPEST:
            return Flaw(f"nested more than {DEEPEST} levels deep; write it flatter", line)
        is_mapping = type(start) is yaml.MappingStartEvent
        if start.tag not in (None, "!", CORE + ("map" if is_mapping else "seq")):
            return Flaw(foreign_tag(start.tag), line)
        if is_mapping:
            return Mapping(tuple(_entries(children)), line)
        return Sequence(tuple(children), line)


def _entries(children: list[Node]) -> list[Entry]:
    entries: list[Entry] = []
    first: dict[str, int] = {}
    pairs = iter(children)
    for key, value in zip(pairs, pairs, strict=True):
        if type(key) is Scalar:
            name, flaw = key.text, "" if type(key.value) is str else _key_flaw(key)
        else:
            name = (isinstance(key, Flaw) and key.text) or f"on line {key.line}"
            flaw = key.message if isinstance(key, Flaw) else "a key is a word, not a list or a mapping"
        if name in first and not flaw:
            flaw = f"written twice, first on line {first[name]}; keep one of the two"
        first.setdefault(name, key.line)
        entries.append(Entry(name, key.line, value, flaw))
    return entries


def _key_flaw(key: Scalar) -> str:
    if key.value is None:
        return "the key is empty; write a name before the colon"
    kind = "a truth value" if isinstance(key.value, bool) else "a number"
    return f'YAML reads the key {key.text} as {kind}; if it is meant, write it in quotes: "{key.text}"'
