"""What stands on one page of an SQLite database: its rows, decoded, or where to go on."""

import struct
from collections.abc import Iterator
from typing import Any

from loom.ledger.pages import Pages
from loom.values import dataclass

INDEX_INSIDE, TABLE_INSIDE, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
_KINDS = (INDEX_INSIDE, TABLE_INSIDE, INDEX_LEAF, TABLE_LEAF)
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Damaged(Exception):
    """What can't be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Cell:
    """below: the number of the page it leads to; None on a leaf. number: the rowid; None in an index.
    begin, length: where its content begins on the page, and how long it is; length is None where a table
    only leads on."""

    below: int | None
    number: int | None
    begin: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a tree. cells: in their order, a Damaged in the place of each that can't be right. last:
    the page behind all cells; None on a leaf."""

    kind: int
    data: bytes
    cells: tuple[Cell | Damaged, ...]
    last: int | None

    @property
    def below(self) -> Iterator[int]:
        """The numbers of the pages it leads to, in their order."""
        for cell in self.cells:
            if isinstance(cell, Cell) and cell.below is not None:
                yield cell.below
        if self.last is not None:
            yield self.last


def kind_of(data: bytes, number: int) -> int | None:
    """Which kind of tree page `data` says it is; None: of none."""
    kind = data[100 if number == 1 else 0]
    return kind if kind in _KINDS else None


def read_page(pages: Pages, number: int) -> Page:
    """Raises Damaged when it is no page of a tree."""
    data = pages[number]
    if data is None:
        raise Damaged(f"page {number} is missing")
    start = 100 if number == 1 else 0
    kind = kind_of(data, number)
    if kind is None:
        raise Damaged(f"page {number} is no page of a table or an index")
    inside = kind in (INDEX_INSIDE, TABLE_INSIDE)
    (count,) = struct.unpack_from(">H", data, start + 3)
    first = start + (12 if inside else 8)
    if first + 2 * count > pages.usable:
        raise Damaged(f"page {number} says it has {count} rows, which is more than fit")
    places = struct.unpack_from(f">{count}H", data, first)
    least = first + 2 * count
    cells = tuple(_cell(data, kind, place, least, pages.usable, number) for place in places)
    last = struct.unpack_from(">I", data, start + 8)[0] if inside else None
    return Page(kind, data, cells, last)


def values(pages: Pages, page: Page, cell: Cell) -> tuple[Any, ...]:
    """The row of a cell, column by column. Raises Damaged."""
    try:
        return _record(_payload(pages, page, cell))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Damaged(f"a row can't be read: {error}") from error


def _cell(data: bytes, kind: int, place: int, least: int, usable: int, number: int) -> Cell | Damaged:
    if not least <= place < usable:
        return Damaged(f"page {number} has a row outside of itself")
    try:
        below = row = length = None
        if kind in (INDEX_INSIDE, TABLE_INSIDE):
            (below,) = struct.unpack_from(">I", data, place)
            place += 4
        if kind != TABLE_INSIDE:
            length, place = _varint(data, place)
        if kind in (TABLE_INSIDE, TABLE_LEAF):
            row, place = _varint(data, place)
    except (IndexError, struct.error):
        return Damaged(f"page {number} has a row that is cut off")
    return Cell(below, row, place, length)


def _payload(pages: Pages, page: Page, cell: Cell) -> bytes:
    length = cell.length or 0
    usable = pages.usable
    most = usable - 35 if page.kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    if length <= most:
        if cell.begin + length > usable:
            raise Damaged("a row reaches beyond its page")
        return page.data[cell.begin : cell.begin + length]
    least = (usable - 12) * 32 // 255 - 23
    here = least + (length - least) % (usable - 4)
    here = here if here <= most else least
    if length > pages.count * usable or cell.begin + here + 4 > usable:
        raise Damaged("a row is longer than the whole file, or reaches beyond its page")
    parts = [page.data[cell.begin : cell.begin + here]]
    (following,) = struct.unpack_from(">I", page.data, cell.begin + here)
    left = length - here
    while left > 0:
        data = pages[following]
        if data is None:
            raise Damaged(f"page {following}, on which a row goes on, is missing")
        (following,) = struct.unpack_from(">I", data, 0)
        parts.append(data[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
    if following != 0:
        raise Damaged("a row goes on behind its end")
    return b"".join(parts)


def _record(payload: bytes) -> tuple[Any, ...]:
    end, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != end:
        raise Damaged("a row's own list of columns is damaged")
    row: list[Any] = []
    for kind in kinds:
        if kind in _INTEGERS:
            size = _INTEGERS[kind]
            row.append(int.from_bytes(payload[place : place + size], "big", signed=True))
        elif kind in (0, 8, 9):
            size = 0
            row.append(None if kind == 0 else kind - 8)
        elif kind == 7:
            size = 8
            row.append(struct.unpack_from(">d", payload, place)[0])
        elif kind >= 12:
            size = (kind - 12) // 2
            piece = payload[place : place + size]
            row.append(piece.decode() if kind & 1 else piece)
        else:
            raise Damaged(f"a column of the unknown kind {kind}")
        place += size
    if place != len(payload):
        raise Damaged("a row is longer or shorter than its columns")
    return tuple(row)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        byte = data[place + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + step + 1
    return value << 8 | data[place + 8], place + 9
