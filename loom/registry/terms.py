"""Terms: shapes of the words of this field: durations, cron text, ids, entrypoints."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from loom.domain.cron import CronError, parse_cron
from loom.registry.mistakes import mistake
from loom.registry.nodes import Node, Scalar
from loom.registry.shapes import Shape, Text, expected

_DURATION: Final = (
    r"(?=[0-9])(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m(?!s))?"
    r"(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?"
)
_LONGEST: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Duration:
    """``10m``, ``1h30m``, ``3d``, ``500ms``: whole numbers with units, the largest first."""

    zero: bool = False
    most: timedelta = _LONGEST

    def read(self, node: Node) -> timedelta:
        what = "a duration such as 2s, 10m, 1h30m or 3d"
        if not isinstance(node, Scalar):
            raise expected(what, node)
        if not isinstance(node.value, str):
            number = type(node.value) in (int, float)
            raise expected(
                what, node, f"add the unit: {node.text}s, {node.text}m, {node.text}h" if number else ""
            )
        found = re.fullmatch(_DURATION, node.value)
        if found is None:
            raise expected(what, node, "units are d, h, m, s and ms, each once, the largest first")
        days, hours, minutes, seconds, milliseconds = (int(part or 0) for part in found.groups())
        length = timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds
        )
        if length > self.most:
            raise expected(f"a duration of at most {self.most.days}d", node)
        if not length and not self.zero:
            raise expected("a duration longer than nothing", node)
        return length

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_DURATION}$", "examples": ["30s", "10m", "1h30m", "3d"]}


@dataclass(frozen=True, slots=True)
class Cron:
    """Five cron fields or a nickname; see loom.domain.cron."""

    def read(self, node: Node) -> str:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            raise expected("cron text such as '0 6 * * *'", node, "write five fields, in quotes")
        try:
            parse_cron(node.value)
        except CronError as error:
            raise mistake(str(error)) from None
        return node.value

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": r"^\s*(?:@[A-Za-z]+|\S+(?:\s+\S+){4})\s*$",
            "examples": ["0 6 * * *", "30 14 * * FRI", "@daily"],
        }


WORKER_ID: Final = Text(
    "an id of lower-case letters, digits and dashes that starts with a letter, at most 64 long",
    r"[a-z][a-z0-9-]{0,63}",
    "write it like relationship-sentinel",
)
ENTRYPOINT: Final = Text(
    "module:function",
    r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*",
    "write it like workers.relationship_sentinel:run",
)
ENV_NAME: Final = Text(
    "the name of an environment variable", r"[A-Za-z_][A-Za-z0-9_]*", "write its name, never its value"
)
OUTPUT_PATH: Final = Text(
    "a dotted path into the output", r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", "write it like metrics.pages"
)
PROJECT_PATH: Final = Text(
    "a path inside the project",
    r"(?!/)(?!.*(?:^|/)\.\.(?:/|$)).+",
    "write it from the project's root, without '..'",
)
URL: Final = Text("an http or https address", r"https?://[^\s/]+\S*", "write it in full, with https://")


class Isolation(StrEnum):
    INLINE = "inline"
    PROCESS = "process"


class Outputs(StrEnum):
    REDACTED = "redacted"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """What this version can't do yet is refused, never quietly ignored. `built` is all that is taken."""

    shape: Shape
    built: object

    def read(self, node: Node) -> object:
        value = self.shape.read(node)
        if value != self.built:
            word = "null" if self.built is None else str(self.built)
            raise mistake(
                f"'{value}' isn't available in this version of Loom; write {word}, or leave the key out"
            )
        return value

    def schema(self) -> dict[str, Any]:
        return {"const": None if self.built is None else str(self.built)}
