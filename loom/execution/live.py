"""Live logs: what a run says, in files beside the ledger for as long as it is under way and not recorded.

``<run>.0.log``, ``<run>.1.log``, ...: whole lines, each file so large at most; the first and the last few are
kept, as the record keeps the beginning and the end. They are written by the thread that watches over the
runs, which is Loom's own, and taken away once the run is recorded. What a killed process leaves is what its
run said before it died. They never fail a run: where they can't be written there are none.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from loom.execution.capture import RunLog

PIECE = 16 * 1024
_LAST_PIECES = 3
_LONGEST_LINE = 8 * 1024
_NAME = re.compile(r"([A-Za-z0-9-]{8,64})\.(\d{1,9})\.log")


class LiveLogs:
    """folder: where they are; made when the first of them is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, run_id: str, clean: Callable[[str], str]) -> "LiveLog":
        """What `run_id` is going to say, once it is attached to its log. clean: takes out of a text what must
        not be kept, as it does for the record."""
        return LiveLog(self._folder, run_id, clean)

    def runs(self) -> frozenset[str]:
        """The ids of the runs of which there is anything."""
        return frozenset(run_id for run_id, _ in self.pieces())

    def last_words(self, run_id: str) -> str:
        """All that is kept of what `run_id` said."""
        said: list[str] = []
        expected = 0
        for number in sorted(number for id_, number in self.pieces() if id_ == run_id):
            with suppress(OSError):
                text = _read(self._folder / f"{run_id}.{number}.log")
                said += ["... more was said in between ...\n"] if number > expected else []
                said.append(text)
            expected = number + 1
        return "".join(said)

    def forget(self, runs: Collection[str]) -> None:
        for run_id, number in self.pieces() if runs else ():
            if run_id in runs:
                with suppress(OSError):
                    (self._folder / f"{run_id}.{number}.log").unlink()

    def pieces(self) -> list[tuple[str, int]]:
        """The files that are there: each by its run's id, and its number."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208  (the names alone, and no file looked at)
        except OSError:
            return []
        found = (_NAME.fullmatch(name) for name in names)
        return [(each[1], int(each[2])) for each in found if each is not None]


def _read(file: Path) -> str:
    with file.open("rb") as piece:
        return piece.read(2 * PIECE).decode(errors="replace")


class LiveLog:
    """One run's. Not for use by several threads."""

    def __init__(self, folder: Path, run_id: str, clean: Callable[[str], str]) -> None:
        self._folder = folder
        self._run_id = run_id
        self._clean = clean
        self._log: RunLog | None = None
        self._said = 0
        self._unfinished = b""
        self._skipping = False
        self._handle = -1
        self._number = -1
        self._size = 0
        self._broken = _NAME.fullmatch(f"{run_id}.0.log") is None

    def attach(self, log: RunLog) -> None:
        self._log = log

    def text(self) -> str:
        """What the run has said by now, as it may be kept."""
        return self._clean(self._log.text()) if self._log is not None else ""

    def update(self) -> None:
        """Write what was said since the last time, as far as its lines are finished. Costs nothing if nothing
        was."""
        if self._log is None or self._log.said == self._said or self._broken:
            return
        try:
            self._said, new, lost = self._log.since(self._said)
            if lines := self._lines(new, lost):
                self._write(_cleaned(lines.decode(errors="replace"), self._clean))
        except Exception:  # noqa: BLE001  (a disk that is full, or whatever else, is no trouble of the run's)
            self._broken = True
            self._close()

    def remove(self) -> None:
        """The run is recorded: nothing of it is kept here."""
        self._broken = True
        self._close()
        for number in _kept(self._number):
            with suppress(OSError):
                self._file(number).unlink(missing_ok=True)
        self._number = -1

    def _lines(self, new: bytes, lost: int) -> bytes:
        """The lines that are finished now. One that isn't waits: half a secret may stand at its end."""
        if lost:
            new = b"\n... %d bytes left out ...\n" % lost + new.partition(b"\n")[2]
        if self._skipping:
            _, end, new = new.partition(b"\n")
            if not end:
                return b""
            self._skipping = False
        lines, end, rest = (self._unfinished + new).rpartition(b"\n")
        self._unfinished = rest
        if len(rest) > _LONGEST_LINE:
            self._unfinished, self._skipping = b"", True
            return lines + end + b"... a line of more than %d bytes ...\n" % _LONGEST_LINE
        return lines + end

    def _write(self, text: str) -> None:
        for line in text.encode(errors="replace").splitlines(keepends=True):
            if self._handle < 0 or self._size + len(line) > PIECE:
                self._begin()
            rest = memoryview(line[:PIECE])
            self._size += len(rest)
            while rest:
                rest = rest[os.write(self._handle, rest) :]

    def _begin(self) -> None:
        self._close()
        if self._number < 0:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number += 1
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_EXCL
        self._handle, self._size = os.open(self._file(self._number), flags, 0o600), 0
        if (old := self._number - _LAST_PIECES) > 0:
            self._file(old).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._handle >= 0:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = -1

    def _file(self, number: int) -> Path:
        return self._folder / f"{self._run_id}.{number}.log"


def _kept(newest: int) -> Iterable[int]:
    if newest < 0:
        return ()
    return (0, *range(max(1, newest - _LAST_PIECES), newest + 1))


def _cleaned(text: str, clean: Callable[[str], str]) -> str:
    """`text`, which goes on before and after: masking is told of both cuts, and hides half a secret there."""
    shown = clean(f"…{text}…")
    return shown.removeprefix("…").removesuffix("…")


class Listener:
    """Reads a run's live log while it is written. missed: whether some of it was gone before it was read."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._logs = LiveLogs(folder)
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
            later = sorted(n for id_, n in self._logs.pieces() if id_ == self._run_id and n > self._number)
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

    def _go_to(self, number: int) -> None:
        self.close()
        self.missed |= number != self._number + 1
        self._number = number
        with suppress(OSError):
            self._handle = os.open(self._folder / f"{self._run_id}.{number}.log", os.O_RDONLY | os.O_CLOEXEC)


def _all_of(handle: int) -> bytes:
    said = b""
    while more := os.read(handle, 4 * PIECE):
        said += more
    return said
