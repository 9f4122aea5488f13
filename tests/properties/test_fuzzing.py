"""Whatever others hand to Loom, damaged in every way that we can think of: a little of each, always the same.

For as long as you like, and with other seeds: ``python -m tests.endurance fuzz``.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from loom.ledger import writes
from loom.registry.entries import Reader
from tests.endurance.fuzz import TARGETS, main
from tests.fuzz.attempts import Tally, attempts
from tests.ground.nursery import Nursery

Monkey = pytest.MonkeyPatch

# How many attempts, and what has to become of some of them: all roads are walked.
SHORT = [
    ("registry", 200, {"read", "one entry broken", "refused"}),
    ("rules", 150, {"read", "refused"}),
    ("projects", 30, {"exit 0", "exit 3"}),
    ("outputs", 4, {"json", "text"}),
    ("lines", 36, {"damage told", "gone on", "followed"}),
    ("arguments", 60, {"exit 0", "exit 2", "exit 3"}),
]


def tried(name: str, folder: Path, *, count: int, first: str = "") -> Tally:
    with Nursery(os.environ, first=first) as nursery:
        return attempts(TARGETS[name](folder, nursery), f"{name}:always", count=count, most_wrong=1)


@pytest.mark.parametrize(("name", "count", "ends"), SHORT, ids=[row[0] for row in SHORT])
def test_no_damage_ends_in_a_bug_of_looms(tmp_path: Path, name: str, count: int, ends: set[str]) -> None:
    tally = tried(name, tmp_path, count=count)
    assert tally.wrong == []
    assert tally.attempts == count
    assert ends <= tally.ends.keys()


def _stumble(*_: object) -> str:
    raise KeyError("planted")


def _plant_in_registry(patch: Monkey) -> None:
    patch.setattr(Reader, "_look_for", _stumble)


def _plant_in_rules(patch: Monkey) -> None:
    patch.setattr("loom.enforcement.reading.document.shown", _stumble)


def _plant_in_lines(patch: Monkey) -> None:
    patch.setattr(writes, "may_follow", lambda *_: True)


@pytest.mark.parametrize(
    ("name", "plant", "says"),
    [
        ("registry", _plant_in_registry, "KeyError: 'planted'"),
        ("rules", _plant_in_rules, "KeyError: 'planted'"),
        ("lines", _plant_in_lines, "and is open again"),
    ],
)
def test_a_planted_fault_is_found(
    tmp_path: Path, monkeypatch: Monkey, name: str, plant: Callable[[Monkey], None], says: str
) -> None:
    plant(monkeypatch)
    tally = tried(name, tmp_path, count=600)
    assert tally.wrong
    assert all(says in what for _, what in tally.wrong)


@pytest.mark.parametrize(
    ("name", "first", "says"),
    [
        ("projects", "import loom.registry.containers as it; it.did_you_mean = None", "exit code 70"),
        ("outputs", "import loom.execution.attempts as it; it._failure = None", "Loom blames itself"),
        (
            "outputs",
            "import loom.alerts.payload as it; it._bytes = lambda payload: b'{'",
            "an alert isn't JSON",
        ),
        ("arguments", "import loom.instants as it; it.YEARS = range(10_000)", "exit code 70"),
    ],
)
def test_a_fault_planted_in_the_commands_is_found(tmp_path: Path, name: str, first: str, says: str) -> None:
    tally = tried(name, tmp_path, count=400, first=first)
    assert tally.wrong
    assert all(says in what for _, what in tally.wrong)


@pytest.mark.own_clock
def test_the_long_mode_counts_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "1", "--target", "registry", "--target", "rules"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("registry: attempts ")
    assert second.startswith("rules: attempts ")
    assert last.endswith("wrong 0, seed 1")
