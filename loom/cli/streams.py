"""The process's own stdin, stdout and stderr: there whatever was closed, and not in a worker's hands.

Loom writes through descriptors of its own. What can't be written is remembered and otherwise lost: work
must not stop because nobody can hear of it, and the exit code says that nobody could.
"""

import errno
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TextIO


class Mask(Protocol):
    def __call__(self, text: str) -> str: ...

    def document(self, text: str) -> str:
        """`text` is one JSON document, and stays one."""


_CLOSED = "it was closed before Loom started"


class _Descriptor(io.FileIO):
    """Takes whatever is written. trouble: why, from some point on, it went nowhere."""

    trouble: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            while self.trouble is None:
                written = super().write(data)
                if written is not None:  # mypy's stubs don't know that a full pipe may say None
                    return written
                select.select([], [self], [])
        except OSError as error:
            self.trouble = error
        return memoryview(data).nbytes


def _as_it_is(text: str) -> str:
    return text


class OwnStream(io.TextIOWrapper):
    """A text stream onto what descriptor `number` led to at the start. It writes as `inherited` does, but a
    letter that its encoding lacks becomes a question mark. begun: whether anything was written.

    is_document: whether whole JSON documents are written, each by one call, and nothing else.
    mask: what every text goes through. It is the last gate for secrets, behind all that masks values before
    they are drawn or put into JSON, and finds a secret only within one call of `write`: not one that is
    printed in pieces, has colours in between, or is written as bytes.
    """

    def __init__(self, number: int, inherited: TextIO | None) -> None:
        # Never closed by anybody: it ends with the process.
        self._descriptor = _Descriptor(os.dup(number), "w", closefd=False)
        if inherited is None:
            self._descriptor.trouble = OSError(errno.EBADF, _CLOSED)
        self.begun = False
        self.is_document = False
        self.mask: Callable[[str], str] = _as_it_is
        errors = getattr(inherited, "errors", None) or "strict"
        super().__init__(
            io.BufferedWriter(self._descriptor),
            encoding=getattr(inherited, "encoding", None) or "utf-8",
            errors="replace" if errors == "strict" else errors,
            line_buffering=getattr(inherited, "line_buffering", False),
            write_through=getattr(inherited, "write_through", False),
        )

    @property
    def trouble(self) -> OSError | None:
        """What keeps it from being written to, as far as that has shown."""
        return self._descriptor.trouble

    @property
    def unheard(self) -> bool:
        """Whether nobody reads it, or nobody does any more: that is the reader's own wish."""
        return self.trouble is not None and (
            self.trouble.errno == errno.EPIPE or self.trouble.strerror == _CLOSED
        )

    def write(self, text: str) -> int:
        # click tries whether bytes are taken here, and a mask may make text of them.
        if not isinstance(text, str):
            raise TypeError(f"a text is written here, not {type(text).__name__}")
        self.write_bare(self.mask(text))
        return len(text)

    def write_bare(self, text: str) -> None:
        """Past the mask."""
        self.begun = True
        super().write(text)

    def close(self) -> None:
        """Only flush: whoever is done with it isn't the last to need it."""
        self.flush()

    def detach(self) -> NoReturn:
        raise io.UnsupportedOperation("Loom needs it until its end")


def take_over() -> tuple[OwnStream, OwnStream]:
    """Open /dev/null in place of what is closed of 0, 1 and 2, and put streams of Loom's own in the place of
    `sys.stdout` and `sys.stderr`, which are returned.

    Comes before a file is opened: the first one, such as the ledger, would get the number that is free, and
    what is printed would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is what is opened; children need these three as well.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:  # it was closed
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    answer, talk = OwnStream(1, sys.stdout), OwnStream(2, sys.stderr)
    sys.stdout, sys.stderr = answer, talk
    return answer, talk


def mask_streams(mask: Mask, *, obeyed: bool = False) -> None:
    """From here on what Loom prints goes through `mask`; what it knows may grow. obeyed: whether GitHub's
    runner reads it, which obeys what looks like a command: then nothing looks like one."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, OwnStream):
            plain = _without_commands(mask) if obeyed else mask
            stream.mask = mask.document if stream.is_document else plain


def _without_commands(mask: Mask) -> Callable[[str], str]:
    from loom.report.harmless import harmless

    return lambda text: harmless(mask(text))


def heard() -> bool:
    """Whether what is written to stdout still arrives anywhere."""
    sys.stdout.flush()
    return getattr(sys.stdout, "trouble", None) is None


def answer_alone() -> TextIO:
    """The stream for the answer. From here on nothing else reaches stdout: what worker code, or a program it
    starts, writes there goes to stderr, beneath Python's own streams too. That holds until the process ends,
    because a worker that overran may go on writing."""
    answer = sys.stdout
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answer
