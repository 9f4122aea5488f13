"""Writing a live log: what one run says, in files beside the ledger for as long as it is under way.

The first and the last few files are kept, as the record keeps the beginning and the end. They are written by
the thread that watches over the runs, which is Loom's own, and taken away once the run is recorded. What a
killed process leaves is what its run said before it died. They never fail a run: where they can't be written
there are none.

A piece is written anew, in a file of its own, when what came later shows that more of it must be hidden.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from loom.execution.capture import RunLog
from loom.execution.live.growing import GrowingText
from loom.execution.live.pieces import PIECE, file_of, is_run

_LAST_PIECES = 3
_LONGEST_LINE = 8 * 1024
_LONGEST_KEY = 8 * 1024
_AT_ONCE = 64 * 1024
_CHUNK = 8 * 1024
_SHARE = 0.1  # of the time, for cleaning
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY")
_NOT_KEPT = "... what was said before isn't kept, for some of it must be hidden ...\n"
_KEY_ENDS = re.compile(rb"-----END [A-Z0-9 ]{0,60}PRIVATE KEY")


class Pace:
    """How often runs may be cleaned. runs: how many there are."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.runs = 0

    def rest_until(self, began: float) -> float:
        """When a run whose cleaning began then may be cleaned again."""
        took = self.monotonic() - began
        return began + took * max(1, self.runs) / _SHARE


class LiveLog:
    """One run's. Not for use by several threads."""

    def __init__(self, folder: Path, run_id: str, clean: Callable[[str], str], pace: Pace) -> None:
        self._folder = folder
        self._run_id = run_id
        self._clean = clean
        self._pace = pace
        self._rests_until = float("-inf")
        self._log: RunLog | None = None
        self._said = 0
        self._text = GrowingText(clean)
        self._held = b""
        self._unfinished = b""
        self._skipping = False
        self._handle = -1
        self._number = -1
        # What stands in the last piece, and in the one before it.
        self._here = self._before = ""
        self._size = 0
        self._broken = not is_run(run_id)
        self._removed = False

    def attach(self, log: RunLog) -> None:
        self._log = log
        self._pace.runs += 1

    def text(self) -> str:
        """What the run has said by now, as it may be kept."""
        return self._clean(self._log.text()) if self._log is not None else ""

    def update(self) -> None:
        """Write what was said since the last time, as far as its lines are finished. Costs nothing if nothing
        was, and waits if cleaning has taken too much of the time."""
        if self._log is None or self._log.said == self._said or self._broken:
            return
        began = self._pace.monotonic()
        if began < self._rests_until:
            return
        try:
            self._said, new, lost = self._log.since(self._said)
            for lines in _chunks(self._lines(new, lost)):
                self._show(lines.decode(errors="replace"))
        except Exception:  # noqa: BLE001  (a disk that is full, or whatever else, is no trouble of the run's)
            self._broken = True
            self._close()
        self._rests_until = self._pace.rest_until(began)

    def remove(self) -> None:
        """The run is recorded: nothing of it is kept here."""
        if self._log is not None and not self._removed:
            self._pace.runs -= 1
        self._broken = self._removed = True
        self._close()
        for number in _kept(self._number):
            with suppress(OSError):
                self._file(number).unlink(missing_ok=True)
        self._number = -1

    def _lines(self, new: bytes, lost: int) -> bytes:
        """The lines that are finished now. One that isn't waits: half a secret may stand at its end. So do
        those of a key that isn't."""
        if len(new) > _AT_ONCE:
            new, lost = new[-_AT_ONCE:], lost + len(new) - _AT_ONCE
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
            end += b"... a line of more than %d bytes ...\n" % _LONGEST_LINE
        return self._without_half_a_key(self._held + lines + end)

    def _without_half_a_key(self, lines: bytes) -> bytes:
        self._held = b""
        begins = [found.start() for found in _KEY_BEGINS.finditer(lines)]
        if not begins or _KEY_ENDS.search(lines, begins[-1]):
            return lines
        line = lines.rfind(b"\n", 0, begins[-1]) + 1
        if len(lines) - line > _LONGEST_KEY:
            return lines
        self._held = lines[line:]
        return lines[:line]

    def _show(self, lines: str) -> None:
        shown = self._text.add(lines)
        if shown.instead_of:
            self._replace(shown.instead_of, shown.new)
        else:
            self._write(shown.new)

    def _write(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            data = line.encode(errors="replace")[:PIECE]
            if self._handle < 0 or self._size + len(data) > PIECE:
                self._begin()
            self._here += data.decode(errors="ignore")
            self._append(data)

    def _replace(self, shown: str, new: str) -> None:
        """Write the last piece anew, and if need be the one before it: both end with `shown`, for which `new`
        stands now. If they don't, nothing of them is kept."""
        everything = self._before + self._here
        fits = everything.endswith(shown)
        kept = everything[: len(everything) - len(shown)] if fits else _NOT_KEPT
        if self._number > 0 and not (fits and kept.startswith(self._before)):
            self._before, kept = kept, ""
            self._anew(self._number - 1, self._before)
        else:
            kept = kept.removeprefix(self._before)
        self._here = kept + new
        self._anew(self._number, self._here)

    def _begin(self) -> None:
        if self._number < 0:
            _make(self._folder)
        self._number += 1
        self._before, self._here = self._here, ""
        self._open(self._number)
        if (old := self._number - _LAST_PIECES) > 0:
            self._file(old).unlink(missing_ok=True)

    def _anew(self, number: int, text: str) -> None:
        # Another file, so that who reads along sees that it isn't the one he had.
        self._file(number).unlink(missing_ok=True)
        self._open(number)
        self._append(text.encode(errors="replace"))

    def _open(self, number: int) -> None:
        self._close()
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_EXCL
        self._handle, self._size = os.open(self._file(number), flags, 0o600), 0

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def _close(self) -> None:
        if self._handle >= 0:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = -1

    def _file(self, number: int) -> Path:
        return file_of(self._folder, self._run_id, number)


def _kept(newest: int) -> Iterable[int]:
    if newest < 0:
        return ()
    return (0, *range(max(1, newest - _LAST_PIECES), newest + 1))


def _chunks(lines: bytes) -> Iterator[bytes]:
    """`lines` in pieces of whole lines, so large as is cleaned at once."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + _CHUNK) + 1 or lines.find(b"\n", start) + 1 or len(lines)
        yield lines[start:end]
        start = end


def _make(folder: Path) -> None:
    """Raises OSError when something else is in its place."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(f"{folder} is no folder")
    if stat.S_IMODE(mode) != 0o700:
        folder.chmod(0o700)
