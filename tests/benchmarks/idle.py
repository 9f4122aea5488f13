"""What it costs to find that nothing is due: Loom, the least such a tick can load and read, and peers."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.measure import environment, on_one_processor, seconds
from tests.benchmarks.peers import QUIET, STARTS, Peers
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Goal, Result, Timed, times
from tests.benchmarks.room import Room
from tests.benchmarks.ticks import outcomes
from tests.ground.command import PROGRAM

_SIZES = (12, 1_000, 10_000)
_GOALS = {12: 1.3, 10_000: 2.0}
_BUDGET_S = 45.0
_TIMES_MORE = 4
_LOOM, _FLOOR = "Loom: loom run", "floor: imports and the file"
# What the user chose. A library is part of the floor if an idle tick loads it.
_LIBRARIES = {
    "click": "import click",
    "yaml": "import yaml",
    "sqlite3": "import sqlite3",
    "zoneinfo": "import zoneinfo",
    "croniter": "import croniter",
    "pydantic": "from pydantic import BaseModel",
}
# Its end isn't measured, as Loom's isn't: Python isn't taken apart by either.
_READING = (
    "import os, sys; yaml.load(open(sys.argv[1], encoding='utf-8'), Loader=yaml.CSafeLoader); os._exit(0)"
)
_SPARED = "floor, spared what Loom spares itself"
_SPARING = (
    "import gc, platform; gc.set_threshold(100_000, 10, 10); platform.architecture = lambda: ('64bit', '')"
)
_WORKSPACE = """\
import dagster


@dagster.op
def nothing():
    return {"summary": "nothing"}


@dagster.job
def idle():
    nothing()


defs = dagster.Definitions(
    jobs=[idle],
    schedules=[
        dagster.ScheduleDefinition(name=f"schedule_{number:05}", job=idle, cron_schedule="0 3 * * *")
        for number in range(12)
    ],
)
"""


def idle_tick(room: Room) -> Result:
    """12, 1,000 and 10,000 workers, nothing due, from the start of the process to its end."""
    began = datetime.now(UTC)
    far = f"0 {(began.astimezone(ZoneInfo('America/Chicago')) + timedelta(hours=12)).hour} * * *"
    projects = {size: project_of(room.folder / str(size), workers=size, schedule=far) for size in _SIZES}
    commands = {size: [*PROGRAM, "run", "--project", str(each.root)] for size, each in projects.items()}
    for command in commands.values():
        seconds(command, cwd=room.folder)  # the first one of all, which writes the marks
    libraries = needed(_imported_by(commands[_SIZES[0]]))
    code, spared = floor_code(libraries), f"{_SPARING}; {floor_code(libraries)}"
    registries = {size: project.root / "worker-registry.yaml" for size, project in projects.items()}

    def floor(size: int, code: str = code) -> float:
        return seconds([sys.executable, "-c", code, str(registries[size])], cwd=room.folder)

    def tick(size: int) -> float:
        return seconds(commands[size], cwd=room.folder)

    def pair(sizes: Sequence[int]) -> tuple[Lane, Lane]:
        return Lane(_LOOM, _at_each_size(tick, sizes)), Lane(_FLOOR, _at_each_size(floor, sizes))

    folder = room.folder / "peers"
    folder.mkdir()
    with on_one_processor():
        ran = (
            *run_in_turns(
                (
                    *pair(_SIZES[:1]),
                    Lane(_SPARED, _at_each_size(lambda size: floor(size, spared), _SIZES[:1])),
                ),
                rounds=_TIMES_MORE * room.rounds,
                budget_s=_BUDGET_S,
            ),
            *run_in_turns(
                (*pair(_SIZES[1:]), *_looking(room, folder)), rounds=room.rounds, budget_s=_BUDGET_S
            ),
        )
    ran = (*ran, *run_in_turns(_starting(room, folder), rounds=room.rounds, budget_s=_BUDGET_S))
    if any(outcomes(project.ledger, began) for project in projects.values()):
        raise RuntimeError("a tick that was to be idle ran something")
    return result_of(ran, libraries, rounds=room.rounds)


def needed(imported: Iterable[str]) -> tuple[str, ...]:
    """Those of the libraries that the user chose which are among these modules."""
    tops = {name.partition(".")[0] for name in imported}
    return tuple(library for library in _LIBRARIES if library in tops)


def floor_code(libraries: Iterable[str]) -> str:
    """What the floor's process runs, given the registry's path: the imports, and the reading."""
    return "; ".join((*(_LIBRARIES[library] for library in libraries), _READING))


def result_of(ran: Sequence[Ran], libraries: Sequence[str], *, rounds: int) -> Result:
    """The table of what they took, and Loom's times in those of the floor."""
    by_name: dict[str, list[Ran]] = {}
    for each in ran:
        by_name.setdefault(each.name, []).append(each)
    ratios = {size: _ratio(by_name[_LOOM], by_name[_FLOOR], size) for size in _SIZES}
    rows = [(name, *(_cell(rans, size) for size in _SIZES)) for name, rans in by_name.items()]
    rows.insert(2, ("Loom, times the floor", *(times(ratio) for ratio in ratios.values())))
    if _SPARED in by_name:
        ratio = _ratio(by_name[_LOOM], by_name[_SPARED], _SIZES[0])
        rows.insert(4, ("Loom, times that", times(ratio), *("-" for _ in _SIZES[1:])))
    notes = (
        "From the start of the process to its end; of Loom a second or later tick of its day, by the "
        "machine's clock, its ledger in SQLite.",
        f"Floor: the same interpreter imports {', '.join(libraries)}, which the user chose and this tick "
        "loads, reads the same registry with yaml.CSafeLoader and ends at once (os._exit), as Loom does.",
        "The rows of huey and APScheduler look for what is due, as Loom does: among so many periodic "
        "tasks, defined as the process starts, or among so many jobs in a store on SQLite. `dagster schedule "
        "list` loads 12 schedules and looks which are on. The others say their version or help, and end.",
        "The floor's imports are plain ones. Loom's tick does without the program `file`, which croniter "
        "starts as it is imported, and without most of the collector's looks; so does the row "
        f"'{_SPARED}'.",
        f"Loom and its floor by turns, at 12 workers {_TIMES_MORE} times as often as the others; times the "
        "floor: the median of the rounds' own ratios. These two, huey and APScheduler stay on one processor: "
        "on a shared machine one may go at half the pace of the other.",
        rounds_of(ran, rounds),
        *troubles_of(ran),
    )
    return Result(
        title="Idle tick: nothing due",
        columns=("", *(f"{size:,} workers" for size in _SIZES)),
        rows=tuple(rows),
        goals=tuple(
            Goal(
                f"idle tick, {size:,} workers: {times(ratios[size])} times the floor (at most {goal:g})",
                ratios[size] <= goal,
            )
            for size, goal in _GOALS.items()
        ),
        notes=tuple(filter(None, notes)),
        raw={
            "floor imports": libraries,
            **{name: [each.as_json() for each in rans] for name, rans in by_name.items()},
        },
    )


def _ratio(ours: Sequence[Ran], floor: Sequence[Ran], size: int) -> float:
    """The median of the rounds' ratios, each of which was taken on the machine as it was then."""
    mine, least = _timed(ours, size), _timed(floor, size)
    if mine is None or least is None:
        raise RuntimeError(
            " ".join(filter(None, (each.trouble or each.wrong(size) for each in (*ours, *floor))))
        )
    return statistics.median(a / b for a, b in zip(mine.seconds, least.seconds, strict=False))


def _timed(rans: Sequence[Ran], size: int) -> Timed | None:
    return next(filter(None, (each.timed(size) for each in rans)), None)


def _cell(rans: Sequence[Ran], size: int) -> str:
    return next((cell for each in rans if (cell := each.cell(size)) != "-"), "-")


def _imported_by(command: Sequence[str]) -> frozenset[str]:
    """Every module that it imports."""
    traced = environment() | {"PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(command, env=traced, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    return frozenset(line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:"))


def _at_each_size(one: Callable[[int], float], sizes: Sequence[int] = _SIZES) -> Callable[[], Taken]:
    return lambda: Taken({size: one(size) for size in sizes}, {})


def _starting(room: Room, folder: Path) -> tuple[Lane, ...]:
    """Peers' command lines, which say their version or help."""
    workspace = folder / "definitions.py"
    workspace.write_text(_WORKSPACE, encoding="utf-8")
    quiet = {**QUIET, "DAGSTER_HOME": str(folder), "PREFECT_HOME": str(folder / "prefect")}
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")

    def starting(peer: str, script: str, *arguments: str) -> Lane:
        def once(_: int) -> float:
            command = [str(room.peers.environment(peer).script(script)), *arguments]
            return seconds(command, cwd=folder, more=quiet)

        shown = " ".join(Path(each).name for each in (script, *arguments))
        return Lane(shown, _at_each_size(once, _SIZES[:1]))

    return (
        *(starting(peer, *command) for peer, command in STARTS.items()),
        starting("dagster", "dagster", "schedule", "list", "-f", str(workspace)),
    )


def _looking(room: Room, folder: Path) -> tuple[Lane, ...]:
    """Peers that look for what is due."""
    programs = {
        "huey: what is due": ("huey", "idle_huey.py"),
        "APScheduler 3: what is due": ("apscheduler", "idle_apscheduler.py"),
    }
    return tuple(Lane(name, _program(room.peers, *each, folder)) for name, each in programs.items())


def _program(peers: Peers, peer: str, program: str, folder: Path) -> Callable[[], Taken]:
    """`program`, asked once to prepare a store for each size, and then to look into it."""
    prepared: dict[int, list[str]] = {}

    def look(size: int) -> float:
        if size not in prepared:
            store = str(folder / f"{peer}-{size}.db")
            peers.environment(peer).ask(program, "prepare", store, str(size))
            prepared[size] = peers.environment(peer).command(program, "look", store, str(size))
        return seconds(prepared[size], cwd=folder)

    return _at_each_size(look)
