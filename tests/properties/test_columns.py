"""Columns at any width: what must stand whole does, and no line is wider than it has to be."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from loom.report.columns import Column, Layout, in_the_middle, show_columns

words = st.text(st.sampled_from("abcdefgh-é漢"), min_size=1, max_size=50)
widths = st.integers(1, 200)


def shown(layouts: list[Layout], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    show_columns(console, layouts)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().splitlines()


def column(cells: list[str], least: int | None = None, *, middle: bool = False, heading: str = "h") -> Column:
    return Column(heading, [Text(cell) for cell in cells], least=least, middle=middle)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=5), widths)
def test_what_stands_whole_is_whole_at_any_width_and_the_rest_fits(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    first, second, third = ([row[number] for row in rows] for number in range(3))
    layouts = [
        Layout([column(first), column(second, 10, middle=True), column(third, 5)]),
        Layout([column(first), column(second, 4, middle=True)]),
    ]
    heading, *lines = shown(layouts, width)
    assert heading.startswith("h")
    assert len(lines) == len(rows)
    least = max(map(cell_len, first)) + 2 + min(4, max(map(cell_len, second)))
    for line, (cell, *_) in zip(lines, rows, strict=True):
        assert line.startswith(cell)
        assert cell_len(line) <= max(width, least)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=5))
def test_nothing_is_shortened_where_there_is_room(rows: list[tuple[str, str]]) -> None:
    cells = [[row[number] for row in rows] for number in range(2)]
    lines = shown([Layout([column(cells[0], 3, middle=True), column(cells[1], 3)])], 1_000)
    assert [line.split() for line in lines[1:]] == [list(row) for row in rows]


@given(words, widths)
def test_a_word_shortened_in_the_middle_keeps_both_ends(word: str, width: int) -> None:
    short = in_the_middle(word, width)
    assert len(short) == min(len(word), width)
    if short != word:
        head, cut, tail = short.partition("…")
        assert cut
        assert word.startswith(head)
        assert word.endswith(tail)
        assert 0 <= len(head) - len(tail) <= 1


@given(words, st.lists(words, min_size=1, max_size=30), st.integers(20, 100), st.integers(1, 4))
def test_what_stands_below_a_row_is_bounded_and_says_where_it_was_cut(
    cell: str, below: list[str], width: int, most: int
) -> None:
    layout = Layout([column([cell], 4, middle=True, heading="")], [Text(" ".join(below))], most)
    lines = shown([layout], width)[1:]
    assert len(lines) <= most
    assert all(cell_len(line) <= width for line in lines)
    whole = "".join(below)
    said = "".join(line.replace(" ", "") for line in lines)
    assert said == whole or (said.endswith("…") and whole.startswith(said[:-1]))
