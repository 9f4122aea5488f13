"""The review day that a document's front matter sets.

Keys, each optional::

    ---
    review_by: 2026-01-31        # review it by this day; or
    last_reviewed: 2026-01-31    # it was reviewed then, and
    review_every: 90d            # is again after so many days (d), weeks (w) or years (y)
    ---
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workers.sources.markdown import Entry, Mistake

_KEYS = ("review_by", "last_reviewed", "review_every")
_EVERY = re.compile(r"(\d{1,4}) ?([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}


@dataclass(frozen=True, slots=True)
class Review:
    """due: the day it must be reviewed by. line: where that is written. wanted: whether any of the keys is
    there, readable or not."""

    due: date | None = None
    line: int = 1
    wanted: bool = False
    mistakes: tuple[Mistake, ...] = ()


def read_review(
    front_matter: Mapping[str, Entry], *, changed: date | None, today: date, every: timedelta
) -> Review:
    """What the front matter says of reviews.

    changed: the day of the last commit, from which `review_every` counts without a `last_reviewed`.
    every: the interval for a `last_reviewed` without a `review_every`.
    """
    mistakes: list[Mistake] = []

    def refuse(key: str, expected: str) -> None:
        entry = front_matter[key]
        found = "nothing" if not entry.value else repr(entry.value[:60])
        mistakes.append(Mistake(f"`{key}` has {found}; expected {expected}", entry.line))

    days: dict[str, date] = {}
    for key in ("review_by", "last_reviewed"):
        if key in front_matter:
            try:
                days[key] = datetime.fromisoformat((front_matter[key].value or "").strip()).date()
            except ValueError:
                refuse(key, "a day such as 2026-01-31")
    start = days.get("last_reviewed")
    if start and start > today:
        start = None
        refuse("last_reviewed", "a day that has been")
    if "review_every" in front_matter:
        match = _EVERY.fullmatch((front_matter["review_every"].value or "").strip())
        if match and int(match[1]):
            every = timedelta(days=int(match[1]) * _DAYS[match[2]])
            start = start or ("last_reviewed" not in front_matter and changed) or None
        else:
            refuse("review_every", "a time such as 90d, 12w or 1y")
    set_by = next((key for key in _KEYS if key in front_matter), None)
    due = days.get("review_by")
    if due is None and start:
        try:
            due = start + every
        except OverflowError:
            refuse(
                "review_every" if "review_every" in front_matter else "last_reviewed", "a day before 10000"
            )
    return Review(due, front_matter[set_by].line if set_by else 1, set_by is not None, tuple(mistakes))
