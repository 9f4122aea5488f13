"""Many commands in a project whose files a test keeps changing: one after another, out of one ForkServer."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.ground.command import SCRIPT
from tests.ground.forkserver import ForkServer

TIMED_OUT = -1


class Nursery:
    """A context manager. environ: what every command gets, on top of it what `run` is given.

    first: Python that is run once before any command, in the process that all of them come from; for a
    test that plants a fault.
    """

    def __init__(self, environ: Mapping[str, str], *, patience_s: float = 300.0, first: str = "") -> None:
        self._environ = dict(environ)
        self._first = first
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        self._server = ForkServer(SCRIPT, self._environ, first=self._first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit code, stdout and stderr of ``loom ARGUMENTS``, started in `cwd`.

        The code is `TIMED_OUT` for a command that had to be killed, and below that for one that a signal did.
        """
        environ = {**self._environ, **(env or {})}
        try:
            code, out, err = self._server.run(
                arguments, cwd=cwd, environ=environ, stdin=b"", timeout_s=self._patience_s
            )
        except subprocess.TimeoutExpired as late:
            return TIMED_OUT, late.stdout or b"", late.stderr or b""
        return code if code >= 0 else code - 1, out, err
