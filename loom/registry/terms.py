"""Terms: shapes of the words of this field: durations, cron text, ids, entrypoints."""

import re
from datetime import timedelta
from typing import Any, Final

from loom.domain.cron import CronError, parse_cron
from loom.registry.mistakes import mistake
from loom.registry.nodes import Node, Scalar
from loom.registry.shapes import Text, expected
from loom.values import dataclass

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


_SIZE: Final = r"([1-9][0-9]{0,8})(MB|GB|MiB|GiB)"
_UNITS: Final = {"MB": 10**6, "GB": 10**9, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True, slots=True)
class Size:
    """``512MB``, ``2GiB``: a whole number of bytes, with its unit."""

    least: int
    most: int

    def read(self, node: Node) -> int:
        what = "a size such as 512MB or 2GB"
        if not isinstance(node, Scalar):
            raise expected(what, node)
        if not isinstance(node.value, str):
            number = type(node.value) is int
            raise expected(what, node, f"add the unit: {node.text}MB, {node.text}GB" if number else "")
        found = re.fullmatch(_SIZE, node.value)
        if found is None:
            raise expected(what, node, "units are MB, GB, MiB and GiB, right behind a whole number")
        size = int(found[1]) * _UNITS[found[2]]
        if not self.least <= size <= self.most:
            least, most = self.least // _UNITS["MB"], self.most // _UNITS["GB"]
            raise expected(f"a size from {least}MB to {most}GB", node)
        return size

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_SIZE}$", "examples": ["512MB", "2GB"]}


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
