"""The step summary of a tick: Markdown as GitHub renders it, always under a number of bytes.

Everything that a worker, an exception or a file could have written goes through `escape` or `code`.
GitHub turns `@name`, `#12`, `GH-12`, addresses and `:emoji:` into links and images after it has read the
Markdown, so that neither a backslash nor an entity keeps it from doing so; only something between their
characters does (https://github.com/github/markup/issues/1168, https://github.com/github/cmark-gfm/issues/181).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from loom.domain.alert import Delivery, DeliveryState
from loom.domain.board import Coming
from loom.domain.finding import Found
from loom.domain.run import Run
from loom.domain.tick import Planned, TickReport
from loom.errors import ExitCode
from loom.report.fitting import Line, Section, fit, size
from loom.report.gist import SEVERITIES, findings, gist
from loom.report.words import comes_next, count, one_line, span, when

SMALLEST = 20_000
"""Bytes. With less room not every section could say at least how much it leaves out."""

_EXIT_WORDS = {
    ExitCode.OK: "all well",
    ExitCode.BAD_RUN: "a run ended badly",
    ExitCode.USAGE: "the command line asks for something that makes no sense",
    ExitCode.BROKEN: "registry, enforcement, settings or ledger broken",
    ExitCode.UNDELIVERED: "an alert or the state could not be delivered",
    ExitCode.BUG: "a bug in Loom",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}
_ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"
_LINKED = re.compile(r"[@#]|:(?=//)|:(?=[\w+-]+:)|www(?=\.)|GH(?=-\d)", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
# The pipe ends a table's cell even where it is escaped, for some readers; a dollar begins a formula unless it
# stands in an element of its own, as GitHub's manual has it.
_NAMED = {"|": "&#124;", "$": "<span>$</span>"}


def escape(text: str, limit: int = 300) -> str:
    """Foreign text as one line of plain words, at most `limit` characters as a person sees it: no markup,
    HTML, link, mention, reference or emoji can come of it, in a table's cell or anywhere else."""
    flat = one_line(text[: 8 * limit], limit)
    apart = _LINKED.sub(lambda found: found[0] + _ZERO_WIDTH_SPACE, flat)
    return _PUNCTUATION.sub(lambda found: _NAMED.get(found[0], "\\" + found[0]), apart)


def code(text: str, limit: int = 500) -> str:
    """Foreign text to be copied as it is, such as an address: in a code span, where nothing is a link.
    Empty for text without anything visible. Not for a table's cell."""
    flat = one_line(text[: 8 * limit], limit)
    if not flat:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}"


def summary(
    report: TickReport,
    *,
    zone: ZoneInfo,
    coming: Sequence[Coming],
    trigger_lines: Sequence[str],
    limit: int = 1_000_000,
) -> str:
    """What a person reads of a tick on the page of its Actions run.

    zone: the zone in which times are shown. coming: the next slots, soonest first. trigger_lines: sentences
    on how reliably ticks come. limit: bytes of UTF-8, at least `SMALLEST`; GitHub drops a step's summary
    whole when it has one byte more than 1 MiB
    (https://docs.github.com/actions/reference/workflow-commands-for-github-actions, on job summaries).
    """
    if limit < SMALLEST:
        raise ValueError(f"limit={limit}: a summary needs room for {SMALLEST:,} bytes at least")
    head = _headline(report, zone)
    found = [(run, each, rank) for run in report.runs for rank, each in enumerate(findings(run))]
    # The worst of every worker before the second worst of any.
    found.sort(key=lambda each: (SEVERITIES.index(each[1].severity), each[2]))
    sections: list[Section[Any]] = [
        Section(
            "### Runs\n\n| outcome | worker | slot | took | what |\n|---|---|---|---|---|",
            "run",
            sorted(report.runs, key=lambda run: (not run.bad, not run.final)),
            lambda run: _run_row(run, zone),
            500,
        ),
        Section("### Rehearsal\n", "slot", report.planned, lambda each: _planned_item(each, zone), 500),
        Section("### Findings\n", "finding", found, lambda each: _finding_item(each[0], each[1]), 1000),
        Section(
            "### Alerts\n",
            "alert",
            sorted(report.deliveries, key=lambda each: each.state is DeliveryState.SENT),
            _alert_item,
            200,
        ),
        Section("### Problems\n", "problem", report.problems, _sentence, 200),
        Section("### Notes\n", "note", report.notes, _sentence, 50),
        Section("### Next\n", "slot", coming, lambda each: _coming_item(each, zone), 20),
        Section("### How ticks come\n", "line", trigger_lines, _sentence, 50),
    ]
    return head + fit(sections, limit - size(head))


def _headline(report: TickReport, zone: ZoneInfo) -> str:
    tick = report.tick
    words = _EXIT_WORDS[report.exit_code]
    if report.exit_code is ExitCode.OK and not report.runs:
        words = "a rehearsal, nothing was run" if report.planned else "nothing was due"
    elif report.exit_code is ExitCode.BAD_RUN and not any(run.bad for run in report.runs):
        words = "a worker named by hand was skipped"
    outcomes = Counter(run.outcome.value for run in report.runs)
    facts = [when(tick.at, zone), f"woken by {escape(tick.trigger, 60)}"]
    if outcomes:
        facts.append(", ".join(f"{number:,} {escape(name)}" for name, number in outcomes.most_common()))
    if report.upcoming is not None:
        facts.append(escape(comes_next(report, zone)))
    return f"## Loom: {words} (exit code {int(report.exit_code)})\n\n{' · '.join(facts)}\n\n"


def _run_row(run: Run, zone: ZoneInfo) -> Line:
    outcome = escape(run.outcome.value)
    if run.bad:
        outcome = f"**✗ {outcome}**"
    if not run.final:
        again = f" after {when(run.not_before, zone)}" if run.not_before else ""
        outcome += f", will be tried again{again}"
    slot = when(run.slot, zone) if run.slot else "by hand"
    if run.slot_last is not None and run.count > 1:
        slot += f" to {when(run.slot_last, zone)}, {count(run.count, 'slot')}"
    took = span(run.duration_s) if run.duration_s is not None else ""
    return Line(f"| {outcome} | {_named(run.worker, run.agent)} | {slot} | {took} | {escape(gist(run))} |")


def _finding_item(run: Run, found: Found) -> Line:
    subject = f"{escape(found.subject, 120)}: " if found.subject else ""
    title = escape(found.title, 200)
    detail = f": {escape(found.detail, 400)}" if found.detail else ""
    action = f" → {escape(found.action, 400)}" if found.action else ""
    url = code(found.url)
    text = f"- {found.severity}: {subject}{title}{detail}{action} {url}".rstrip()
    return Line(text, group=f"**{_named(run.worker, run.agent)}**")


def _alert_item(each: Delivery) -> Line:
    hook, event = escape(each.hook, 60), escape(each.alert.event.value)
    what = escape(each.alert.summary, 400)
    if each.state is DeliveryState.SENT:
        return Line(f"- {event}, delivered by {hook}: {what}")
    why = escape(each.error or "unknown", 300)
    return Line(
        f"- **{event}, not delivered by {hook}** ({why}; it is tried again on every tick): {what}",
    )


def _planned_item(each: Planned, zone: ZoneInfo) -> Line:
    slot = f" {when(each.slot, zone)}" if each.slot else ""
    slots = f" ({count(each.count, 'slot')})" if each.count > 1 else ""
    reason = f": {escape(each.reason)}" if each.reason else ""
    reads = f"; would read {escape('; '.join(each.reads), 1000)}" if each.reads else ""
    return Line(
        f"- would {escape(each.action)} {_named(each.worker, each.agent)}{slot}{slots}{reason}{reads}"
    )


def _coming_item(each: Coming, zone: ZoneInfo) -> Line:
    note = f" ({escape(each.note)})" if each.note else ""
    return Line(f"- {when(each.slot, zone)}: {_named(each.worker, each.agent)}{note}")


def _sentence(text: str) -> Line:
    return Line(f"- {escape(text, 1000)}")


def _named(worker: str, agent: str | None) -> str:
    return escape(f"{worker} ({agent})" if agent else worker, 120) or "(no name)"
