"""A text behind a short head, such as a time of day."""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from loom.values import dataclass


@dataclass(frozen=True, slots=True)
class Hanging:
    """`said` behind `head`; what is too long for a line goes on under its beginning, `indent` columns in."""

    head: Text
    said: Text
    indent: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid()
        table.add_column(width=self.indent, no_wrap=True)
        table.add_column(max_width=max(options.max_width - self.indent, 20))
        table.add_row(self.head, self.said)
        yield table
