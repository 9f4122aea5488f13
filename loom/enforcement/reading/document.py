"""Document: one YAML file of the folder as plain values that know their lines. Strict: nothing is guessed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import yaml

from loom.errors import Problem

# libyaml is nine times faster; a PyYAML built without it still works.
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 20
_CORE = "tag:yaml.org,2002:"
_CONTAINERS = (f"{_CORE}map", f"{_CORE}seq")

Path = tuple[str | int, ...]


class _TooDeep(Exception):
    """There is something in a list or mapping on one level too many."""


class _Loader(_FASTEST):  # type: ignore[misc]  # whichever there is
    """Stops at the first level too many, of which PyYAML tells as it goes down: on a hundred thousand opening
    brackets libyaml's parser takes minutes, and its composer overflows the stack."""

    _depth = 0

    def descend_resolver(self, _parent: object, _index: object) -> None:
        self._depth += 1
        if self._depth > _DEEPEST + 1:
            raise _TooDeep

    def ascend_resolver(self) -> None:
        self._depth -= 1


class Document:
    """value: what the file says. problems: what is wrong with it so far, each with its line."""

    def __init__(self, file: str, raw: bytes) -> None:
        self.file = file
        self.value: Any = None
        self.problems: list[Problem] = []
        self._lines: dict[Path, int] = {}
        self._seen: set[int] = set()
        self._missing: set[Path] = set()
        try:
            text = raw.decode()
            loader = _Loader(text)
            try:
                self.value = self._plain(loader, loader.get_single_node(), ())
            finally:
                loader.dispose()
        except _TooDeep:
            self._problem(None, (), f"is nested more than {_DEEPEST} levels deep")
        except UnicodeDecodeError as error:
            self._problem(
                None, (), f"isn't UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
            )
        except yaml.MarkedYAMLError as error:
            # A file that breaks off is told as broken one line below its last.
            last = text.rstrip("\n").count("\n") + 1
            line = min(error.problem_mark.line + 1, last) if error.problem_mark else None
            self._problem(line, (), f"isn't valid YAML: {error.problem or error.context}")
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self._problem(None, (), f"isn't valid YAML: {str(error).splitlines()[0]}")

    def say(self, path: Path, message: str) -> None:
        """Note a problem at `path`, unless it has been said that nothing is there."""
        if path in self._missing:
            return
        line = next(
            (self._lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self._lines), None
        )
        self._problem(line, path, message)

    def mapping(
        self, path: Path, value: Any, required: Sequence[str], optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """`value` as a mapping; says what is missing and what is unknown, and leaves the unknown out."""
        if not isinstance(value, dict):
            hint = (
                f"; write {{{required[0]}: {value}}}" if isinstance(value, str) and len(required) == 1 else ""
            )
            wanted = _listed(required or optional)
            self.say(path, f"expected a mapping with {wanted}, got {shown(value)}{hint:.100}")
            self._missing.update((*path, key) for key in required)
            return {}
        for key in required:
            if key not in value:
                self.say(path, f"key {key!r} is missing; write {_listed(required)}")
                self._missing.add((*path, key))
        known = {*required, *optional}
        for key in value:
            if key not in known:
                self.say((*path, key), f"unknown key; {instead(key, sorted(known))}")
        return {key: value[key] for key in value if key in known}

    def some(self, keys: Mapping[str, Any], key: str, known: Collection[str]) -> dict[str, Any]:
        """The mapping under `key`, which needn't be there, with at least one of the keys `known`."""
        if key not in keys:
            return {}
        found = self.mapping((key,), keys[key], (), known)
        if keys[key] == {}:
            self.say((key,), f"it says nothing; write {at_least_one(known)} in it")
        return found

    def text(self, path: Path, value: Any) -> str:
        """`value` as text that isn't empty; "" after a problem."""
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
        self.say(path, not_text(value))
        return ""

    def one_of(self, path: Path, value: Any, choices: Collection[str]) -> str:
        if isinstance(value, str) and value in choices:
            return value
        close = _close(value, choices) if isinstance(value, str) else ()
        hint = f"; did you mean {close[0]!r}?" if close else ""
        self.say(path, f"expected one of {_listed(choices)}, got {shown(value)}{hint}")
        return ""

    def items(self, path: Path, value: Any) -> list[tuple[Path, Any]]:
        """The items of a list that isn't empty, each with its path."""
        if isinstance(value, list) and value:
            return [((*path, place), item) for place, item in enumerate(value)]
        hint = f"; write [{value}]" if isinstance(value, str) and value.strip() else ""
        self.say(path, f"expected a list with at least one item, got {shown(value)}{hint:.100}")
        return []

    def texts(self, path: Path, value: Any, trouble: Callable[[str], str | None]) -> tuple[str, ...]:
        """The items as text; `trouble` says what is wrong with one, or None."""
        found: list[str] = []
        for place, item in self.items(path, value):
            wrong = trouble(item) if isinstance(item, str) else not_text(item)
            if wrong is not None:
                self.say(place, wrong)
            elif item in found:
                self.say(place, f"{item!r} stands here twice")
            else:
                found.append(item)
        return tuple(found)

    def _plain(self, loader: Any, node: Any, path: Path) -> Any:
        if node is None:
            return None
        self._lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            self.say(path, "aliases (*name) aren't read here; write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(loader, node, path)
        if len(path) >= _DEEPEST:
            raise _TooDeep  # it is empty, or the loader would have said so
        if node.tag not in _CONTAINERS:
            self.say(path, f"the tag {_short(node.tag)} isn't read here; leave it out")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._plain_mapping(loader, node, path)
        return [self._plain(loader, each, (*path, place)) for place, each in enumerate(node.value)]

    def _scalar(self, loader: Any, node: Any, path: Path) -> Any:
        try:
            return loader.construct_object(node)
        except (ValueError, AttributeError, IndexError, KeyError):  # PyYAML's, for what a tag doesn't fit
            self.say(path, f"{shown(node.value)} can't be read as {_short(node.tag)}; write it in quotes")
            return None

    def _plain_mapping(self, loader: Any, node: Any, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                self.say(path, "a key must be text")
            elif key in mapping:
                self._problem(key_node.start_mark.line + 1, (*path, key), "this key stands here twice")
            else:
                self._lines[*path, key] = key_node.start_mark.line + 1
                mapping[key] = self._plain(loader, value_node, (*path, key))
        return mapping

    def _problem(self, line: int | None, path: Path, message: str) -> None:
        address = tuple(f"key {part!r}" if isinstance(part, str) else f"item {part + 1}" for part in path)
        self.problems.append(Problem(self.file, line, address, message))


def _close(word: str, choices: Collection[str]) -> Sequence[str]:
    import difflib  # only a mistake needs it

    return difflib.get_close_matches(word, choices, n=1)


def instead(word: str, choices: Collection[str]) -> str:
    """What to write in place of a word that isn't among `choices`."""
    close = _close(word, choices)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {_listed(choices)}" if len(choices) > 1 else f"expected {_listed(choices)}"


def at_least_one(words: Collection[str]) -> str:
    return f"at least one of {_listed(words)}" if len(words) > 1 else _listed(words)


def not_text(value: Any) -> str:
    plain = value is not None and not isinstance(value, str | list | dict)
    return f"expected text, got {shown(value)}{'; write it in quotes' if plain else ''}"


def _listed(words: Collection[str]) -> str:
    return ", ".join(repr(word) for word in words)


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag


def shown(value: Any) -> str:
    """As much of it as a message holds."""
    return "nothing" if value is None else f"{value!r:.80}"
