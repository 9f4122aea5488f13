"""Frames: what a worker's process says to Loom, one after another, each of a known kind and bounded length.

A frame is a letter, four bytes of length (the highest first), and that many bytes. The process has run a
worker's code and is believed nothing beyond its form.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Final

PROGRESS: Final = b"P"  # text
ATTEMPT: Final = b"A"  # empty: the work begins once more
REFUSED: Final = b"F"  # a refusal, as JSON
VALUE: Final = b"V"  # the JSON form of what was returned
OUTPUT: Final = b"O"  # what the output model makes of it, where that is something else
REPORT: Final = b"R"  # how it ended, as JSON; the last one

SAFE_LENGTH: Final = 4096
"""Bytes, header included. A shorter frame is written in one piece, whoever else writes (POSIX: PIPE_BUF)."""

_HEADER: Final = struct.Struct("!cI")
_SMALL: Final = 64 * 1024
_REPORT: Final = 1_000_000


class Garbled(ValueError):
    """What came through the pipe is no frame, or not what such a frame holds."""


def frame(kind: bytes, payload: bytes) -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


def safe(text: str) -> bytes:
    """As much of `text` as goes into one frame that is written in one piece."""
    return text.encode(errors="backslashreplace")[: SAFE_LENGTH - _HEADER.size]


class Reader:
    """Takes bytes as they come and gives the frames that are whole. Keeps no more than one frame.

    output_limit: the most bytes of an output's JSON form.
    """

    def __init__(self, output_limit: int) -> None:
        self._most: Mapping[bytes, int] = {
            PROGRESS: _SMALL,
            ATTEMPT: 0,
            REFUSED: _SMALL,
            VALUE: output_limit + _SMALL,
            OUTPUT: output_limit + _SMALL,
            REPORT: _REPORT,
        }
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises Garbled at the first byte that can't belong to a frame, or for one that is too long."""
        self._held += data
        while len(self._held) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._held)
            most = self._most.get(kind)
            if most is None:
                raise Garbled(f"a frame can't begin with {bytes(self._held[:12])!r}")
            if length > most:
                raise Garbled(f"a frame {kind.decode()} of {length:,} bytes; at most {most:,} are taken")
            end = _HEADER.size + length
            if len(self._held) < end:
                return
            payload = bytes(self._held[_HEADER.size : end])
            del self._held[:end]
            yield kind, payload
