"""Ticks that all come at once: processes held back until every one is ready, on one ledger or in clones of
one remote, round after round, and some of them may die of it."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.crash.driving import Driver, Order
from tests.crash.evidence import Records, branch_records, records
from tests.crash.judge import Judge, closed_keys, hour_of
from tests.crash.mines import Mine
from tests.crash.rounds import Figures
from tests.crash.scenario import FIRST, build, build_clones, mend_hook

HOUR = timedelta(hours=1)
_LATER = (HOUR, HOUR, 2 * HOUR, timedelta(minutes=10))
_MINES = (
    Mine("ledger.claim", 1, "after", "kill"),
    Mine("ledger.record", 2, "before", "kill"),
    Mine("ledger.record", 4, "after", "kill"),
    Mine("executor.wait", 2, "before", "kill"),
    Mine("hook.deliver", 1, "after", "kill"),
)


def race(
    driver: Driver,
    folder: Path,
    *,
    rounds: int,
    processes: int,
    clones: int = 0,
    deaths: float = 0.0,
    rng: random.Random,
    seen: Callable[[Figures], None] = lambda _: None,
    sabotage: str | None = None,
) -> Figures:
    """Let `processes` ticks go at once, `rounds` times, later and later. clones: 0 for one project and its
    SQLite ledger; else so many machines with a state branch. deaths: the share of rounds in which every other
    tick dies of its work, if it gets any."""
    projects = _projects(folder, clones)
    for project in projects:
        mend_hook(project)
    judge = Judge(projects)
    figures = Figures()
    at, shift = FIRST, timedelta()
    before = _view(folder, projects, clones)
    for number in range(rounds):
        deadly = rng.choice(_MINES) if rng.random() < deaths else None
        orders = [
            Order(
                project=projects[n % len(projects)],
                folder=folder / "ticks" / str(n),
                arguments=("run", "--at", at.isoformat()),
                # Only one that has work to do comes by, and it isn't known which that will be.
                mine=deadly if n % 2 else None,
                shift_s=shift.total_seconds(),
                sabotage=sabotage,
            )
            for n in range(processes)
        ]
        answers = driver.together(orders)
        view = _view(folder, projects, clones)
        judge.after_ticks(
            f"round {number + 1}",
            answers,
            view=view,
            own=[_own(folder, order.project) for order in orders],
            closed=closed_keys(before),
            real_now=datetime.now(UTC) + shift,
            shared=clones > 0,
        )
        before = view
        figures.rounds += 1
        figures.kills += sum(answer.killed for answer in answers)
        # Who came second decides, and claims, once more.
        figures.overtaken += sum(max(0, answer.passed.count("ledger.claim") - 1) for answer in answers)
        seen(figures)
        last, at = at, at + rng.choice(_LATER)
        # On a branch only time shows that a claimer is dead.
        shift += timedelta(hours=2) if clones else timedelta()
    for extra in range(2, 8, 2):
        last += timedelta(minutes=extra)
        shift += timedelta(hours=2)
        order = Order(
            project=projects[0],
            folder=folder / "ticks" / "last",
            arguments=("run", "--at", last.isoformat()),
            shift_s=shift.total_seconds(),
            sabotage=sabotage,
        )
        driver.tick(order)
    judge.at_the_end(_view(folder, projects, clones), first=hour_of(FIRST), last=last)
    figures.slots, figures.repeated, figures.told_again = judge.slots, judge.repeated, judge.told_again
    figures.complaints = judge.complaints
    return figures


def _projects(folder: Path, clones: int) -> Sequence[Path]:
    if clones == 0:
        return [build(folder / "one")]
    names = [f"clone {n + 1}" for n in range(clones)]
    return build_clones(folder, *names, "view")[:-1]


def _view(folder: Path, projects: Sequence[Path], clones: int) -> Records:
    if clones:
        return branch_records(folder / "view", folder / "scratch")
    return _own(folder, projects[0])


def _own(folder: Path, project: Path) -> Records:
    return records(project / ".loom" / "ledger.db", folder / "scratch")
