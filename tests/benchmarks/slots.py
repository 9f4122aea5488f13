"""Which slots came due, and how long it takes to say so: Loom's calendar beside three cron engines.

A wrong answer scores nothing, so every contender's list of every expression is judged first, by a clock
on the wall watched minute by minute under Debian cron's rules (`tests.ground.wall_clock`), which is as
independent of Loom as of the others.
"""

import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.benchmarks.expressions import expressions
from tests.benchmarks.peers import Environment, PeerUnavailable
from tests.benchmarks.result import Goal, Result, Timed, times
from tests.benchmarks.room import Room
from tests.ground.wall_clock import MINUTE, WatchedClock

ZONE = "America/Chicago"
_PROGRAM = "due_slots.py"
_LOOM = "loom"
NAMES: Mapping[str, str] = {
    _LOOM: "Loom",
    "croniter": "croniter 7.0.0",
    "cronsim": "cronsim 2.8",
    "apscheduler": "APScheduler 3.11.3",
}
_MARGIN = timedelta(hours=27)
_TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Span:
    """start, end: the first moments of two days on the zone's clock; half-open. every: time is taken of each
    so manieth expression only (all are judged)."""

    name: str
    start: datetime
    end: datetime
    every: int = 1

    def asked(self, expressions: int) -> dict[str, Any]:
        return {
            "start": self.start.timestamp(),
            "end": self.end.timestamp(),
            "asked": list(range(0, expressions, self.every)),
        }


def _midnight(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


SPANS = (
    Span("1 day", _midnight("2026-06-01"), _midnight("2026-06-02")),
    Span("30 days", _midnight("2026-06-01"), _midnight("2026-07-01"), every=5),
    Span("1 year", _midnight("2026-01-01"), _midnight("2027-01-01"), every=20),
)


def right_lists(texts: Sequence[str], span: Span) -> list[str]:
    """The digest of each expression's slots in `span`, by a watched wall clock: what a contender must say."""
    start, end = span.start.astimezone(UTC), span.end.astimezone(UTC) - MINUTE
    clock = WatchedClock(ZONE, start, end, _MARGIN)
    lists = (clock.watch_for(text).slots("transition", "first") for text in texts)
    return [
        hashlib.sha256(",".join(str(at.timestamp()) for at in slots).encode()).hexdigest() for slots in lists
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """A contender over one span. rounds: for each round the seconds of each expression that was timed, and
    `loom` the same of Loom. wrong: which of the `judged` expressions it has wrong. timed: which were."""

    name: str
    span: str
    timed: Sequence[int]
    judged: int
    wrong: frozenset[int]
    rounds: Sequence[Sequence[float]]
    loom: Sequence[Sequence[float]]

    @classmethod
    def of(
        cls,
        name: str,
        span: Span,
        right: Sequence[str],
        judged: Mapping[str, Any],
        took: Sequence[Mapping[str, Any]],
        loom: Sequence[Mapping[str, Any]],
    ) -> "Standing":
        """right: what its lists should be. judged, took, loom: what the program said of lists and seconds."""
        lists = judged["spans"][span.name]
        return cls(
            name=name,
            span=span.name,
            timed=span.asked(len(right))["asked"],
            judged=len(right),
            wrong=frozenset(
                n for n, (one, other) in enumerate(zip(lists, right, strict=True)) if one != other
            ),
            rounds=[told["spans"][span.name] for told in took],
            loom=[told["spans"][span.name] for told in loom],
        )

    def _seconds(self, rounds: Sequence[Sequence[float]], *, right: bool) -> Timed:
        kept = [place for place, number in enumerate(self.timed) if not (right and number in self.wrong)]
        return Timed(tuple(sum(seconds[place] for place in kept) for seconds in rounds))

    def _compared(self, *, right: bool) -> tuple[Timed, float]:
        mine, looms = (self._seconds(rounds, right=right) for rounds in (self.rounds, self.loom))
        return mine, mine.median / looms.median if looms.median else math.inf

    @property
    def whole(self) -> tuple[Timed, float]:
        """Its time, and how many times Loom's it is."""
        return self._compared(right=False)

    @property
    def where_right(self) -> tuple[Timed, float]:
        """The same, of those expressions only that it has right; infinite where it has none."""
        return self._compared(right=True)

    def row(self) -> tuple[str, ...]:
        time, ratio = self.whole
        cells = (
            NAMES[self.name],
            self.span,
            str(time),
            times(ratio),
            f"{len(self.wrong):,} of {self.judged:,}",
        )
        if not self.wrong:
            return (*cells, "all of it", times(ratio))
        right, ratio = self.where_right
        return (*cells, str(right), times(ratio))

    def as_json(self) -> dict[str, Any]:
        return {
            "contender": self.name,
            "span": self.span,
            "wrong": sorted(self.wrong),
            "seconds": self._seconds(self.rounds, right=False).seconds,
            "where_right_s": self._seconds(self.rounds, right=True).seconds,
            "loom_there_s": self._seconds(self.loom, right=True).seconds,
        }


def due_slots(room: Room) -> Result:
    """1,000 expressions in America/Chicago over a day, thirty days and the year 2026; parsing by itself."""
    texts = expressions()
    environments, troubles = {_LOOM: Environment(Path(sys.prefix))}, []
    for name in NAMES:
        if name != _LOOM:
            try:
                environments[name] = room.peers.environment(name)
            except PeerUnavailable as trouble:
                troubles.append(f"{NAMES[name]}: not measured: {trouble}")
    names = [name for name in NAMES if name in environments]

    def ask(contender: str, file: Path, wanted: str) -> dict[str, Any]:
        return environments[contender].ask(_PROGRAM, contender, str(file), wanted, timeout_s=_TIMEOUT_S)

    judged = _question(room.folder / "judged.json", texts, [replace(span, every=1) for span in SPANS])
    with ThreadPoolExecutor(2) as pool:
        lists = dict(zip(names, pool.map(lambda name: ask(name, judged, "lists"), names), strict=True))
    timed = _question(room.folder / "timed.json", texts, SPANS)
    took: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(room.rounds):  # their environments are warm: the lists were asked for
        for name in names:
            took[name].append(ask(name, timed, "seconds"))
    right = {span.name: right_lists(texts, span) for span in SPANS}
    return result_of(
        [
            Standing.of(name, span, right[span.name], lists[name], took[name], took[_LOOM])
            for span in SPANS
            for name in names
        ],
        {name: Timed(tuple(sum(told["parsing"]) for told in took[name])) for name in names},
        troubles,
    )


def result_of(
    standings: Sequence[Standing], parsing: Mapping[str, Timed], troubles: Sequence[str] = ()
) -> Result:
    """The table of all contenders over all spans, Loom first in each."""
    rows = [
        (NAMES[name], "parsing", str(timed), times(timed.median / parsing[_LOOM].median), "", "", "")
        for name, timed in parsing.items()
    ]
    goals = [
        _goal(span, [each for each in standings if each.span == span])
        for span in dict.fromkeys(each.span for each in standings)
    ]
    return Result(
        title="the due slots of 1,000 expressions in America/Chicago, 2026",
        columns=("", "what", "time", "to Loom's", "wrong", "where it is right", "to Loom's there"),
        rows=(*rows, *(each.row() for each in standings)),
        goals=tuple(goals),
        notes=(
            "1 day and 30 days begin on 1 June and meet no clock change; the year has both. All lists of all "
            f"1,000 were judged; timed, Loom too, was {', '.join(_of_which(span) for span in SPANS)}.",
            "Judged by watching a wall clock minute by minute under Debian cron's rules: a list with a slot "
            "that is wrong, missing or doubled is wrong; so is an expression that isn't taken.",
            f"APScheduler takes weekday 0 for Monday, as its manual warns: {_weekday_numbers()} of the "
            "1,000 name weekdays by number. It wants both day fields to match where cron takes either.",
            "Processor time. Each gives datetimes, in a process of its own; croniter, with "
            "implement_cron_bug=True, and cronsim parse anew for each span, and that is left out.",
            *troubles,
        ),
        raw={
            "parsing_s": {name: timed.seconds for name, timed in parsing.items()},
            "spans": [each.as_json() for each in standings],
        },
    )


def _goal(span: str, standings: Sequence[Standing]) -> Goal:
    """Loom has all right, and is faster than each other on what that one has right."""
    loom, *others = standings
    nearest = min(others, key=lambda each: each.where_right[1])
    return Goal(
        f"{span}: Loom has {len(loom.wrong)} wrong, and where it is right {NAMES[nearest.name]} takes "
        f"{times(nearest.where_right[1])} times as long (none wrong, nobody faster)",
        not loom.wrong and nearest.where_right[1] > 1,
    )


def _weekday_numbers() -> int:
    return sum(any(map(str.isdigit, text.split()[4])) for text in expressions())


def _of_which(span: Span) -> str:
    return f"{span.name}: all" if span.every == 1 else f"{span.name}: every {span.every}th"


def _question(file: Path, texts: Sequence[str], spans: Sequence[Span]) -> Path:
    asked = {span.name: span.asked(len(texts)) for span in spans}
    file.write_text(json.dumps({"zone": ZONE, "expressions": texts, "spans": asked}), encoding="utf-8")
    return file
