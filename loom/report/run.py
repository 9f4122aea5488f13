"""Everything about one run, for a person: how it ended, why, what is known of each attempt, who was told.

What a tired person asks first stands first; the log, which may be long, stands last but for what to do next.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.report.blocks import LOGGED, commands, heading, indented, log_lines, table
from loom.report.gist import findings, gist
from loom.report.terminal import all_findings
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import count, one_line, printable, short_id, span, told, when
from loom.values import dataclass

_TRIGGERS = {
    Trigger.SCHEDULE: "the schedule",
    Trigger.RETRY: "the schedule, once more",
    Trigger.MANUAL: "a person",
    Trigger.BACKFILL: "a person, for a span of slots",
}
_ATTEMPT = re.compile(r"attempt (\d+) of (\d+) failed \((.*?)\); (.*)", re.DOTALL)
_REFUSED = "not allowed: "
_ACTS_SHOWN = 10
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
    if said := _said(run, zone):
        parts.append(indented(Text(one_line(printable(said), 2_000), "red" if run.bad else "")))
    parts.append(indented(table(_facts(run, zone))))
    for name, body in (
        ("attempts", _attempts(run)),
        ("errors", _errors(run)),
        ("enforcement", _enforcement(run)),
        ("alerts", _alerts(run, shown.deliveries, zone)),
        ("other runs of this slot", _others(run, shown.others, zone)),
    ):
        if body is not None:
            parts += [heading(name), indented(body)]
    parts += _output(run)
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
    late = _moment(run) - run.slot
    if late < _PROMPT:
        return ", on time"
    return f", {span(late.total_seconds())} after its time, by the first tick that came"


def _said(run: Run, zone: ZoneInfo) -> str:
    """Its gist; Loom's own reason with its times in words."""
    said = gist(run)
    return told(said, lambda at: when(at, zone)) if run.started_at is None and said == run.reason else said


def _attempts(run: Run) -> RenderableType | None:
    """What the log tells of those that failed, and how the last one ended."""
    if not run.attempts:
        return None
    rows: list[tuple[str, str]] = []
    for _, text in _logged(run.log):
        if (failed := _ATTEMPT.fullmatch(text)) is not None:
            number, most, kind, then = failed.groups()
            rows.append((f"{number} of {most}", f"failed: {kind}; {then}"))
    # The last one may be among them: there was no time to wait for the next.
    known = {row[0].partition(" ")[0] for row in rows}
    if str(run.attempts) not in known:
        missing = run.attempts - 1 - len(rows)
        if missing > 0:
            rows.append(("", f"{count(missing, 'more')} of which the log has nothing"))
        ended = f"{run.outcome.value}" + (f": {run.error.kind}" if run.error else "")
        rows.append((str(run.attempts), ended))
    return table(rows)


def _errors(run: Run) -> RenderableType | None:
    """Each mistake by itself: where, what stood there, and what was expected."""
    errors = run.errors or ((run.error,) if run.error else ())
    alone = len(errors) == 1 and _got(errors[0])[0] is None and "\n" not in errors[0].message.strip()
    if not errors or alone:
        return None  # or it stands under the headline, whole
    blocks: list[RenderableType] = []
    for error in errors:
        got, expected = _got(error)
        where = one_line(error.where, 300) if error.where else ""
        if got is None:
            head = Text.assemble((one_line(error.kind, 100), "bold red"), f"  {where}" if where else "")
            blocks += [head, indented(Text(printable(error.message), "red"))]
        else:
            blocks.append(Text(where or "the output", "bold red"))
            blocks.append(indented(table([("got", got), ("expected", expected)])))
    return Group(*blocks)


def _got(error: RunError) -> tuple[str | None, str]:
    """The offending value, and what was expected instead; None for what isn't a mistake of validation."""
    if error.kind != "validation":
        return None, ""
    text = one_line(error.message, 1_500)
    if text == "this field is required and missing":
        return "nothing", "this field; it is required"
    for words in (", got ", ", there is no "):
        said, found, value = text.partition(words)
        if found:
            by_registry = " (`expect` in the registry)"
            origin = by_registry if value.endswith(by_registry) else ""
            got = value.removesuffix(by_registry) if words == ", got " else "nothing: no such field"
            expected = said.removeprefix("Input should be ").removeprefix("expected ")
            return got, expected + origin
    return None, ""


def _enforcement(run: Run) -> RenderableType | None:
    facts: list[tuple[str, str]] = []
    if run.enforcement_digest is None:
        facts.append(("digest", "none: no rules were in force when this was recorded"))
    else:
        facts.append(("digest", run.enforcement_digest))
    if run.rules:
        facts.append(("rules", ", ".join(run.rules)))
    if run.started_at is not None and run.rules:
        facts.append(("acts", f"{count(run.checks, 'act')} judged, {run.refusals:,} refused"))
    refused = [text.removeprefix(_REFUSED) for _, text in _logged(run.log) if text.startswith(_REFUSED)]
    facts += [("refused", one_line(text, 400)) for text in refused[:_ACTS_SHOWN]]
    if len(refused) > _ACTS_SHOWN:
        facts.append(("refused", f"and {len(refused) - _ACTS_SHOWN:,} more, in the log"))
    return table(facts)


def _alerts(run: Run, deliveries: Sequence[Delivery], zone: ZoneInfo) -> RenderableType | None:
    facts: list[tuple[str, str]] = []
    for each in deliveries:
        at = when(each.changed_at, zone)
        tries = f", try number {each.tries}" if each.tries > 1 else ""
        if each.state is DeliveryState.SENT:
            told = f"delivered {at}{tries}"
        elif each.state is DeliveryState.FAILED:
            why = one_line(each.error or "unknown", 400)
            told = f"NOT delivered, {count(each.tries, 'try', 'tries')} by {at}: {why}; each tick tries again"
        else:
            told = f"{each.state.value} since {at}; the next tick tries again"
        facts.append((f"{each.alert.event.value}", f"by {each.hook}: {told}"))
    if run.episode.startswith("held "):
        facts.append(("none yet", f"{run.episode}: bad outcomes in a row before somebody is told"))
    elif run.episode == "not counted":
        facts.append(("none", "a run with --param alerts nobody"))
    elif run.episode:
        facts.append(("episode", run.episode + ("" if deliveries else ", of which this run was no news")))
    return table(facts) if facts else None


def _others(run: Run, others: Sequence[Run], zone: ZoneInfo) -> RenderableType | None:
    if not others:
        return None
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for other in others:
        sign, style = OUTCOME_SIGNS[other.outcome]
        order = "before" if _moment(other) < _moment(run) else "after"
        said = one_line(_said(other, zone), 120)
        at = f"{when(_moment(other), zone)}" + (f"  {said}" if said else "")
        rows.add_row(
            Text(order, "dim"),
            Text(short_id(other.run_id)),
            Text(f"{sign} {other.outcome.value}", style),
            Text(at),
        )
    return rows


def _moment(run: Run) -> datetime:
    return run.started_at or run.tick_at


def _output(run: Run) -> Iterator[RenderableType]:
    if run.output is not None:
        found = list(all_findings(run))
        if found:
            yield Text()
            yield from found
        hidden = {"summary", "findings"} if findings(run) or not run.output.get("findings") else {"summary"}
        hidden |= set() if run.output.get("metrics") else {"metrics"}
        rest = {name: value for name, value in run.output.items() if name not in hidden}
        if rest:
            yield heading("output")
            yield indented(JSON.from_data(rest, highlight=False))
    if run.rejected is not None:
        yield heading("rejected output")
        yield indented(JSON.from_data(run.rejected, highlight=False))


def _what_next(run: Run, shown: Shown, zone: ZoneInfo) -> list[tuple[str, str]]:
    id_ = short_id(run.run_id)
    facts: list[tuple[str, str]] = []
    later = [each for each in shown.others if _moment(each) > _moment(run)]
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


def _logged(log: str) -> Iterator[tuple[str, str]]:
    """Level and text of each line that was logged."""
    for line in log.splitlines():
        if (found := LOGGED.fullmatch(line)) is not None:
            yield found["level"], found["text"]
