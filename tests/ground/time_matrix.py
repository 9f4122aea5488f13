"""Loom's calendar against a watched wall clock, through one clock change after another."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from loom.domain.cron import parse_cron
from loom.domain.schedule import DstPolicy, Fold, Gap, Schedule
from loom.domain.worker import Worker
from tests.ground.wall_clock import MINUTE, WatchedClock

Due = Callable[[Worker, datetime, datetime], Sequence[datetime]]
"""What is tried: the instants of a worker that came due in (mark, now]."""

AROUND = timedelta(hours=26)
MARGIN = timedelta(hours=27)
_INSTANT = timedelta(microseconds=1)
POLICIES = tuple(DstPolicy(gap, fold) for gap, fold in product(Gap, Fold))

# What doesn't depend on where the change lies: by elapsed time, every so often, by name, by rare days.
EVERYWHERE = (
    "* * * * *",
    "*/15 * * * *",
    "7-59/13 * * * *",
    "0 * * * *",
    "30 */2 * * *",
    "*/20 1-4 * * *",
    "*,30 2 * * *",
    "0-59 0-23 * * *",
    "0-59/30 0-23/2 * * mon-fri",
    "15,45 0,1,2,3,23 * * *",
    "0 0 * * *",
    "59 23 * * *",
    "0 0 1,15 * sun",
    "30 2 * * 7",
    "0 3 */2 * mon",
    "5 0 1-7 * *",
    "0 12 29 2 *",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
)


@dataclass
class Comparison:
    """slots: how many Loom named. differences: what was found, in words, at most `most` of them."""

    due: Due
    expressions: int = 0
    slots: int = 0
    different: int = 0
    differences: list[str] = field(default_factory=list)
    most: int = 20

    def compare(self, clock: WatchedClock, text: str, policies: Iterable[DstPolicy], cut: datetime) -> None:
        """Hold the slots of `text` on the clock under each policy against Loom's, in one span and in two."""
        self.expressions += 1
        sightings, fields = clock.watch_for(text), parse_cron(text)
        for dst in policies:
            worker = Worker("w", Schedule(text, fields, clock.zone, dst), "workers.w:run")
            start, end = clock.start - _INSTANT, clock.end
            found = list(self.due(worker, start, end))
            self.slots += len(found)
            if found != (seen := sightings.slots(dst.gap.value, dst.fold.value)):
                self._note(worker, "the wall clock says otherwise", found, seen)
            parts = [*self.due(worker, start, cut), *self.due(worker, cut, end)]
            if found != parts:
                self._note(worker, f"cut at {cut.isoformat()} it says otherwise", found, parts)

    def _note(self, worker: Worker, what: str, found: Sequence[datetime], other: Sequence[datetime]) -> None:
        self.different += 1
        if len(self.differences) < self.most:
            only, missing = sorted(set(found) - set(other)), sorted(set(other) - set(found))
            schedule = worker.schedule
            self.differences.append(
                f"{schedule.zone} {schedule.cron!r} gap {schedule.dst.gap.value} fold "
                f"{schedule.dst.fold.value}: {what}; Loom alone has {_some(only)}, lacks {_some(missing)}"
            )


def _some(instants: Sequence[datetime]) -> str:
    shown = ", ".join(f"{at:%Y-%m-%dT%H:%M:%S}Z" for at in instants[:3])
    return f"{shown or 'none'}{' ...' if len(instants) > 3 else ''}"


def through(
    comparison: Comparison, zone: str, change: datetime, texts: Iterable[str], random: random.Random
) -> None:
    """Compare through one change, each text under every policy and cut at an instant of its own."""
    clock = WatchedClock(zone, change - AROUND, change + AROUND, MARGIN)
    for text in texts:
        cut = change + timedelta(seconds=random.choice([0, random.uniform(-93_600, 93_600)]))
        comparison.compare(clock, text, POLICIES, random.choice([cut, cut - _INSTANT]))


def around(zone: str, change: datetime) -> Iterator[str]:
    """Crontab lines that meet the change: within what it leaves out or repeats, at the edges of it, beside
    it, and by day of month and weekday on the days that it touches."""
    info = ZoneInfo(zone)
    before = (change - MINUTE).astimezone(info).replace(tzinfo=None) + MINUTE
    after = change.astimezone(info).replace(tzinfo=None)
    early, late = min(before, after), max(before, after)
    middle = early + (late - early) // MINUTE // 2 * MINUTE
    edges = [early - MINUTE, early, early + MINUTE, middle, late - MINUTE, late, late + (late - early)]
    for edge in dict.fromkeys(edges):
        yield f"{edge.minute} {edge.hour} * * *"
    minutes = sorted({edge.minute for edge in edges})
    hours = sorted({edge.hour for edge in edges})
    listed = ",".join(map(str, minutes)), ",".join(map(str, hours))
    yield f"{listed[0]} {listed[1]} * * *"
    yield f"{listed[0]} {hours[0]}-{hours[-1]} * * *"
    yield f"0-59/7 {listed[1]} * * *"
    yield f"* {early.hour} * * *"
    yield f"{middle.minute} * * * *"
    for day in dict.fromkeys([early.date(), late.date()]):
        weekday = day.isoweekday() % 7
        yield f"{middle.minute} {middle.hour} {day.day} {day.month} *"
        yield f"{middle.minute} {middle.hour} * * {weekday}"
        yield f"{middle.minute} {middle.hour} {day.day % 28 + 1} * {weekday}"
        yield f"{early.minute} {early.hour} {day.day} {day:%b} {day:%a}"
        yield f"0 0 {day.day} * *"


def _field(low: int, high: int, near: list[int]) -> st.SearchStrategy[str]:
    number = st.sampled_from(near) | st.integers(low, high)
    pair = st.tuples(number, number).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.integers(1, max(2, (high - low) // 2))
    item = number.map(str) | pair | st.builds("{}/{}".format, pair, step) | st.builds("*/{}".format, step)
    return st.just("*") | item | st.lists(item, min_size=2, max_size=4).map(",".join)


expressions = st.builds(
    "{} {} {} {} {}".format,
    _field(0, 59, [0, 15, 29, 30, 31, 45, 59]),
    _field(0, 23, [0, 1, 2, 3, 4, 22, 23]),
    st.just("*") | _field(1, 28, [1, 2, 15]),
    st.just("*") | _field(1, 12, [2, 3, 4, 9, 10, 11]),
    st.just("*") | _field(0, 7, [0, 6, 7]),
)


def generated(count: int, number: int) -> list[str]:
    """About `count` crontab lines of Hypothesis's making, none twice; the same for the same number."""
    found: dict[str, None] = {}

    @seed(number)
    @settings(max_examples=count, database=None, phases=[Phase.generate], deadline=None)
    @given(expressions)
    def gather(text: str) -> None:
        found[text] = None

    gather()
    return list(found)
