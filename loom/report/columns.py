"""Lines in columns that fit a terminal: what matters most stands whole at any width, and what gives way, and
in which order, is said by whoever lays the columns out. In a log everything fits."""

from collections.abc import Iterator, Sequence
from itertools import chain

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from loom.values import dataclass

_GAP = 2
_INDENT = 4


@dataclass(frozen=True, slots=True)
class Column:
    """cells: one for each row. least: the width it can do with, its cells being shortened, in the middle or
    at the end; None: its cells stand whole. right: flush right."""

    heading: str
    cells: Sequence[Text]
    least: int | None = None
    middle: bool = False
    right: bool = False

    @property
    def width(self) -> int:
        """With nothing shortened."""
        return max((cell.cell_len for cell in self.cells), default=0) or cell_len(self.heading)


@dataclass(frozen=True, slots=True)
class Layout:
    """below: what stands under each row, indented, or None; at most `lines_below` lines of it.
    legend: what stands under all of them, wrapped."""

    columns: Sequence[Column]
    below: Sequence[Text | None] = ()
    lines_below: int = 1
    legend: Text | None = None


def show_columns(console: Console, layouts: Sequence[Layout]) -> None:
    """Print the first of `layouts` that fits; if none does, the last one, whose lines the terminal wraps."""
    # One print for all: each costs rich more than the line it prints.
    console.print(Group(*in_columns(console, layouts)), crop=False)


def in_columns(console: Console, layouts: Sequence[Layout], *, indent: int = 0) -> Iterator[Text]:
    """What `show_columns` prints, line by line, for who prints more with it. indent: how far to the right, in
    columns, they will stand."""
    room = console.width - indent
    layout = _that_fits(room, layouts)
    widths = _widths(layout, room)
    headings = [Text(column.heading, "bold") for column in layout.columns]
    if any(heading.plain for heading in headings):
        yield _line(layout.columns, headings, widths)
    yield from chain.from_iterable(_rows(console, layout, room))
    if layout.legend is not None:
        yield layout.legend.copy()


def in_rows(console: Console, layouts: Sequence[Layout]) -> Iterator[Sequence[Text]]:
    """Each row with what stands below it, in columns; for who puts something between them. No headings."""
    return _rows(console, _that_fits(console.width, layouts), console.width)


def in_the_middle(text: str, width: int) -> str:
    """`text` in at most `width` characters: ``media-…-comments``. What begins or ends alike stays apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _needed(layout: Layout) -> int:
    return sum(map(_least, layout.columns)) + _GAP * (len(layout.columns) - 1)


def _least(column: Column) -> int:
    full = max(column.width, cell_len(column.heading))
    return full if column.least is None else min(full, max(column.least, cell_len(column.heading)))


def _widths(layout: Layout, room: int) -> list[int]:
    """Whatever room the narrowest form leaves goes to the columns that can use it, the first ones first."""
    widths = [_least(column) for column in layout.columns]
    left = room - _needed(layout)
    for number, column in enumerate(layout.columns):
        more = max(0, min(left, column.width - widths[number]))
        widths[number] += more
        left -= more
    return widths


def _that_fits(room: int, layouts: Sequence[Layout]) -> Layout:
    return next((each for each in layouts if _needed(each) <= room), layouts[-1])


def _rows(console: Console, layout: Layout, room: int) -> Iterator[Sequence[Text]]:
    widths = _widths(layout, room)
    for number, cells in enumerate(zip(*(column.cells for column in layout.columns), strict=True)):
        below = layout.below[number] if layout.below else None
        line = _line(layout.columns, cells, widths)
        yield [line] if below is None else [line, *_below(console, below, room, layout.lines_below)]


def _line(columns: Sequence[Column], cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for number, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
        shown = _shortened(cell, width, column.middle)
        if column.right:
            shown.pad_left(width - shown.cell_len)
        if number < len(columns) - 1:
            shown.pad_right(width - shown.cell_len + _GAP)
        line.append_text(shown)
    return line


def _shortened(cell: Text, width: int, middle: bool) -> Text:
    if cell.cell_len <= width:
        return cell.copy()
    if middle and cell_len(cell.plain) == len(cell.plain):
        return Text(in_the_middle(cell.plain, width), cell.style)
    shown = cell.copy()
    shown.truncate(width, overflow="ellipsis")
    return shown


def _below(console: Console, text: Text, room: int, most: int) -> Iterator[Text]:
    room = max(1, room - _INDENT)
    lines = list(text.wrap(console, room))
    for number, line in enumerate(lines[:most]):
        line.rstrip()
        if number == most - 1 and len(lines) > most:
            line.truncate(room - 1)
            line.append("…")
        line.pad_left(_INDENT)
        line.no_wrap, line.overflow = True, "ignore"
        yield line
