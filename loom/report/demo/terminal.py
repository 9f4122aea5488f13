"""The demo's week for a person who looks on: a day, a tick, what ran, what came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from loom.domain.alert import RECOVERIES, Delivery, DeliveryState
from loom.domain.demo import Act, Scene
from loom.domain.run import Outcome, Run, Trigger
from loom.domain.tick import TickReport
from loom.report.demo.hanging import Hanging
from loom.report.gist import findings
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import count, one_line, span, when

_INDENT = 9
_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(slots=True)
class Telling:
    """What was told so far: the day, and the ticks since the last line that found nothing to do.

    brief: whether ticks are left out of which a narrator says nothing. reasons: why workers were skipped."""

    zone: ZoneInfo
    brief: bool = False
    day: date | None = None
    quiet: list[datetime] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)

    def lines(self, scene: Scene) -> Iterator[RenderableType]:
        """What is shown once `scene` was played; nothing yet for a tick of which there is nothing to say."""
        if self.brief and not scene.step.says:
            return
        local = scene.step.at.astimezone(self.zone)
        if local.date() != self.day:
            yield from self.rest()
            if self.day is not None:
                yield Text("")
            self.day = local.date()
            yield Text(f"{local:%A} {local.day} {local:%B}", "bold")
        report = scene.report
        if report is not None and report.idle and not scene.step.says:
            self.quiet.append(local)
            return
        yield from self.rest()
        if report is None:
            yield _line(local, Text(one_line(scene.step.says), _ACT_STYLES[scene.step.act]))
            return
        yield _line(local, _ran(report))
        yield from _told(report, self.zone)
        yield from self._skipped(report)
        for note in scene.notes:
            yield _below(Text(one_line(note), "yellow"))
        if scene.step.shows:
            yield from _first_finding(report, scene.step.shows)
        if scene.step.says:
            yield _below(Text(one_line(scene.step.says), "dim italic"))

    def _skipped(self, report: TickReport) -> Iterator[RenderableType]:
        """Each reason once: a library that isn't there stays away all week."""
        for run in _worst_first(report.runs):
            if run.outcome is Outcome.SKIPPED and run.reason not in self.reasons:
                self.reasons.add(run.reason)
                yield _below(Text(one_line(f"{run.agent or run.worker}: {run.reason}"), "yellow"))

    def rest(self) -> Iterator[RenderableType]:
        """The ticks that are still to be told of."""
        if self.quiet:
            times = " ".join(f"{at:%H:%M}" for at in self.quiet)
            yield Text(f"  {times}  nothing was due", "dim")
            self.quiet.clear()


def introduction(folder: str) -> Iterator[RenderableType]:
    """What is to be seen, and how it is read."""
    yield Text(
        "Twelve workers of a studio that doesn't exist, and a week of the clock that wakes Loom.", "bold"
    )
    yield Text(f"The runner, the rules and the ledger are the real ones; all of it is in {folder}", "dim")
    yield Text.assemble(
        ("✓", "green"),
        (" ran   ", "dim"),
        ("✗", "bold red"),
        (" went wrong   ", "dim"),
        "–",
        (" didn't run", "dim"),
    )
    yield Text("")


def seconds_to_read(scene: Scene) -> float:
    """How long a person wants to look at what is shown of it; not at all, if nothing is."""
    report, says = scene.report, scene.step.says
    if report is not None and report.idle and not says:
        return 0.0
    words = len(says) + sum(map(len, scene.notes))
    if report is not None:
        words += 30 * (len(report.deliveries) + sum(run.bad for run in report.runs) + bool(scene.step.shows))
    return 0.3 + 0.022 * words


_ACT_STYLES = {
    Act.CRM_FAILS: "bold red",
    Act.CRM_ANSWERS: "bold green",
    Act.NEWCOMER: "bold",
    Act.MENDED: "bold",
}


def _line(local: datetime, said: Text) -> RenderableType:
    return Hanging(Text(f"  {local:%H:%M}", "cyan"), said, _INDENT)


def _below(said: Text) -> RenderableType:
    return Padding(said, (0, 0, 0, _INDENT), expand=False)


def _ran(report: TickReport) -> Text:
    """``✗ Sentinel failed  ✓ Broadcast ×2   24 min late, 11 findings``"""
    if not report.runs:
        return Text("nothing was due", "dim")
    signs = [_sign(run) for run in _worst_first(report.runs)]
    numbers = Counter(sign.plain for sign in signs)
    line = Text()
    for sign in {sign.plain: sign for sign in signs}.values():
        line.append("  " if line else "")
        line.append_text(sign)
        if (number := numbers[sign.plain]) > 1:
            line.append(f" ×{number}")
    late = max((_late(run, report.tick.at) for run in report.runs), default=0.0)
    found = sum(len(findings(run)) for run in report.runs)
    behind = [f"{span(late)} late"] if late >= 60 else []
    behind += [count(found, "finding")] if found else []
    if behind:
        line.append("   " + ", ".join(behind), "dim")
    return line


def _worst_first(runs: Iterable[Run]) -> list[Run]:
    """In an order of their own: they end in any."""
    return sorted(runs, key=lambda run: (not run.bad, run.started_at is None, str(run.slot), run.worker))


def _sign(run: Run) -> Text:
    """``✓ Echo``; a bad one says what it was, and one that was tried before says so. (Why one is superseded
    stands below.)"""
    sign, style = OUTCOME_SIGNS[run.outcome]
    said = Text.assemble((f"{sign} ", style), one_line(run.agent or run.worker, 40))
    if run.outcome not in (Outcome.SUCCEEDED, Outcome.SUPERSEDED):
        said.append(f" {run.outcome.value.replace('_', ' ')}", style)
    if run.trigger is Trigger.RETRY:
        said.append(" (tried again)", style if run.bad else "dim")
    return said


def _late(run: Run, at: datetime) -> float:
    """Seconds from the slot to the tick that ran it; 0 for what was tried before or not run."""
    if run.slot is None or run.started_at is None or run.trigger is Trigger.RETRY:
        return 0.0
    return (at - run.slot).total_seconds()


def _told(report: TickReport, zone: ZoneInfo) -> Iterator[RenderableType]:
    for run in _worst_first(report.runs):
        if run.bad and run.error is not None:
            yield _below(Text(one_line(run.error.message.partition(". ")[0], 220), "red"))
        elif run.outcome is Outcome.SUPERSEDED and run.slot is not None:
            name = one_line(run.agent or run.worker, 40)
            told = f"{name}, {when(run.slot, zone)}: superseded, {one_line(run.reason)}"
            yield _below(Text(told, "yellow"))
    for delivery in report.deliveries:
        yield _below(_alert(delivery))


def _alert(delivery: Delivery) -> Text:
    alert = delivery.alert
    good = alert.event in RECOVERIES
    who = one_line(alert.agent or alert.worker or "Loom", 40)
    line = Text(f"→ a person is told: {who}, {alert.event.value}", "green" if good else "bold yellow")
    if delivery.state is not DeliveryState.SENT:
        line.append(f" (not delivered: {one_line(delivery.error or 'unknown')})", "bold red")
    return line


def _first_finding(report: TickReport, worker: str) -> Iterator[RenderableType]:
    for run in report.runs:
        found = findings(run) if run.worker == worker else []
        if found:
            worst = found[0]
            name = one_line(run.agent or run.worker, 40)
            yield _below(
                Text.assemble(
                    f"{name}: ",
                    (worst.severity, _SEVERITY_STYLES[worst.severity]),
                    f" {one_line(worst.subject, 80)}: {one_line(worst.title, 120)}",
                )
            )
