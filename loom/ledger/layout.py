"""How the state branch is laid out: one file for each day, one for each month that was compacted.

``2026/11/2026-11-21.jsonl`` and ``2026-10.jsonl``. Sorted by their names (without folders) they are in the
order in which they were written, and so are the lines within each.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

_DAY = re.compile(r"(\d{4})/(\d{2})/\1-\2-\d{2}\.jsonl")
_MONTH = re.compile(r"\d{4}-\d{2}\.jsonl")

DAMAGED = "damaged.txt"
"""Where compaction puts the lines that nobody could read."""


def in_order(paths: Iterable[str]) -> list[str]:
    """Those of `paths` that hold entries, oldest first."""
    return sorted(
        (path for path in paths if is_month(path) or _DAY.fullmatch(path)),
        key=lambda path: PurePosixPath(path).stem,
    )


def is_month(path: str) -> bool:
    return _MONTH.fullmatch(path) is not None


def day_file(at: datetime, known: Iterable[str] = ()) -> str:
    """The file to append to at the instant `at`, by the day in UTC.

    known: the files there are. Never one older than the newest of them: runners' clocks differ, and what
    was written later must be read later.
    """
    stem = f"{at.astimezone(UTC):%Y-%m-%d}"
    for path in in_order(known)[-1:]:
        newest = PurePosixPath(path).stem
        stem = max(stem, newest if len(newest) > len("2026-11") else f"{newest}-01")
    return f"{stem[:4]}/{stem[5:7]}/{stem}.jsonl"


def latest_mark(path: str) -> datetime:
    """The latest instant (UTC) to which a mark in this file can have moved: the end of its day or month, and
    a day more for clocks that differ. A mark from the future would keep a worker from running, in silence."""
    year, month, *day = (int(part) for part in PurePosixPath(path).stem.split("-"))
    try:
        if day:
            return datetime(year, month, day[0], tzinfo=UTC) + timedelta(days=2)
        return datetime(year + month // 12, month % 12 + 1, 2, tzinfo=UTC)
    except (ValueError, OverflowError):  # there never was such a day
        return datetime.max.replace(tzinfo=UTC)


def month_file(month: str) -> str:
    """month: such as 2026-11."""
    return f"{month}.jsonl"


def older(paths: Iterable[str], before: datetime) -> list[str]:
    """The files, oldest first, that hold nothing of the day of `before` (UTC) or later."""
    first = f"{before.astimezone(UTC):%Y-%m-%d}"
    return [
        path
        for path in in_order(paths)
        if (PurePosixPath(path).stem < first if not is_month(path) else PurePosixPath(path).stem <= first[:7])
    ]
