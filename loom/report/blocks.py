"""What a report on one thing is built from: headings, facts, commands and log lines, as rich draws them."""

import re
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loom.report.words import printable

LOGGED = re.compile(r"(?P<at>\+[\d.]+s) (?P<level>[A-Z]+) +(?P<text>.*)", re.DOTALL)
"""A line that a worker logged."""

_LEVELS = {
    "DEBUG": "dim",
    "INFO": "default",
    "WARNING": "yellow",
    "ERROR": "bold red",
    "CRITICAL": "bold red",
}
_INDENT = 2
_LEAST_BESIDE = 20  # columns that an explanation needs beside its command


def log_lines(log: str) -> Text:
    text = Text()
    for number, line in enumerate(printable(log).rstrip().splitlines()):
        text.append("\n" if number else "")
        found = LOGGED.fullmatch(line)
        if found is None:
            text.append(line)
        else:
            text.append(f"{found['at']:>9} ", "dim")
            text.append(f"{found['level']:<8} ", _LEVELS.get(found["level"], ""))
            text.append(found["text"])
    return text


def heading(words: str) -> RenderableType:
    return Padding(Text(words, "bold"), (1, 0, 0, 0), expand=False)


def indented(body: RenderableType) -> RenderableType:
    return Padding(body, (0, 0, 0, _INDENT), expand=False)


def table(facts: Sequence[tuple[str, str]]) -> Table:
    """Names beside what they name; what is too long goes on below itself."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", overflow="fold")
    grid.add_column(overflow="fold")
    before = ""
    for name, text in facts:
        grid.add_row("" if name == before else Text(name), Text(text))
        before = name
    return grid


def commands(console: Console, offers: Sequence[tuple[str, str]]) -> RenderableType:
    """Commands beside what they are for, or above it where the lines are short: one that is broken over two
    lines can't be copied. It is to stand indented."""
    widest = max(len(command) for command, _ in offers)
    if widest + 2 + _LEAST_BESIDE <= console.width - _INDENT:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for command, what in offers:
            grid.add_row(Text(command), Text(what))
        return grid
    return Group(*(each for command, what in offers for each in (Text(command, "dim"), indented(Text(what)))))
