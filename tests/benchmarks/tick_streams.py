"""A year of ticks as they were published to come: each trace's gaps, or its delays, over and over.

The traces are those of `tests/ground/ticks.json`, with their sources: when scheduled runs of public
repositories really started in 2026.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise

from loom.simulation.traces import TraceFile

Streams = Mapping[str, tuple[datetime, ...]]
_PERIODS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


def streams(file: TraceFile, start: datetime, end: datetime) -> Streams:
    """By trace, the ticks (UTC) from `start` to the first one at or after `end`: with it every slot before
    `end` has had its tick.

    A trace of instants begins as long after `start` as its own first tick came after a full hour, and goes on
    by its gaps. A list of delays is of a clock that should strike at midnight UTC, each day or each Sunday,
    as the last word of its name says.
    """
    return {
        **{trace.name: _until(_by_gaps(trace.ticks, start), end) for trace in file.traces},
        **{each.name: _until(_late(each.name, each.late, start), end) for each in file.delays},
    }


def _by_gaps(ticks: tuple[datetime, ...], start: datetime) -> Iterator[datetime]:
    first = ticks[0]
    at = start + (first - first.replace(minute=0, second=0, microsecond=0))
    yield at
    for gap in cycle(after - before for before, after in pairwise(ticks)):
        at += gap
        yield at


def _late(name: str, delays: tuple[timedelta, ...], start: datetime) -> Iterator[datetime]:
    period = _PERIODS[name.split()[-1]]
    strikes = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while period > timedelta(days=1) and strikes.isoweekday() != 7:
        strikes += timedelta(days=1)
    for late in cycle(delays):
        yield strikes + late
        strikes += period


def _until(ticks: Iterator[datetime], end: datetime) -> tuple[datetime, ...]:
    found: list[datetime] = []
    while not found or found[-1] < end:
        found.append(next(ticks))
    return tuple(found)
