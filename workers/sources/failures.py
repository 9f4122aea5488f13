"""Workers that fail the same way again: the same worker, the same kind of error, a message of the same shape.

A message's shape is the message without what changes from one time to the next: what stands in quotes,
numbers, ids and times.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from loom.worker import PastRun

BAD = frozenset({"failed", "invalid", "timed_out", "blocked", "abandoned"})
_CHANGING = re.compile(
    r"""'[^']*' | "[^"]*" | `[^`]*`                   # quoted
    | \b(?=[0-9a-f-]*\d)[0-9a-f]{8}[0-9a-f-]*\b       # a hash or a UUID
    | \d[\d.,:TZ+-]*                                  # a number, a date, a time
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHAPE = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """message: of the last time. count: of occasions; one slot that was tried again counts once. recovered:
    whether the worker has succeeded since."""

    worker: str
    outcome: str
    kind: str
    message: str
    count: int
    first: datetime
    last: datetime
    recovered: bool


def repeated_failures(runs: Iterable[PastRun], *, at_least: int) -> list[Failure]:
    """Those that came at least so many times, the commonest first. runs: in any order."""
    alike: dict[tuple[str, str, str], list[PastRun]] = defaultdict(list)
    succeeded: dict[str, datetime] = {}
    for run in runs:
        if run.outcome in BAD:
            message = run.error_message or ""
            alike[run.worker, run.error_kind or run.outcome, shape(message)].append(run)
        elif run.outcome == "succeeded":
            succeeded[run.worker] = max(run.tick_at, succeeded.get(run.worker, run.tick_at))
    failures = [
        _failure(worker, kind, bad, succeeded.get(worker)) for (worker, kind, _), bad in alike.items()
    ]
    often = [failure for failure in failures if failure.count >= at_least]
    return sorted(often, key=lambda failure: (-failure.count, failure.worker, failure.kind, failure.message))


def _failure(worker: str, kind: str, bad: list[PastRun], succeeded: datetime | None) -> Failure:
    first, last = (choose(bad, key=lambda run: run.tick_at) for choose in (min, max))
    return Failure(
        worker=worker,
        outcome=last.outcome,
        kind=kind,
        message=last.error_message or "",
        count=len({run.slot or run.tick_at for run in bad}),
        first=first.tick_at,
        last=last.tick_at,
        recovered=succeeded is not None and succeeded > last.tick_at,
    )


def shape(message: str) -> str:
    """The message with '#' for each part that changes from one time to the next; at most 200 characters."""
    return " ".join(_CHANGING.sub("#", message[:2_000]).split())[:_SHAPE]
