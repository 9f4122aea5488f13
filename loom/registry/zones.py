"""Names of time zones: those that mean the same on every machine, and what a wrong one most likely means."""

import re
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from loom.registry.mistakes import mistake
from loom.registry.nodes import Node
from loom.registry.shapes import Text
from loom.values import dataclass

_EXAMPLE: Final = "America/Chicago"
_OF_THE_MACHINE: Final = (
    "is whatever zone a machine is set to, so slots would move from one machine to the next"
)
# What zoneinfo opens although it is no zone of the IANA database, or not one that keeps a person's time.
_NOT_A_ZONE: Final = {
    "localtime": _OF_THE_MACHINE,
    "posixrules": _OF_THE_MACHINE,
    "Factory": "stands for a machine that was never set up",
}
_COPIES: Final = {
    "posix/": "isn't there on every machine",
    "right/": "counts leap seconds, as no other clock here does, and isn't there on every machine",
}
# Words that people use for a zone. IANA has some of them too, in capitals (EST), and those are taken as such.
_USUAL: Final = {
    word: zone
    for zone, words in {
        "America/New_York": "est edt eastern",
        "America/Chicago": "cst cdt central",
        "America/Denver": "mst mdt mountain",
        "America/Los_Angeles": "pst pdt pacific",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class Zone:
    """The IANA name of a zone that this machine, or the tzdata package, knows, the same on each."""

    def read(self, node: Node) -> str:
        name = Text("an IANA time zone such as America/Chicago").read(node)
        reason = _refused(name)
        if reason:
            raise mistake(f'time zone "{name}" {reason}')
        if not _known(name):
            raise mistake(f'unknown time zone "{name}"; {_advice(name)}')
        return name

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "examples": ["America/Chicago", "UTC"]}


def _refused(name: str) -> str:
    """Why a name that zoneinfo may well know is no zone for a schedule, and what to write; or empty."""
    for prefix, reason in _COPIES.items():
        if name.startswith(prefix):
            plain = name.removeprefix(prefix)
            return f"{reason}; write {plain if _known(plain) and not _refused(plain) else _EXAMPLE}"
    reason = _NOT_A_ZONE.get(name, "")
    return f"{reason}; write an IANA name such as {_EXAMPLE}" if reason else ""


@lru_cache(maxsize=1024)
def _known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _advice(name: str) -> str:
    if re.fullmatch(r"(?:UTC|GMT)?[+-][0-9:]+", name.strip(), re.IGNORECASE):
        return f"a distance from UTC knows no clock changes: write a place, such as {_EXAMPLE}"
    meant = _likely(name)
    if not meant:
        return f"write an IANA name such as {_EXAMPLE}"
    return f"did you mean {' or '.join(repr(zone) for zone in meant)}?"


def _likely(name: str) -> list[str]:
    """The zones that are most likely meant; none when that would be a guess in the dark."""
    wanted = "_".join(name.lower().split())
    zones = {zone.lower(): zone for zone in sorted(available_timezones()) if not _refused(zone)}
    word = re.sub(r"_(?:standard_|daylight_)?time$", "", wanted.removeprefix("us_"))
    if word in _USUAL:
        return [_USUAL[word]]
    if wanted in zones:
        return [zones[wanted]]
    places = [zone for lower, zone in zones.items() if lower.rpartition("/")[2] == wanted]
    if places:
        return places
    if len(wanted) < 5:
        return []  # so short a word resembles too many
    import difflib  # only a mistake needs it

    if "/" in wanted:
        return [zones[each] for each in difflib.get_close_matches(wanted, zones, n=1, cutoff=0.8)]
    cities = {lower.rpartition("/")[2]: zone for lower, zone in zones.items()}
    return [cities[each] for each in difflib.get_close_matches(wanted, cities, n=1, cutoff=0.8)]
