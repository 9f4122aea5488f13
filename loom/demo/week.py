"""The script of the week: 5 to 11 March 2026 in Chicago, where the clocks go forward on Sunday the 8th.

An hourly cron is called as GitHub's schedules really call one: six to eight times a day, minutes or hours
late. Once it is silent for most of a day, once it comes twice. What becomes of each tick is in no script: the
runner decides.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from loom.domain.demo import Act, Step

ZONE = "America/Chicago"
MOVED_BY = timedelta(weeks=-14)
"""From the sample company's own day, Monday 15 June, to the Monday of this week."""

PICTURED = frozenset({6, 8, 9, 11})
"""The days of March that tell most."""

TICKS: Mapping[int, str] = MappingProxyType(
    {
        5: "02:38 06:24 09:05 11:47 14:31 17:12 20:35 23:01",
        6: "03:01 06:49 08:24 11:14 14:40 17:36 20:31 22:59",
        7: "03:26 06:12 08:53 11:30 13:14 16:41 16:41:50 20:44",
        8: "00:51 04:12 08:40 12:05 16:33 19:48 22:20",
        9: "04:26 07:15 10:38 13:14 17:02 21:24",
        10: "02:44 06:58 09:40 12:20 16:47 20:10",
        11: "12:31 16:20 19:55 23:05",
    }
)
"""By the day of March, when ticks came (Chicago time)."""

SAID: Mapping[str, str] = MappingProxyType(
    {
        "5 06:24": "An hourly cron. On GitHub most of its calls come late, or not at all.",
        "5 11:47": "Nobody called at 10. Loom asks what came due since it last looked, not which hour it is.",
        "6 06:49": "Loom tells a person, and tries again on the next tick.",
        "6 08:24": "Still down. The same trouble isn't told twice.",
        "6 11:14": "The slot of 06:00 has run after all, and the trouble is over.",
        "7 16:41:50": "The cron fires twice. Each slot has its outcome already, so nothing runs twice.",
        "8 04:12": "No slot is lost to the clock change, and none runs twice.",
        "9 10:38": "Stopped before a byte was sent: workers read HubSpot and never write it.",
        "9 21:24": "It reads, and says what a person should change. The trouble is over.",
        "11 12:31": "16 hours without a call, and nothing failed that could have told you. Loom catches up.",
    }
)
"""What a narrator says of a tick."""
SHOWN: Mapping[str, str] = MappingProxyType({"5 06:24": "relationship-sentinel"})
"""At which tick the first of a worker's findings is shown."""
OTHERWISE: Mapping[str, tuple[Act, str]] = MappingProxyType(
    {
        "6 05:40": (Act.CRM_FAILS, "HubSpot goes down: it answers 503."),
        "6 10:30": (Act.CRM_ANSWERS, "HubSpot is up again."),
        "8 20:00": (
            Act.NEWCOMER,
            "Somebody adds a worker, Tidy, that corrects telephone numbers in HubSpot.",
        ),
        "9 15:30": (Act.MENDED, "Its author takes the writing out."),
    }
)
"""What happens besides."""


def steps() -> tuple[Step, ...]:
    """The whole week, in order of time."""
    return tuple(sorted([*_ticks(), *_other_steps()], key=lambda step: step.at))


def _ticks() -> Iterator[Step]:
    for day, times in TICKS.items():
        for time in times.split():
            name = f"{day} {time}"
            yield Step(at=_instant(name), says=SAID.get(name, ""), shows=SHOWN.get(name, ""))


def _other_steps() -> Iterator[Step]:
    for name, (act, says) in OTHERWISE.items():
        yield Step(at=_instant(name), act=act, says=says)


def _instant(name: str) -> datetime:
    day, _, time = name.partition(" ")
    local = datetime.fromisoformat(f"2026-03-{int(day):02d}T{time}").replace(tzinfo=ZoneInfo(ZONE))
    return local.astimezone(UTC)
