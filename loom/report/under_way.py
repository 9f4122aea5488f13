"""A run that has no record yet: it is at work, or its process died and no tick has come since."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.text import Text

from loom.domain.slot import Ticket
from loom.report.blocks import commands, heading, indented, log_lines, table
from loom.report.words import ago, count, printable, short_id, when

_SAID_SO_FAR = 20


def show_under_way(
    console: Console, ticket: Ticket, said: str, zone: ZoneInfo, now: datetime, *, here: bool, died: bool
) -> None:
    """said: by now, as far as it can be read here. here: whether it was begun on this machine. died: whether
    its process is gone."""
    run_id = ticket.run_id or ""
    state = ("✗ its process died", "bold red") if died else ("● under way", "bold blue")
    line = Text.assemble(state, "  ", (ticket.worker, "bold cyan"))
    facts = [("run", run_id)]
    if ticket.slot is not None:
        facts.append(("slot", when(ticket.slot, zone)))
    if ticket.started_at is not None:
        facts.append(("began", f"{when(ticket.started_at, zone)} ({ago(ticket.started_at, now)})"))
    facts.append(("claimed by", ticket.claimer or "nobody"))
    if ticket.starts > 1:
        facts.append(("start", f"number {ticket.starts} of this slot"))
    if died:
        facts.append(("recorded", "not yet: the next tick records it as abandoned"))
    parts: list[RenderableType] = [line, indented(table(facts))]
    lines = printable(said).splitlines()
    if lines:
        name = "log until then" if died else "log so far"
        more = (
            f", the last {_SAID_SO_FAR} of {count(len(lines), 'line')}" if len(lines) > _SAID_SO_FAR else ""
        )
        parts += [heading(f"{name}{more}"), indented(log_lines("\n".join(lines[-_SAID_SO_FAR:])))]
    parts += [heading("next"), indented(commands(console, [_next(ticket, here=here, died=died)]))]
    console.print(Group(*parts))


def _next(ticket: Ticket, *, here: bool, died: bool) -> tuple[str, str]:
    if died:
        return "loom run", "do what is due, and record this one as abandoned"
    what = "see more as it comes" if here else "read it once it is recorded; it runs on another machine"
    return f"loom logs {short_id(ticket.run_id or '')} --follow", what
