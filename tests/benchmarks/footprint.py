"""What comes with an installation: files, distributions, the time of an import, and memory."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.measure import environment, seconds
from tests.benchmarks.peers import PROGRAMS, QUIET, STARTS, Environment
from tests.benchmarks.project import project_of
from tests.benchmarks.result import Result, Timed
from tests.benchmarks.room import Room
from tests.benchmarks.ticks import DAILY, Ticks
from tests.ground.shut import REPOSITORY

# What a program that has its work done by them writes first.
_IMPORTS = {
    "Loom": "from loom.worker import WorkerContext, WorkerOutput",
    "huey": "from huey import SqliteHuey, crontab",
    "apscheduler": "from apscheduler.schedulers.background import BackgroundScheduler; "
    "from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore",
    "celery": "from celery import Celery",
    "dbos": "from dbos import DBOS",
    "dagster": "import dagster",
    "prefect": "from prefect import flow",
}
_BARE, _IMPORT = 0, 1
_BUDGET_S = 40.0


@dataclass(frozen=True, slots=True)
class Size:
    """size: bytes of all files. distributions: by name, as their metadata call them."""

    size: int
    distributions: frozenset[str]

    def beyond(self, empty: "Size") -> "Size":
        return Size(self.size - empty.size, self.distributions - empty.distributions)


def footprint(room: Room) -> Result:
    """Loom, from a wheel of this checkout, and each peer: beyond an empty environment."""
    empty = size_of(_empty(room.folder / "empty"))
    ticks = Ticks(project_of(room.folder / "project", workers=12, schedule=DAILY).root)
    loom = _loom(room.folder)
    ticks()  # the first one of all, which writes the marks

    def tick() -> list[str]:
        ticks.count += 1
        return [str(loom.script("loom")), *ticks.arguments]

    def start(peer: str) -> Callable[[], list[str]]:
        script, *arguments = STARTS.get(peer, ("python", "-c", _IMPORTS[peer]))
        return lambda: [str(room.peers.environment(peer).script(script)), *arguments]

    lanes = [
        Lane("Loom", _measured("Loom", lambda: loom, tick, empty, room.folder)),
        *(
            Lane(peer, _measured(peer, _environment(room, peer), start(peer), empty, room.folder))
            for peer in _IMPORTS
            if peer != "Loom"
        ),
    ]
    return result_of(run_in_turns(lanes, rounds=room.rounds, budget_s=_BUDGET_S), rounds=room.rounds)


def result_of(ran: Sequence[Ran], *, rounds: int) -> Result:
    starts = "; ".join(" ".join(command) for command in STARTS.values())
    notes = (
        "Installed: its files, bytecode among them, beyond those of an empty environment with pip. Loom "
        "comes from a wheel of this checkout, with the versions of constraints.txt; a peer as its own "
        "requirements have it, APScheduler with SQLAlchemy for its store.",
        "Import: " + "; ".join(_IMPORTS.values()) + ". A process that does so, less one that does nothing.",
        f"Peak memory: of Loom an idle tick of 12 workers; of the others their start: {starts}; of "
        "APScheduler, which has no command, the import.",
        rounds_of(ran, rounds),
        *troubles_of(ran),
    )
    return Result(
        title="Footprint",
        columns=("", "installed", "distributions", "import", "peak memory"),
        rows=tuple(_row(each) for each in ran),
        notes=tuple(filter(None, notes)),
        raw={each.name: each.as_json() for each in ran},
    )


def size_of(folder: Path) -> Size:
    """All that is below `folder`, links not followed."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    described = (file.parent for file in files if file.name == "METADATA")
    distributions = frozenset(each.stem for each in described if each.suffix == ".dist-info")
    return Size(sum(file.stat().st_size for file in files), distributions)


def mebibytes(size: float) -> str:
    """``0.8 MiB``, ``24 MiB``, ``1,024 MiB``."""
    figure = size / 2**20
    return f"{figure:.1f} MiB" if figure < 10 else f"{figure:,.0f} MiB"


def _row(ran: Ran) -> tuple[str, ...]:
    if not ran.takes:
        return ran.name, *("-",) * 4
    extra = Timed(tuple(take.seconds[_IMPORT] - take.seconds[_BARE] for take in ran.takes))
    peak = statistics.median(take.told["peak_bytes"] for take in ran.takes)
    told = ran.told
    return ran.name, mebibytes(told["bytes"]), str(len(told["distributions"])), str(extra), mebibytes(peak)


def _measured(
    name: str,
    environment_of: Callable[[], Environment],
    command: Callable[[], list[str]],
    empty: Size,
    cwd: Path,
) -> Callable[[], Taken]:
    sizes: list[Size] = []

    def go() -> Taken:
        installed = environment_of()
        if not sizes:
            _compile(installed)
            sizes.append(size_of(installed.folder).beyond(empty))
        python = str(installed.python)
        bare = seconds([python, "-c", "pass"], cwd=cwd)
        importing = seconds([python, "-c", _IMPORTS[name]], cwd=cwd, more=QUIET)
        told = {
            "bytes": sizes[0].size,
            "distributions": sorted(sizes[0].distributions),
            "peak_bytes": _peak(command(), cwd),
        }
        return Taken({_BARE: bare, _IMPORT: importing}, {}, told)

    return go


def _environment(room: Room, peer: str) -> Callable[[], Environment]:
    return lambda: room.peers.environment(peer)


def _peak(command: Sequence[str], cwd: Path) -> int:
    """Bytes. Raises RuntimeError if it fails."""
    quiet = {**environment(), **QUIET, "PREFECT_HOME": str(cwd / "prefect")}
    measuring = [sys.executable, "-I", "-S", str(PROGRAMS / "peak.py"), *command]
    done = subprocess.run(measuring, env=quiet, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed:\n{done.stderr[-2000:]}")
    return int(json.loads(done.stdout)["bytes"])


def _empty(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], env=environment(), check=True)
    _compile(Environment(folder))
    return folder


def _compile(installed: Environment) -> None:
    """All of it, so that what happened to run before makes no difference to the size."""
    compiling = [str(installed.python), "-m", "compileall", "-q", str(installed.folder / "lib")]
    # Some packages ship files that are no Python of this version: whatever can't be compiled stays as it is.
    subprocess.run(compiling, env=environment(), stdout=subprocess.DEVNULL, check=False)


def _loom(folder: Path) -> Environment:
    """An environment with Loom in it, from a wheel built of this checkout."""
    installed = Environment(folder / "loom")
    subprocess.run([sys.executable, "-m", "venv", str(installed.folder)], env=environment(), check=True)
    pip = [str(installed.python), "-m", "pip"]
    wheels = folder / "wheels"
    building = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(REPOSITORY)]
    seconds(building, cwd=folder)
    (wheel,) = wheels.glob("*.whl")
    constraints = str(REPOSITORY / "constraints.txt")
    seconds([*pip, "install", "--quiet", "--constraint", constraints, str(wheel)], cwd=folder)
    return installed
