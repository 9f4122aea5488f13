"""Launch: a run's process, started, and Loom's ends of the pipes between them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Launched:
    """process: the supervisor. The others are descriptors, none of which blocks: request and orders to
    write to, status, frames and text to read from (see `supervisor.Post`); text is what the
    worker, and the programs it starts, write to standard output and standard error.
    """

    process: subprocess.Popen[bytes]
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
    """Start `program` in a session of its own, in `project`. label: what `ps` shows of it at the end.

    The system ends the program with the thread that calls this, where it can: let it live. Raises OSError.
    """
    with ExitStack() as ours, ExitStack() as theirs:

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
        given = (their_request, their_orders, their_status, their_frames)
        process = subprocess.Popen(  # noqa: S603  (our own program)
            [*program, *map(str, given), str(os.getpid()), str(folder), label],
            stdin=subprocess.DEVNULL,
            stdout=their_text,
            stderr=their_text,
            pass_fds=given,
            cwd=project,
            env=env,
            start_new_session=True,
        )
        ours.pop_all()
        return Launched(process, request, orders, status, frames, text)
