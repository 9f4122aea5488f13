"""Why a worker ran or didn't, for a person: the answer first, then the slots, then what was weighed."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loom.domain.reasons import Fact, Reasons, SlotFate
from loom.report.as_json import time_in
from loom.report.columns import Column, Layout, show_columns
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import one_line, short_id, span, when, when_in_short

_LONGEST = 1_000
_LINES_BELOW = 4
_LATE = timedelta(minutes=1)


def show_reasons(console: Console, reasons: Reasons) -> None:
    """The verdict; the slots considered; each fact under its topic, those with a part in it set off."""
    zone = ZoneInfo(reasons.zone)
    _show_heading(console, reasons)
    console.print(Text(one_line(reasons.verdict, _LONGEST), "bold"))
    if reasons.slots:
        console.print()
        # Of a single slot that was asked about, the verdict has said it all.
        _show_slots(console, reasons.slots, zone, reasons.at is None or len(reasons.slots) > 1)
    console.print()
    console.print(Group(*_fact_lines(reasons.facts)))


def _show_heading(console: Console, reasons: Reasons) -> None:
    heading = Text.assemble((reasons.worker, "bold cyan"))
    if reasons.agent:
        heading.append(f" ({reasons.agent})")
    if heading.cell_len + 2 + len(reasons.schedule) > console.width:
        # Cron text that is broken over two lines can't be read.
        console.print(heading)
        console.print(Text(reasons.schedule, "dim"))
        return
    if reasons.schedule:
        heading.append(f"  {reasons.schedule}", "dim")
    console.print(heading)


def _show_slots(console: Console, slots: Sequence[SlotFate], zone: ZoneInfo, reasoned: bool) -> None:
    whens = Column("slot", [_slot(each, zone) for each in slots])
    short = Column("slot", [_slot(each, zone, short=True) for each in slots])
    outcome = Column("outcome", [_outcome(each) for each in slots])
    late = Column("late", [Text(_late(each), "dim") for each in slots], right=True)
    ids = Column("run", [Text(short_id(each.run_id) if each.run_id else "–", "dim") for each in slots])
    below = [_why(each) if reasoned else None for each in slots]
    show_columns(
        console,
        [
            Layout([whens, outcome, late, ids], below, lines_below=_LINES_BELOW),
            Layout([short, outcome, ids], below, lines_below=_LINES_BELOW),
        ],
    )


def _slot(each: SlotFate, zone: ZoneInfo, *, short: bool = False) -> Text:
    at = when_in_short(each.slot, zone).strip() if short else when(each.slot, zone)
    return Text(f"{at} and {each.count - 1:,} more" if each.count > 1 else at)


def _why(each: SlotFate) -> Text | None:
    said = "; ".join(filter(None, (each.late_because, each.reason)))
    return Text(one_line(said, _LONGEST)) if said else None


def _late(each: SlotFate) -> str:
    # A person runs a slot when it suits them; and a tick needs a moment to begin.
    if each.late is None or each.by_hand or each.late < _LATE:
        return "–"
    return span(each.late.total_seconds())


def _outcome(each: SlotFate) -> Text:
    if each.outcome is None:
        return Text("– no record", "dim") if each.final else Text("○ none yet", "yellow")
    sign, style = OUTCOME_SIGNS[each.outcome]
    return Text(f"{sign} {each.outcome.value}{'' if each.final else ' (open)'}", style)


def _fact_lines(facts: Sequence[Fact]) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before = None
    for fact in facts:
        topic = "" if fact.topic == before else fact.topic.value
        before = fact.topic
        table.add_row(
            Text(topic, "bold" if fact.matters else "dim"),
            Text(one_line(fact.says, _LONGEST), "default" if fact.matters else "dim"),
        )
        if fact.do:
            table.add_row("", Text(f"→ {fact.do}", "cyan"))
    yield Padding(table, 0, expand=False)


def as_json(reasons: Reasons) -> dict[str, Any]:
    """The JSON contract of `loom why`. Times are RFC 3339 with offset, in the worker's zone."""
    zone = ZoneInfo(reasons.zone)
    return {
        "worker": reasons.worker,
        "agent": reasons.agent,
        "schedule": reasons.schedule or None,
        "timezone": reasons.zone,
        "now": time_in(reasons.now, zone),
        "at": time_in(reasons.at, zone),
        "verdict": reasons.verdict,
        "facts": [
            {"topic": fact.topic.value, "says": fact.says, "do": fact.do or None, "matters": fact.matters}
            for fact in reasons.facts
        ],
        "slots": [
            {
                "slot": time_in(each.slot, zone),
                "slot_last": time_in(each.last, zone),
                "count": each.count,
                "outcome": each.outcome.value if each.outcome is not None else None,
                "final": each.final,
                "reason": each.reason or None,
                "run_id": each.run_id,
                "tick_at": time_in(each.tick_at, zone),
                "late_s": each.late.total_seconds() if each.late is not None else None,
                "late_because": each.late_because or None,
                "note": each.note or None,
            }
            for each in reasons.slots
        ],
        "next": {
            "slot": time_in(reasons.next.slot, zone),
            "note": reasons.next.note or None,
            "would": [
                {
                    "action": each.action,
                    "slot": time_in(each.slot, zone),
                    "count": each.count,
                    "reason": each.reason or None,
                }
                for each in reasons.next.would
            ],
        },
        "exit_code": 0,
    }
