"""A YAML file that people write by hand, read into a pydantic model; what is wrong with it has its line.

Every plain value is text until the model says otherwise, so that `number: 012` isn't ten, `title: No` isn't
a boolean and `duration: 42:10` isn't a number of base sixty. Nothing, `~` and `null` are None. A key twice,
an alias (`*name`) and a second document are mistakes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from workers.sources.findings import Note, listing, note, plain
from workers.sources.folder import Folder, Unreadable

Place = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_MOST_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class Trouble:
    """What can't be read of a file, and where. path: relative to the project. line: 1-based, None when it
    concerns the whole file."""

    path: str
    line: int | None
    text: str

    @property
    def where(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class YamlFile:
    """value: dicts, lists, text and None. lines: the line of each value, by its keys and positions; that of
    the file as a whole under ()."""

    path: str
    value: Any
    lines: Mapping[Place, int]

    def line(self, place: Sequence[str | int]) -> int:
        """The line of the value at `place`, or of the nearest that holds it."""
        parts = tuple(place)
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return self.lines.get(parts, 1)


class NotYaml(Exception):
    """The file isn't YAML, or not YAML of this kind. The trouble says where."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


def read_yaml(folder: Folder, path: str, *, max_bytes: int) -> YamlFile:
    """Raises NotYaml for whatever can't be read, be it the file or what it holds."""
    try:
        text = folder.read(path, max_bytes=max_bytes)
    except Unreadable as error:
        raise NotYaml(Trouble(path, None, f"It {error}")) from None
    lines: dict[Place, int] = {}
    try:
        node = _Composer(text).get_single_node()
        value = None if node is None else _value(node, (), lines)
    except RecursionError:
        raise NotYaml(Trouble(path, None, "It is nested too deeply to be read")) from None
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = mark.line + 1 if mark else _line_of_character(text, error)
        raise NotYaml(Trouble(path, line, f"It isn't YAML: {plain(said)}")) from None
    return YamlFile(path, value, lines)


def fitted(file: YamlFile, model: type[ModelT], *, at: Place = ()) -> tuple[ModelT | None, list[Trouble]]:
    """The value at `at` as a `model`, and what is wrong with it. Keys that the model doesn't know are trouble
    beside a value that is read all the same; for any other mistake the value is None."""
    value = file.value
    for part in at:
        value = value[part]
    if not isinstance(value, dict):
        kind = "nothing" if value is None else "a list" if isinstance(value, list) else "text"
        return None, [Trouble(file.path, file.line(at), f"Expected `key: value` lines, found {kind}")]
    try:
        return model.model_validate(value), _unknown(file, model, value, at)
    except ValidationError as error:
        return None, [_mistake(file, at, each) for each in error.errors()[:_MOST_MISTAKES]]


def text_or_none(value: Any) -> Any:
    """For a model's field: blank text is no text."""
    return value.strip() or None if isinstance(value, str) else value


def moment(value: Any) -> Any:
    """For a model's field: text as a day and a time. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        read = None
    if read is None or len(value.strip()) <= len("2026-01-31"):
        raise ValueError("expected a day and a time such as 2026-01-31 10:00")
    return read


def in_zone(time: datetime, zone: tzinfo) -> datetime:
    """A time as written, aware: one without an offset is of `zone`, the first of two that are the same there
    when clocks go back. Raises ValueError for one that they leave out when they go forward."""
    if time.tzinfo is not None:
        return time
    local = time.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time:
        raise ValueError(f"{time:%Y-%m-%d %H:%M} is a time that clocks leave out on that day")
    return local


class _Composer(yaml.BaseLoader):
    """Values with their lines, none resolved to a type, and no aliases: they let a small file grow huge."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias (*name) isn't read here", problem_mark=mark)
        return super().compose_node(parent, index)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, (*place, number), lines) for number, one in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in _NOTHING else node.value
    values: dict[str, Any] = {}
    for key, one in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in values:
            problem = (
                "a key that stands here twice" if isinstance(key, yaml.ScalarNode) else "a key isn't text"
            )
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        lines[(*place, key.value)] = key.start_mark.line + 1
        values[key.value] = _value(one, (*place, key.value), lines)
    return values


def _line_of_character(text: str, error: yaml.YAMLError) -> int | None:
    """A character that YAML doesn't allow is told by its position, not by a mark."""
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None


def _unknown(file: YamlFile, model: type[BaseModel], value: Mapping[str, Any], at: Place) -> list[Trouble]:
    known = [field.alias or name for name, field in model.model_fields.items()]
    return [
        Trouble(
            file.path,
            file.line((*at, key)),
            f"The key `{plain(key, limit=60)}` isn't known here; the keys are {listing(known, limit=30)}",
        )
        for key in value
        if key not in known
    ][:_MOST_MISTAKES]


def _mistake(file: YamlFile, at: Place, error: Any) -> Trouble:
    """error: one of pydantic's, whose location goes on below a value into the kinds that it isn't either."""
    place: Place = (*at, *error["loc"])
    if error["type"] == "missing":
        return Trouble(file.path, file.line(place), f"The key `{_dotted(error['loc'])}` is missing")
    while place not in file.lines:
        place = place[:-1]
    said = str(error["msg"]).removeprefix("Value error, ")
    found = error["input"]
    shown = "nothing" if found is None else repr(found) if isinstance(found, str) else "keys or a list"
    name = _dotted(place[len(at) :])
    return Trouble(
        file.path,
        file.line(place),
        f"`{name}` has {plain(shown, limit=80)}; {said[:1].lower()}{said[1:]}",
    )


def _dotted(place: Sequence[str | int]) -> str:
    return plain(".".join(map(str, place)), limit=100)


def told(troubles: Sequence[Trouble], *, kind: str, what: str) -> list[Note]:
    """The troubles as findings of this kind. what: the sort of file, 'episode file'."""
    action = "Mend the line: what it says isn't known until then."
    return [
        note(
            kind,
            "warning",
            f"Mistake in an {what}",
            subject=each.where,
            detail=f"{each.text}.",
            action=action,
        )
        for each in troubles
    ]
