"""Instants and spans of time, as people write them."""

from datetime import UTC, datetime, timedelta

from loom.errors import UsageError


def parse_instant(text: str, *, option: str) -> datetime:
    """ISO 8601 with an offset, such as 2026-03-08T09:00:00Z. Raises UsageError naming `option`."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no ISO 8601 time; write it like 2026-03-08T09:00:00Z "
            "or 2026-03-08T03:00:00-06:00."
        ) from None
    if at.tzinfo is None:
        raise UsageError(
            f"{option} {text!r} has no offset, so it could mean many instants; "
            f"add Z for UTC or an offset: {text.strip()}Z or {text.strip()}-06:00."
        )
    return at.astimezone(UTC)


def in_words(duration: timedelta) -> str:
    """``10m``, ``1h30m``, ``0.2s``, as the registry writes durations."""
    seconds = duration.total_seconds()
    if seconds != int(seconds):
        return f"{seconds:g}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
