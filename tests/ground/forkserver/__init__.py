"""Commands without a start-up each: every one is a fork of one process that has imported all they need.

What is the same as when a person starts `loom`: the console script runs to its own end in a process of its
own, with the arguments, folder, environment, streams, zone, signals and descriptors of one that has just
started; it comes under the tests' walls; its exit code is the system's word. What isn't: its modules are
imported already (nothing that is missing or broken on ``PYTHONPATH`` could show), and `atexit` among them, so
that Loom never takes its short way out; they aren't taken to pieces at its end; texts hash alike in all of
them; the system names the forks' parent as their parent, and that one's command line and first environment
as theirs.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.ground.forkserver.talk import Talk

_SERVER = Path(__file__).with_name("server.py")
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "DYLD_", "MALLOC_")


class Ended(NamedTuple):
    """exit_code: negative for a signal, as subprocess has it."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class ForkServer:
    """script: the installed console script. environ: what the process that is forked starts with.

    first: Python that it runs once, before any command; for a test that plants a fault. It ends when it is
    closed, and otherwise with the process that made it, however that ends. Several threads may use it.
    """

    def __init__(self, script: Path, environ: Mapping[str, str], *, first: str = "") -> None:
        self._script = script
        self._read = _read_at_start(environ)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, _SERVER, str(theirs.fileno()), script, first],
            cwd="/",
            env=dict(environ),
            # Pipes, as every fork has: Python looks at what its streams are only when it starts.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self.close)

    def close(self) -> None:
        """End it. What it has forked goes on. May be called again."""
        self._control.close()
        self._process.communicate()
        atexit.unregister(self.close)

    def can(self, environ: Mapping[str, str], cwd: Path) -> bool:
        """Whether a fork is as good as a start: nothing is different that Python reads only at its start."""
        return _read_at_start(environ) == self._read and cwd.is_dir()

    def run(
        self, words: Sequence[str], *, cwd: Path, environ: Mapping[str, str], stdin: bytes, timeout_s: float
    ) -> Ended:
        """Run ``loom WORDS`` through pipes and wait. Raises subprocess.TimeoutExpired, with what it wrote,
        once it has been killed after `timeout_s` seconds."""
        until = time.monotonic() + timeout_s
        order: dict[str, object] = {"words": [*words], "cwd": str(cwd.absolute()), "environ": dict(environ)}
        with Talk(stdin) as talk:
            self._send(order, talk)
            while talk.goes_on:
                if not talk.go_on(until - time.monotonic()):
                    self._kill(talk)
                    out, err = talk.stdout, talk.stderr
                    raise subprocess.TimeoutExpired([str(self._script), *words], timeout_s, out, err)
            if len(talk.numbers) < 2:
                raise self._gone()
            return Ended(talk.numbers[1], talk.stdout, talk.stderr)

    def _send(self, order: dict[str, object], talk: Talk) -> None:
        try:
            with self._lock:
                body = json.dumps(order).encode()
                socket.send_fds(self._control, [len(body).to_bytes(8)], talk.theirs)
                self._control.sendall(body)
        except OSError:
            raise self._gone() from None
        finally:
            talk.leave_theirs()

    def _kill(self, talk: Talk) -> None:
        """End the fork, unless it has ended and only what it left behind goes on: its id may be another's."""
        while not talk.numbers:
            if not talk.go_on(None):
                raise self._gone()
        if len(talk.numbers) < 2:
            with suppress(ProcessLookupError):
                os.kill(talk.numbers[0], signal.SIGKILL)

    def _gone(self) -> AssertionError:
        self._process.kill()
        _, said = self._process.communicate()
        return AssertionError(
            f"the process that commands are forks of is gone: {said.decode(errors='replace')}"
        )


def _read_at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_READ_AT_START)}
