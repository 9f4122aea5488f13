"""What is listed line by line for a person: how workers stand, the slots to come, the runs there were.

At any width of the terminal the words that matter stand whole: health, outcome and the id of a run.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from loom.domain.board import Board, Coming, Row
from loom.domain.health import Health
from loom.domain.run import Outcome, Run
from loom.report.columns import Column, Layout, show_columns
from loom.report.gist import gist
from loom.report.terminal import OUTCOME_SIGNS, short_id
from loom.report.trigger import sentences
from loom.report.words import ago, count, one_line, when, when_in_short

_HEALTH_SIGNS = {
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
    figures = board.figures
    console.print(Text.assemble(("Loom", "bold"), f"  {when(board.at, zone)}"))
    console.print(
        Text.assemble(
            f"{figures.days} days: slots on time ",
            (_share(figures.on_time, figures.slots), "bold"),
            " · runs enforced ",
            (_share(figures.under_digest, figures.runs), "bold"),
            " · bad outcomes delivered ",
            (_share(figures.bad_delivered, figures.bad), "bold"),
        )
    )
    if board.rows:
        show_columns(console, _board_layouts(board, zone))
    for row in board.rows:
        if row.needs:
            console.print(Text.assemble((f"! {row.worker}: ", "bold red"), one_line(row.needs)))
        elif row.skipped:
            console.print(Text.assemble((f"– {row.worker}: ", "yellow"), f"skipped: {one_line(row.skipped)}"))
    for problem in board.problems:
        console.print(Text(f"! {problem}", style="bold red"))
    if board.undelivered:
        console.print(
            Text(f"! {count(board.undelivered, 'alert')} not delivered yet; see: loom check", "bold red")
        )
    _show_ticks(console, board)


def _board_layouts(board: Board, zone: ZoneInfo) -> list[Layout]:
    rows = board.rows
    health = Column("health", [_health(row) for row in rows])
    schedule = Column("schedule", [Text(row.schedule or _NONE, "dim") for row in rows], least=16)
    last = Column("last run", [_last_run(row, board.at) for row in rows])
    last_short = Column("last run", [_last_run(row, board.at, streak=False) for row in rows])
    slots = [row.next_slot for row in rows]
    following = Column("next slot", [Text(when(at, zone) if at else _NONE) for at in slots])
    following_short = Column("next slot", [Text(when_in_short(at, zone) if at else _NONE) for at in slots])

    def worker(least: int) -> Column:
        return Column("worker", [Text(row.worker) for row in rows], least=least, middle=True)

    def agent(least: int) -> Column:
        return Column("agent", [Text(row.agent or _NONE) for row in rows], least=least)

    return [
        Layout([health, worker(30), agent(16), schedule, last, following]),
        Layout([health, worker(24), agent(12), last, following]),
        Layout([health, worker(24), last, following_short]),
        Layout([health, worker(20), last_short, following_short]),
        Layout([health, worker(14), last_short]),
        Layout([health, worker(8)]),
    ]


def _health(row: Row) -> Text:
    sign, style = _HEALTH_SIGNS[row.health]
    return Text(f"{sign} {row.health.value if row.health else 'broken'}", style)


def _last_run(row: Row, now: datetime, *, streak: bool = True) -> Text:
    if row.last_outcome is None:
        return Text("never", "dim")
    last = Text(row.last_outcome.value, OUTCOME_SIGNS[row.last_outcome][1])
    if row.last_at is not None:
        last.append(f" {ago(row.last_at, now)}", style="default")
    if streak and row.consecutive_failures > 1:
        last.append(f", {row.consecutive_failures} in a row", style="default")
    return last


def _show_ticks(console: Console, board: Board) -> None:
    if board.last_tick is None:
        console.print(Text("No tick has come yet. Start one with: loom run", style="yellow"))
        return
    newest = f"Last tick {ago(board.last_tick.at, board.at)} ({board.last_tick.trigger})."
    for sentence in (newest, *sentences(board.trigger)):
        console.print(Text(sentence, style="dim"))


def show_coming(console: Console, slots: Sequence[Coming], zone: ZoneInfo, now: datetime) -> None:
    """One line a slot, and under it, or beside it, what a clock change does to it."""
    if not slots:
        console.print("No slot comes in this time. See the schedules with: loom status")
        return
    at = Column("slot", [Text(when(each.slot, zone)) for each in slots])
    wait = Column("", [Text(ago(each.slot, now), "dim") for each in slots])
    note = Column("", [Text(each.note, "yellow") for each in slots])
    below = [Text(each.note, "yellow") if each.note else None for each in slots]

    def worker(least: int) -> Column:
        return Column("worker", [Text(each.worker) for each in slots], least=least, middle=True)

    def agent(least: int) -> Column:
        return Column("agent", [Text(each.agent or _NONE) for each in slots], least=least)

    in_short = Column("slot", [Text(when_in_short(each.slot, zone)) for each in slots])
    layouts = [
        Layout([at, wait, worker(24), agent(12)], below, lines_below=5),
        Layout([at, worker(20)], below, lines_below=5),
        Layout([in_short, worker(8)], below, lines_below=5),
    ]
    if any(each.note for each in slots):
        layouts.insert(0, Layout([at, wait, worker(24), agent(12), note]))
    show_columns(console, layouts)


def show_history(console: Console, runs: Sequence[Run], zone: ZoneInfo) -> None:
    """One line a run; where there is no room for what it had to say, it stands below if the run was bad,
    or if the worker skipped it."""
    if not runs:
        console.print("No runs are recorded for this. See what is there with: loom history")
        return
    times = [run.started_at or run.tick_at for run in runs]
    said = [one_line(gist(run), 200) for run in runs]
    id_ = Column("run", [Text(short_id(run.run_id), "dim") for run in runs])
    at = Column("when", [Text(when(each, zone)) for each in times])
    at_short = Column(_heading(times, zone), [Text(when_in_short(each, zone)) for each in times])
    outcome = Column("outcome", [_outcome(run) for run in runs])
    below = [
        Text(text, "dim") if text and _explains(run) else None for run, text in zip(runs, said, strict=True)
    ]

    def worker(least: int) -> Column:
        return Column("worker", [Text(run.worker) for run in runs], least=least, middle=True)

    def what(least: int) -> Column:
        return Column("what", [Text(text) for text in said], least=least)

    show_columns(
        console,
        [
            Layout([id_, at, worker(30), outcome, what(40)]),
            Layout([id_, at_short, worker(24), outcome, what(24)]),
            Layout([id_, at_short, worker(20), outcome], below),
            Layout([id_, worker(8), outcome], below),
        ],
    )
    console.print(Text("More of one: loom show RUN", style="dim"))


def _explains(run: Run) -> bool:
    """Whether a person has to know what it says: it was bad, or skipped by the worker itself."""
    return run.bad or (run.outcome is Outcome.SKIPPED and run.started_at is not None)


def _heading(times: Sequence[datetime], zone: ZoneInfo) -> str:
    """Names the zone, which times in short don't, unless there are two: summer's and winter's."""
    names = {f"{at.astimezone(zone):%Z}" for at in times}
    return f"when ({names.pop()})" if len(names) == 1 else "when"


def _outcome(run: Run) -> Text:
    sign, style = OUTCOME_SIGNS[run.outcome]
    return Text(f"{sign} {run.outcome.value}{_fate(run)}", style)


def _fate(run: Run) -> str:
    if run.final:
        return ""
    return " (tried again)" if run.open_reason is None else " (open)"


def _share(part: int, whole: int) -> str:
    return f"{part:,}/{whole:,}" if whole else "none yet"
