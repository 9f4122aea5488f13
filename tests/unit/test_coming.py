"""What `loom next` lists: each slot under its day, and what a clock change moves or takes never unsaid."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from loom.coming import coming, left_out
from loom.domain.board import Coming
from loom.domain.cron import parse_cron
from loom.domain.pause import Pause
from loom.domain.registry import Registry
from loom.domain.schedule import DstPolicy, Gap, Schedule
from loom.domain.worker import Status, Worker
from loom.report.coming import show_coming
from loom.slots.calendar import instants
from loom.slots.notes import left_out_notes

ZONE = "America/Chicago"
CHICAGO = ZoneInfo(ZONE)
NOON = datetime(2027, 3, 13, 18, tzinfo=UTC)
DAY = timedelta(days=1)


def schedule(cron: str, gap: Gap = Gap.TRANSITION) -> Schedule:
    return Schedule(cron, parse_cron(cron), ZONE, DstPolicy(gap=gap))


def shown(slots: Sequence[Coming], width: int = 100, days: float = 2) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    show_coming(console, slots, CHICAGO, NOON, days=days)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("hour", range(24))
def test_a_time_that_a_clock_change_takes_is_told_of_and_no_other(hour: int) -> None:
    """Who shifts it has a slot more than who skips it, exactly when that is said."""
    cron = f"30 {hour} * * *"
    kept, skipped = schedule(cron, Gap.SHIFT), schedule(cron, Gap.SKIP)
    for start in (NOON, datetime(2027, 11, 6, 17, tzinfo=UTC)):
        told = list(left_out_notes(skipped, start, start + DAY))
        slots = [len(list(instants(each, start, start + DAY))) for each in (kept, skipped)]
        assert slots[0] - slots[1] == len(told)
        assert list(left_out_notes(kept, start, start + DAY)) == []


def test_who_follows_elapsed_time_misses_nothing() -> None:
    assert list(left_out_notes(schedule("*/15 * * * *", Gap.SKIP), NOON, NOON + DAY)) == []


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_slots_stand_under_their_day_and_what_is_special_is_marked(width: int) -> None:
    registry = Registry(
        zone=ZONE,
        workers=(
            Worker("night", schedule("30 2 * * *"), "a:b", agent="Owl"),
            Worker("skipper", schedule("30 2 * * *", Gap.SKIP), "a:b"),
            Worker("noon", schedule("0 12 * * *"), "a:b"),
            Worker("off", schedule("0 12 * * *"), "a:b", status=Status.DISABLED),
        ),
    )
    pauses = {"noon": Pause(worker="noon", by="Ana", at=NOON, until=NOON + 1.5 * DAY, reason="moving")}
    slots = coming(registry, now=NOON, span=2 * DAY, pauses=pauses)
    taken = left_out(registry, now=NOON, span=2 * DAY)
    assert [(each.worker, each.left_out) for each in taken] == [("skipper", True)]
    lines = shown(sorted([*slots, *taken], key=lambda each: (each.slot, each.worker)), width)
    whole = " ".join(" ".join(lines).split())
    sunday, monday = lines.index("Sunday 14 March"), lines.index("Monday 15 March")
    rows = {line[:11]: number for number, line in enumerate(lines)}
    assert (
        sunday
        < rows["! 03:00 CDT"]
        < rows["‖ 12:00 CDT"]
        < monday
        < rows["  02:30 CDT"]
        < rows["  12:00 CDT"]
    )
    assert "! no slot" in whole
    assert "so this slot comes at 03:00 (gap: transition)" in whole
    assert "so no slot comes (gap: skip)" in whole
    assert "paused by Ana: moving" in whole
    assert "5 slots of 3 workers in the next 2 days; ‖ 1 of them will be skipped, paused by hand" in whole
    assert "dst: in the worker's entry decides" in whole
    assert "off" not in whole.split()
    assert max(map(len, lines)) <= width


def test_when_nothing_comes_it_says_for_how_long_it_looked() -> None:
    assert shown([], days=0.5) == [
        "No slot comes in the next 12 h. Look further with --days, or see: loom status"
    ]
