"""Pauses as a person and a program read them: what one does, how it ended, and which are in force."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from loom.domain.alert import Episode
from loom.domain.pause import Pause
from loom.domain.slot import Ticket
from loom.domain.worker import Worker
from loom.report.as_json import time_in
from loom.report.columns import Column, Layout, show_columns
from loom.report.words import ago, count, one_line, short_id, span, when, when_in_short

_LIFTED_THERE = "that is lifted only there"


class Paused(Protocol):
    """As `loom.pausing.Paused`."""

    @property
    def worker(self) -> Worker: ...
    @property
    def pause(self) -> Pause: ...
    @property
    def before(self) -> Pause | None: ...
    @property
    def waiting(self) -> int: ...
    @property
    def to_come(self) -> int | None: ...
    @property
    def next_slot(self) -> datetime | None: ...
    @property
    def running(self) -> Ticket | None: ...
    @property
    def claimed(self) -> int: ...
    @property
    def episode(self) -> Episode | None: ...


class Resumed(Protocol):
    """As `loom.pausing.Resumed`."""

    @property
    def worker(self) -> Worker: ...
    @property
    def pause(self) -> Pause | None: ...
    @property
    def passed(self) -> int: ...
    @property
    def to_record(self) -> int: ...
    @property
    def newest(self) -> datetime | None: ...
    @property
    def next_slot(self) -> datetime | None: ...


def show_paused(console: Console, done: Paused, zone: ZoneInfo, *, now: datetime, kept: str) -> None:
    """What `loom pause` did. kept: where, and for whom it holds."""
    worker, pause = done.worker, done.pause
    head = Text.assemble(("‖ ", "yellow"), ("paused", "bold yellow"), "  ", _named(worker))
    facts = [("by", _by(pause)), ("until", _end(pause, zone, now))]
    facts += [("slots", said) for said in _slots(done, zone, now)]
    if done.before is not None:
        facts.append(("before", f"it was paused {_since(done.before, zone, now)}; this takes its place"))
    if done.running is not None:
        facts.append(("running", _running(done.running, now)))
    if done.claimed:
        facts.append(("running", _claimed(done.claimed)))
    if done.episode is not None:
        facts.append(("alert", _alert(done.episode, zone)))
    facts += [("kept", kept), ("to end it", f"loom resume {worker.id}")]
    console.print(Group(head, _table(facts)))


def show_resumed(
    console: Console, done: Resumed, zone: ZoneInfo, *, now: datetime, kept: str, standing: str
) -> None:
    """What `loom resume` did; nothing, calmly, of a worker that wasn't paused. standing: what the registry
    itself says that keeps the worker from running, if anything."""
    worker, pause = done.worker, done.pause
    if pause is None:
        head = Text.assemble("– not paused  ", _named(worker))
        console.print(Group(head, _table([("next slot", _next(done.next_slot, zone, now))])))
        return
    head = Text.assemble(("▶ ", "green"), ("resumed", "bold green"), "  ", _named(worker))
    facts = [("by", pause.ended_by), ("was paused", _since(pause, zone, now, ended=True))]
    facts += [("slots", said) for said in _passed(done, zone)]
    if standing:
        facts.append(("registry", f"{standing}, so it doesn't run yet; {_LIFTED_THERE}"))
    else:
        facts.append(("next slot", _next(done.next_slot, zone, now)))
    facts.append(("kept", kept))
    console.print(Group(head, _table(facts)))


def show_pauses(console: Console, held: Sequence[Pause], standing: Mapping[str, str], zone: ZoneInfo) -> None:
    """The pauses in force, by hand and in the registry (`standing`, by worker), one line each."""
    if not held and not standing:
        console.print("No worker is paused.")
        return
    in_file = [id_ for id_ in standing if id_ not in {each.worker for each in held}]
    workers = [*(each.worker for each in held), *in_file]
    by = [*(one_line(each.by, 80) for each in held), *("worker-registry.yaml" for _ in in_file)]
    why = [one_line(each.reason) for each in held] + [f"{standing[id_]}: {_LIFTED_THERE}" for id_ in in_file]
    for number, each in enumerate(held):
        if each.worker in standing:
            why[number] = f"{why[number]}; {standing[each.worker]} too".removeprefix("; ")

    def column(heading: str, texts: Sequence[str], least: int | None = None, *, style: str = "") -> Column:
        return Column(heading, [Text(text, style) for text in texts], least=least, middle=least is not None)

    def moments(shown: Callable[[datetime, ZoneInfo], str]) -> tuple[Column, Column]:
        """Since when and until when: both or neither, for one alone says little."""
        since = [*(shown(each.at, zone) for each in held), *("" for _ in in_file)]
        until = [*(shown(each.until, zone) if each.until else "resumed" for each in held)]
        return column("since", since), column("until", [*until, *("edited there" for _ in in_file)])

    names, short = column("paused", workers), column("paused", workers, 8)
    reasons, below = column("why", why, style="dim"), [Text(text, "dim") if text else None for text in why]
    layouts = [
        Layout([names, column("by", by), *moments(when), reasons]),
        Layout([names, column("by", by), *moments(when)], below, lines_below=5),
        Layout([short, column("by", by, 10), *moments(when)], below, lines_below=5),
        Layout([short, column("by", by, 8), *moments(when_in_short)], below, lines_below=5),
        Layout([short, *moments(when_in_short)], below, lines_below=5),
    ]
    show_columns(console, layouts)


def paused_form(done: Paused, zone: ZoneInfo, *, kept: str) -> dict[str, Any]:
    running, episode = done.running, done.episode
    return {
        "worker": done.worker.id,
        "agent": done.worker.agent,
        "pause": _form(done.pause, zone),
        "before": _form(done.before, zone) if done.before else None,
        "slots_waiting": done.waiting,
        "slots_to_come": done.to_come,
        "next_slot": time_in(done.next_slot, zone),
        "running": (
            None
            if running is None
            else {"run_id": running.run_id, "started_at": time_in(running.started_at, zone)}
        ),
        "slots_claimed": done.claimed,
        "alert": (
            None
            if episode is None
            else {"opened_at": time_in(episode.opened_at, zone), "gathered": episode.gathered}
        ),
        "kept": kept,
        "exit_code": 0,
    }


def resumed_form(done: Resumed, zone: ZoneInfo, *, kept: str, standing: str) -> dict[str, Any]:
    return {
        "worker": done.worker.id,
        "agent": done.worker.agent,
        "resumed": done.pause is not None,
        "pause": _form(done.pause, zone) if done.pause else None,
        "slots_passed": done.passed,
        "slots_to_record": done.to_record,
        "next_slot": time_in(done.next_slot, zone),
        "registry": standing or None,
        "kept": kept if done.pause is not None else None,
    }


def listed_form(
    held: Sequence[Pause], standing: Mapping[str, str], zone: ZoneInfo, *, now: datetime
) -> dict[str, Any]:
    return {
        "at": time_in(now, zone),
        "pauses": [{"worker": each.worker} | _form(each, zone) for each in held],
        "registry": [{"worker": id_, "says": says} for id_, says in standing.items()],
    }


def _form(pause: Pause, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "by": pause.by,
        "at": time_in(pause.at, zone),
        "until": time_in(pause.until, zone),
        "reason": pause.reason or None,
        "ended_by": pause.ended_by or None,
    }


def _named(worker: Worker) -> Text:
    return Text.assemble((worker.id, "bold cyan"), f" ({worker.agent})" if worker.agent else "")


def _by(pause: Pause) -> str:
    return one_line(pause.by) + (f": {one_line(pause.reason)}" if pause.reason else "")


def _end(pause: Pause, zone: ZoneInfo, now: datetime) -> str:
    return f"{when(pause.until, zone)} ({ago(pause.until, now)})" if pause.until else "somebody resumes it"


def _since(pause: Pause, zone: ZoneInfo, now: datetime, *, ended: bool = False) -> str:
    long = span((now - pause.at).total_seconds())
    until = f" until {when(pause.until, zone)}" if pause.until and not ended else ""
    return f"by {_by(pause)}, since {when(pause.at, zone)} ({long}){until}"


def _slots(done: Paused, zone: ZoneInfo, now: datetime) -> list[str]:
    said: list[str] = []
    if done.waiting:
        waited = f"{count(done.waiting, 'slot')} that waited will be closed as skipped: paused"
        said.append(f"{waited} on the next tick")
    if done.pause.until is None:
        said.append("each one that comes due is recorded as skipped: paused, and never runs")
    elif done.to_come:
        them = "none of them runs" if done.to_come > 1 else "it doesn't run"
        said.append(f"{count(done.to_come, 'slot')} to come until then, recorded as skipped: paused; {them}")
    elif done.to_come == 0:
        said.append("none comes due until then")
    if done.next_slot is not None:
        said.append(f"the first that runs: {_next(done.next_slot, zone, now)}")
    return said


def _next(at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    return f"{when(at, zone)} ({ago(at, now)})" if at is not None else "none"


def _running(ticket: Ticket, now: datetime) -> str:
    since = f" (it began {ago(ticket.started_at, now)})" if ticket.started_at else ""
    run = f" {short_id(ticket.run_id)}" if ticket.run_id else ""
    follow = f": loom logs {short_id(ticket.run_id)} --follow" if ticket.run_id else ""
    return f"run{run} is at work{since} and goes on{follow}"


def _claimed(number: int) -> str:
    which = "1 more is" if number == 1 else f"{number:,} more are"
    return f"{which} claimed by a tick that is under way, and will still run"


def _alert(episode: Episode, zone: ZoneInfo) -> str:
    bad = count(episode.gathered, "bad outcome")
    return (
        f"one is open since {when(episode.opened_at, zone)} ({bad}); while the worker is paused nobody is "
        "reminded of it, and it stays open until a run succeeds"
    )


def _passed(done: Resumed, zone: ZoneInfo) -> list[str]:
    said: list[str] = []
    number, left = done.passed, done.to_record
    if number:
        said.append(f"{number:,} came due meanwhile and never {'runs' if number == 1 else 'run'}")
    if left:
        which = "it" if left == number == 1 else "them" if left == number else f"{left:,} of them"
        which = which if number else count(left, "slot") + " of pauses before it"
        said.append(f"the next tick records {which} as skipped: paused")
    if done.newest is not None:
        slot = done.newest.astimezone(zone).isoformat(timespec="minutes")
        said.append(f"to run one all the same: loom run --worker {done.worker.id} --slot {slot}")
    return said


def _table(facts: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for name, text in facts:
        table.add_row("" if name == before else name, Text(text))
        before = name
    return table
