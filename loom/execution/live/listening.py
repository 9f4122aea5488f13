"""Reading a live log while it is written."""

import os
from contextlib import suppress
from pathlib import Path

from loom.execution.live.pieces import PIECE, file_of, pieces

_AGAIN = b"... more of it must be hidden; told again from here ...\n"


class Listener:
    """Reads a run's live log while it is written. missed: whether some of it was gone before it was read."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id
        self._number = -1
        self._handle = -1
        self.missed = False

    def more(self) -> str:
        """The lines that have come since the last time."""
        said: list[bytes] = []
        while True:
            if self._handle >= 0:
                said.append(_all_of(self._handle))
                if self._is_replaced():
                    said.append(_AGAIN)
                    self._go_to(self._number)
                    continue
            later = sorted(n for id_, n in pieces(self._folder) if id_ == self._run_id and n > self._number)
            if not later:
                break
            if self._handle >= 0:
                said.append(_all_of(self._handle))
            self._go_to(later[0])
        return b"".join(said).decode(errors="replace")

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _is_replaced(self) -> bool:
        with suppress(OSError):
            now = self._file(self._number).stat()
            return now.st_ino != os.fstat(self._handle).st_ino
        return False

    def _file(self, number: int) -> Path:
        return file_of(self._folder, self._run_id, number)

    def _go_to(self, number: int) -> None:
        self.close()
        self.missed |= number > self._number + 1
        self._number = number
        with suppress(OSError):
            self._handle = os.open(self._file(number), os.O_RDONLY | os.O_CLOEXEC)


def _all_of(handle: int) -> bytes:
    said = b""
    while more := os.read(handle, 4 * PIECE):
        said += more
    return said
