"""Which time a brief covers: from where the last one ended, as its reader's own machine remembers it."""

import json
import os
import stat
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from loom.instants import read_instant
from loom.report.words import ago, one_line, span, when
from loom.values import dataclass

USUAL = timedelta(hours=24)
LONGEST = timedelta(days=14)
"""Further back nobody wants to be briefed without having asked for it."""

_SHORT = timedelta(hours=1)
_KEY = "read_up_to"
_MOST_OPEN = 200
_MOST_BYTES = 50_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """since: UTC. covers: a sentence on why it begins there, or empty: with the last brief.
    moves: whether who has read the brief has read all there is up to its end.
    open: ids of runs that the last brief told of and whose slots were open then: how they end is told now."""

    since: datetime
    covers: str
    moves: bool
    open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastRead:
    """at: up to where was read, UTC, or None; read_at: when. trouble: why that can't be known, or empty.
    open: as in `Stretch`."""

    at: datetime | None
    trouble: str = ""
    read_at: datetime | None = None
    open: tuple[str, ...] = ()


def stretch(
    now: datetime, *, last: LastRead | None, asked: datetime | None, replayed: bool, zone: ZoneInfo
) -> Stretch:
    """The time that a brief at `now` (UTC) covers.

    last: None where nothing is remembered between briefs. asked: ``--since``, UTC; a brief that leaves out
    some of what wasn't read yet doesn't move the mark. replayed: `now` is what ``--at`` says; a later mark is
    sound then, and stays.
    """
    at = last.at if last is not None else None
    ahead = at is not None and at > now
    moves = last is not None and not (ahead and replayed)
    if asked is not None:
        unread = at is not None and not ahead and asked > at
        return Stretch(asked, f"Since {when(asked, zone)}, as asked.", moves and not unread)
    usual = now - USUAL
    if last is None:
        return Stretch(
            usual, "GitHub Actions keeps no mark of the last brief: this one covers the last 24 hours.", moves
        )
    if last.trouble:
        return Stretch(usual, f"{last.trouble}: this brief covers the last 24 hours.", moves)
    if at is None:
        return Stretch(usual, "The first brief here: it covers the last 24 hours.", moves)
    if ahead:
        said = f"The last brief is dated ahead, {when(at, zone)}: this one covers the last 24 hours."
        return Stretch(usual, said, moves)
    if now - at > LONGEST:
        said = (
            f"The last brief was {ago(at, now)}: this one covers the last {LONGEST.days} days; "
            f"for all of it: loom brief --since {-(-(now - at) // timedelta(days=1))}d"
        )
        return Stretch(now - LONGEST, said, moves)
    read_at = last.read_at or at
    if timedelta() <= now - read_at < _SHORT:
        said = (
            f"The last brief was {span((now - read_at).total_seconds())} ago. "
            "The whole day once more: loom brief --since 24h"
        )
        return Stretch(at, said, moves, last.open)
    return Stretch(at, "", moves, last.open)


def last_read(file: Path) -> LastRead:
    """What `file` remembers. Never raises: a brief without it is better than none."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return LastRead(None, f"{file} is no plain file")
        with file.open("rb") as stream:
            form = json.loads(stream.read(_MOST_BYTES).decode("utf-8"))
        read_at, still = form.get("read_at"), form.get("open", [])
        return LastRead(
            read_instant(form[_KEY]),
            read_at=None if read_at is None else read_instant(read_at),
            open=tuple(each for each in still[:_MOST_OPEN] if isinstance(each, str)),
        )
    except FileNotFoundError:
        return LastRead(None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else f"no time under {_KEY!r}"
        return LastRead(None, one_line(f"{file} can't be read ({why})"))


def remember(file: Path, at: datetime, *, read_at: datetime, still_open: Sequence[str]) -> str:
    """Keep that at `read_at` was read up to `at`, but not how the runs `still_open` end. Kept is all of it or
    nothing. Returns why it couldn't be kept, or nothing."""
    form = {
        _KEY: at.astimezone(UTC).isoformat(),
        "read_at": read_at.astimezone(UTC).isoformat(),
        "open": list(still_open[:_MOST_OPEN]),
    }
    new: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
        new = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(form) + "\n")
        new.replace(file)
    except (OSError, RecursionError) as error:  # RecursionError: a thousand folders within each other
        if new is not None:
            new.unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) else "it lies too deep"
        return f"{file} can't be written ({why}), so the next brief covers this time again"
    return ""
