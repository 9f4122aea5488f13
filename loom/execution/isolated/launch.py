"""Launch: a run's process, started, and Loom's ends of the pipes between them."""

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from loom.execution.isolated.offspring import Offspring
from loom.programs import starting
from loom.values import dataclass

_THEIRS = (3, 4, 5, 6)
_ABOVE = 64
# What Python ignores, and programs expect to end by.
_AS_USUAL = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Launched:
    """process: the supervisor. The others are descriptors, none of which blocks: request and orders to
    write to, status, frames and text to read from (see `supervisor.Post`); text is what the
    worker, and the programs it starts, write to standard output and standard error.
    """

    process: Offspring
    request: int
    orders: int
    status: int
    frames: int
    text: int

    def close(self) -> None:
        """Close every end. A supervisor that lives on takes it as Loom's end, and ends what it watches."""
        for handle in (self.request, self.orders, self.status, self.frames, self.text):
            with suppress(OSError):
                os.close(handle)


def launch(
    program: Sequence[str], *, env: Mapping[str, str], project: Path, folder: Path, label: str
) -> Launched:
    """Start `program`, which is named by its whole path, in a session of its own; it makes `project` its
    current folder. label: what `ps` shows of it at the end.

    The system ends the program with the thread that calls this, where it can: let it live. Raises OSError.
    """
    with starting(), ExitStack() as ours, ExitStack() as theirs:

        def pipe(*, writing: bool) -> tuple[int, int]:
            """Our end and theirs."""
            read, write = os.pipe()
            mine, other = (write, read) if writing else (read, write)
            ours.callback(os.close, mine)
            theirs.callback(os.close, other)
            os.set_blocking(mine, False)
            return mine, other

        request, their_request = pipe(writing=True)
        orders, their_orders = pipe(writing=True)
        status, their_status = pipe(writing=False)
        frames, their_frames = pipe(writing=False)
        text, their_text = pipe(writing=False)
        given = []
        for handle in (their_request, their_orders, their_status, their_frames, their_text):
            # Out of the way of the numbers that they get in the process.
            given.append(fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, _ABOVE))
            theirs.callback(os.close, given[-1])
        *posts, said = given
        # Not `subprocess.Popen`: that waits until its pipe to the new process is closed, so for ever where an
        # inline worker has copied what this process has open, or forked meanwhile.
        pid = os.posix_spawn(
            program[0],
            [*program, *map(str, _THEIRS), str(os.getpid()), str(folder), str(project), label],
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, said, 1),
                (os.POSIX_SPAWN_DUP2, said, 2),
                *((os.POSIX_SPAWN_DUP2, post, number) for post, number in zip(posts, _THEIRS, strict=True)),
            ],
            setsid=True,
            setsigdef=_AS_USUAL,
        )
        ours.pop_all()
        return Launched(Offspring(pid), request, orders, status, frames, text)
