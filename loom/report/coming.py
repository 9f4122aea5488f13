"""The slots to come, under a heading for each day; those that a clock change moves or repeats are marked."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.text import Text

from loom.domain.board import Coming
from loom.report.columns import Column, Layout, in_rows
from loom.report.words import about, count, one_line

_NONE = "–"
_LINES_BELOW = 5
_POLICIES = (
    "! falls in a clock change; dst: in the worker's entry decides. gap: transition (as the change "
    "ends), shift (as much later) or skip; fold: first, second or both."
)


def show_coming(
    console: Console, slots: Sequence[Coming], zone: ZoneInfo, now: datetime, *, days: float = 1
) -> None:
    """slots: those of the next `days`, soonest first, and what a clock change leaves out."""
    console.print(Group(*_all_lines(console, slots, zone, now, days)), crop=False)


def _all_lines(
    console: Console, slots: Sequence[Coming], zone: ZoneInfo, now: datetime, days: float
) -> Iterator[RenderableType]:
    if not slots:
        yield Text(f"No slot comes {_span(days)}. Look further with --days, or see: loom status")
        return
    rows = in_rows(console, _layouts(slots, zone, now))
    for number, (day, its) in enumerate(groupby(slots, lambda each: each.slot.astimezone(zone).date())):
        if number:
            yield Text()
        yield Text(f"{day:%A %-d %B}{f' {day:%Y}' if day.year != now.astimezone(zone).year else ''}", "bold")
        for _ in its:
            yield from next(rows)
    yield Text()
    yield Text(_summary(slots, days), "dim")
    if any(each.note and not each.paused for each in slots):
        yield Text(_POLICIES, "dim")


def _layouts(slots: Sequence[Coming], zone: ZoneInfo, now: datetime) -> list[Layout]:
    at = Column("", [_at(each, zone) for each in slots])
    wait = Column("", [Text("" if each.left_out else about(each.slot, now), "dim") for each in slots])
    notes = [Text(one_line(each.note), "dim" if each.paused else "yellow") for each in slots]
    note = Column("", notes)
    below = [text or None for text in notes]

    def worker(least: int) -> Column:
        return Column("", [Text(each.worker) for each in slots], least=least, middle=True)

    def agent(least: int) -> Column:
        return Column("", [Text(each.agent or _NONE, "dim") for each in slots], least=least)

    layouts = [
        Layout([at, wait, worker(24), agent(12)], below, lines_below=_LINES_BELOW),
        Layout([at, wait, worker(16)], below, lines_below=_LINES_BELOW),
        Layout([at, worker(8)], below, lines_below=_LINES_BELOW),
    ]
    if any(each.note for each in slots):
        layouts.insert(0, Layout([at, wait, worker(24), agent(12), note]))
    return layouts


def _at(each: Coming, zone: ZoneInfo) -> Text:
    if each.left_out:
        return Text("! no slot", "bold yellow")
    mark = ("‖", "dim") if each.paused else ("!", "bold yellow") if each.note else (" ", "")
    return Text.assemble(mark, f" {each.slot.astimezone(zone):%H:%M %Z}")


def _summary(slots: Sequence[Coming], days: float) -> str:
    slots = [each for each in slots if not each.left_out]
    workers = count(len({each.worker for each in slots}), "worker")
    paused = sum(each.paused for each in slots)
    text = f"{count(len(slots), 'slot')} of {workers} {_span(days)}"
    return f"{text}; ‖ {paused:,} of them will be skipped, paused by hand" if paused else text


def _span(days: float) -> str:
    hours = days * 24
    if hours < 48:
        return f"in the next {hours:g} h" if hours != 1 else "in the next hour"
    return f"in the next {days:g} days"
