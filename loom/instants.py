"""Instants and spans of time, as people write them."""

from datetime import UTC, datetime, timedelta

from loom.errors import UsageError

YEARS = range(1970, 2200)
"""Beyond them no zone is known well enough to say what its clocks show, and arithmetic ends in year 9999."""


def read_instant(text: str) -> datetime:
    """ISO 8601 with an offset, such as 2026-03-08T09:00:00Z. Raises ValueError saying what is wrong."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text[:100]!r} is no ISO 8601 time; write it like 2026-03-08T09:00:00Z "
            "or 2026-03-08T03:00:00-06:00"
        ) from None
    if at.tzinfo is None:
        raise ValueError(
            f"{text!r} has no offset, so it could mean many instants; "
            f"add Z for UTC or an offset: {_with_time(text)}Z or {_with_time(text)}-06:00"
        )
    if at.year not in YEARS:
        raise ValueError(f"{text!r} is too far away; write a year from {YEARS[0]} to {YEARS[-1]}")
    return at.astimezone(UTC)


def _with_time(text: str) -> str:
    """A day alone has no place for an offset."""
    text = text.strip()
    return text if ":" in text or "T" in text else f"{text}T00:00"


def parse_instant(text: str, *, option: str) -> datetime:
    """As `read_instant`, for a command line. Raises UsageError naming `option`."""
    try:
        return read_instant(text)
    except ValueError as error:
        raise UsageError(f"{option} {error}.") from None


def in_words(duration: timedelta) -> str:
    """``10m``, ``1h30m``, ``0.2s``, as the registry writes durations."""
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        return f"{seconds:g}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
