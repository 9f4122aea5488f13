"""The pages of a database file as they lie there, whatever SQLite says of it: the file, with what its
write-ahead log has committed on top. See https://www.sqlite.org/fileformat2.html."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from loom.values import dataclass

_MAGIC = b"SQLite format 3\x00"
_LOG_MAGIC = 0x377F0682
_LOG_HEADER, _FRAME_HEADER = 32, 24
_USUAL = 4096
_SIZES = frozenset(1 << bits for bits in range(9, 17))


@dataclass(frozen=True, slots=True)
class Log:
    """What a write-ahead log holds. size: of its pages; 0 for a log that can't be read. pages: where the
    newest committed version of each begins, by number. count: pages of the database after the last commit.
    lost: how many commits lie behind a damaged place, where nothing tells what of them is whole."""

    size: int
    pages: dict[int, int]
    count: int
    lost: int


class Pages:
    """Pages by their number, from 1.

    file, log: open for reading; the log is None when there is none. size: of a page, in bytes. count: how
    many there should be. usable: how much of a page holds content.
    """

    def __init__(self, file: BinaryIO, log: BinaryIO | None) -> None:
        self._file = file
        self._log_file = log
        self.length = file.seek(0, 2)
        self.log = read_log(log) if log is not None else Log(0, {}, 0, 0)
        first = self._read(file, 0, 100)
        self.headed = first.startswith(_MAGIC)
        (size,) = struct.unpack(">H", first[16:18]) if self.headed else (0,)
        size = 65536 if size == 1 else size
        self.size = size if size in _SIZES else self.log.size or _USUAL
        there = -(-self.length // self.size)
        head = (self[1] or b"")[:100].ljust(100, b"\0")
        self.headed = head.startswith(_MAGIC)
        self.usable = self.size - (head[20] if self.headed and head[20] <= self.size - 480 else 0)
        (said,) = struct.unpack(">I", head[28:32]) if self.headed else (0,)
        # What the header says is only worth believing when there isn't less than that.
        self.count = self.log.count or (min(said, there) or there)
        self.missing = max(0, (self.log.count or said) - max([there, *self.log.pages]))
        self._free = struct.unpack(">II", head[32:40]) if self.headed else (0, 0)

    def __getitem__(self, number: int) -> bytes | None:
        """The page, or None where there is none. What is cut off of one reads as zeros, as SQLite does it."""
        begin = self.log.pages.get(number)
        if begin is not None and self._log_file is not None:
            return self._read(self._log_file, begin, self.size)
        begin = (number - 1) * self.size
        if number < 1 or begin >= self.length:
            return None
        return self._read(self._file, begin, self.size).ljust(self.size, b"\0")

    def free(self) -> tuple[set[int], bool]:
        """The numbers of the pages that hold nothing any more, and whether the list of them is whole."""
        trunk, said = self._free
        found: set[int] = set()
        while trunk and trunk not in found and len(found) <= said:
            page = self[trunk]
            if page is None:
                return found, False
            found.add(trunk)
            trunk, leaves = struct.unpack(">II", page[:8])
            if leaves > self.usable // 4 - 2:
                return found, False
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
        return found, self.headed and trunk == 0 and len(found) == said

    @staticmethod
    def _read(file: BinaryIO, begin: int, length: int) -> bytes:
        file.seek(begin)
        return file.read(length)


def read_log(file: BinaryIO) -> Log:
    """What is committed in the write-ahead log `file`."""
    length = file.seek(0, 2)
    file.seek(0)
    header = file.read(_LOG_HEADER)
    if len(header) < _LOG_HEADER:
        return Log(0, {}, 0, 0)
    magic, _, size, _, salt_1, salt_2, *told = struct.unpack(">8I", header)
    size = 65536 if size == 1 else size
    order = ">" if magic & 1 else "<"
    sums = _summed(header[:24], (0, 0), order)
    if magic & ~1 != _LOG_MAGIC or size not in _SIZES or sums != tuple(told):
        # Zeros are what a file system leaves of a log that was never written to the disk.
        return Log(0, {}, 0, max(int(any(header)), _commits(file, _LOG_HEADER, length, _USUAL, None)))
    committed: dict[int, int] = {}
    waiting: dict[int, int] = {}
    count, begin, step = 0, _LOG_HEADER, _FRAME_HEADER + size
    while begin + step <= length:
        file.seek(begin)
        frame = file.read(step)
        number, after, *salts_and_sums = struct.unpack(">6I", frame[:_FRAME_HEADER])
        sums = _summed(frame[:8], sums, order)
        sums = _summed(frame[_FRAME_HEADER:], sums, order)
        if tuple(salts_and_sums) != (salt_1, salt_2, *sums) or number == 0:
            break
        waiting[number] = begin + _FRAME_HEADER
        if after:
            committed.update(waiting)
            waiting.clear()
            count = after
        begin += step
    return Log(size, committed, count, _commits(file, begin + step, length, size, (salt_1, salt_2)))


def _commits(file: BinaryIO, begin: int, length: int, size: int, salts: tuple[int, int] | None) -> int:
    """How many frames from `begin` on end a transaction of this log. salts: None when its header is gone;
    then nothing tells which log they are of."""
    found = 0
    for at in range(begin, length - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        file.seek(at)
        number, after, *ours = struct.unpack(">4I", file.read(16))
        found += 0 < number <= after and (tuple(ours) == salts if salts else any(ours))
    return found


def _summed(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    for first, second in _pairs(data, order):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _pairs(data: bytes, order: str) -> Iterator[tuple[int, int]]:
    return struct.iter_unpack(f"{order}2I", data)
