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

from loom.domain.alert import DeliveryState
from loom.domain.board import Answer
from loom.domain.finding import Found
from loom.domain.run import Outcome, Run
from loom.domain.tick import Planned, TickReport
from loom.report.gist import SEVERITIES, findings, gist
from loom.report.words import comes_next, count, one_line, short_id, span, when

OUTCOME_SIGNS = {
    Outcome.SUCCEEDED: ("✓", "green"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.INVALID: ("✗", "bold red"),
    Outcome.TIMED_OUT: ("✗", "bold red"),
    Outcome.BLOCKED: ("✗", "bold red"),
    Outcome.SKIPPED: ("–", "dim"),
    Outcome.SUPERSEDED: ("–", "dim"),
    Outcome.MISSED: ("✗", "bold red"),
    Outcome.ABANDONED: ("✗", "bold red"),
}
_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
_FINDINGS_SHOWN = 8


_LOG_COLUMNS = 10_000


def console_for(stream: IO[str]) -> Console:
    """A console that colours only a terminal (NO_COLOR is respected), and in a log never wraps or cuts."""
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _LOG_COLUMNS)


def show_tick(console: Console, report: TickReport, zone: ZoneInfo) -> None:
    """The runs of one tick with their findings, what could not be said to anybody, and what comes next."""
    lines = _tick_lines(report, zone)
    if console.is_terminal:
        # One print for all: each costs rich more than the line it prints.
        console.print(Group(*lines))
        return
    for line in lines:
        plain = _as_in_a_log(line)
        if plain is None:
            console.print(line)
        else:
            console.file.write(plain)
    console.file.flush()  # as rich does: a question may follow


def _as_in_a_log(line: RenderableType) -> str | None:
    """What rich makes of `line` where it has nothing to colour, to wrap or to align, which takes it thirty
    times as long; None where there is something."""
    match line:
        case Text(plain=plain):
            return f"{plain}\n"
        case Padding(renderable=Text(plain=plain) as text, left=left):
            # What takes no column, such as a lone joiner of emoji, is no line to rich.
            return f"{' ' * left}{plain}\n" if text.cell_len else ""
    return None


def _tick_lines(report: TickReport, zone: ZoneInfo) -> Iterator[RenderableType]:
    for run in report.runs:
        yield from _run_lines(run, zone)
    last = {planned.worker: planned for planned in report.planned}
    for planned in report.planned:
        yield _planned_line(planned, zone)
        if planned.reads is not None and planned is last[planned.worker]:
            yield _reads(planned.reads)
    for delivery in report.deliveries:
        if delivery.state is not DeliveryState.SENT:
            yield Text(
                f"! alert not delivered by {delivery.hook}: {one_line(delivery.error or 'unknown')}; "
                "it is tried again on every tick",
                style="bold red",
            )
    for note in report.notes:
        yield Text(one_line(note, 600), style="yellow")
    if not report.runs and not report.planned and not report.problems:
        yield Text("Nothing was run." if report.tick.trigger == "manual" else "Nothing was due.")
    upcoming = comes_next(report, zone)
    if upcoming:
        yield Text(upcoming, "dim")


def _planned_line(planned: Planned, zone: ZoneInfo) -> Text:
    line = Text("would " + planned.action, style="bold")
    line.append(f"  {planned.worker}", style="bold cyan")
    if planned.slot:
        line.append(f"  slot {when(planned.slot, zone)}")
    if planned.count > 1:
        line.append(f"  ({count(planned.count, 'slot')})")
    if planned.reason:
        line.append(f"  {one_line(planned.reason)}", style="dim")
    return line


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


def _run_lines(run: Run, zone: ZoneInfo) -> Iterator[RenderableType]:
    sign, style = OUTCOME_SIGNS[run.outcome]
    line = Text.assemble((f"{sign} {run.outcome.value:<9}", style), "  ", (run.worker, "bold"))
    if run.agent:
        line.append(f" ({run.agent})")
    if run.slot is not None:
        line.append(f"  slot {when(run.slot, zone)}")
        if run.count > 1 and run.slot_last is not None:
            line.append(f" to {when(run.slot_last, zone)}, {count(run.count, 'slot')}")
    if run.duration_s is not None:
        line.append(f"  {span(run.duration_s)}", style="dim")
    yield line
    if said := gist(run):
        yield _indented(Text(one_line(said, 400)))
    if not run.final and run.not_before is not None:
        yield _indented(Text(f"will be tried again after {when(run.not_before, zone)}", "yellow"))
    yield from _first_findings(run)
    if run.bad and run.log:
        yield _indented(Text(f"more: loom show {short_id(run.run_id)}", "dim"))


def _first_findings(run: Run) -> Iterator[RenderableType]:
    found = findings(run)
    for each in found[:_FINDINGS_SHOWN]:
        yield from _finding_lines(each, 12)
    if len(found) > _FINDINGS_SHOWN:
        rest = count(len(found) - _FINDINGS_SHOWN, "more finding")
        yield _indented(Text(f"and {rest}: loom show {short_id(run.run_id)}", "dim"))


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
        yield from _finding_lines(each, 2, link=True)


def _finding_lines(each: Found, columns: int, *, link: bool = False) -> Iterator[RenderableType]:
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
    yield Padding(table, (0, 0, 0, columns), expand=False)


def _indented(line: Text, columns: int = 12) -> RenderableType:
    return Padding(line, (0, 0, 0, columns), expand=False)
