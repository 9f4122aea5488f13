"""The step summary: what stands in it, in which order, and what gives way when it grows too long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from markdown_it import MarkdownIt

from loom.domain.alert import Alert, Delivery, DeliveryState, Event
from loom.domain.board import Coming
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.domain.slot import Slot
from loom.domain.tick import Planned, Tick, TickReport
from loom.errors import ExitCode
from loom.report.markdown import SMALLEST, code, escape, summary

AT = datetime(2026, 11, 21, 12, 17, tzinfo=UTC)
SLOT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Chicago")
REPORT = TickReport(tick=Tick(id="tick", at=AT, trigger="schedule"))
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def run(worker: str, outcome: Outcome, **more: object) -> Run:
    plain = Run(
        run_id=f"20261121T121700-{worker}",
        worker=worker,
        agent=worker.capitalize(),
        slot=SLOT,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        duration_s=12.0,
        tick_at=AT,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def finding(severity: str, title: str, **more: str) -> dict[str, str]:
    return {"severity": severity, "title": title, **more}


def delivery(state: DeliveryState, event: Event = Event.WORKER_DOWN, error: str | None = None) -> Delivery:
    alert = Alert(event=event, summary="Echo: the run of Sat 06:00 failed", at=AT)
    return Delivery(id="d", alert=alert, hook="webhook", episode="e", state=state, error=error, changed_at=AT)


def shown(report: TickReport, **more: object) -> str:
    """The summary as Markdown."""
    given: dict[str, object] = {"zone": ZONE, "coming": (), "trigger_lines": (), **more}
    return summary(report, **given)  # type: ignore[arg-type]


def seen(report: TickReport, **more: object) -> str:
    """The summary as a person reads it: its visible text, without what has no width."""
    tokens = GITHUB.parse(shown(report, **more))
    lines = [
        "".join(
            child.content
            for child in token.children or ()
            if child.type in ("text", "code_inline", "text_special")
        )
        for token in tokens
        if token.type == "inline"
    ]
    return "\n".join(lines).replace("\u200b", "")


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        (REPORT, "Loom: nothing was due (exit code 0)"),
        (replace(REPORT, runs=(run("echo", Outcome.SUCCEEDED),)), "Loom: all well (exit code 0)"),
        (
            replace(REPORT, runs=(run("echo", Outcome.FAILED),), exit_code=ExitCode.BAD_RUN),
            "Loom: a run ended badly (exit code 1)",
        ),
        (
            replace(REPORT, runs=(run("echo", Outcome.SKIPPED),), exit_code=ExitCode.BAD_RUN),
            "Loom: a worker named by hand was skipped (exit code 1)",
        ),
        (
            replace(REPORT, exit_code=ExitCode.BROKEN),
            "Loom: registry, enforcement, settings or ledger broken (exit code 3)",
        ),
        (
            replace(REPORT, exit_code=ExitCode.UNDELIVERED),
            "Loom: an alert or the state could not be delivered (exit code 4)",
        ),
    ],
)
def test_the_headline_says_the_exit_code_in_words(report: TickReport, headline: str) -> None:
    assert seen(report).splitlines()[0] == headline


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_has_its_words(code: ExitCode) -> None:
    assert f"(exit code {int(code)})" in seen(replace(REPORT, exit_code=code))


def test_the_line_below_says_when_and_what_came_of_it() -> None:
    report = replace(
        REPORT,
        runs=(run("a", Outcome.SUCCEEDED), run("b", Outcome.FAILED), run("c", Outcome.SUCCEEDED)),
        upcoming=Slot("echo", AT + timedelta(hours=3)),
    )
    assert seen(report).splitlines()[1] == (
        "Sat 21 Nov 06:17 CST · woken by schedule · 2 succeeded, 1 failed · "
        "Next: echo, Sat 21 Nov 09:17 CST (in 3 h)."
    )


def test_the_runs_stand_in_a_table_bad_ones_first() -> None:
    again = run(
        "timid",
        Outcome.FAILED,
        final=False,
        not_before=AT + timedelta(hours=1),
        error=RunError("ConnectError", "refused", "workers/timid.py:8"),
    )
    gone = run("late", Outcome.MISSED, slot_last=SLOT + timedelta(hours=2), count=3, duration_s=None)
    report = replace(REPORT, runs=(run("fine", Outcome.SUCCEEDED, output={"summary": "7 seen"}), again, gone))
    html = GITHUB.render(shown(report))
    assert html.count("<table>") == 1
    cells = [line for line in html.splitlines() if line.startswith("<td>")]
    assert cells == [
        f"<td>{cell}</td>"
        for cell in (
            "<strong>✗ missed</strong>",
            "late (Late)",
            "Sat 21 Nov 06:00 CST to Sat 21 Nov 08:00 CST, 3 slots",
            "",
            "",
            "<strong>✗ failed</strong>, will be tried again after Sat 21 Nov 07:17 CST",
            "timid (Timid)",
            "Sat 21 Nov 06:00 CST",
            "12 s",
            "ConnectError: refused (workers/timid.py:8)",
            "succeeded",
            "fine (Fine)",
            "Sat 21 Nov 06:00 CST",
            "12 s",
            "7 seen",
        )
    ]


def test_findings_stand_under_their_worker_the_worst_first() -> None:
    lookout = run(
        "lookout",
        Outcome.SUCCEEDED,
        output={
            "findings": [
                finding("info", "a word"),
                finding(
                    "warning",
                    "slow",
                    subject="/news",
                    detail="4 s",
                    action="cache it",
                    url="https://example.org/news",
                ),
            ]
        },
    )
    audit = run("audit", Outcome.SUCCEEDED, output={"findings": [finding("critical", "lost rows")]})
    text = seen(replace(REPORT, runs=(lookout, audit)))
    assert text.split("Findings\n")[1].splitlines() == [
        "audit (Audit)",
        "critical: lost rows",
        "lookout (Lookout)",
        "warning: /news: slow: 4 s → cache it https://example.org/news",
        "info: a word",
    ]


def test_what_to_do_about_a_finding_is_foreign_text_like_the_rest_of_it_and_bounded() -> None:
    action = "mail @ann <b>now</b> " + "x" * 600
    told = run("audit", Outcome.SUCCEEDED, output={"findings": [finding("info", "t", action=action)]})
    text = shown(replace(REPORT, runs=(told,)))
    assert escape(action, 400) in text
    assert "@ann" not in text
    assert "<b>" not in text
    assert "x" * 400 not in text


def test_findings_that_a_worker_redefined_are_passed_over() -> None:
    odd = run(
        "odd", Outcome.SUCCEEDED, output={"summary": 3, "findings": ["x", {"severity": "dire", "title": 1}]}
    )
    assert "info:" in seen(replace(REPORT, runs=(odd,)))
    assert "Findings" not in seen(replace(REPORT, runs=(replace(odd, output={"findings": "many"}),)))


def test_alerts_that_reached_nobody_come_first_with_their_reason() -> None:
    report = replace(
        REPORT, deliveries=(delivery(DeliveryState.SENT), delivery(DeliveryState.FAILED, error="HTTP 500"))
    )
    assert seen(report).split("Alerts\n")[1].splitlines() == [
        "worker.down, not delivered by webhook (HTTP 500; it is tried again on every tick): "
        "Echo: the run of Sat 06:00 failed",
        "worker.down, delivered by webhook: Echo: the run of Sat 06:00 failed",
    ]


def test_problems_notes_next_slots_and_how_ticks_come_each_have_their_section() -> None:
    text = seen(
        replace(
            REPORT, problems=("worker-registry.yaml:3: no",), notes=("no memory",), exit_code=ExitCode.BROKEN
        ),
        coming=(Coming(worker="echo", agent="Echo", slot=SLOT + timedelta(hours=1), note="clock change"),),
        trigger_lines=("18 of 24 ticks came",),
    )
    assert text.splitlines()[2:] == [
        "Problems",
        "worker-registry.yaml:3: no",
        "Notes",
        "no memory",
        "Next",
        "Sat 21 Nov 07:00 CST: echo (Echo) (clock change)",
        "How ticks come",
        "18 of 24 ticks came",
    ]


def test_a_rehearsal_says_what_would_happen() -> None:
    planned = Planned(worker="echo", agent=None, slot=SLOT, action="run", reason="due", count=2)
    text = seen(replace(REPORT, planned=(planned,)))
    assert "Loom: a rehearsal, nothing was run (exit code 0)" in text
    assert "would run echo Sat 21 Nov 06:00 CST (2 slots): due" in text


def test_too_many_findings_give_way_to_the_worst_of_every_worker() -> None:
    many = [finding("info", f"{'i' * 180} {n}") for n in range(4000)]
    many += [finding("critical", f"{'c' * 180} {n}") for n in range(20)]
    runs = tuple(run(f"w{n}", Outcome.SUCCEEDED, output={"findings": many}) for n in range(3))
    report = replace(REPORT, runs=runs, problems=("the roof is open",))
    markdown = shown(report, limit=SMALLEST, trigger_lines=("24 of 24 ticks came",))
    assert len(markdown.encode()) <= SMALLEST
    text = seen(report, limit=SMALLEST, trigger_lines=("24 of 24 ticks came",))
    assert all(f"w{n} (W{n})" in text for n in range(3))
    assert text.count("critical: ") == 60
    assert "the roof is open" in text
    assert "24 of 24 ticks came" in text
    left_out = 12_060 - text.count("critical: ") - text.count("info: ")
    assert f"and {left_out:,} more findings" in text


def test_a_worker_with_thousands_of_findings_hides_no_other_workers_worst() -> None:
    loud = run("loud", Outcome.SUCCEEDED, output={"findings": [finding("critical", "x" * 180)] * 4000})
    quiet = run("quiet", Outcome.SUCCEEDED, output={"findings": [finding("critical", "the one that counts")]})
    assert "the one that counts" in seen(replace(REPORT, runs=(loud, quiet)), limit=SMALLEST)


@pytest.mark.parametrize("limit", range(SMALLEST, SMALLEST + 400, 20))
def test_the_names_above_findings_count_towards_the_limit(limit: int) -> None:
    found = {"findings": [finding("info", "x")]}
    runs = tuple(run(f"w{n}{'-' * 90}", Outcome.SUCCEEDED, output=found) for n in range(400))
    assert len(shown(replace(REPORT, runs=runs), limit=limit).encode()) <= limit


def test_a_summary_with_room_leaves_nothing_out() -> None:
    runs = tuple(run(f"w{n}", Outcome.SUCCEEDED) for n in range(300))
    text = seen(replace(REPORT, runs=runs))
    assert all(f"w{n} (W{n})" in text for n in range(300))
    assert "more run" not in text


def test_too_little_room_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        shown(REPORT, limit=SMALLEST - 1)


@pytest.mark.parametrize(
    "text",
    [
        "@octocat and @github/support",
        "fixes #12, GH-12 and octo/repo#7",
        ":tada: :+1:",
        "https://evil.example http://evil.example www.evil.example ftp://evil.example",
        "mail a@evil.example",
    ],
)
def test_what_github_links_after_rendering_is_kept_apart(text: str) -> None:
    """A backslash and an entity are gone by then; only a character in between stays."""
    rendered = GITHUB.renderInline(escape(text))
    for trap in ("@o", "@g", "@e", "#1", "#7", "GH-", "://", "www.", ":tada:", ":+1:"):
        assert trap not in rendered
    assert rendered.replace("\u200b", "") == text


def test_a_dollar_begins_no_formula() -> None:
    assert escape("$x$") == "<span>$</span>x<span>$</span>"


@pytest.mark.parametrize(
    "text", ["plain", "`", "a``b`c", "<img src=x>", "[x](y)", "https://example.org/?a=1&b=2", "&amp;", "\\"]
)
def test_code_shows_text_to_be_copied_as_it_is(text: str) -> None:
    (inline,) = (token for token in GITHUB.parse(f"- {code(text)}") if token.type == "inline")
    assert [(child.type, child.content) for child in inline.children or ()] == [("code_inline", text)]


def test_nothing_visible_makes_no_code() -> None:
    assert code(" \n\x00") == ""
