"""What needs a person now, one plain sentence each, with the command that helps; what Loom is seeing to by
itself; and which alerts nobody has heard."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from loom.domain.alert import Delivery
from loom.domain.board import Board
from loom.domain.health import Health
from loom.report.status.states import state_in_words, under_way_in_words
from loom.report.words import about, count, one_line, when_near

_SUBJECTS = {
    "loom:registry": "worker-registry.yaml is broken",
    "loom:enforcement": "the enforcement context is broken, and nothing runs",
    "loom:clock": "the clock of a machine has gone backwards",
    "loom:state": "the state couldn't be pushed to its branch",
}
_WORKERS_NAMED = 3
_LONGEST = 240
_ROOM = 5


def needs(board: Board, zone: ZoneInfo, width: int) -> Iterator[RenderableType]:
    """Line by line, what needs a person first; one calm line if that is nothing. width: of the terminal."""
    no_ticks = silent(board, zone)
    clock = [(Text(no_ticks[0]), no_ticks[1])] if no_ticks is not None else []
    urgent = [*clock, *_troubles(board, zone), *_urgent(board, zone)]
    if urgent:
        yield Text("Needs a person now", "bold")
        for sentence, command in urgent:
            yield item("✗", "bold red", sentence, command, width)
    if board.waiting:
        yield Text("Alerts that nobody has heard yet", "bold")
        for sentence in _unheard(board.waiting, board.at, zone):
            yield item("!", "bold red", sentence, "loom check --send-test-alert", width)
    seen_to = [] if no_ticks else list(_seen_to(board, zone))
    at_work = [row for row in board.rows if row.under_way is not None]
    if seen_to or at_work:
        yield Text("Loom sees to it", "bold")
    for sentence, command in seen_to:
        yield item("◐", "yellow", sentence, command, width)
    for row in at_work:
        sentence = _named(row.worker, under_way_in_words(row, board.at, zone))
        yield item("◌", "cyan", sentence, f"loom logs {row.worker} --follow", width)
    for sentence in _skipped(board):
        yield item("–", "yellow", sentence, "", width)
    died = any(row.under_way is not None and row.under_way.alive is False for row in board.rows)
    if not urgent and not board.waiting and not seen_to and not died and board.last_tick is not None:
        yield _all_well(board, zone)


def silent(board: Board, zone: ZoneInfo) -> tuple[str, str] | None:
    """That no tick comes, and the command that helps; None while that isn't so.

    One sentence for all workers: the clock is what is wrong."""
    clock, waiting = board.trigger, _undecided(board, zone)
    look = "Look at the clock that calls Loom, or start a tick"
    if clock.dead and clock.last is not None:
        since = f"{when_near(clock.last, board.at, zone)} ({about(clock.last, board.at)})"
        lost = f"{clock.lost:,} expected ones didn't come"
        slots = f"{waiting}. " if waiting else ""
        return f"No clock has brought a tick since {since}: {lost}. {slots}{look}", "loom run"
    owed = [row.undecided for row in board.rows if row.undecided is not None]
    if clock.settled is not None and owed and min(owed) <= clock.settled:
        came = clock_in_words(board) or "no clock has brought a tick yet"
        return f"{waiting}; {came}. {look}", "loom run"
    return None


def clock_in_words(board: Board) -> str:
    """When a clock last brought a tick; empty if none ever did."""
    last = board.trigger.last
    return "" if last is None else f"the clock last brought one {about(last, board.at)}"


def _undecided(board: Board, zone: ZoneInfo) -> str:
    slots = {row.worker: row.undecided for row in board.rows if row.undecided is not None}
    if not slots:
        return ""
    whose = f"{next(iter(slots))} has" if len(slots) == 1 else f"{len(slots)} workers have"
    oldest = when_near(min(slots.values()), board.at, zone)
    return f"{whose} slots that no tick has decided, the oldest from {oldest}"


def _urgent(board: Board, zone: ZoneInfo) -> Iterator[tuple[Text, str]]:
    for row in board.rows:
        told = state_in_words(row, board.at, zone) if row.health in (None, Health.DOWN) else None
        if told is not None:
            yield _named(row.worker, told[0]), told[1]
    for problem in board.problems:
        yield Text(one_line(problem)), "loom check"


def _seen_to(board: Board, zone: ZoneInfo) -> Iterator[tuple[Text, str]]:
    for row in board.rows:
        told = state_in_words(row, board.at, zone) if row.health is Health.LATE else None
        if told is not None:
            yield _named(row.worker, told[0]), told[1]


def troubles_in_words(board: Board, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What is open and no single worker's, a sentence each, and the command that helps."""
    broken = {f"loom:registry:{row.worker}" for row in board.rows if row.health is None}
    for each in board.troubles:
        if each.subject in broken:
            continue  # its own line says so
        what = _SUBJECTS.get(each.subject, each.subject)
        said = f": {one_line(each.last_alert.summary, _LONGEST)}" if each.last_alert is not None else ""
        yield f"{what}, since {when_near(each.opened_at, board.at, zone)}{said}", "loom check"


def _troubles(board: Board, zone: ZoneInfo) -> Iterator[tuple[Text, str]]:
    for sentence, command in troubles_in_words(board, zone):
        yield Text(sentence), command


def _unheard(waiting: Sequence[Delivery], now: datetime, zone: ZoneInfo) -> Iterator[Text]:
    """One sentence for each hook that doesn't get rid of what it has."""
    for hook in dict.fromkeys(each.hook for each in waiting):
        its = [each for each in waiting if each.hook == hook]
        about_whom = [*dict.fromkeys(each.alert.worker or each.alert.event.value for each in its)]
        more = len(about_whom) - _WORKERS_NAMED
        whom = ", ".join(about_whom[:_WORKERS_NAMED]) + (f" and {more} more" if more > 0 else "")
        since = when_near(min(each.alert.at for each in its), now, zone)
        why = next((each.error for each in reversed(its) if each.error), None)
        said = f": {one_line(why, _LONGEST)}" if why else ""
        verb = "waits" if len(its) == 1 else "wait"
        yield Text(
            f"{count(len(its), 'alert')} for {hook} {verb} since {since}, about {one_line(whom)}{said}; "
            "tried again on every tick"
        )


def _skipped(board: Board) -> Iterator[Text]:
    for row in board.rows:
        waits = any(ticket.reason is not None for ticket in row.owed)  # and that has been said
        if row.skipped and not row.skip_is_over and row.health is not Health.DOWN and not waits:
            yield _named(row.worker, f"skipped its last run: {one_line(row.skipped, _LONGEST)}")


def _all_well(board: Board, zone: ZoneInfo) -> Text:
    following = min((row.next_slot for row in board.rows if row.next_slot is not None), default=None)
    if board.trigger.last is None:
        text = Text(
            "Nothing needs a person, but no clock calls Loom yet: workers run only by hand.", "yellow"
        )
    else:
        text = Text("All is well: nothing needs a person.", "green")
    if following is not None:
        who = next(row.worker for row in board.rows if row.next_slot == following)
        at = when_near(following, board.at, zone)
        text.append(f" Next is {who}, {about(following, board.at)} ({at}).", "default")
    return text


def _named(worker: str, rest: str) -> Text:
    return Text.assemble((worker, "bold"), f" {rest}")


def item(sign: str, style: str, sentence: Text, command: str, width: int) -> Table:
    """A sentence that goes on under its own beginning. The command that helps stands behind it, or on a line
    of its own, so that it can be copied."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    hint = Text.assemble(("→ ", "dim"), (command, "cyan")) if command else Text()
    if command and sentence.cell_len + hint.cell_len + _ROOM <= width:
        sentence = Text.assemble(sentence, "  ", hint)
        hint = Text()
    table.add_row(Text(sign, style), sentence)
    if hint:
        table.add_row("", hint)
    return table
