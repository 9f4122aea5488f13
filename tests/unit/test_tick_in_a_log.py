"""What a tick prints into a log is what rich would have printed there."""

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from loom.cli.audience import show
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.domain.tick import Tick, TickReport
from loom.errors import ExitCode
from loom.report import terminal
from loom.values import replace

ZONE = ZoneInfo("America/Chicago")
AT = datetime(2026, 3, 3, 18, 20, tzinfo=UTC)
RUN = Run(
    run_id="0199-run",
    worker="echo",
    agent="Echo",
    slot=AT,
    trigger=Trigger.SCHEDULE,
    outcome=Outcome.SUCCEEDED,
    attempts=1,
    started_at=AT,
    finished_at=AT + timedelta(seconds=1),
    duration_s=1.0,
    enforcement_digest="d",
    tick_id="t",
    tick_at=AT,
)
words = st.text(max_size=30)
runs = st.builds(
    lambda outcome, reason, summary, findings: replace(
        RUN,
        outcome=outcome,
        reason=reason,
        error=RunError("Kind", reason, None) if outcome is Outcome.FAILED else None,
        output={"summary": summary, "findings": findings, "metrics": {}},
    ),
    st.sampled_from(Outcome),
    words,
    words,
    st.lists(
        st.builds(
            lambda title, subject: {"severity": "info", "title": title, "subject": subject}, words, words
        ),
        max_size=2,
    ),
)


@given(st.lists(runs, max_size=3), st.lists(words, max_size=2))
@example([replace(RUN, output={"summary": "\U0001f3fb", "findings": [], "metrics": {}})], [])
def test_a_log_says_what_rich_would_have_said(some: list[Run], notes: list[str]) -> None:
    tick = Tick(id="t", at=AT, trigger="schedule")
    report = TickReport(
        tick=tick, zone="America/Chicago", runs=tuple(some), notes=tuple(notes), exit_code=ExitCode.OK
    )
    ours, richs = io.StringIO(), io.StringIO()
    show(report, ZONE, ours)
    terminal.show_tick(terminal.console_for(richs), report, ZONE)
    assert _lines(ours) == _lines(richs)


def _lines(stream: io.StringIO) -> list[str]:
    """rich fills lines up with blanks where something is set in; nobody sees them."""
    return [line.rstrip() for line in stream.getvalue().split("\n")]
