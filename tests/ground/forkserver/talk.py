"""The streams of one fork, from the side of who asked for it."""

import os
import selectors
from types import TracebackType
from typing import Self

_STDOUT, _STDERR, _NUMBERS = range(3)
_PIECE = 4096


class Talk:
    """A context manager. theirs: the descriptors that the fork gets: stdin, stdout, stderr, and the one on
    which its id and then its exit code are written."""

    def __init__(self, stdin: bytes) -> None:
        self._rest = memoryview(stdin)
        self._heard = tuple(bytearray() for _ in range(3))
        self._selector = selectors.DefaultSelector()
        given, self._to = os.pipe()
        self.theirs = [given]
        for heard in self._heard:
            ours, theirs = os.pipe()
            self._selector.register(ours, selectors.EVENT_READ, heard)
            self.theirs.append(theirs)
        if stdin:
            self._selector.register(self._to, selectors.EVENT_WRITE)
        else:
            os.close(self._to)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key in list(self._selector.get_map().values()):
            self._forget(key.fd)
        self._selector.close()

    def leave_theirs(self) -> None:
        """Close what the fork has copies of, so that their end can be seen."""
        for handle in self.theirs:
            os.close(handle)

    @property
    def goes_on(self) -> bool:
        return bool(self._selector.get_map())

    @property
    def stdout(self) -> bytes:
        return bytes(self._heard[_STDOUT])

    @property
    def stderr(self) -> bytes:
        return bytes(self._heard[_STDERR])

    @property
    def numbers(self) -> list[int]:
        """Its id, once it is there; its exit code, once it has ended."""
        *lines, _ = bytes(self._heard[_NUMBERS]).split(b"\n")
        return [int(line) for line in lines]

    def go_on(self, within_s: float | None) -> bool:
        """Take and give what there is. False when nothing came in so many seconds, None for ever."""
        ready = self._selector.select(within_s if within_s is None else max(within_s, 0))
        for key, _ in ready:
            if key.data is None:
                self._give(key.fd)
            elif part := os.read(key.fd, 65536):
                key.data.extend(part)
            else:
                self._forget(key.fd)
        return bool(ready)

    def _give(self, handle: int) -> None:
        try:
            self._rest = self._rest[os.write(handle, self._rest[:_PIECE]) :]
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._forget(handle)

    def _forget(self, handle: int) -> None:
        self._selector.unregister(handle)
        os.close(handle)
