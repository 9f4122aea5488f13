"""Many `loom` commands from one process that has imported everything already: each is a fork of it.

What a fork runs is `loom.cli.main` with arguments, folder, environment and streams of its own, as a process
that had started anew would; only the imports are done. A hundred commands take seconds instead of minutes.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TIMED_OUT = -1


class Nursery:
    """A context manager. environ: what every command gets, on top of it what `run` is given.

    first: Python that is run once before any command, in the process that all of them come from; for a
    test that plants a fault.
    """

    def __init__(self, environ: Mapping[str, str], *, patience_s: float = 60.0, first: str = "") -> None:
        self._environ = dict(environ)
        self._first = first
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="loom-nursery-")
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, self._first],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()
        self._folder.cleanup()

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit code, stdout and stderr of ``loom ARGUMENTS``, started in `cwd`.

        The code is `TIMED_OUT` for a command that had to be killed, and below that for one that a signal did.
        """
        out, err = (Path(self._folder.name) / name for name in ("out", "err"))
        job = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "env": dict(env or {}),
            "out": str(out),
            "err": str(err),
            "patience_s": self._patience_s,
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the nursery has died"
        return json.loads(answer)["code"], out.read_bytes(), err.read_bytes()


def _serve() -> None:
    _import_everything()
    exec(sys.argv[1], {})  # noqa: S102  (what a test says)
    answers = os.fdopen(os.dup(1), "w")
    for row in sys.stdin:
        print(json.dumps({"code": _born(json.loads(row))}), file=answers, flush=True)


def _import_everything() -> None:
    import importlib
    import pkgutil

    import loom

    for module in pkgutil.walk_packages(loom.__path__, "loom."):
        if not module.name.startswith(("loom.__main__", "loom.starter")):
            importlib.import_module(module.name)


def _born(job: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        _live(job)
    end = time.monotonic() + job["patience_s"]
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else code - 1
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMED_OUT
        time.sleep(0.002)


def _live(job: dict[str, Any]) -> None:
    code: object = 99
    try:
        os.setsid()
        os.chdir(job["cwd"])
        os.environ.update(job["env"])
        for number, name in ((0, os.devnull), (1, job["out"]), (2, job["err"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(name, flags, 0o600), number)
        sys.argv = ["loom", *job["arguments"]]
        from loom.cli import main

        main(job["arguments"])
    except SystemExit as done:
        code = done.code
    except BaseException:  # noqa: BLE001  (what gets past `main` is what a user would see)
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        os._exit(code if isinstance(code, int) else 98)


if __name__ == "__main__":
    _serve()
