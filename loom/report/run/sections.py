"""The sections of what is shown of one run: attempts, errors, enforcement, alerts, other runs, output."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.run import Run, RunError
from loom.report.blocks import LOGGED, heading, indented, table
from loom.report.gist import findings, gist
from loom.report.terminal import all_findings
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import count, one_line, printable, short_id, told, when

_ATTEMPT = re.compile(r"attempt (\d+) of (\d+) failed \((.*?)\); (.*)", re.DOTALL)
_REFUSED = "not allowed: "
_ACTS_SHOWN = 10


def attempts(run: Run) -> RenderableType | None:
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


def errors(run: Run) -> RenderableType | None:
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


def enforcement(run: Run) -> RenderableType | None:
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


def alerts(run: Run, deliveries: Sequence[Delivery], zone: ZoneInfo) -> RenderableType | None:
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


def others(run: Run, others: Sequence[Run], zone: ZoneInfo) -> RenderableType | None:
    if not others:
        return None
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for other in others:
        sign, style = OUTCOME_SIGNS[other.outcome]
        order = "before" if moment(other) < moment(run) else "after"
        said = one_line(gist_in_words(other, zone), 120)
        at = f"{when(moment(other), zone)}" + (f"  {said}" if said else "")
        rows.add_row(
            Text(order, "dim"),
            Text(short_id(other.run_id)),
            Text(f"{sign} {other.outcome.value}", style),
            Text(at),
        )
    return rows


def output(run: Run) -> Iterator[RenderableType]:
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


def _logged(log: str) -> Iterator[tuple[str, str]]:
    """Level and text of each line that was logged."""
    for line in log.splitlines():
        if (found := LOGGED.fullmatch(line)) is not None:
            yield found["level"], found["text"]


def gist_in_words(run: Run, zone: ZoneInfo) -> str:
    """Its gist; Loom's own reason with its times in words."""
    said = gist(run)
    return told(said, lambda at: when(at, zone)) if run.started_at is None and said == run.reason else said


def moment(run: Run) -> datetime:
    return run.started_at or run.tick_at
