"""The whole job of loom.yml, from the checkout to its end, with pip's cache empty and kept."""

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.lanes import Lane, Ran, Taken, rounds_of, run_in_turns, troubles_of
from tests.benchmarks.measure import environment
from tests.benchmarks.result import Result
from tests.benchmarks.room import Room
from tests.benchmarks.ticks import FIRST_TICK
from tests.ground.github import job_environment
from tests.ground.shut import REPOSITORY

_WORKFLOW = Path(".github", "workflows", "loom.yml")
_CHECKOUT, _INSTALL, _TICK, _ALL = range(4)
_STEPS = {_CHECKOUT: "checkout", _INSTALL: "Install Loom", _TICK: "Run what is due", _ALL: "in all"}
_BUDGET_S = 100.0
_IDENTITY = ("-c", "user.name=Measured", "-c", "user.email=measured@example.invalid")
_NOTES = (
    "The steps' own scripts, read from loom.yml and run under bash as GitHub runs them, each time in a new "
    "checkout and a new environment, with this machine's Python; nothing is due, and the tick is told the "
    "time. State goes to its branch and comes from there.",
    "Checkout: `git clone --depth 1` of a bare repository on this disk that holds this checkout's files in "
    "one commit; what GitHub's network adds isn't in it. Not counted: the wait for a runner, and "
    "setup-python (the runner's image has Python; here an environment is made instead).",
    "Cold: pip's cache is empty, so everything is downloaded from the package index that this machine uses. "
    "Warm: pip's cache as the job before left it; on GitHub, restoring it takes some seconds more.",
)


@dataclass(frozen=True, slots=True)
class _Steps:
    install: Mapping[str, Any]
    tick: Mapping[str, Any]


def actions_job(room: Room) -> Result:
    """An idle tick as a job on GitHub Actions, every step of it."""
    origin = _origin(room.folder)
    runners = (room.folder / f"runner-{number}" for number in itertools.count())
    steps = steps_of(yaml.safe_load((REPOSITORY / _WORKFLOW).read_text(encoding="utf-8")))
    times = (FIRST_TICK + timedelta(seconds=number) for number in itertools.count())
    kept = room.folder / "pip-cache"

    def job(cache: Callable[[Path], Path]) -> Callable[[], Taken]:
        def go() -> Taken:
            runner = next(runners)
            runner.mkdir()
            at = next(times).isoformat()
            try:
                return _job(runner, origin, steps, at, cache(runner))
            finally:
                shutil.rmtree(runner)

        return go

    lanes = (
        Lane("cold cache", job(lambda runner: runner / "pip-cache")),
        Lane("warm cache", job(lambda _: kept)),
    )
    return result_of(run_in_turns(lanes, rounds=room.rounds, budget_s=_BUDGET_S), rounds=room.rounds)


def steps_of(workflow: Mapping[str, Any]) -> _Steps:
    """The two steps that run something of Loom's. Raises ValueError if there are others that run something,
    which would then have to be measured too."""
    running = [step for step in workflow["jobs"]["tick"]["steps"] if "run" in step]
    names = [step["name"] for step in running]
    if names != [_STEPS[_INSTALL], _STEPS[_TICK]]:
        raise ValueError(f"steps that run something: {names}")
    return _Steps(*running)


def result_of(ran: Sequence[Ran], *, rounds: int) -> Result:
    return Result(
        title="A job on GitHub Actions, nothing due",
        columns=("", *(each.name for each in ran)),
        rows=tuple((name, *(each.cell(step) for each in ran)) for step, name in _STEPS.items()),
        notes=tuple(filter(None, (*_NOTES, rounds_of(ran, rounds), *troubles_of(ran)))),
        raw={each.name: each.as_json() for each in ran},
    )


def _job(runner: Path, origin: Path, steps: _Steps, at: str, cache: Path) -> Taken:
    python = runner / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python)], env=environment(), check=True)
    _loom_at(runner / "bin" / "loom", python / "bin" / "loom", at)
    work = runner / "work"
    env = {
        **environment(),
        "PATH": os.pathsep.join((str(runner / "bin"), str(python / "bin"), os.environ["PATH"])),
        "PIP_CACHE_DIR": str(cache),
        **job_environment(runner),
    }
    cloning = ["git", "clone", "--quiet", "--depth", "1", origin.as_uri(), str(work)]
    laps = [time.perf_counter()]
    for command, cwd, own in _commands(cloning, steps, runner, work):
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        laps.append(time.perf_counter())
        if done.returncode != 0:
            said = f"{done.stdout}{done.stderr}"[-2000:]
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{said}")
    if "Nothing was due" not in done.stdout:
        raise RuntimeError(f"a tick that was to be idle said:\n{done.stdout[-2000:]}")
    seconds = {step: after - before for step, (before, after) in enumerate(itertools.pairwise(laps))}
    return Taken({**seconds, _ALL: laps[-1] - laps[0]}, {})


def _commands(
    cloning: list[str], steps: _Steps, runner: Path, work: Path
) -> Iterator[tuple[list[str], Path, dict[str, str]]]:
    yield cloning, runner, {}
    for step in (steps.install, steps.tick):
        # Inputs and secrets are empty, as they are when the schedule wakes it.
        given = {name: "" if "${{" in value else value for name, value in step.get("env", {}).items()}
        yield ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], work, given


def _loom_at(script: Path, loom: Path, at: str) -> None:
    """What the workflow finds as `loom`: the installed one, told the time."""
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {loom} "$@" --at {at}\n', encoding="utf-8")
    script.chmod(0o755)


def _origin(folder: Path) -> Path:
    """A bare repository with the files of this checkout in one commit, as they stand."""
    source, origin = folder / "source", folder / "origin.git"
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=REPOSITORY, text=True)
    for name in filter(None, listed.split("\0")):
        if os.path.lexists(REPOSITORY / name):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, source / name, follow_symlinks=False)
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*_IDENTITY, "commit", "--quiet", "--message", "the project"),
        ("clone", "--quiet", "--bare", ".", str(origin)),
    ):
        subprocess.run(["git", *arguments], cwd=source, env=environment(), check=True)
    return origin
