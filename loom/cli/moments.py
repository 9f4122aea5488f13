"""Moments as a person writes them on the command line: ``7d``, ``2026-11-20``, ``2026-11-20T06:00:00Z``."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from loom.errors import UsageError
from loom.instants import YEARS, parse_instant

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def moment(text: str, *, option: str, now: datetime, zone: ZoneInfo, ahead: bool = False) -> datetime:
    """The instant (UTC) that `text` means: so long before `now` (after it, if `ahead`), the start of a day in
    `zone`, or an ISO 8601 time with an offset. Raises UsageError naming `option`."""
    if _DAY.fullmatch(text.strip()):
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise UsageError(f"{option} {text!r}: there is no such day in the calendar.") from None
        if day.year not in YEARS:
            raise UsageError(
                f"{option} {text!r} is too far away; write a year from {YEARS[0]} to {YEARS[-1]}."
            )
        return datetime.combine(day, time(), zone).astimezone(UTC)
    from loom.registry.mistakes import Mistakes
    from loom.registry.nodes import Scalar
    from loom.registry.terms import Duration

    try:
        length = Duration().read(Scalar(text, text, 0))
        found = now + length if ahead else now - length
        if found.year in YEARS:
            return found
        raise OverflowError
    except OverflowError:
        raise UsageError(f"{option} {text!r} is too far away for a calendar.") from None
    except Mistakes:
        pass
    if not re.match(r"\s*\d{4}-", text):
        how = "how long from now" if ahead else "how long ago"
        raise UsageError(
            f"{option} {text[:100]!r} is no time: write {how}, such as 90m, 36h or 7d, a day such as "
            "2026-11-20, or an instant such as 2026-11-20T06:00:00Z."
        )
    return parse_instant(text, option=option)
