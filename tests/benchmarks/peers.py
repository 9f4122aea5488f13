"""Peers in throw-away environments: what each is installed from, and how its programs are asked."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import environment

PROGRAMS = Path(__file__).with_name("programs")

# Each with the version that was measured, so that a figure says what it is of.
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "croniter": ("croniter==7.0.0",),
    "cronsim": ("cronsim==2.8",),
    "apscheduler": ("apscheduler==3.11.3", "sqlalchemy"),
    "huey": ("huey==3.5.4",),
    "celery": ("celery==5.7.0",),
    "dbos": ("dbos==3.4.0",),
    # DBOS needs SQLite 3.42; this one brings its own, for a Python that has an older one.
    "dbos-sqlite": ("dbos==3.4.0", "pysqlite3-binary==0.5.4.post2"),
    "dagster": ("dagster==1.13.29",),
    "prefect": ("prefect==3.9.1",),
}

# Their own settings that keep them from reporting to anybody.
QUIET: Mapping[str, str] = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

# A start of their commands that does nothing else; APScheduler has none.
STARTS: Mapping[str, tuple[str, ...]] = {
    "huey": ("huey_consumer", "--help"),
    "celery": ("celery", "--version"),
    "dbos": ("dbos", "version"),
    "dagster": ("dagster", "--version"),
    "prefect": ("prefect", "version"),
}


class PeerUnavailable(Exception):
    """It can't be installed here; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with one peer in it, in `folder`."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def script(self, name: str) -> Path:
        return self.folder / "bin" / name

    def command(self, program: str, *arguments: str) -> list[str]:
        """What starts a file of `programs`."""
        return [str(self.python), str(PROGRAMS / program), *arguments]

    def ask(self, program: str, *arguments: str, timeout_s: float = 600.0) -> dict[str, Any]:
        """What a file of `programs` prints: its last line, one JSON object. Raises RuntimeError, with its
        words, if it fails."""
        command = self.command(program, *arguments)
        done = subprocess.run(
            command,
            env={**environment(), **QUIET},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if done.returncode != 0:
            said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{said}")
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer


@dataclass(frozen=True, slots=True)
class Peers:
    """The environments, each made below `folder` when it is first asked for, and kept."""

    folder: Path

    def environment(self, name: str) -> Environment:
        """The one with the peer `name` in it. Raises PeerUnavailable."""
        made = Environment(self.folder / name)
        if not (made.folder / "ready").exists():
            subprocess.run(
                [sys.executable, "-m", "venv", "--clear", str(made.folder)], env=environment(), check=True
            )
            install = [str(made.python), "-m", "pip", "install", "--quiet", "--compile", *REQUIREMENTS[name]]
            done = subprocess.run(install, env=environment(), capture_output=True, text=True, check=False)
            if done.returncode != 0:
                last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
                raise PeerUnavailable(f"{name} can't be installed: {last}")
            (made.folder / "ready").touch()
        return made
