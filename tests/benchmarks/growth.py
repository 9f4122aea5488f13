"""B6: what a growing history, and a growing number of workers, do to the commands that people wait for."""

import contextlib
import io
import math
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from loom.ledger.sqlite import SqliteLedger
from tests.benchmarks.measure import in_turns, seconds
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Goal, Result, Timed, duration
from tests.benchmarks.room import Room
from tests.benchmarks.ticks import DAILY, Ticks, outcomes
from tests.endurance.size import fill, project
from tests.ground.command import PROGRAM
from tests.ground.history import History, write
from tests.ground.project import Project

HISTORY = (1_000, 100_000, 1_000_000)
WORKERS = (12, 100, 1_000, 10_000)
FLAT, LINEAR = 0.1, 1.1
_CLAIMS = 20
_STATUS, _BRIEF = "loom status --json", "loom brief"
# From so many runs on, the days that these two tell of are as full as they get.
_FULL = {_STATUS: 100_000, _BRIEF: 100_000}

Contenders = dict[str, Callable[[], float]]


def growth_of_history(room: Room) -> Result:
    """`loom status`, `loom brief`, a tick with nothing due and the claim of twelve slots, beside so many
    recorded runs. All sizes take turns: a machine's speed drifts by more than is looked for here."""
    beside: dict[int, Contenders] = {}
    filled: list[str] = []
    for runs in HISTORY:
        made, history = _built(room.folder / str(runs), runs)
        filled.append(f"{_newest_week(made.ledger):,} of {runs:,}")
        beside[runs] = _beside(made.root, made.ledger, history)
    contenders = {(what, runs): beside[runs][what] for what in beside[HISTORY[0]] for runs in HISTORY}
    measured: dict[str, dict[int, Timed]] = {}
    for (what, runs), timed in in_turns(contenders, rounds=room.rounds).items():
        measured.setdefault(what, {})[runs] = timed
    few, many = {what: _FULL.get(what, HISTORY[0]) for what in measured}, HISTORY[-1]
    more = {what: _more(of[many], of[few[what]]) for what, of in measured.items()}
    goals = [
        Goal(
            f"{what}: beside {many:,} runs {extra * 1000:+.1f} ms to beside {few[what]:,} "
            f"(at most a tenth more, {measured[what][few[what]].median * FLAT * 1000:.1f} ms)",
            extra <= measured[what][few[what]].median * FLAT,
        )
        for what, extra in more.items()
    ]
    said = {what: f"{extra * 1000:+.1f} ms" for what, extra in more.items()}
    notes = (
        f"In the last seven days, of which status and brief tell, began {'; '.join(filled)} runs. So these "
        f"two are held against {_FULL[_STATUS]:,} runs, beside which there is as much to tell.",
    )
    return _table("Growth with the history, 12 workers", "runs", measured, ("more", said), goals, notes)


def _built(root: Path, runs: int) -> tuple[Project, History]:
    with contextlib.redirect_stdout(io.StringIO()):
        made = project(root)
        return made, fill(made.ledger, runs)


def _newest_week(file: Path) -> int:
    with contextlib.closing(SqliteLedger(file)) as ledger:
        return ledger.promises(since=datetime.now(UTC) - timedelta(days=7)).started


def _more(ours: Timed, theirs: Timed) -> float:
    """In seconds: the median of the rounds' differences."""
    return statistics.median(mine - other for mine, other in zip(ours.seconds, theirs.seconds, strict=True))


def _beside(root: Path, file: Path, history: History) -> Contenders:
    later = timedelta()

    def idle_tick() -> float:
        nonlocal later
        later += timedelta(seconds=1)
        at = history.now + later
        taken = seconds([*PROGRAM, "run", "--project", str(root), "--at", at.isoformat()], cwd=root)
        if outcomes(file, at):
            raise RuntimeError("a tick that was to be idle ran something")
        return taken

    def claim() -> float:
        nonlocal later
        later = timedelta()
        return statistics.median(_claim(file, history) for _ in range(_CLAIMS))

    return {
        _STATUS: partial(_loom, root, "status", "--json"),
        _BRIEF: partial(_loom, root, "brief", "--peek", "--since", "7d"),
        "a tick, nothing due": idle_tick,
        "a claim of 12 slots": claim,
    }


def _loom(root: Path, *words: str) -> float:
    return seconds([*PROGRAM, *words, "--project", str(root)], cwd=root)


def _claim(file: Path, history: History) -> float:
    """As a tick makes it: the first of a connection that has read nothing yet."""
    batches = history.tick()
    first = next(batches)
    with contextlib.closing(SqliteLedger(file)) as ledger:
        began = time.perf_counter()
        ledger.claim(first, revision=ledger.snapshot().revision)
        taken = time.perf_counter() - began
        write(ledger, batches)
    return taken


def growth_of_workers(room: Room) -> Result:
    """`loom status` and a tick with nothing due, with so many workers, all on one daily schedule."""
    measured: dict[str, dict[int, Timed]] = {}
    for workers in WORKERS:
        root = project_of(room.folder / str(workers), workers=workers, schedule=DAILY).root
        status = partial(_loom, root, "status", "--json")
        contenders: Contenders = {"a tick, nothing due": Ticks(root), _STATUS: status}
        for what, timed in in_turns(contenders, rounds=room.rounds).items():
            measured.setdefault(what, {})[workers] = timed
    exponents = {what: _exponent_beyond_the_start(of) for what, of in measured.items()}
    goals = [
        Goal(
            f"{what}: grows with them to the power of {power:.2f} (at most {LINEAR:g})",
            power <= LINEAR,
        )
        for what, power in exponents.items()
    ]
    said = {what: f"{power:.2f}" for what, power in exponents.items()}
    return _table("Growth with the workers", "workers", measured, ("exponent", said), goals)


def _exponent_beyond_the_start(measured: Mapping[int, Timed]) -> float:
    """Of the two largest sizes, and of what they take more than the smallest: a process's start, the same for
    all, would hide how the rest grows."""
    smallest, *_, before, last = sorted(measured)
    start = measured[smallest].median
    more = [max(measured[size].median - start, 1e-4) for size in (before, last)]
    return math.log(more[1] / more[0]) / math.log(last / before)


def _table(
    title: str,
    of_what: str,
    measured: Mapping[str, Mapping[int, Timed]],
    growth: tuple[str, Mapping[str, str]],
    goals: list[Goal],
    notes: tuple[str, ...] = (),
) -> Result:
    sizes = list(next(iter(measured.values())))
    return Result(
        title=title,
        columns=("", *(f"{size:,} {of_what}" for size in sizes), growth[0]),
        rows=tuple(
            (what, *(duration(of[size].median) for size in sizes), growth[1][what])
            for what, of in measured.items()
        ),
        goals=tuple(goals),
        notes=notes,
        raw={what: {str(size): timed.seconds for size, timed in of.items()} for what, of in measured.items()},
    )
