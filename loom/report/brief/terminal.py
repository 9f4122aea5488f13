"""A brief in a terminal, or in a log: worst and most useful first, a screen on a normal day."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from loom.domain.brief import Brief, Need, Noted
from loom.domain.brief import Group as Subject
from loom.domain.run import Outcome
from loom.report.brief import words
from loom.report.columns import Column, Layout, show_columns
from loom.report.tick_lines import OUTCOME_SIGNS
from loom.report.words import count, one_line, short_id, when

GROUPS = 6
"""Subjects shown at most."""
FINDINGS = 3
"""Of each subject."""

_INDENT = " " * 10  # as wide as a severity
_NEEDS = 12
_RAN = 20
_COMING = 12
_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def show_brief(console: Console, brief: Brief, zone: ZoneInfo) -> None:
    console.print(Text.assemble(("Loom brief", "bold"), f"  {words.title(brief, zone)}"))
    if brief.covers:
        console.print(Text(brief.covers, "dim"))
    console.print()
    console.print(Text(one_line(brief.headline, 600), "bold red" if _urgent(brief) else "bold"))
    console.print()
    _figures(console, brief)
    if brief.needs:
        console.print()
        console.print(Group(*_needs(brief, zone)))
    if brief.ran:
        console.print()
        _ran(console, brief, zone)
    if brief.groups or brief.gone:
        console.print()
        console.print(Group(*_findings(brief, console.width)))
    if brief.coming or brief.paused:
        console.print()
        _coming(console, brief, zone)
    for sentence in (*brief.ticks, *brief.notes):
        console.print(Text(sentence, "yellow"))


def _urgent(brief: Brief) -> bool:
    return any(not need.waits for need in brief.needs)


def _figures(console: Console, brief: Brief) -> None:
    rows = [("since then", brief.span), (f"{brief.week.days} days", brief.week)]
    cells = [[Text(name, "dim") for name, _ in rows]]
    for number in range(3):
        cells.append(
            [
                Text(words.figures(each)[number], "" if words.kept(each)[number] else "bold red")
                for _, each in rows
            ]
        )
    show_columns(
        console,
        [
            Layout([Column(name, each) for name, each in zip(("", *names), cells, strict=True)])
            for names in (
                ("slots on time", "runs enforced", "bad outcomes delivered"),
                ("on time", "enforced", "bad delivered"),
            )
        ],
    )


def _needs(brief: Brief, zone: ZoneInfo) -> Iterator[RenderableType]:
    yield Text("What needs whom", "bold")
    for need in brief.needs[:_NEEDS]:
        yield from _need(need, brief, zone)
    if len(brief.needs) > _NEEDS:
        yield Text(f"and {len(brief.needs) - _NEEDS:,} more: loom status", "dim")


def _need(need: Need, brief: Brief, zone: ZoneInfo) -> Iterator[RenderableType]:
    sign, style = ("◐", "yellow") if need.waits else ("✗", "bold red")
    line = Text.assemble((f"{sign} ", style), (need.worker or "Loom", "bold"))
    line.append(f"  {need.what}")
    if since := words.since(need, brief, zone):
        line.append(f", {since}", "dim")
    yield line
    if need.says:
        yield _indented(Text(one_line(need.says, 300)))
    whom = "" if need.waits else f"{need.whom}: "
    yield _indented(Text.assemble("→ ", (one_line(whom, 80) + (" " if whom else ""), "bold"), need.do))


def _ran(console: Console, brief: Brief, zone: ZoneInfo) -> None:
    console.print(Text("What happened", "bold"))
    rows = brief.ran[:_RAN]
    signs, says = [], []
    for each in rows:
        mark, style = ("✗", "bold red") if each.bad or each.silent else OUTCOME_SIGNS[Outcome.SUCCEEDED]
        if each.recovered:
            mark, style = ("↑", "green")
        elif not (each.bad or each.silent or Outcome.SUCCEEDED in each.outcomes):
            mark, style = OUTCOME_SIGNS[Outcome.SKIPPED]
        signs.append(Text(mark, style))
        up = words.recovered(each, brief.at, zone)
        says.append(Text.assemble((f"{up}; " if up else "", "green"), one_line(each.says, 200)))
    sign = Column("", signs)
    outcome = Column("", [Text(words.outcomes(each)) for each in rows])
    took = Column("", [Text(words.took(each), "dim") for each in rows])

    def worker(least: int) -> Column:
        return Column("", [Text(each.worker) for each in rows], least=least, middle=True)

    def what(least: int) -> Column:
        return Column("", says, least=least)

    show_columns(
        console,
        [
            Layout([sign, worker(24), outcome, took, what(30)]),
            Layout([sign, worker(20), outcome, what(24)]),
            Layout([sign, worker(12), outcome]),
        ],
    )
    if len(brief.ran) > _RAN:
        console.print(Text(f"and {count(len(brief.ran) - _RAN, 'more worker')}: loom history", "dim"))


def _findings(brief: Brief, width: int) -> Iterator[RenderableType]:
    yield Text.assemble(("Findings", "bold"), f"  {words.findings(brief)}")
    shown = words.shown(brief.groups, most=GROUPS, each=FINDINGS)
    for group, found in shown.groups:
        yield from _group(group, found, brief, width)
    if shown.left_groups:
        yield Text(_rest(shown), "dim")


def _rest(shown: words.Shown) -> str:
    new = f", {shown.left_new:,} of them new" if 0 < shown.left_new < shown.left_findings else ""
    where = ", ".join(f"loom show {short_id(id_)} ({worker})" for id_, worker, _ in shown.where)
    left = f"{count(shown.left_findings, 'more finding')} on {count(shown.left_groups, 'subject')}"
    return f"and {left}{new}: {where}"


def _group(group: Subject, found: Sequence[Noted], brief: Brief, width: int) -> Iterator[RenderableType]:
    """Subject and title on one line if there is but one finding, and room for it."""
    subject = Text(one_line(words.subject(group), 120), "bold")
    by = Text(f"  {one_line(words.finders(group), 80)}", "dim")
    first = found[0]
    alone = Text.assemble(_severity(group.worst), *_marked(first, brief), subject, ": ", _title(first, group))
    together = len(group.findings) == 1 and alone.cell_len <= width
    if together:
        yield _cut(Text.assemble(alone, by) if alone.cell_len + by.cell_len <= width else alone, width)
    else:
        yield _cut(Text.assemble(_severity(group.worst), subject, by), width)
    for number, each in enumerate(found):
        if not together:
            severity = _INDENT if each.severity == group.worst else _severity(each.severity)
            yield _cut(Text.assemble(severity, *_marked(each, brief), _title(each, group)), width)
        if number == 0 and each.action:
            yield _cut(Text(f"{_INDENT}→ {one_line(each.action, 300)}", "dim"), width)
    if rest := group.findings[len(found) :]:
        runs = ", ".join(dict.fromkeys(short_id(each.run_id) for each in rest))
        yield _cut(Text(f"{_INDENT}and {len(rest):,} more: loom show {runs}", "dim"), width)


def _severity(name: str) -> Text:
    return Text(f"{name:<{len(_INDENT)}}", _SEVERITY_STYLES[name])


def _title(each: Noted, group: Subject) -> Text:
    """Where, what, and of several workers which one says so."""
    title = Text(one_line(f"{words.place(each, group)}{each.title}", 200))
    if len(group.workers) > 1:
        title.append(f"  {one_line(each.agent or each.worker, 40)}", "dim")
    return title


def _marked(each: Noted, brief: Brief) -> Sequence[Text]:
    mark = words.mark(each, brief)
    return [Text(f"{mark:<7}", "bold green" if each.new else "dim")] if mark else []


def _coming(console: Console, brief: Brief, zone: ZoneInfo) -> None:
    console.print(Text.assemble(("Coming", "bold"), f"  until {when(brief.coming_until, zone)}"))
    rows = brief.coming[:_COMING]
    if rows:
        told = [words.ahead(each, brief.at, zone) for each in rows]
        columns = [
            Column("", [Text(first) for first, _ in told]),
            Column("", [Text(one_line(each.worker, 80)) for each in rows], least=12, middle=True),
        ]
        if any(more for _, more in told):
            columns.append(Column("", [Text(more, "dim") for _, more in told]))
        show_columns(
            console,
            [
                Layout(
                    columns,
                    [Text(each.note, "yellow") if each.note else None for each in rows],
                    lines_below=3,
                )
            ],
        )
    if len(brief.coming) > _COMING:
        console.print(Text(f"and {count(len(brief.coming) - _COMING, 'more worker')}: loom next", "dim"))
    for each in brief.paused:
        line = Text.assemble(
            ("‖ ", "dim"), each.worker, f"  {one_line(words.halted(each, brief.at, zone), 120)}"
        )
        if each.reason:
            line.append(f": {one_line(each.reason, 200)}")
        if each.by is not None:
            line.append(f"; loom resume {each.worker}", "dim")
        console.print(line)


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _indented(line: Text) -> RenderableType:
    return Padding(line, (0, 0, 0, 4), expand=False)
