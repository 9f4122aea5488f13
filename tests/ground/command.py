"""The real command, run as a person, a cron or a pipeline would run it."""

import functools
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ground.forkserver import ForkServer
from tests.ground.shut import REPOSITORY
from tests.ground.terminal import run_in_terminal, screen

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """stdout: in a terminal, the screen as it stands at the end. raw: in a terminal, all that was written,
    escape sequences included; otherwise the same as stdout."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    raw: str

    def json(self) -> Any:
        """stdout as one JSON document. Raises AssertionError, with both outputs, if it isn't one."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout isn't one JSON document ({error}):\n{self}") from None

    def __str__(self) -> str:
        return (
            f"loom {' '.join(self.arguments)}\nexit code {self.exit_code}\n"
            f"--- stdout\n{self.stdout}--- stderr\n{self.stderr}"
        )


@dataclass(frozen=True, slots=True)
class Command:
    """Runs `loom` in child processes.

    cwd: the folder they start in. environ: the environment they get. A caller may add variables (`env`;
    None takes one away), and name another folder (`cwd`). Their clock is what ``--at`` says.

    afresh: whether every one starts Python anew. Otherwise those that are waited for, through pipes, are
    forks where a fork is as good; `ForkServer` says what is the same and what isn't.
    """

    cwd: Path
    environ: Mapping[str, str]
    afresh: bool = False

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str = "",
        redirect: str = "",
        timeout_s: float = PATIENCE_S,
    ) -> Result:
        """Run it through pipes and wait. Raises subprocess.TimeoutExpired after `timeout_s` seconds.

        redirect: what a shell does to its streams first, such as ``>&-`` or ``2>/dev/full``."""
        words, environ, folder = _words(arguments), self._environ(env), cwd or self.cwd
        server = None if self.afresh or redirect else fork_server()
        if server is not None and server.can(environ, folder):
            ended = server.run(words, cwd=folder, environ=environ, stdin=stdin.encode(), timeout_s=timeout_s)
            out, err = (io.TextIOWrapper(io.BytesIO(data)).read() for data in ended[1:])
            return Result(words, ended.exit_code, out, err, out)
        program = ("sh", "-c", f'exec "$@" {redirect}', "sh", *PROGRAM) if redirect else PROGRAM
        done = subprocess.run(
            [*program, *words],
            cwd=folder,
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Result(words, done.returncode, done.stdout, done.stderr, done.stdout)

    def in_terminal(
        self,
        *arguments: str | Path,
        columns: int = 100,
        rows: int = 40,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Result:
        """Run it in a terminal of this size and wait. Raises TimeoutError after `timeout_s` seconds."""
        words = _words(arguments)
        environ = self._environ({"TERM": "xterm-256color", "COLUMNS": str(columns), **(env or {})})
        code, written = run_in_terminal(
            [*PROGRAM, *words],
            env=environ,
            cwd=cwd or self.cwd,
            columns=columns,
            rows=rows,
            timeout_s=timeout_s,
        )
        return Result(words, code, screen(written), "", written)

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdout: int = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start it and don't wait: for two at once, and for signals. Whoever calls this ends it.

        stdout: a descriptor it writes to instead of a pipe of its own."""
        return subprocess.Popen(
            [*PROGRAM, *_words(arguments)],
            cwd=cwd or self.cwd,
            env=self._environ(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environ(self, changes: Mapping[str, str | None] | None) -> dict[str, str]:
        changed = {**self.environ, **(changes or {})}
        return {name: value for name, value in changed.items() if value is not None}


def _words(arguments: Sequence[str | Path]) -> tuple[str, ...]:
    return tuple(os.fspath(argument) for argument in arguments)


def _program() -> tuple[str, ...]:
    """The installed console script; in a checkout that isn't installed, the package itself. -P: like the
    script, it must find a project's workers without the current folder on its path."""
    script = Path(sys.executable).with_name("loom")
    if script.exists():
        return (str(script),)
    start = f"import sys; sys.path.append({str(REPOSITORY)!r}); from loom.cli import main; main()"
    return (sys.executable, "-P", "-c", start)


PROGRAM = _program()
SCRIPT = Path(PROGRAM[0])


@functools.cache
def fork_server() -> ForkServer | None:
    """The one of this process, from the first command on; None where no console script is installed."""
    return ForkServer(SCRIPT, os.environ) if len(PROGRAM) == 1 else None
