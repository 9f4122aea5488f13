"""What the slots benchmark asks, what it holds to be right, and what it makes of answers."""

from dataclasses import replace

from tests.benchmarks.expressions import ACTIVE_OF_THE_TWELVE, expressions
from tests.benchmarks.result import Timed
from tests.benchmarks.slots import SPANS, Span, Standing, result_of, right_lists
from tests.ground.wall_clock import Crontab

DAY, _, YEAR = SPANS
NEW_YEAR = replace(DAY, start=YEAR.start, end=YEAR.start + (DAY.end - DAY.start))


def test_the_thousand_expressions_are_the_same_ones_every_time_and_can_all_be_read() -> None:
    texts = expressions()
    assert len(texts) == 1000
    assert texts == expressions()
    assert texts[:11] == tuple(ACTIVE_OF_THE_TWELVE.values())
    assert all(Crontab.read(text).times for text in texts)


def test_of_one_day_in_june_they_name_so_many_slots() -> None:
    lists = [_count(text) for text in expressions()]
    assert sum(lists) == 1802


def _count(text: str) -> int:
    """How many times of 1 June 2026, a Monday, the line names."""
    crontab = Crontab.read(text)
    return len(crontab.times) * crontab.names_day(DAY.start.date())


def test_each_span_is_whole_days_on_the_clock_of_its_zone() -> None:
    assert [(span.end - span.start).days for span in SPANS] == [1, 30, 365]
    assert YEAR.asked(1000)["end"] - YEAR.asked(1000)["start"] == 365 * 86_400
    assert YEAR.asked(1000)["asked"] == list(range(0, 1000, 20))


def test_two_lists_have_the_same_digest_only_if_they_are_the_same() -> None:
    noon, also_noon, later = right_lists(["0 12 * * *", "0 12 1 6 *", "1 12 * * *"], DAY)
    assert noon == also_noon != later


def test_the_judge_includes_the_first_moment_of_a_span_and_leaves_out_its_end() -> None:
    midnight, first, second = right_lists(["0 0 * * *", "0 0 1 1 *", "0 0 2 1 *"], NEW_YEAR)
    assert midnight == first != second
    (nothing,) = right_lists(["0 0 2 2 *"], NEW_YEAR)
    assert second == nothing


def _standing(name: str, wrong: set[int], *rounds: list[float]) -> Standing:
    loom = [[0.001, 0.001, 0.002]] * len(rounds)
    return Standing(
        name=name, span="1 day", timed=(0, 2, 4), judged=5, wrong=frozenset(wrong), rounds=rounds, loom=loom
    )


def test_a_contender_is_compared_with_loom_on_everything_and_on_what_it_has_right() -> None:
    peer = _standing("croniter", {1, 4}, [0.01, 0.03, 0.5], [0.01, 0.01, 0.7])
    assert peer.whole[1] == peer.whole[0].median / 0.004
    time, ratio = peer.where_right
    assert time == Timed((0.04, 0.02))
    assert round(ratio, 6) == 15
    assert peer.row()[4] == "2 of 5"


def test_a_goal_is_missed_if_loom_is_wrong_or_slower_than_another_where_that_is_right() -> None:
    loom = _standing("loom", set(), [0.001, 0.001, 0.002])
    slow = _standing("croniter", set(), [0.01, 0.01, 0.02])
    fast_but_mostly_wrong = _standing("cronsim", {2, 4}, [0.0005, 0.5, 0.5])
    parsing = {"loom": Timed((1.0,)), "croniter": Timed((2.0,))}
    assert result_of([loom, slow], parsing).reached
    assert not result_of([loom, slow, fast_but_mostly_wrong], parsing).reached
    assert not result_of([replace(loom, wrong=frozenset({3})), slow], parsing).reached


def test_the_wrong_ones_are_named_among_the_raw_numbers() -> None:
    told = {"spans": {"1 day": ["right", "other", None]}}
    seconds = [{"spans": {"1 day": [0.1, 0.2, 0.3]}}]
    span = Span("1 day", DAY.start, DAY.end)
    standing = Standing.of("cronsim", span, ["right", "right", "right"], told, seconds, seconds)
    assert standing.as_json()["wrong"] == [1, 2]
    assert standing.as_json()["where_right_s"] == (0.1,)
