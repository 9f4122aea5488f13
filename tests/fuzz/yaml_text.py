"""YAML files with one mistake or several: in what they say, or in the bytes that say it."""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import yaml

from tests.fuzz.yaml_words import quoted, word

Pair = list[Any]
"""A key and its value, as text and tree."""


class Mapping(list[Pair]):
    """Keys in order; may have one twice, as no dict could."""


class Raw(str):
    """A scalar, or anything else, as it is to stand in the file."""


Tree = Mapping | list[Any] | Raw


def tree(text: str) -> Tree:
    """The one document of `text`, each scalar in the words that stand for it there."""
    return _copy(_read(text))  # type: ignore[no-any-return]


@lru_cache
def _read(text: str) -> Tree:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    return _tree(root)


def _tree(node: yaml.Node) -> Tree:
    if isinstance(node, yaml.MappingNode):
        return Mapping([[_tree(key), _tree(value)] for key, value in node.value])
    if isinstance(node, yaml.SequenceNode):
        return [_tree(each) for each in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return Raw(node.value if node.style is None else quoted(node.value))


def written(node: Any, indent: int = 0, *, flow: Callable[[], bool] = lambda: False) -> str:
    """The tree as YAML text. flow: asked of each container, whether it is to be written in brackets."""
    if isinstance(node, Raw):
        return str(node)
    if not node:
        return "{}" if isinstance(node, Mapping) else "[]"
    if flow():
        return _in_brackets(node)
    pad = "  " * indent
    if isinstance(node, Mapping):
        rows = [f"{pad}{written(key)}:{_below(value, indent, flow)}" for key, value in node]
    else:
        rows = [f"{pad}-{_below(value, indent, flow)}" for value in node]
    return "\n".join(rows)


def _below(value: Any, indent: int, flow: Callable[[], bool]) -> str:
    text = written(value, indent + 1, flow=flow)
    block = not isinstance(value, Raw) and bool(value) and text[:1] not in "[{"
    return f"\n{text}" if block else f" {text}"


def _in_brackets(node: Any) -> str:
    if isinstance(node, Raw):
        return str(node)
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{_in_brackets(key)}: {_in_brackets(value)}" for key, value in node) + "}"
    return "[" + ", ".join(map(_in_brackets, node)) + "]"


# -- mistakes in what is said -----------------------------------------------------------------------------


def _places(node: Tree, found: list[tuple[Any, int]] | None = None) -> list[tuple[Any, int]]:
    """Every value of the tree: its container, and where it lies in there."""
    found = [] if found is None else found
    for number, each in enumerate(node if isinstance(node, list) else ()):
        found.append((node, number))
        _places(each[1] if isinstance(node, Mapping) else each, found)
    return found


def spoil(node: Tree, chance: random.Random, keys: Sequence[str]) -> None:
    """Make one mistake somewhere in the tree. keys: words that mean something somewhere in such a file."""
    places = _places(node)
    if not places:
        return
    container, number = chance.choice(places)
    pair = container[number] if isinstance(container, Mapping) else None
    match chance.randrange(10):
        case 0:
            del container[number]
        case 1:
            container.insert(chance.randrange(len(container) + 1), _copy(container[number]))
        case 2 if pair is not None:
            pair[0] = Raw(
                chance.choice([_misspelt(str(pair[0]), chance), chance.choice(keys), Raw(word(chance))])
            )
        case 3 if pair is not None:
            container.insert(number, [Raw(chance.choice([*keys, word(chance)])), Raw(word(chance))])
        case 4:
            other, place = chance.choice(places)
            _put(container, number, _copy(_value(other, place)))
        case 5:
            value = _value(container, number)
            wrapped = chance.choice([[value], [value, value], Mapping([[Raw("a"), value]])])
            _put(container, number, _copy(wrapped))
        case 6 if isinstance(_value(container, number), Raw):
            _put(container, number, Raw(_misspelt(str(_value(container, number)), chance)))
        case _:
            _put(container, number, Raw(word(chance)))


def _value(container: Any, number: int) -> Any:
    return container[number][1] if isinstance(container, Mapping) else container[number]


def _put(container: Any, number: int, value: Any) -> None:
    if isinstance(container, Mapping):
        container[number][1] = value
    else:
        container[number] = value


def _copy(node: Any) -> Any:
    if isinstance(node, Raw):
        return node
    return type(node)([_copy(each) for each in node])


def _misspelt(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return chance.choice(
        [
            text[:place] + text[place + 1 :],
            text[:place] + chance.choice("aZ09 -_:,.*/'\"\t\u00e9\u0661\U0001f600") + text[place:],
            text.swapcase(),
            text + text,
            text[::-1],
            text[:place],
        ]
    )


# -- mistakes in the bytes --------------------------------------------------------------------------------

# fmt: off
_BYTES = (
    b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\t", b"\r", b"\x85",
    b"\x1b[2J", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xe2\x80\xa8", b"\xef\xbf\xbf", b"\x7f",
    b"\x01", b"\n", b" ", b"---\n", b"...\n", b"%YAML 1.1\n---\n", b"%TAG ! x\n---\n", b"%YAML 9.9\n---\n",
    b"# \xff\n", b"\n\t", b"<<: *a\n",
)
# fmt: on


def spoil_bytes(content: bytes, chance: random.Random) -> bytes:
    """Make one mistake in the bytes of a file."""
    place = chance.randrange(len(content) + 1)
    lines = content.split(b"\n")
    row = chance.randrange(len(lines))
    match chance.randrange(12):
        case 0:
            return content[:place]
        case 1:
            return content[place:]
        case 2:
            return content[:place] + content[place + chance.randrange(1, 30) :]
        case 3 | 4:
            return content[:place] + chance.choice(_BYTES) + content[place:]
        case 5:
            return chance.choice(_BYTES) + content
        case 6:
            return content.replace(
                b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\x85", b" \n", b"\xe2\x80\xa9"])
            )
        case 7:
            return content.replace(
                b"  ", chance.choice([b"\t", b" ", b"   ", b"\xc2\xa0"]), chance.choice([1, -1])
            )
        case 8:
            return b"\n".join([*lines[:row], *lines[row + 1 :]])
        case 9:
            return b"\n".join([*lines[: row + 1], *lines[row:]])
        case 10:
            coding = chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037"])
            return content.decode("utf-8", "replace").encode(coding, "replace")
        case _:
            return b"\n".join(chance.sample(lines, len(lines)))


def damaged(text: str, chance: random.Random, keys: Sequence[str]) -> bytes:
    """The file `text` with a few mistakes."""
    content = text.encode()
    if chance.random() < 0.75:
        node = tree(text)
        for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
            spoil(node, chance, keys)
        brackets = chance.choice([0.0, 0.0, 0.3, 1.0])
        content = f"{written(node, flow=lambda: chance.random() < brackets)}\n".encode(
            "utf-8", "surrogatepass"
        )
    if chance.random() < 0.35:
        for _ in range(chance.choice([1, 1, 2, 3])):
            content = spoil_bytes(content, chance)
    return content
