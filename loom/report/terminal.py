"""What a person sees in a terminal, or in a log when there is none. What is more than lines is drawn by rich.

Text that comes from workers is never read as markup: it only enters through `rich.text.Text`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loom.domain.board import Answer
from loom.domain.finding import Found
from loom.domain.run import Run
from loom.domain.tick import TickReport
from loom.report.gist import SEVERITIES, findings
from loom.report.tick_lines import Line, Reads, Told, tick_lines
from loom.report.words import count, one_line

_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


_LOG_COLUMNS = 10_000


def console_for(stream: IO[str]) -> Console:
    """A console that colours only a terminal (NO_COLOR is respected), and in a log never wraps or cuts."""
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _LOG_COLUMNS)


def show_tick(console: Console, report: TickReport, zone: ZoneInfo) -> None:
    """The runs of one tick with their findings, what could not be said to anybody, and what comes next."""
    # One print for all: each costs rich more than the line it prints.
    console.print(Group(*map(drawn, tick_lines(report, zone))))


def drawn(told: Told) -> RenderableType:
    """One thing that a tick says, as rich prints it."""
    match told:
        case Line(pieces=pieces, left=left):
            text = Text.assemble(*pieces)
            return Padding(text, (0, 0, 0, left), expand=False) if left else text
        case Found():
            return _finding(told, 12)
        case Reads(lines=lines):
            return _reads(lines)


def _reads(lines: Sequence[str]) -> RenderableType:
    """What a worker would read, once, under the last of its slots."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for number, line in enumerate(lines or ("nothing",)):
        table.add_row("" if number else "would read:", Text(one_line(line)))
    return Padding(table, (0, 0, 0, 4), expand=False)


def show_answers(console: Console, answers: Sequence[Answer]) -> None:
    signs = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "bold red")}
    for answer in answers:
        sign, style = signs[answer.level]
        console.print(Text.assemble((f"{sign} ", style), answer.what, (f"  {answer.detail}", "dim")))
        if answer.remedy:
            console.print(Padding(Text(answer.remedy, "yellow"), (0, 0, 0, 4), expand=False))
    errors = sum(answer.level == "error" for answer in answers)
    warnings = sum(answer.level == "warning" for answer in answers)
    if errors:
        console.print(
            Text(f"The next tick would not work as it should: {count(errors, 'error')}.", "bold red")
        )
    else:
        more = f" ({count(warnings, 'warning')})" if warnings else ""
        console.print(Text(f"The next tick would work{more}.", "bold green"))


def all_findings(run: Run) -> Iterator[RenderableType]:
    """Every finding of a run, worst first, under a line that counts them."""
    found = findings(run)
    if not found:
        return
    numbers = Counter(each.severity for each in found)
    line = Text(count(len(found), "finding"), "bold")
    for number, severity in enumerate(each for each in SEVERITIES if numbers[each]):
        line.append(", " if number else "  ", "default")
        line.append(f"{numbers[severity]} {severity}", _SEVERITY_STYLES[severity])
    yield line
    for each in found:
        yield _finding(each, 2, link=True)


def _finding(each: Found, columns: int, *, link: bool = False) -> RenderableType:
    """What and where, why, and what to do. Whatever is too long for a line goes on under its beginning."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=8)
    table.add_column(overflow="fold")
    line = Text()
    if each.subject:
        line.append(one_line(each.subject, 120) + ": ", style="bold")
    line.append(one_line(each.title, 200))
    table.add_row(Text(each.severity, _SEVERITY_STYLES[each.severity]), line)
    if each.detail:
        table.add_row("", Text(one_line(each.detail, 400), "dim"))
    if each.action:
        table.add_row("", Text(f"→ {one_line(each.action, 400)}"))
    if link and each.url:
        table.add_row("", Text(one_line(each.url, 500), "dim"))
    return Padding(table, (0, 0, 0, columns), expand=False)
