"""The demo's script, and how it is told: what the narrator says is so, and foreign text orders nothing."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from rich.console import Console

from loom.demo import week
from loom.demo.week import ZONE, steps
from loom.domain.demo import Act, Scene, Step
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.domain.tick import Tick, TickReport
from loom.errors import ExitCode
from loom.report.demo.terminal import Telling

ZONE_INFO = ZoneInfo(ZONE)
AT = datetime(2026, 3, 6, 12, 49, tzinfo=UTC)
HOSTILE = "[bold red]\x1b[31m[/]\r\nX"


def ticks() -> list[datetime]:
    return [step.at for step in steps() if step.act is Act.TICK]


def test_each_sentence_of_the_narrator_belongs_to_something_that_happens() -> None:
    written = {*week.SAID.values(), *(says for _, says in week.OTHERWISE.values())}
    assert {step.says for step in steps() if step.says} == written
    assert {step.shows for step in steps() if step.shows} == set(week.SHOWN.values())
    assert all(step.says for step in steps() if step.act is not Act.TICK)


def test_ticks_come_as_those_of_github_do() -> None:
    came = ticks()
    assert came == sorted(set(came))
    per_day = Counter(at.astimezone(ZONE_INFO).date() for at in came)
    assert len(per_day) == 7
    assert all(4 <= number <= 10 for number in per_day.values())
    gaps = [after - before for before, after in pairwise(came)]
    assert min(gaps) < timedelta(minutes=1)
    assert sorted(gaps)[-2] < timedelta(hours=7) < timedelta(hours=16) < max(gaps) < timedelta(hours=17)


def test_the_clock_changes_in_that_week_which_is_over_for_everybody() -> None:
    offsets = {at.astimezone(ZONE_INFO).utcoffset() for at in ticks()}
    assert len(offsets) == 2
    assert ticks()[-1] < datetime(2026, 4, 1, tzinfo=UTC)


def scene(says: str = "") -> Scene:
    run = Run(
        run_id="1",
        worker="w",
        agent=HOSTILE,
        slot=AT - timedelta(minutes=49),
        trigger=Trigger.SCHEDULE,
        outcome=Outcome.FAILED,
        started_at=AT,
        error=RunError(HOSTILE, HOSTILE),
        tick_at=AT,
    )
    tick = Tick(id="t", at=AT, trigger="schedule")
    return Scene(
        step=Step(at=AT, says=says),
        report=TickReport(tick=tick, zone=ZONE, runs=(run,), exit_code=ExitCode.OK),
    )


def told(telling: Telling, *scenes: Scene, columns: int = 60) -> str:
    console = Console(file=io.StringIO(), width=columns, force_terminal=False, highlight=False)
    for each in scenes:
        for line in telling.lines(each):
            console.print(line)
    for line in telling.rest():
        console.print(line)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_foreign_text_is_shown_and_orders_nothing() -> None:
    shown = told(Telling(ZONE_INFO), scene())
    assert "✗ [bold red] [31m[/] X failed   49 min late" in shown
    assert "\x1b" not in shown
    assert "\r" not in shown


def test_ticks_with_nothing_to_do_share_a_line_and_a_day_has_its_own() -> None:
    quiet = [
        Scene(step=Step(at=at), report=TickReport(tick=Tick(id="t", at=at, trigger="schedule"), zone=ZONE))
        for at in (AT, AT + timedelta(hours=3), AT + timedelta(hours=20))
    ]
    assert told(Telling(ZONE_INFO), *quiet) == (
        "Friday 6 March\n  06:49 09:49  nothing was due\n\nSaturday 7 March\n  02:49  nothing was due\n"
    )


def test_a_picture_leaves_out_what_no_narrator_speaks_of() -> None:
    brief = Telling(ZONE_INFO, brief=True)
    assert told(brief, scene()) == ""
    assert "It fails." in told(brief, scene(says="It fails."))
