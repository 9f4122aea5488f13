"""Every clock change of every zone there is, against a clock on the wall watched minute by minute.

    python -m tests.endurance zones [--from 2020] [--to 2037] [--seed 1] [--generated 60] [--zone NAME]...

The zones and their changes are those of the `tzdata` package, so the figures don't depend on the machine.
Zones that show the same wall clock over the years are compared once, under one of their names. Around each
change (26 hours both ways): a table of crontab lines, some that meet this very change, and `--generated`
more that Hypothesis made; each under all nine policies, as one span and cut in two at a random instant.
"""

import argparse
import importlib.resources
import multiprocessing
import random
import sys
import time
import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loom.slots.calendar import due
from tests.ground.time_matrix import EVERYWHERE, Comparison, around, generated, through
from tests.ground.wall_clock import changes_between

_EDGE = timedelta(days=7)
_WHOLE_MINUTES = 1973


@dataclass(frozen=True)
class Group:
    """Zones that show the same wall clock. changes: in the years asked for, UTC."""

    names: tuple[str, ...]
    changes: tuple[datetime, ...]


@dataclass
class Figures:
    expressions: int = 0
    slots: int = 0
    different: int = 0
    told: list[str] = field(default_factory=list)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance zones")
    parser.add_argument("--from", dest="first", type=int, default=2020, metavar="YEAR")
    parser.add_argument("--to", dest="last", type=int, default=2037, metavar="YEAR")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--generated", type=int, default=60, metavar="N", help="lines per change")
    parser.add_argument("--zone", action="append", metavar="NAME", help="only this one, and its equals")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(argv)
    if given.first < _WHOLE_MINUTES:
        parser.error(f"before {_WHOLE_MINUTES} some wall clocks weren't whole minutes from UTC")
    began, figures = time.monotonic(), Figures()
    names = given.zone or zone_names()
    with multiprocessing.get_context("spawn").Pool(given.jobs, _start) as pool:
        groups = [each for each in pool.apply(grouped, (names, given.first, given.last)) if each.changes]
        changing, changes = sum(len(each.names) for each in groups), sum(len(each.changes) for each in groups)
        print(
            f"{len(names)} zones, {changing} of them with {changes} changes from {given.first} to "
            f"{given.last} on {len(groups)} different wall clocks; seed {given.seed}",
            flush=True,
        )
        tasks = [(group, given.seed, given.generated) for group in groups]
        for number, (group, part) in enumerate(pool.imap_unordered(_compare, tasks), 1):
            figures.expressions += part.expressions
            figures.slots += part.slots
            figures.different += part.different
            figures.told += part.told
            print(
                f"{number}/{len(groups)} {group.names[0]} (of {len(group.names)}): {len(group.changes)} "
                f"changes, {part.expressions} expressions, {part.slots} slots, {part.different} differences",
                flush=True,
            )
    for sentence in figures.told[:50]:
        print(f"different: {sentence}")
    print(
        f"zones {changing} (wall clocks {len(groups)}), transitions {changes}, expressions "
        f"{figures.expressions}, policies 9, slots compared {figures.slots}, differences "
        f"{figures.different}, {time.monotonic() - began:.0f} s"
    )
    return 1 if figures.different or not figures.slots else 0


def zone_names() -> list[str]:
    """Every zone that the tzdata package knows."""
    return importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()


def grouped(names: Sequence[str], first: int, last: int) -> list[Group]:
    """`names` by the wall clock they show from the year `first` to `last`, and a week before and after."""
    start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    same_file: dict[bytes, list[str]] = defaultdict(list)
    for name in names:
        file = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
        same_file[file.read_bytes()].append(name)
    same_clock: dict[tuple[tuple[datetime, ...], tuple[timedelta | None, ...]], list[str]] = defaultdict(list)
    for alike in same_file.values():
        info = ZoneInfo(alike[0])
        changes = changes_between(alike[0], start - _EDGE, end + _EDGE)
        shown = tuple(at.astimezone(info).utcoffset() for at in (start - _EDGE, *changes))
        same_clock[tuple(changes), shown] += alike
    return [
        Group(tuple(sorted(alike)), tuple(at for at in changes if start <= at < end))
        for (changes, _), alike in same_clock.items()
    ]


def _start() -> None:
    """In each process that compares: zones are read from the package alone."""
    zoneinfo.reset_tzpath(to=())


def _compare(task: tuple[Group, int, int]) -> tuple[Group, Figures]:
    group, number, count = task
    zone, comparison = group.names[0], Comparison(due)
    for change in group.changes:
        chance = random.Random(f"{number} {zone} {change}")  # noqa: S311  (repeatable, guards nothing)
        texts = generated(count, chance.getrandbits(32)) if count else []
        through(comparison, zone, change, [*EVERYWHERE, *around(zone, change), *texts], chance)
    figures = Figures(comparison.expressions, comparison.slots, comparison.different, comparison.differences)
    return group, figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
