"""What a tick says to a person, line by line, and how a log has it. A terminal has it drawn by rich
(`loom.report.terminal`), which takes longer to import than a log takes to write.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from loom.domain.alert import DeliveryState
from loom.domain.finding import Found
from loom.domain.run import Outcome, Run
from loom.domain.tick import Planned, TickReport
from loom.report.gist import findings, gist
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
_FINDINGS_SHOWN = 8
_INDENTED = 12


class Line(NamedTuple):
    """pieces: texts, each with the name of its style. left: the columns before it."""

    pieces: Sequence[tuple[str, str]]
    left: int = 0


class Reads(NamedTuple):
    """What a worker would read."""

    lines: Sequence[str]


Told = Line | Found | Reads
"""A finding, and what is read, take several lines, set in columns."""


def write_tick(stream: IO[str], report: TickReport, zone: ZoneInfo, draw: Callable[[Told], None]) -> None:
    """As rich would where nothing is coloured or wrapped. draw: prints what isn't just a line of text."""
    for told in tick_lines(report, zone):
        plain = _as_in_a_log(told)
        if plain is None:
            draw(told)
        else:
            stream.write(plain)
    stream.flush()  # as rich does: a question may follow


def _as_in_a_log(told: Told) -> str | None:
    if not isinstance(told, Line):
        return None
    text = "".join([piece for piece, _ in told.pieces])
    # What takes no column, such as a lone joiner of emoji, is no line to rich where it is set in.
    if not text.isprintable() or (told.left and not (text and text.isascii())):
        return None
    return f"{' ' * told.left}{text}\n"


def tick_lines(report: TickReport, zone: ZoneInfo) -> Iterator[Told]:
    """The runs of one tick with their findings, what could not be said to anybody, and what comes next."""
    for run in report.runs:
        yield from _run_lines(run, zone)
    last = {planned.worker: planned for planned in report.planned}
    for planned in report.planned:
        yield _planned_line(planned, zone)
        if planned.reads is not None and planned is last[planned.worker]:
            yield Reads(planned.reads)
    for delivery in report.deliveries:
        if delivery.state is not DeliveryState.SENT:
            yield _line(
                f"! alert not delivered by {delivery.hook}: {one_line(delivery.error or 'unknown')}; "
                "it is tried again on every tick",
                "bold red",
            )
    for note in report.notes:
        yield _line(one_line(note, 600), "yellow")
    if not report.runs and not report.planned and not report.problems:
        yield _line("Nothing was run." if report.tick.trigger == "manual" else "Nothing was due.")
    upcoming = comes_next(report, zone)
    if upcoming:
        yield _line(upcoming, "dim")


def _line(text: str, style: str = "", left: int = 0) -> Line:
    return Line(((text, style),), left)


def _planned_line(planned: Planned, zone: ZoneInfo) -> Line:
    pieces = [(f"would {planned.action}", "bold"), (f"  {planned.worker}", "bold cyan")]
    if planned.slot:
        pieces.append((f"  slot {when(planned.slot, zone)}", "bold"))
    if planned.count > 1:
        pieces.append((f"  ({count(planned.count, 'slot')})", "bold"))
    if planned.reason:
        pieces.append((f"  {one_line(planned.reason)}", "bold dim"))
    return Line(pieces)


def _run_lines(run: Run, zone: ZoneInfo) -> Iterator[Told]:
    sign, style = OUTCOME_SIGNS[run.outcome]
    pieces = [(f"{sign} {run.outcome.value:<9}", style), ("  ", ""), (run.worker, "bold")]
    if run.agent:
        pieces.append((f" ({run.agent})", ""))
    if run.slot is not None:
        pieces.append((f"  slot {when(run.slot, zone)}", ""))
        if run.count > 1 and run.slot_last is not None:
            pieces.append((f" to {when(run.slot_last, zone)}, {count(run.count, 'slot')}", ""))
    if run.duration_s is not None:
        pieces.append((f"  {span(run.duration_s)}", "dim"))
    yield Line(pieces)
    if said := gist(run):
        yield _line(one_line(said, 400), left=_INDENTED)
    if not run.final and run.not_before is not None:
        yield _line(f"will be tried again after {when(run.not_before, zone)}", "yellow", _INDENTED)
    found = findings(run)
    yield from found[:_FINDINGS_SHOWN]
    if len(found) > _FINDINGS_SHOWN:
        rest = count(len(found) - _FINDINGS_SHOWN, "more finding")
        yield _line(f"and {rest}: loom show {short_id(run.run_id)}", "dim", _INDENTED)
    if run.bad and run.log:
        yield _line(f"more: loom show {short_id(run.run_id)}", "dim", _INDENTED)
