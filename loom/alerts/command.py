"""Alerts handed to a program on its standard input."""

import contextlib
import os
import signal
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from loom.alerts.payload import encode
from loom.alerts.plain import plain
from loom.domain.alert import EVERY_EVENT, Alert, Event
from loom.errors import DeliveryFailed
from loom.programs import starting

if TYPE_CHECKING:
    import subprocess

_TAIL = 2000
_SHOWN = 500


class CommandHook:
    """command: the program and its arguments, started without a shell in `cwd`, with `env` as its whole
    environment. timeout: seconds; then it is killed, with all that it started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float = 30.0,
        name: str = "command",
        events: Container[Event] = EVERY_EVENT,
    ) -> None:
        self.name = name
        self._command = tuple(command)
        self._cwd = cwd
        self._env = dict(env)
        self._timeout = timeout
        self._events = events

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """The payload on stdin, then wait. Raises DeliveryFailed unless the program ends with 0."""
        import subprocess
        import tempfile

        program = self._command[0]
        # Files, not pipes: a program that doesn't read, or leaves a child behind, blocks nobody.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(encode(alert))
            given.seek(0)
            try:
                with starting():
                    process = subprocess.Popen(  # noqa: S603  the command is the registry's, no shell reads it
                        self._command,
                        cwd=self._cwd,
                        env=self._env,
                        stdin=given,
                        stdout=subprocess.DEVNULL,
                        stderr=said,
                        start_new_session=True,
                    )
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise DeliveryFailed(f"{program} can't be started: {why}; check 'command'") from error
            try:
                code = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                raise DeliveryFailed(
                    f"{program} was still running after {self._timeout:g} s and was killed{_tail(said)}"
                ) from None
            finally:
                _kill(process)
            if code:
                how = f"ended with {code}" if code > 0 else f"was killed by signal {-code}"
                raise DeliveryFailed(f"{program} {how}{_tail(said)}")


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a program that is still running, and its process group."""
    import subprocess

    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)


def _tail(said: IO[bytes]) -> str:
    """What the program said last on stderr, as the end of a sentence."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _TAIL))
    text = plain(said.read(_TAIL).decode("utf-8", errors="replace"), 10 * _TAIL)
    if not text:
        return " and said nothing on stderr"
    return f": {text}" if max(size, len(text)) <= _SHOWN else f": …{text[1 - _SHOWN :]}"
