"""Live logs: what a run says, in files beside the ledger for as long as it is under way and not recorded.

``<run>.0.log``, ``<run>.1.log``, ...: whole lines, each file so large at most; the first and the last few are
kept, as the record keeps the beginning and the end. They are written by the thread that watches over the
runs, which is Loom's own, and taken away once the run is recorded. What a killed process leaves is what its
run said before it died. They never fail a run: where they can't be written there are none.

A piece is written anew, in a file of its own, when what came later shows that more of it must be hidden.
"""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from loom.execution.capture import RunLog
from loom.execution.growing import GrowingText

PIECE = 16 * 1024
_LAST_PIECES = 3
_LONGEST_LINE = 8 * 1024
_LONGEST_KEY = 8 * 1024
_AT_ONCE = 64 * 1024
_CHUNK = 8 * 1024
_SHARE = 0.1  # of the time, for cleaning
# As `loom.ids` makes them, and nobody else: whatever has such a name may be removed.
_NAME = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{1,9})\.log")
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY")
_NOT_KEPT = "... what was said before isn't kept, for some of it must be hidden ...\n"
_AGAIN = b"... more of it must be hidden; told again from here ...\n"
_KEY_ENDS = re.compile(rb"-----END [A-Z0-9 ]{0,60}PRIVATE KEY")


class LiveLogs:
    """folder: where they are; made when the first of them is. monotonic: seconds, by which cleaning what runs
    say is held to a tenth of the time; without it, no time passes."""

    def __init__(self, folder: Path, *, monotonic: Callable[[], float] = lambda: 0.0) -> None:
        self._folder = folder
        self._pace = _Pace(monotonic)

    def of(self, run_id: str, clean: Callable[[str], str]) -> "LiveLog":
        """What `run_id` is going to say, once it is attached to its log. clean: takes out of a text what must
        not be kept, as it does for the record."""
        return LiveLog(self._folder, run_id, clean, self._pace)

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
            if self._folder.is_symlink():
                return []
            names = os.listdir(self._folder)  # noqa: PTH208  (the names alone, and no file looked at)
        except OSError:
            return []
        found = (_NAME.fullmatch(name) for name in names)
        return [(each[1], int(each[2])) for each in found if each is not None]


def _read(file: Path) -> str:
    with file.open("rb") as piece:
        return piece.read(4 * PIECE).decode(errors="replace")


class _Pace:
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

    def __init__(self, folder: Path, run_id: str, clean: Callable[[str], str], pace: _Pace) -> None:
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
        self._broken = _NAME.fullmatch(f"{run_id}.0.log") is None
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
        return self._folder / f"{self._run_id}.{number}.log"


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
                if self._is_replaced():
                    said.append(_AGAIN)
                    self._go_to(self._number)
                    continue
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

    def _is_replaced(self) -> bool:
        with suppress(OSError):
            now = self._file(self._number).stat()
            return now.st_ino != os.fstat(self._handle).st_ino
        return False

    def _file(self, number: int) -> Path:
        return self._folder / f"{self._run_id}.{number}.log"

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
