"""How long something lasts, as feeds, pages and YouTube write it, in whole seconds."""

import re

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:\.\d{1,6})?")
_SECONDS = re.compile(r"(\d{1,7})(?:\.\d{1,6})?")
_ISO = re.compile(
    r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,7})(?:\.\d{1,6})?S)?)?", re.IGNORECASE
)


def clock_seconds(text: str) -> int | None:
    """The seconds of '1:02:03', '62:03' or '3723'; None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if match:
        return int(match[1] or 0) * 3_600 + int(match[2]) * 60 + int(match[3])
    match = _SECONDS.fullmatch(text.strip())
    return int(match[1]) if match else None


def iso_seconds(text: str) -> int | None:
    """The seconds of an ISO 8601 duration such as 'PT1H2M3S'; None for anything else, months too."""
    match = _ISO.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def clock(seconds: int) -> str:
    """``1:02:03`` or ``2:03``."""
    hours, rest = divmod(seconds, 3_600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
