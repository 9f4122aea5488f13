"""A run as the page shows it, and what the newest one found."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from loom.cutting import cut
from loom.dashboard.discretion import Discretion
from loom.domain.dashboard import BriefRun
from loom.domain.finding import Found
from loom.domain.run import Run
from loom.report.gist import findings, gist

MOST_METRICS = 40
"""Of one run. More are no measurements but data."""

_LONGEST_CHECKED = 20_000
_LONGEST_NAME = 80


def in_brief(run: Run, discretion: Discretion) -> BriefRun:
    return BriefRun(
        run_id=run.run_id,
        outcome=run.outcome,
        final=run.final,
        waits=None if run.final else run.open_reason,
        trigger=run.trigger,
        slot=run.slot,
        slot_last=run.slot_last,
        count=run.count,
        at=run.started_at or run.tick_at,
        started=run.started_at is not None,
        duration_s=run.duration_s,
        said=discretion.text(cut(gist(run), _LONGEST_CHECKED)),
        metrics=_named(run, discretion),
    )


def found_by(run: Run, discretion: Discretion) -> tuple[Found, ...]:
    """Its findings, worst first."""
    return tuple(
        Found(
            severity=each.severity,
            title=discretion.text(each.title),
            detail=discretion.text(each.detail),
            subject=discretion.text(each.subject),
            url=discretion.text(each.url),
            action=discretion.text(each.action),
        )
        for each in findings(run)
    )


def _named(run: Run, discretion: Discretion) -> Mapping[str, float]:
    """Names are a worker's own words too: it may have counted by people's mail addresses."""
    if run.output is None:
        return {}
    found: dict[str, float] = {"findings": len(findings(run))}
    for name, number in _numbers(run.output):
        if len(found) == MOST_METRICS:
            break
        found.setdefault(cut(discretion.text(name), _LONGEST_NAME), number)
    return found


def _numbers(output: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What a worker counted: the numbers at the top of its output, then its metrics."""
    metrics = output.get("metrics")
    for values in (output, metrics if isinstance(metrics, Mapping) else {}):
        for name, value in values.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and _finite(value):
                yield name, value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a chart
        return False
