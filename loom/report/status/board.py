"""How everything stands, on one screen: the promises, a line for each worker, and what needs a person.

At any width of the terminal health, worker and last outcome stand; the rest gives way to them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.text import Text

from loom.domain.board import Board, Figures, Row
from loom.domain.health import Health
from loom.domain.recent import SHOWN
from loom.domain.trigger import CLOCK_TRIGGERS
from loom.report.columns import Column, Layout, in_columns
from loom.report.status.needs import clock_in_words, needs
from loom.report.status.recent import legend, signs, streak_in_words
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.trigger import sentences
from loom.report.words import about, one_line, when, when_near

HEALTH_SIGNS = {
    Health.NEW: ("○", "dim"),
    Health.UP: ("●", "green"),
    Health.LATE: ("◐", "yellow"),
    Health.DOWN: ("✗", "bold red"),
    Health.PAUSED: ("‖", "dim"),
    Health.DISABLED: ("·", "dim"),
    None: ("✗", "bold red"),
}
_NONE = "–"


def show_board(console: Console, board: Board, zone: ZoneInfo) -> None:
    """One line a worker; the three promises above, what needs a person below."""
    console.print(Group(*board_lines(console, board, zone)), crop=False)


def board_lines(console: Console, board: Board, zone: ZoneInfo) -> Iterator[RenderableType]:
    """What `show_board` prints, for a console as wide as `console`."""
    yield Text.assemble(("Loom", "bold"), f"  {when(board.at, zone)}")
    yield from _promises(console, board.figures)
    if board.rows:
        yield Text()
        yield from in_columns(console, _layouts(board, zone, console.width))
    yield Text()
    if said := list(needs(board, zone, console.width)):
        yield from (*said, Text())
    yield from _ticks(board, zone)


def health(row: Row) -> Text:
    sign, style = HEALTH_SIGNS[row.health]
    return Text(f"{sign} {row.health.value if row.health else 'broken'}", style)


def last_outcome(row: Row, now: datetime, zone: ZoneInfo, *, local: bool = True) -> Text:
    """``✓ succeeded 3 h ago (06:00)``"""
    if row.last_outcome is None:
        return Text("never ran" if row.health is not None else _NONE, "dim")
    sign, style = OUTCOME_SIGNS[row.last_outcome]
    text = Text(f"{sign} {row.last_outcome.value}", style)
    if row.last_at is not None:
        text.append(f" {about(row.last_at, now)}", "default")
        if local:
            text.append(f" ({when_near(row.last_at, now, zone)})", "default")
    return text


def pause_in_words(row: Row, now: datetime, zone: ZoneInfo) -> str:
    """Who keeps it from running, since and until when, and why; empty if nobody does."""
    if row.pause is not None:
        until = when_near(row.pause.until, now, zone) if row.pause.until else "it is resumed"
        why = f": {one_line(row.pause.reason)}" if row.pause.reason else ""
        return f"paused by {one_line(row.pause.by, 60)} {about(row.pause.at, now)}, until {until}{why}"
    return "paused in worker-registry.yaml" if row.paused_in_registry else ""


def _promises(console: Console, figures: Figures) -> Iterator[RenderableType]:
    kept = [
        ("slots on time", figures.on_time, figures.slots, "no slot yet", figures.undecided),
        ("runs under the full digest", figures.under_digest, figures.runs, "no run yet", 0),
        ("bad outcomes delivered", figures.bad_delivered, figures.bad, "none to deliver", 0),
    ]
    shown = [_promise(*each) for each in kept]
    days = Text(f"In the last {figures.days} days:", "dim")
    side_by_side = Text("  ").join([days, *shown])
    if side_by_side.cell_len <= console.width:
        yield side_by_side
        return
    yield days
    widest = max(len(name) for name, *_ in kept)
    yield from (_promise(*each, widest) for each in kept)


def _promise(name: str, part: int, whole: int, nothing: str, undecided: int, width: int = 0) -> Text:
    """undecided: what should have been decided, and is in neither number."""
    if undecided:
        more = f"; {undecided:,} more undecided" if whole else " that came due are decided"
        text = f"{part:,} of {whole or undecided:,}{more}"
        return Text.assemble(("!", "bold yellow"), f" {name:<{width}} ", (text, "bold yellow"))
    if not whole:
        return Text.assemble((_NONE, "dim"), f" {name:<{width}} ", (nothing, "dim"))
    style = "green" if part == whole else "bold yellow"
    sign = "✓" if part == whole else "!"
    return Text.assemble((sign, style), f" {name:<{width}} ", (f"{part:,} of {whole:,}", style))


def _layouts(board: Board, zone: ZoneInfo, width: int) -> list[Layout]:
    rows = board.rows
    state = Column("health", [health(row) for row in rows])
    schedule = Column("schedule", [Text(row.schedule or _NONE, "dim") for row in rows])
    last = Column("last outcome", [last_outcome(row, board.at, zone) for row in rows])
    last_short = Column("last outcome", [last_outcome(row, board.at, zone, local=False) for row in rows])
    recent = Column(f"last {SHOWN} slots", [signs(row.recent) for row in rows])
    recent_short = Column("last 7", [signs(row.recent, 7) for row in rows])
    run = Column("streak", [_streak(row) for row in rows])
    following = Column("next slot", [_next(row, board, zone) for row in rows])
    following_short = Column("next slot", [_next(row, board, zone, relative=False) for row in rows])
    below = [Text(pause, "dim") if (pause := pause_in_words(row, board.at, zone)) else None for row in rows]

    def worker(least: int) -> Column:
        return Column("worker", [Text(row.worker) for row in rows], least=least, middle=True)

    def agent(least: int) -> Column:
        return Column("agent", [Text(row.agent or _NONE) for row in rows], least=least)

    told = legend(width) if any(row.recent for row in rows) else None

    def layout(columns: Sequence[Column]) -> Layout:
        with_signs = any(each is recent or each is recent_short for each in columns)
        return Layout(columns, below, lines_below=3, legend=told if with_signs else None)

    return [
        layout([state, worker(30), agent(16), last, recent, run, following, schedule]),
        layout([state, worker(23), agent(9), last, recent, run, following]),
        layout([state, worker(23), last, recent, run, following_short]),
        layout([state, worker(23), last, recent, following_short]),
        layout([state, worker(22), last_short, recent, run, following_short]),
        layout([state, worker(22), last_short, recent, following_short]),
        layout([state, worker(20), last_short, recent_short, following_short]),
        layout([state, worker(16), last_short, recent]),
        layout([state, worker(14), last_short]),
        layout([state, worker(8)]),
    ]


def _streak(row: Row) -> Text:
    return Text(streak_in_words(row.streak) or _NONE, "bold red" if row.streak < 0 else "dim")


def _next(row: Row, board: Board, zone: ZoneInfo, *, relative: bool = True) -> Text:
    if row.next_slot is None:
        return Text(_NONE, "dim")
    at = when_near(row.next_slot, board.at, zone)
    return Text(f"{about(row.next_slot, board.at)} ({at})" if relative else at)


def _ticks(board: Board, zone: ZoneInfo) -> Iterator[RenderableType]:
    last = board.last_tick
    if last is None:
        yield Text("No tick has come yet. Start one with: loom run", style="yellow")
        return
    at = when_near(last.at, board.at, zone)
    newest = f"Last tick {about(last.at, board.at)} ({at}, {last.trigger})"
    clock = board.trigger.last
    if clock is not None and last.trigger not in CLOCK_TRIGGERS:
        newest += f"; {clock_in_words(board)} ({when_near(clock, board.at, zone)})"
    day, week = board.trigger.day, board.trigger.week
    told = sentences(board.trigger)
    if not day.dropped and not week.dropped:
        told = told[-1:]  # the week says it all
    for sentence in (f"{newest}.", *told):
        yield Text(sentence, style="dim")
