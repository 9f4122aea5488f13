"""One worker, opened: everything of it that a person may want to know, and the commands to go on with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loom.domain.board import OneWorker
from loom.domain.finding import Found
from loom.domain.recent import last_slots
from loom.domain.schedule import CatchUpPolicy
from loom.domain.slot import Ticket, TicketState
from loom.domain.slot_outcome import SlotOutcome
from loom.domain.worker import Status
from loom.report.columns import Column, Layout, in_columns
from loom.report.gist import SEVERITIES, findings, gist
from loom.report.status.board import HEALTH_SIGNS, last_outcome, pause_in_words
from loom.report.status.recent import sign, streak_in_words
from loom.report.status.states import state_in_words, under_way_in_words
from loom.report.words import about, count, one_line, short_id, when, when_near

_CATCH_UP = {
    CatchUpPolicy.LATEST: "the newest slot runs for those before it",
    CatchUpPolicy.ALL: "every slot runs, the oldest first",
    CatchUpPolicy.NONE: "only slots of the current hour run",
}
_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
_FINDINGS_SHOWN = 6
_INDENT = 2


def show_one_worker(console: Console, seen: OneWorker, zone: ZoneInfo) -> None:
    """zone: the registry's, in which times are shown."""
    console.print(Group(*one_worker_lines(console, seen, zone)), crop=False)


def one_worker_lines(console: Console, seen: OneWorker, zone: ZoneInfo) -> Iterator[RenderableType]:
    """What `show_one_worker` prints, for a console as wide as `console`."""
    row = seen.row
    mark, style = HEALTH_SIGNS[row.health]
    agent = f" ({row.agent})" if row.agent else ""
    health = row.health.value if row.health else "broken"
    yield Text.assemble((row.worker, "bold cyan"), f"{agent}  ", (f"{mark} {health}", style))
    if row.description:
        yield Text(one_line(row.description, 400))
    yield Text()
    yield _facts(seen, zone)
    yield from _section("Last slots, newest first", _slots(console, row.recent, seen.at, zone))
    yield from _section("Open", (_ticket(ticket, seen.at, zone) for ticket in row.owed))
    yield from _section("Next slots", _coming(console, seen, zone))
    yield from _findings(seen, zone)
    yield from _section("Go on with", _commands(seen))


def _facts(seen: OneWorker, zone: ZoneInfo) -> RenderableType:
    row, worker = seen.row, seen.worker
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if row.under_way is not None:
        table.add_row("now", Text(f"it {under_way_in_words(row, seen.at, zone)}"))
    told = state_in_words(row, seen.at, zone)
    if told is not None:
        table.add_row("why", Text(f"it {told[0]}"))
    if pause := pause_in_words(row, seen.at, zone):
        table.add_row("pause", Text(pause))
    if worker.status is Status.DISABLED:
        table.add_row("why", Text("disabled in worker-registry.yaml: it has no slots"))
    table.add_row("schedule", Text(f"{row.schedule}  {worker.schedule.zone}"))
    table.add_row(
        "when late", Text(f"within {_length(seen)} of its slot; {_CATCH_UP[worker.catch_up.policy]}")
    )
    table.add_row("last outcome", last_outcome(row, seen.at, zone))
    if seen.last is not None and (said := gist(seen.last)):
        table.add_row("", Text(one_line(said, 400)))
    success = row.last_success_at
    if success is None:
        table.add_row("last success", Text("never"))
    else:
        table.add_row("last success", Text(f"{when(success, zone, seen.at)}, {about(success, seen.at)}"))
    if row.streak:
        table.add_row("streak", Text(f"{streak_in_words(row.streak)} in a row"))
    return table


def _length(seen: OneWorker) -> str:
    hours = seen.within.total_seconds() / 3600
    return f"{hours / 24:g} d" if hours >= 48 else f"{hours:g} h"


def _section(heading: str, lines: Iterator[RenderableType]) -> Iterator[RenderableType]:
    """Nothing if there is nothing to list."""
    found = list(lines)
    if found:
        yield Text()
        yield Text(heading, "bold")
        yield from (Padding(line, (0, 0, 0, _INDENT), expand=False) for line in found)


def _slots(
    console: Console, recent: Sequence[SlotOutcome], now: datetime, zone: ZoneInfo
) -> Iterator[RenderableType]:
    newest = list(reversed(last_slots(recent)))
    if not newest:
        return
    marks = [sign(each) for each in newest]
    outcome = Column(
        "",
        [
            Text(f"{mark} {each.outcome.value}{'' if each.final else ', still open'}", style)
            for each, (mark, style) in zip(newest, marks, strict=True)
        ],
    )
    at = Column("", [Text(_slot(each, now, zone)) for each in newest])
    at_short = Column("", [Text(_slot(each, now, zone)) for each in newest], least=20)
    wait = Column("", [Text(about(each.last, now), "dim") for each in newest])
    id_ = Column("", [Text(short_id(each.run_id), "dim") for each in newest])
    late = Column("", [Text(_decided(each, zone), "dim") for each in newest])
    layouts = [
        Layout([outcome, at, wait, id_, late]),
        Layout([outcome, at, wait, id_]),
        Layout([outcome, at_short, id_]),
        Layout([outcome, at_short]),
    ]
    yield from in_columns(console, layouts, indent=_INDENT)


def _slot(each: SlotOutcome, now: datetime, zone: ZoneInfo) -> str:
    if each.last == each.first:
        return when(each.first, zone, now)
    return f"{when(each.first, zone, now)} to {when(each.last, zone, now)}, {count(each.count, 'slot')}"


def _decided(each: SlotOutcome, zone: ZoneInfo) -> str:
    return (
        "" if each.on_time or not each.final else f"decided {when_near(each.tick_at, each.last, zone)}, late"
    )


def _ticket(ticket: Ticket, now: datetime, zone: ZoneInfo) -> Text:
    what = "a run by hand" if ticket.slot is None else f"slot of {when(ticket.slot, zone, now)}"
    if ticket.state in (TicketState.CLAIMED, TicketState.STARTED):
        since = f" since {when_near(ticket.started_at, now, zone)}" if ticket.started_at else ""
        return Text(f"{what}: {ticket.state.value}{since}")
    why = ticket.reason.value if ticket.reason else ticket.state.value
    text = Text.assemble(f"{what}: ", (why, "yellow"))
    if ticket.detail:
        text.append(f", {one_line(ticket.detail)}")
    if ticket.not_before is not None and ticket.not_before > now:
        text.append(f"; not before {when_near(ticket.not_before, now, zone)}")
    return text


def _coming(console: Console, seen: OneWorker, zone: ZoneInfo) -> Iterator[RenderableType]:
    if not seen.coming:
        return
    at = Column("", [Text(when(each.slot, zone, seen.at)) for each in seen.coming])
    wait = Column("", [Text(about(each.slot, seen.at), "dim") for each in seen.coming])
    note = Column("", [Text(one_line(each.note), "yellow") for each in seen.coming])
    below = [Text(one_line(each.note), "yellow") if each.note else None for each in seen.coming]
    yield from in_columns(
        console, [Layout([at, wait, note]), Layout([at, wait], below, lines_below=4)], indent=_INDENT
    )


def _findings(seen: OneWorker, zone: ZoneInfo) -> Iterator[RenderableType]:
    if seen.good is None:
        return
    found = findings(seen.good)
    numbers = Counter(each.severity for each in found)
    counted = ", ".join(f"{numbers[each]} {each}" for each in SEVERITIES if numbers[each]) or "none"
    at = when_near(seen.good.finished_at or seen.good.tick_at, seen.at, zone)
    yield from _section(f"Findings of its last good run ({at}): {counted}", _found(found, seen.good.run_id))


def _found(found: Sequence[Found], run_id: str) -> Iterator[RenderableType]:
    for each in found[:_FINDINGS_SHOWN]:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, width=8)
        table.add_column(overflow="fold")
        line = Text(one_line(f"{each.subject}: {each.title}" if each.subject else each.title, 200))
        if each.action:
            line.append(f" → {one_line(each.action, 200)}", "dim")
        table.add_row(Text(each.severity, _SEVERITY_STYLES[each.severity]), line)
        yield table
    if len(found) > _FINDINGS_SHOWN:
        more = count(len(found) - _FINDINGS_SHOWN, "more", "more")
        yield Text(f"and {more}: loom show {short_id(run_id)}", "dim")


def _commands(seen: OneWorker) -> Iterator[RenderableType]:
    name = seen.row.worker
    commands = [f"loom why {name}", f"loom history --worker {name}"]
    if seen.row.last_run_id is not None:
        commands.append(f"loom show {short_id(seen.row.last_run_id)}")
    commands.append(f"loom resume {name}" if seen.row.pause is not None else f"loom run --worker {name}")
    yield from (Text(command, "cyan") for command in commands)
