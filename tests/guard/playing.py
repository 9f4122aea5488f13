"""Tricks played on a ground: many in one tick, and by themselves those that would be in the others' way."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.guard.ground import Ground
from tests.guard.trick import Company, End, Part

_AT_ONCE = 30
_WAITING = "waiting"
_UNTIL_TRIED = """
import time
from loom.worker import WorkerContext, WorkerOutput
from place import TRIED

def run(context: WorkerContext) -> WorkerOutput:
    until = time.monotonic() + 80
    while len(TRIED) < {} and time.monotonic() < until:
        time.sleep(0.01)
    return WorkerOutput(summary="all that comes late has been tried")
"""


@dataclass(frozen=True, slots=True)
class Told:
    """run: as the tick told of it; None if the tick died. notes: of that tick, or what it said at its end."""

    run: dict[str, Any] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """traces: what it left behind."""

    part: Part
    told: Told
    traces: tuple[str, ...]

    def __str__(self) -> str:
        run = self.told.run
        ended = f"no run: {self.told.notes}" if run is None else f"{run['outcome']}, {run['error']}"
        return f"{ended}\ntraces: {[each[:300] for each in self.traces]}\n{self.part.source}"


def play(ground: Ground, parts: Sequence[Part]) -> dict[str, Played]:
    """What became of each part, by its name."""
    for part in parts:
        ground.worker(part.name, part.module, part.source, apart=part.apart, keys=part.trick.keys)
    late = [part.name for part in parts if part.end is End.LATE and not part.apart]
    ground.worker(_WAITING, _WAITING, _UNTIL_TRIED.format(len(late)), keys="timeout: 90s")
    ground.remember()
    told: dict[str, Told] = {}
    for names, at_once in _ticks(parts, late):
        ground.register(names, max_parallel=at_once)
        told |= _tick(ground, names)
    evidence = ground.evidence()
    return {
        part.name: Played(part, told[part.name], tuple(evidence.of(part.name, part.trick.leaks)))
        for part in parts
    }


def _ticks(parts: Sequence[Part], late: Sequence[str]) -> Iterable[tuple[Sequence[str], int]]:
    """The workers of each tick, and how many run at once."""
    company = {part.name: Company.OTHERS if part.apart else part.trick.company for part in parts}
    if late:
        yield [*late, _WAITING], 8
    many = [name for name, whom in company.items() if whom is Company.OTHERS and name not in late]
    count = -(-len(many) // _AT_ONCE)
    for number in range(count):
        yield many[number::count], 4  # neighbours are of one family, and wait for the same things
    for name, whom in company.items():
        if whom is Company.NONE:
            yield [name], 1
    in_turn = [name for name, whom in company.items() if whom is Company.ONE_BY_ONE]
    if in_turn:
        yield in_turn, 1


def _tick(ground: Ground, names: Sequence[str]) -> dict[str, Told]:
    try:
        result = ground.run(names, "--json")
    except subprocess.TimeoutExpired as error:
        return dict.fromkeys(names, Told(None, (f"the tick never ended: {error}",)))
    if not result.stdout:
        return dict.fromkeys(names, Told(None, (result.stderr,)))
    told = result.json()
    runs = {run["worker"]: run for run in told.get("runs", ())}
    notes = (*told.get("notes", ()),) if runs else (result.stdout,)
    return {name: Told(runs.get(name), notes) for name in names}
