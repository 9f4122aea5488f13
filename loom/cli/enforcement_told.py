"""What the commands about rules have in common."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from loom.settings import Settings


def zone_of(settings: "Settings") -> "ZoneInfo":
    """The registry's; UTC while it can't be read."""
    from zoneinfo import ZoneInfo

    from loom.errors import RegistryError
    from loom.wiring.parts import read_registry

    try:
        return ZoneInfo(read_registry(settings).zone)
    except RegistryError:
        return ZoneInfo("UTC")
