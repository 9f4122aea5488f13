"""Everything about one run, for a person: how it ended, why, what is known of each attempt, who was told.

What a tired person asks first stands first; the log, which may be long, stands last but for what to do next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.text import Text

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.run import Outcome, Run, Trigger
from loom.report.blocks import commands, heading, indented, log_lines, table
from loom.report.gist import gist
from loom.report.run import sections
from loom.report.run.sections import gist_in_words, moment
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import one_line, printable, short_id, span, told, when
from loom.values import dataclass

_TRIGGERS = {
    Trigger.SCHEDULE: "the schedule",
    Trigger.RETRY: "the schedule, once more",
    Trigger.MANUAL: "a person",
    Trigger.BACKFILL: "a person, for a span of slots",
}
_NEVER_RAN = frozenset({Outcome.SUPERSEDED, Outcome.MISSED, Outcome.SKIPPED})
_PROMPT = timedelta(hours=1)  # ticks come hourly


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A run and what goes with it. deliveries: what was said of it. others: runs of the same slot, oldest
    first."""

    run: Run
    deliveries: Sequence[Delivery] = ()
    others: Sequence[Run] = ()


def show_run(console: Console, shown: Shown, zone: ZoneInfo) -> None:
    """Everything that the ledger knows of one run. zone: of the times."""
    run = shown.run
    parts: list[RenderableType] = [_headline(run, zone)]
    if said := gist_in_words(run, zone):
        parts.append(indented(Text(one_line(printable(said), 2_000), "red" if run.bad else "")))
    parts.append(indented(table(_facts(run, zone))))
    for name, body in (
        ("attempts", sections.attempts(run)),
        ("errors", sections.errors(run)),
        ("enforcement", sections.enforcement(run)),
        ("alerts", sections.alerts(run, shown.deliveries, zone)),
        ("other runs of this slot", sections.others(run, shown.others, zone)),
    ):
        if body is not None:
            parts += [heading(name), indented(body)]
    parts += sections.output(run)
    if run.log:
        parts += [heading("log"), indented(log_lines(run.log))]
    parts += [heading("next"), indented(commands(console, _what_next(run, shown, zone)))]
    console.print(Group(*parts))


def _headline(run: Run, zone: ZoneInfo) -> Text:
    sign, style = OUTCOME_SIGNS[run.outcome]
    line = Text.assemble((f"{sign} {run.outcome.value}", style))
    if run.open_reason is not None:
        line.append(f", still open ({run.open_reason.value})", "yellow")
    elif not run.final:
        line.append(", tried again since", "yellow")
    line.append("  ")
    line.append(run.worker, "bold cyan")
    if run.agent:
        line.append(f" ({run.agent})")
    if run.slot is not None:
        line.append(f"  slot {when(run.slot, zone)}")
    return line


def _facts(run: Run, zone: ZoneInfo) -> list[tuple[str, str]]:
    facts = [("run", run.run_id), ("asked for by", _TRIGGERS[run.trigger])]
    if run.slot is not None and run.slot_last is not None:
        facts.append(("slots", f"{run.count:,}, from {when(run.slot, zone)} to {when(run.slot_last, zone)}"))
    if run.started_at is not None:
        took = f", took {span(run.duration_s)}" if run.duration_s is not None else ""
        facts.append(("started", when(run.started_at, zone) + took))
    if run.tick_id:
        tick = f"by the tick of {when(run.tick_at, zone)} ({short_id(run.tick_id)})"
        facts.append(("recorded", tick + _how_late(run)))
    if run.not_before is not None and not run.final:
        facts.append(("again after", when(run.not_before, zone)))
    if run.reason and run.reason != gist(run):
        facts.append(("reason", one_line(told(run.reason, lambda at: when(at, zone)), 1000)))
    if run.settings:
        facts.append(("--param", ", ".join(f"{k}={one_line(str(v))}" for k, v in run.settings.items())))
    if not run.counts:
        facts.append(("counts for", "nothing: neither health nor the next run's `previous`"))
    return facts


def _how_late(run: Run) -> str:
    """Of a run that its clock's first tick began: whether that was on time."""
    if not run.on_time or run.slot is None:
        return ""
    late = moment(run) - run.slot
    if late < _PROMPT:
        return ", on time"
    return f", {span(late.total_seconds())} after its time, by the first tick that came"


def _what_next(run: Run, shown: Shown, zone: ZoneInfo) -> list[tuple[str, str]]:
    id_ = short_id(run.run_id)
    facts: list[tuple[str, str]] = []
    later = [each for each in shown.others if moment(each) > moment(run)]
    if run.count > 1 and run.slot is not None and run.slot_last is not None:
        span_of = f"--from {_instant(run.slot, zone)} --to {_instant(run.slot_last, zone)}"
        facts.append((f"loom run --worker {run.worker} {span_of}", "run these slots after all"))
    elif later and later[-1].outcome is Outcome.SUCCEEDED:
        facts.append((f"loom show {short_id(later[-1].run_id)}", "a later run of this slot went well"))
    elif run.outcome is not Outcome.SUCCEEDED:
        never = run.started_at is None and run.outcome in _NEVER_RAN
        facts.append((f"loom retry {id_}", "run it after all" if never else "do it once more"))
    if run.outcome is Outcome.BLOCKED:
        facts.append((f"loom enforcement show --run {id_}", "the rules that it ran under"))
    if any(each.state is DeliveryState.FAILED for each in shown.deliveries):
        facts.append(("loom check --send-test-alert", "try the hook that failed"))
    if run.slot is not None and not run.by_hand:
        facts.append(
            (f"loom why {run.worker} --at {_instant(run.slot, zone)}", "what became of this slot, and why")
        )
    if run.log:
        facts.append((f"loom logs {id_}", "its log alone, to search in"))
    facts.append((f"loom history --worker {run.worker}", "what else it did"))
    return facts


def _instant(at: datetime, zone: ZoneInfo) -> str:
    """As an option takes it, with the clock's time that stands elsewhere too."""
    return at.astimezone(zone).isoformat(timespec="minutes")
