"""What the commands about rules have in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from loom.errors import Problem
    from loom.settings import Settings


def told(problems: "Sequence[Problem]") -> list[dict[str, Any]]:
    """The JSON form of mistakes."""
    return [
        {"file": each.file, "line": each.line, "address": list(each.address), "message": each.message}
        for each in problems
    ]


def zone_of(settings: "Settings") -> "ZoneInfo":
    """The registry's; UTC while it can't be read."""
    from zoneinfo import ZoneInfo

    from loom.errors import RegistryError
    from loom.wiring import read_registry

    try:
        return ZoneInfo(read_registry(settings).zone)
    except RegistryError:
        return ZoneInfo("UTC")
