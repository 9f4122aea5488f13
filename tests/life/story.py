"""What happened, for who reads a failing example: a line per tick, and one for each thing it wrote."""

from collections.abc import Iterator

from loom.domain.alert import Delivery, Episode
from loom.domain.record import Entry
from loom.domain.run import Run
from loom.domain.slot import Ticket
from tests.life.world import Ended, World


def told(world: World) -> Iterator[str]:
    """The ticks in the order in which they ended: one that met another comes after it."""
    for ended in world.ended:
        yield f"{ended.conditions.at:%d %b %H:%M} tick{_asked(ended)}: {_end(ended)}"
        yield from (f"    {line}" for line in map(_line, ended.written) if line)


def _asked(ended: Ended) -> str:
    request = ended.request
    if not request.by_hand:
        return ""
    slots = ""
    if request.slot is not None:
        slots = f" slot {request.slot:%d %b %H:%M}"
    elif request.span is not None:
        slots = f" from {request.span[0]:%d %b %H:%M} to {request.span[1]:%d %b %H:%M}"
    return f" by hand for {request.workers[0]}{slots}{' by force' * request.force}"


def _end(ended: Ended) -> str:
    if ended.error is not None:
        return f"refused: {ended.error}"
    return "its process died" if ended.report is None else f"exit code {int(ended.report.exit_code)}"


def _line(entry: Entry) -> str:
    match entry:
        case Run():
            return f"run {_run(entry)}"
        case Ticket():
            return f"ticket {entry.key} {entry.state}{f' ({entry.reason})' if entry.reason else ''}"
        case Episode():
            state = "closed" if entry.closed_at else "announced" if entry.announced else "held"
            return f"episode {entry.id[-12:]} of {entry.subject} {state}"
        case Delivery() if entry.state != "sending":
            return f"{entry.alert.event} {entry.state} through {entry.hook}"
    return ""


def _run(run: Run) -> str:
    slot = "no slot" if run.slot is None else f"{run.slot:%d %b %H:%M}"
    if run.slot_last is not None:
        slot += f" to {run.slot_last:%d %b %H:%M} ({run.count})"
    state = "final" if run.final else f"open: {run.open_reason}"
    episode = f" [{run.episode[-12:]}]" if run.episode else ""
    hand = " by hand" * run.by_hand
    outcome = f"{run.trigger}{hand} {run.outcome}, {state}{episode}"
    return f"{run.run_id[-6:]} {run.worker} {slot} {outcome} {run.reason[:60]}".rstrip()
