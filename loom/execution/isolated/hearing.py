"""Hearing: what comes from a run's process: its text, its frames, and its supervisor's word of its end."""

import codecs
import os
import select
from typing import Any

from loom.cutting import cut
from loom.domain.enforcement import Refusal
from loom.execution.flight import Flight
from loom.execution.isolated.frames import ATTEMPT, OUTPUT, PROGRESS, REFUSED, REPORT, VALUE, Garbled, Reader
from loom.execution.isolated.handover import read, refusal_read

_PIECE = 64 * 1024
_STATUS_LIMIT = 128 * 1024
_MOST_REFUSALS = 100
_MOST_PIECES_LEFT = 256


class Hearing:
    """Mutable, one thread's. Holds little, however much comes.

    worker: the worker's process id, once it is known. over: whether the supervisor has ended; code, killed,
    dump: its last word (see `loom.execution.isolated.supervisor`), code is None if it had none.
    report: what `Flight.ended` takes, once it has come. garbled: what is wrong with the frames, if anything.
    refusals: those of the run itself. late: set it, and nothing counts any more but a report.
    """

    def __init__(self, flight: Flight, output_limit: int) -> None:
        self._flight = flight
        self._reader = Reader(output_limit)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._status = b""
        self._value: bytes | None = None
        self._output: bytes | None = None
        self.worker: int | None = None
        self.over = False
        self.code: int | None = None
        self.killed = 0
        self.dump = ""
        self.report: dict[str, Any] | None = None
        self.garbled = ""
        self.refusals: list[Refusal] = []
        self.late = False

    def status(self, handle: int) -> bool:
        """Read once, without blocking. False when there is nothing more to come; so for the others."""
        data = _read(handle)
        if data:
            self._status = (self._status + data)[:_STATUS_LIMIT]
            if self.worker is None and b"\n" in self._status:
                self.worker = int(self._status.partition(b"\n")[0])
        self.over = data == b""
        if self.over:
            self._last_word()
        return not self.over

    def text(self, handle: int) -> bool:
        data = _read(handle)
        if data is not None:
            self._flight.log.write(self._decoder.decode(data, final=not data))
        return data != b""

    def frames(self, handle: int) -> bool:
        data = _read(handle)
        try:
            for kind, payload in self._reader.feed(data or b""):
                self._take(kind, payload)
        except Garbled as error:
            self.garbled = str(error)
            return False
        return data != b""

    def rest(self, frames: int, text: int) -> None:
        """What the pipes still hold, once nobody writes to them; a good deal, should somebody do so yet."""
        for handle, hear in ((frames, self.frames), (text, self.text)):
            for _ in range(_MOST_PIECES_LEFT):
                if _is_empty(handle) or not hear(handle):
                    break

    def _last_word(self) -> None:
        words, _, dump = self._status.partition(b"\n")[2].partition(b"\n")
        if words.startswith(b"exit "):
            self.code, self.killed = map(int, words.split()[1:])
            self.dump = dump.decode(errors="replace")

    def _take(self, kind: bytes, payload: bytes) -> None:
        if self.report is not None:
            return  # what a thread that it left behind still says
        if kind == REPORT:
            self._flight.attempts, self.report = read(payload, self._value, self._output)
        elif self.late:
            return
        elif kind == PROGRESS:
            self._say(payload.decode(errors="replace"))
        elif kind == REFUSED:
            if len(self.refusals) < _MOST_REFUSALS:
                self.refusals.append(refusal_read(payload))
        elif kind == VALUE:
            self._value = payload
        elif kind == OUTPUT:
            self._output = payload
        elif kind == ATTEMPT:
            self._flight.attempts += 1

    def _say(self, text: str) -> None:
        try:
            self._flight.assignment.say(text)
        except Exception as error:  # noqa: BLE001 - whoever watches must not be able to fail a worker
            self._flight.log.line("WARNING", f"progress couldn't be shown: {cut(repr(error), 200)}")


def _read(handle: int) -> bytes | None:
    """Empty at the end, None when there is nothing now."""
    try:
        return os.read(handle, _PIECE)
    except BlockingIOError:
        return None


def _is_empty(handle: int) -> bool:
    """Whether there is neither anything to read nor an end."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return not poll.poll(0)
