"""The crash matrix, in short: ticks that die, or are hit by an error, at places all along their way. At
length: ``python -m tests.endurance crash``."""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.crash.company import Company
from tests.crash.drawing import LEASE, Survey, by_chance, every_mine, survey
from tests.crash.mines import Mine
from tests.crash.rounds import HOUR, MINUTE, Ambush, Figures, Round, Step
from tests.ground.shut import shut

SEED = 20260303


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Made once, within walls of its own: those of a test come up after a module's fixtures."""
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as undo:
        undo.enter_context(shut(home=home, report=home.with_suffix(".report"), own_clock=True))
        yield undo.enter_context(Company(tmp_path_factory.mktemp("crash"), dict(os.environ), 2))


@pytest.fixture(scope="module")
def on_sqlite(company: Company) -> Survey:
    return survey(company.stages[0], branch=False, scripts=("scheduled", "by hand"))


def drawn() -> random.Random:
    """The same chances every time."""
    return random.Random(SEED)  # noqa: S311  (nothing is kept secret by it)


def play(company: Company, rounds: Sequence[Round]) -> Figures:
    """All that was found wrong, each with the round that it was found in; no figures if anything was."""
    total = Figures()
    wrong: list[str] = []

    def seen(round_: Round, figures: Figures) -> None:
        total.add(figures)
        wrong.extend(f"{round_}\n    {complaint}" for complaint in figures.complaints)

    company.play(iter(rounds), seen)
    assert not wrong, "\n".join(wrong)
    return total


def after(mine: Mine, *, branch: bool = False, later: Step | None = None) -> Round:
    steps = (Step(timedelta(), ambush=Ambush(mine)), *([later] if later else []))
    return Round(branch, "scheduled", steps)


def test_a_tick_killed_before_or_after_any_call_through_a_port_loses_and_doubles_nothing(
    company: Company, on_sqlite: Survey
) -> None:
    passed = [place for place in on_sqlite.first["scheduled"] if not place.startswith("sql.")]
    rng = drawn()
    mines = [mine for mine in every_mine(passed, ["kill"], nths=1) if mine.deed == "kill"]
    # Those that are passed often are met in the midst of the work instead.
    mines = [replace(mine, nth=1 + passed.count(mine.place) // 4) for mine in mines]
    rounds = [after(mine, later=rng.choice((None, None, None, Step(HOUR)))) for mine in rng.sample(mines, 28)]
    total = play(company, rounds)
    assert total.kills >= len(rounds) - 1, "calls that are counted may be fewer when they come thick and fast"
    assert total.repeated > 0
    assert {"ledger.claim", "ledger.record", "executor.submit", "hook.deliver", "ledger.close"} <= set(passed)


def test_a_tick_told_to_stop_anywhere_leaves_nothing_unsaid(company: Company, on_sqlite: Survey) -> None:
    stops = [
        mine for mine in every_mine(on_sqlite.first["scheduled"], ["kill"], nths=2) if mine.deed == "stop"
    ]
    assert play(company, [after(mine) for mine in drawn().sample(stops, 6)]).errors >= 5


def test_a_tick_killed_between_two_statements_leaves_a_whole_ledger(
    company: Company, on_sqlite: Survey
) -> None:
    passed = [place for place in on_sqlite.first["scheduled"] if place.startswith("sql.")]
    mines = drawn().sample(every_mine(passed, ["kill"], nths=3), 8)
    assert play(company, [after(mine) for mine in mines]).kills >= 6


def test_a_disk_that_fails_or_fills_up_costs_time_alone(company: Company, on_sqlite: Survey) -> None:
    rng = drawn()
    passed = on_sqlite.first["scheduled"]
    mines = [
        *(Mine("ledger.record", 4, "before", deed) for deed in ("full disk", "read-only disk", "no room")),
        Mine("sql.commit", 9, "after", "refuse"),
        Mine("hook.deliver", 1, "during", "cut short"),
        Mine("liveness.claim_as", 1, "during", "no handles"),
        *rng.sample(every_mine(passed, ["error"], nths=3), 4),
    ]
    assert play(company, [after(mine) for mine in mines]).errors >= 8


def test_the_ticks_that_come_to_mend_it_may_die_as_well(company: Company, on_sqlite: Survey) -> None:
    rng = drawn()
    total = play(company, [by_chance(rng, on_sqlite, ["kill", "error"], branch=False) for _ in range(6)])
    assert total.kills + total.errors > total.rounds


@pytest.mark.parametrize("place", ["one", "two"])
def test_on_a_branch_the_next_tick_comes_where_the_last_one_died_or_elsewhere(
    company: Company, place: str
) -> None:
    next_ = Step(HOUR, place, LEASE if place == "two" else timedelta())
    mines = [
        Mine("git.push", 1, "during", "kill"),
        Mine("git.push", 1, "after", "kill"),
        Mine("git.push", 2, "before", "kill"),
        Mine("git.push", 1, "after", "refuse"),
    ]
    total = play(company, [after(mine, branch=True, later=next_) for mine in mines])
    assert (total.kills, total.errors) == (3, 1)


def test_on_a_branch_a_working_copy_that_cannot_be_read_is_told_and_nothing_is_lost(company: Company) -> None:
    mine = Mine("sql.select sqlite_master", 1, "before", "refuse")
    assert play(company, [after(mine, branch=True)]).errors == 1


def test_a_remote_that_hangs_up_or_takes_nothing_costs_time_alone(company: Company) -> None:
    rounds = [
        Round(
            True, "scheduled", (Step(timedelta(), ambush=Ambush(remote=deed, times=times)), Step(2 * MINUTE))
        )
        for deed, times in (("refuses", 12), ("hangs up before", 1), ("hangs up after", 2))
    ]
    assert play(company, rounds).errors == 3


@pytest.mark.parametrize(
    ("bug", "ambush", "kind"),
    [
        ("loses_runs", None, "lost"),
        ("loses_ends", None, "lost"),
        ("loses_alerts", Mine("ledger.publish", 1, "before", "kill"), "undelivered"),
        ("only_says_it_told", None, "undelivered"),
        ("runs_twice", None, "doubled"),
        ("forgets_that_it_ran", None, "doubled"),
    ],
)
def test_the_judge_finds_a_bug_that_is_planted(
    company: Company, bug: str, ambush: Mine | None, kind: str
) -> None:
    step = Step(timedelta(), ambush=Ambush(ambush) if ambush else None)
    figures, _ = company.stages[0].play(Round(False, "scheduled", (step,), sabotage=bug))
    assert kind in {complaint.kind for complaint in figures.complaints}, figures
