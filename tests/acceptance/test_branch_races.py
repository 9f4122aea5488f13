"""Two runners with nothing in common but a git remote: real processes, real clones, pushes racing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from loom.domain.record import RunQuery
from tests.contracts.ledger_entries import DAY, HOUR, SIX
from tests.ground.branch import Remote
from tests.ground.shut import REPOSITORY

# Read before the environment is scrubbed; the project's own checks ask for more.
ROUNDS = int(os.environ.get("LOOM_RACE_ROUNDS", "10"))


class Rival:
    def __init__(self, clone: Path, rounds: int) -> None:
        program = [sys.executable, "-m", "tests.acceptance.branch_rival", str(clone), clone.name, str(rounds)]
        self.process = subprocess.Popen(
            program, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def hear(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


@contextmanager
def rivals(remote: Remote, rounds: int, names: tuple[str, ...] = ("one", "two")) -> Iterator[list[Rival]]:
    racing = [Rival(remote.clone(name), rounds) for name in names]
    try:
        yield racing
        assert [rival.process.wait(timeout=120) for rival in racing] == [0] * len(racing)
    finally:
        for rival in racing:
            rival.process.kill()
            rival.process.communicate()


def run_races(remote: Remote, rounds: int, meanwhile: Callable[[int], None]) -> list[str]:
    """Who won each round; fails when a round hasn't exactly one winner."""
    winners: list[str] = []
    with rivals(remote, rounds) as racing:
        for number in range(rounds):
            assert [rival.hear() for rival in racing] == ["ready"] * len(racing), f"round {number}"
            for rival in racing:
                rival.go()
            meanwhile(number)
            heard = [rival.hear() for rival in racing]
            assert sorted(heard) == ["lost", "won"], f"round {number}: {heard}"
            winners.append(("one", "two")[heard.index("won")])
    return winners


def every_slot_ran_once(remote: Remote, winners: list[str]) -> None:
    with closing(remote.ledger(remote.clone("judge"))) as judge:
        snapshot = judge.snapshot()
        assert judge.damage == ()
        runs = judge.runs(RunQuery(limit=10_000))[::-1]
        assert [(run.slot, run.agent) for run in runs] == [
            (SIX + number * HOUR, winner) for number, winner in enumerate(winners)
        ]
        assert snapshot.tickets == {}
        assert snapshot.marks == {"echo": SIX + (len(winners) - 1) * HOUR}
        assert snapshot.standings["echo"].consecutive_failures == len(winners)
        ticks = judge.ticks(since=SIX)
        assert [tick.host for tick in ticks if tick.exit_code == 0] == winners
        for name in ("one", "two"):
            with closing(remote.ledger(remote.folder / name)) as rival:
                assert replace(rival.snapshot(), revision=0) == replace(snapshot, revision=0)
                assert [run.run_id for run in rival.runs(RunQuery(limit=10_000))][::-1] == [
                    run.run_id for run in runs
                ]


def test_of_two_runners_in_two_clones_exactly_one_runs_each_slot(tmp_path: Path) -> None:
    remote = Remote(tmp_path)
    winners = run_races(remote, ROUNDS, lambda _: None)
    every_slot_ran_once(remote, winners)
    assert remote.commits() == 2 * ROUNDS, "a claim and its end for each slot, and nothing from the losers"


def test_a_compaction_in_every_round_costs_nobody_a_slot(tmp_path: Path) -> None:
    remote = Remote(tmp_path)
    rounds = max(3, ROUNDS // 2)
    keeper = remote.clone("keeper")
    compacted: list[int] = []

    def compact(number: int) -> None:
        with closing(remote.ledger(keeper)) as ledger:
            ledger.sync()
            if remote.tip():
                ledger.compact(before=SIX + DAY, forget_before=SIX - DAY)
                compacted.append(number)

    winners = run_races(remote, rounds, compact)
    assert len(compacted) >= rounds - 1
    every_slot_ran_once(remote, winners)
    assert remote.commits() < 2 * rounds
