"""Whatever a worker writes commands nobody, marks nothing up, and never makes GitHub drop the rest."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from loom.domain.alert import Alert, Delivery, DeliveryState, Event
from loom.domain.board import Coming
from loom.domain.run import OpenReason, Outcome, Run, RunError, Trigger
from loom.domain.tick import Tick, TickReport
from loom.errors import ExitCode, Problem
from loom.report.actions import ANNOTATIONS_SHOWN, annotations, groups, masks, outputs
from loom.report.harmless import harmless
from loom.report.markdown import SMALLEST, code, escape, summary
from tests.ground.actions_runner import read

AT = datetime(2026, 11, 21, 12, 17, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105  (nobody is to be kept out by it)
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

PIECES = (
    *(
        "::error::x",
        "::set-env name=A::b",
        f"::{TOKEN}::",
        "::stop-commands::x",
        "::endgroup::",
        "##[error]x",
    ),
    *(
        "##[",
        "#\ufe0f#[group]x",
        "::",
        ":",
        "\r",
        "\n",
        "\r\n",
        "\u2028",
        "\x85",
        "\x0b",
        "\x1b[31m",
        "\x1b[2J",
    ),
    *(
        "<img src=x onerror=y>",
        "<!-- ",
        " -->",
        "<script>",
        "</table>",
        "&lt;b&gt;",
        "&#64;",
        "![a](b)",
        "[a](b)",
    ),
    *(
        "[a]: b",
        "[^1]",
        "https://evil.example",
        "www.evil.example",
        "<https://a.b>",
        "a@b.cd",
        "@octocat",
        "#12",
    ),
    *(
        "GH-12",
        "octo/repo#1",
        ":tada:",
        "|",
        "\\|",
        "\\",
        "`",
        "```",
        "~~~",
        "**",
        "__",
        "~~",
        "# h",
        "> q",
        "- l",
    ),
    *(
        "1. l",
        "---",
        "===",
        "|---|",
        "$x$",
        "$`x`$",
        "    code",
        "\t",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "%0A",
    ),
    *(
        "%",
        "%25",
        ",",
        "=",
        " ",
        "word",
        "\N{ZERO WIDTH JOINER}",
        "\ud800",
        "é",
        "漢",
        "\U0001f600",
        "\xa0",
        "\x00",
    ),
    *('  File "x.py", line 1, in f\n', "  \n\n", "- [ ] task", "\N{COMBINING GRAPHEME JOINER}"),
)
foreign = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(st.characters(), max_size=40),
)
# What Loom itself never writes.
MARKED_UP = {
    "html_block",
    "html_inline",
    "link_open",
    "image",
    "fence",
    "code_block",
    "em_open",
    "s_open",
} | {
    "hr",
    "blockquote_open",
    "ordered_list_open",
    "softbreak",
    "hardbreak",
}


def finding(title: str, detail: str, severity: str) -> dict[str, str]:
    return {"severity": severity, "title": title, "detail": detail, "subject": detail, "url": title}


findings = st.lists(
    st.builds(finding, foreign, foreign, st.sampled_from(["critical", "warning", "info", "dire"])), max_size=4
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    outcome = draw(st.sampled_from(Outcome))
    final = draw(st.booleans())
    return Run(
        run_id=draw(foreign),
        worker=draw(foreign),
        agent=draw(st.none() | foreign),
        slot=AT,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        final=final,
        open_reason=None if final else draw(st.sampled_from(OpenReason)),
        reason=draw(foreign),
        error=draw(st.none() | st.builds(RunError, foreign, foreign, st.none() | foreign)),
        output={"summary": draw(foreign), "findings": draw(findings)},
        log=draw(foreign),
        tick_at=AT,
    )


alerts = st.builds(Alert, event=st.sampled_from(Event), summary=foreign, at=st.just(AT))
deliveries = st.builds(
    Delivery,
    id=st.just("d"),
    alert=alerts,
    hook=foreign,
    episode=st.just("e"),
    state=st.sampled_from(DeliveryState),
    error=st.none() | foreign,
    changed_at=st.just(AT),
)
problems = st.builds(
    Problem, foreign, st.none() | st.integers(1, 10**6), st.lists(foreign, max_size=2).map(tuple), foreign
)
reports = st.builds(
    TickReport,
    tick=st.builds(Tick, id=st.just("t"), at=st.just(AT), trigger=foreign),
    runs=st.lists(runs(), max_size=3).map(tuple),
    deliveries=st.lists(deliveries, max_size=2).map(tuple),
    problems=st.lists(foreign, max_size=2).map(tuple),
    mistakes=st.lists(problems, max_size=2).map(tuple),
    notes=st.lists(foreign, max_size=2).map(tuple),
    exit_code=st.sampled_from(ExitCode),
)
coming = st.lists(
    st.builds(Coming, worker=foreign, agent=foreign, slot=st.just(AT), note=foreign), max_size=2
)


def kinds(tokens: list[Token] | None) -> list[str]:
    return [kind for token in tokens or () for kind in (token.type, *kinds(token.children))]


@given(foreign)
@example("a\\|b")
@example("\\")
def test_escaped_text_is_read_back_as_the_words_it_was(text: str) -> None:
    meant = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    assume(meant)
    escaped = escape(text, 10_000)
    for place in (escaped, f"- {escaped}", f"**{escaped}**", f"| a |\n|---|\n| {escaped} |"):
        tokens = GITHUB.parse(place)
        children = [token for token in tokens if token.type == "inline"][-1].children or []
        assert not (set(kinds(tokens)) & MARKED_UP) - {"html_inline"}
        assert {child.content for child in children if child.type == "html_inline"} <= {"<span>", "</span>"}
        words = "".join(child.content for child in children if child.type == "text")
        assert words.replace("\u200b", "") == meant


@given(foreign)
def test_escaped_text_holds_nothing_that_github_would_link_afterwards(text: str) -> None:
    words = "".join(
        child.content
        for token in GITHUB.parseInline(escape(text, 10_000))
        for child in token.children or ()
        if child.type == "text"
    )
    followed = [after for before, after in pairwise(words) if before in "@#"]
    assert set(followed) <= {"\u200b", " "}
    assert "://" not in words
    assert "www." not in words.lower()
    assert not any(name in words for name in ("GH-1", ":tada:"))


@given(foreign, foreign)
def test_code_holds_any_text_and_ends_where_it_should(before: str, text: str) -> None:
    (inline,) = (
        token for token in GITHUB.parse(f"- x{escape(before)} {code(text)} after") if token.type == "inline"
    )
    spans = [child.content for child in inline.children or () if child.type == "code_inline"]
    assert len(spans) == (1 if code(text) else 0)
    assert not {"link_open", "image"} & set(kinds([inline]))


@given(reports, coming, st.lists(foreign, max_size=2))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_a_summary_has_the_markup_of_loom_and_none_of_a_workers(
    report: TickReport, slots: list[Coming], trigger_lines: list[str]
) -> None:
    text = summary(report, zone=ZONE, coming=slots, trigger_lines=trigger_lines)
    assert not any(each in text for each in "\u202e\u2066\x00\x1b\r\u2028")
    tokens = GITHUB.parse(text)
    found = kinds(tokens)
    assert {kind for kind in found if kind in MARKED_UP} <= {"html_inline"}
    inline = [child for token in tokens for child in token.children or ()]
    assert {each.content for each in inline if each.type == "html_inline"} <= {"<span>", "</span>"}
    assert found.count("table_open") == (1 if report.runs else 0)
    assert found.count("tr_open") == (len(report.runs) + 1 if report.runs else 0)
    assert found.count("td_open") == 5 * len(report.runs)
    sections = (report.runs, report.deliveries, report.problems, report.notes, slots, trigger_lines)
    has_findings = any((run.output or {})["findings"] for run in report.runs)
    assert found.count("heading_open") == 1 + sum(bool(each) for each in sections) + has_findings


@given(reports)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_the_runner_obeys_the_commands_of_loom_and_none_of_a_workers(report: TickReport) -> None:
    logs = [run for run in report.runs if run.log]
    reading = read(groups(report, token=TOKEN))
    assert [each.name for each in reading.obeyed] == ["group", "stop-commands", "resume", "endgroup"] * len(
        logs
    )
    assert not reading.stopped
    assert reading.matched == []
    said = annotations(report, registry=None, folder="sub")
    reading = read(said)
    assert len(reading.obeyed) == len(said)
    assert reading.shown == []
    for each in reading.obeyed:
        assert each.name in ("error", "warning", "notice")
        assert set(each.properties) <= {"file", "line", "title"}
        assert each.properties.get("line", "1").isdigit()
        assert len(each.data) <= 4_096
        assert each.data.isprintable()
        assert "##[" not in each.data
    for name in ("error", "warning", "notice"):
        assert len(reading.named(name)) <= ANNOTATIONS_SHOWN


@given(foreign)
def test_harmless_text_commands_nothing(text: str) -> None:
    once = harmless(text)
    assert read([once]).obeyed == []
    assert harmless(once) == once


@given(reports)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_outputs_are_three_values_whatever_a_worker_is_called(report: TickReport) -> None:
    lines = outputs(report, delimiter="f" * 32).split("\n")
    assert lines[0::3] == [*(f"{name}<<{'f' * 32}" for name in ("failed", "exit_code", "outcomes")), ""]
    assert lines[2::3] == ["f" * 32] * 3
    assert set(json.loads(lines[7])) == {run.worker for run in report.runs}


@given(st.lists(foreign, max_size=3))
def test_masks_are_masks_and_say_each_secret_once(values: list[str]) -> None:
    reading = read(masks(values))
    assert reading.shown == []
    assert {each.name for each in reading.obeyed} <= {"add-mask"}
    for value in values:
        for line in value.replace("\r", "\n").split("\n"):
            if len(line.strip()) >= 4:
                assert line in [each.data for each in reading.obeyed]


BULK = st.sampled_from(["$" * 500, "@|`\\" * 100, "漢" * 2_000, "a" * 50, "\U0001f600 :x: " * 90])


@st.composite
def floods(draw: st.DrawFn) -> dict[str, Any]:
    """Reports many times larger than a summary may be."""
    text = draw(BULK)
    many = st.sampled_from([0, 1, 40, 600])
    number = draw(many)
    found = [finding(text, text, "critical")] * draw(st.sampled_from([0, 1, 1_000 // max(number, 1)]))
    one = Run(
        run_id=text,
        worker=text,
        agent=text,
        slot=AT,
        trigger=Trigger.SCHEDULE,
        outcome=draw(st.sampled_from(Outcome)),
        error=RunError(text, text, text),
        output={"summary": text, "findings": found},
        log=text * draw(st.sampled_from([0, 1, 30])),
        tick_at=AT,
    )
    alert = Alert(event=Event.WORKER_DOWN, summary=text, at=AT)
    told = Delivery(
        id="d", alert=alert, hook=text, episode="e", state=DeliveryState.FAILED, error=text, changed_at=AT
    )
    return {
        "report": TickReport(
            tick=Tick(id="t", at=AT, trigger=text),
            runs=(one,) * number,
            deliveries=(told,) * draw(many),
            problems=(text,) * draw(many),
            notes=(text,) * draw(many),
        ),
        "coming": [Coming(worker=text, agent=text, slot=AT, note=text)] * draw(many),
        "trigger_lines": [text] * draw(many),
        "limit": draw(st.sampled_from([SMALLEST, 100_000, 1_000_000])),
    }


@given(floods())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=25)
def test_a_summary_never_grows_over_its_limit_and_no_section_crowds_out_another(
    flood: dict[str, Any],
) -> None:
    text = summary(zone=ZONE, **flood)
    assert len(text.encode()) <= flood["limit"]
    report: TickReport = flood["report"]
    for heading, items in (
        ("### Runs", report.runs),
        ("### Alerts", report.deliveries),
        ("### Problems", report.problems),
        ("### Notes", report.notes),
        ("### Next", flood["coming"]),
        ("### How ticks come", flood["trigger_lines"]),
    ):
        assert (f"{heading}\n" in text) == bool(items)
    for lines in (list(groups(report, token=TOKEN)), annotations(report, registry=None)):
        assert sum(len(line.encode()) + 1 for line in lines) <= 1_300_000
