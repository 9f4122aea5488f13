"""Ticks that all come at once, in short: real processes, released together. At length:
``python -m tests.endurance concurrency``."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.driving import Driver, drivers
from tests.crash.racing import race

ROUNDS = 5


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with drivers(tmp_path_factory.mktemp("home"), 1) as (one,):
        yield one


def chances(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  (the same every time)


def test_of_eight_ticks_at_once_exactly_one_runs_each_slot(driver: Driver, tmp_path: Path) -> None:
    figures = race(driver, tmp_path, rounds=ROUNDS, processes=8, rng=chances(1))
    assert [str(complaint) for complaint in figures.complaints] == []
    assert figures.overtaken > 0, "none came second: that was no race"
    assert figures.slots > 8 * ROUNDS


def test_when_one_of_them_dies_at_work_the_others_or_the_next_take_over(
    driver: Driver, tmp_path: Path
) -> None:
    figures = race(driver, tmp_path, rounds=3, processes=4, deaths=1.0, rng=chances(2))
    assert [str(complaint) for complaint in figures.complaints] == []


def test_of_three_clones_exactly_one_runs_each_slot(driver: Driver, tmp_path: Path) -> None:
    figures = race(driver, tmp_path, rounds=2, processes=3, clones=3, rng=chances(3))
    assert [str(complaint) for complaint in figures.complaints] == []
    assert figures.overtaken > 0, "none came second: that was no race"


def test_the_judge_of_a_race_finds_a_slot_that_is_run_twice(driver: Driver, tmp_path: Path) -> None:
    figures = race(driver, tmp_path, rounds=1, processes=2, rng=chances(4), sabotage="runs_twice")
    assert "doubled" in {complaint.kind for complaint in figures.complaints}
