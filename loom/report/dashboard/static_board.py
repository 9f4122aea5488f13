"""The board as plain HTML: what there is to see where JavaScript isn't."""

from html import escape
from zoneinfo import ZoneInfo

from loom.domain.board import Board, Row
from loom.report.status.needs import silent
from loom.report.status.states import state_in_words
from loom.report.words import ago, count, one_line, when

_TEXT = 30_000  # characters that all workers' texts may have

_COLUMNS = ("Worker", "Health", "Last run", "Next slot", "What it needs")


def static_board(board: Board, zone: ZoneInfo) -> str:
    """The three promises, and one row for each worker."""
    figures = board.figures
    limit = max(40, min(300, _TEXT // max(len(board.rows), 1)))
    headings = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    undecided = f" and {figures.undecided:,} that no tick decided" if figures.undecided else ""
    lines = [
        f"<p>{figures.days} days: slots on time {_share(figures.on_time, figures.slots)}{undecided}"
        f" · runs enforced {_share(figures.under_digest, figures.runs)}"
        f" · bad outcomes delivered {_share(figures.bad_delivered, figures.bad)}</p>"
    ]
    if (no_ticks := silent(board, zone)) is not None:
        lines.append(f"<p>{text(no_ticks[0], 600)} → {no_ticks[1]}</p>")
    if board.undelivered:
        lines.append(f"<p>{count(board.undelivered, 'alert')} not delivered yet.</p>")
    lines += [
        '<div class="scroll"><table id="board" class="listed">',
        '<caption class="unseen">How each worker stands</caption>',
        f"<thead><tr>{headings}</tr></thead>",
        "<tbody>",
        *(_row(row, board, zone, limit) for row in board.rows),
        "</tbody></table></div>",
    ]
    return "\n".join(lines)


def _row(row: Row, board: Board, zone: ZoneInfo, limit: int) -> str:
    health = row.health.value if row.health is not None else "broken"
    last = "never"
    if row.last_outcome is not None:
        last = row.last_outcome.value
        if row.last_at is not None:
            last += f" {ago(row.last_at, board.at)}"
    told = state_in_words(row, board.at, zone)
    said = "" if row.skip_is_over else row.skipped
    needs = f"{row.worker} {told[0]} → {told[1]}" if told is not None else said or "–"
    cells = (
        health,
        last,
        when(row.next_slot, zone) if row.next_slot is not None else "–",
        needs,
    )
    named = f"{row.worker} ({row.agent})" if row.agent else row.worker
    return (
        f'<tr data-worker="{text(row.worker)}" data-health="{health}"><th scope="row">{text(named)}</th>'
        + "".join(f"<td>{text(cell, limit)}</td>" for cell in cells)
        + "</tr>"
    )


def text(foreign: str, limit: int = 300) -> str:
    """Foreign text as one line of text in HTML, in an element or between the quotes of an attribute."""
    return escape(one_line(foreign, limit), quote=True)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" if whole else "none yet"
