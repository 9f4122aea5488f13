"""How contenders are measured in turns, and what becomes of wrong answers and of those who can't run."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.peers import PeerUnavailable


@dataclass
class Track:
    """Contenders on a clock of their own."""

    now: float = 0.0
    order: list[str] = field(default_factory=list)

    def lane(self, name: str, took: float, *, recorded: int = 100) -> Lane:
        def go() -> Taken:
            self.order.append(name)
            self.now += took
            return Taken({100: took}, {100: recorded})

        return Lane(name, go)

    def run(self, *lanes: Lane, rounds: int, budget_s: float = 60.0) -> dict[str, Ran]:
        ran = run_in_turns(lanes, rounds=rounds, budget_s=budget_s, clock=lambda: self.now)
        return {each.name: each for each in ran}


def failing(error: Exception) -> Callable[[], Taken]:
    def go() -> Taken:
        raise error

    return go


def test_each_goes_once_to_warm_up_and_then_in_turns() -> None:
    track = Track()
    ran = track.run(track.lane("a", 1.0), track.lane("b", 2.0), rounds=3)
    assert track.order == ["a", "b"] * 4
    assert [each.rounds for each in ran.values()] == [3, 3]


def test_a_slow_one_gets_as_many_rounds_as_its_budget_holds_but_two_at_least() -> None:
    track = Track()
    ran = track.run(
        track.lane("quick", 1.0), track.lane("slow", 15.0), track.lane("slowest", 500.0), rounds=10
    )
    assert {name: each.rounds for name, each in ran.items()} == {"quick": 10, "slow": 4, "slowest": 2}
    note = rounds_of(tuple(ran.values()), 10)
    assert "slow 4" in note
    assert "slowest 2" in note
    assert "quick" not in note


def test_what_the_warm_up_took_to_prepare_costs_nobody_a_round() -> None:
    track = Track()
    preparing = iter((300.0,))

    def go() -> Taken:
        track.now += next(preparing, 1.0)
        return Taken({1: 1.0}, {1: 1})

    assert track.run(Lane("a", go), rounds=10)["a"].rounds == 10


def test_one_round_is_one_round_for_everybody() -> None:
    track = Track()
    ran = track.run(track.lane("slowest", 500.0), rounds=1)
    assert ran["slowest"].rounds == 1
    assert rounds_of(tuple(ran.values()), 1) == ""


def test_the_warm_up_is_not_among_the_figures() -> None:
    times = iter((9.0, 1.0, 1.2, 1.1))
    lane = Lane("a", lambda: Taken({1: next(times)}, {1: 1}))
    (ran,) = run_in_turns([lane], rounds=3, budget_s=1e9)
    timed = ran.timed(1)
    assert timed is not None
    assert timed.seconds == (1.0, 1.2, 1.1)


def test_a_wrong_answer_in_one_round_takes_the_figure_away_and_says_so() -> None:
    counts = iter((100, 100, 99, 100))
    lane = Lane("a", lambda: Taken({100: 0.5, 1: 0.1}, {100: next(counts), 1: 1}))
    (ran,) = run_in_turns([lane], rounds=3, budget_s=1e9)
    assert ran.timed(100) is None
    assert ran.cell(100) == "wrong: 99 of 100"
    assert ran.timed(1) is not None


def test_a_size_that_was_not_measured_has_no_figure() -> None:
    track = Track()
    ran = track.run(track.lane("a", 1.0), rounds=2)["a"]
    assert ran.timed(1_000) is None
    assert ran.cell(1_000) == "-"


@pytest.mark.parametrize(
    "error", [PeerUnavailable("it can't be had"), RuntimeError("it can't be had\n\n  \n")], ids=repr
)
def test_who_cannot_run_has_no_figures_and_the_others_go_on(error: Exception) -> None:
    track = Track()
    ran = track.run(Lane("gone", failing(error)), track.lane("a", 1.0), rounds=2)
    assert ran["gone"].takes == ()
    assert ran["gone"].cell(100) == "-"
    assert ran["a"].rounds == 2
    assert troubles_of(tuple(ran.values())) == ("gone: not measured: it can't be had",)


def test_who_fails_later_loses_the_figures_it_had() -> None:
    goes = iter((Taken({1: 1.0}, {1: 1}), Taken({1: 1.0}, {1: 1})))

    def go() -> Taken:
        try:
            return next(goes)
        except StopIteration:
            raise RuntimeError("broken at last") from None

    (ran,) = run_in_turns([Lane("a", go)], rounds=5, budget_s=1e9)
    assert ran.timed(1) is None
    assert ran.trouble == "broken at last"


def test_a_long_complaint_is_told_by_its_first_and_last_line() -> None:
    error = RuntimeError("first\nTraceback\n  in the middle\nlast")
    (ran,) = run_in_turns([Lane("a", failing(error))], rounds=1, budget_s=1.0)
    assert ran.trouble == "first ... last"
