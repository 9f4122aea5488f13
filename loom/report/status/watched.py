"""One screen, shown again and again: when it was looked at, what couldn't be read, then the rest."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.segment import SegmentLines
from rich.text import Text

from loom.report.words import one_line


def screenful(
    console: Console, lines: Iterable[RenderableType], *, looked: str, troubles: Sequence[str] = ()
) -> RenderableType:
    """At most as many lines as `console` is high; if some have no room, the last one says how many.

    looked: when, and when again. troubles: what kept it from being read, in sentences.
    """
    told = Group(*_all(lines, looked, troubles))
    rendered = console.render_lines(told, console.options.update(height=None), pad=False)
    height = console.height
    if len(rendered) <= height:
        return told
    hidden = len(rendered) - height + 1
    more = Text(f"… {hidden} more lines: make the window taller", "yellow")
    return Group(SegmentLines(rendered[: height - 1], new_lines=True), more)


def _all(lines: Iterable[RenderableType], looked: str, troubles: Sequence[str]) -> Iterator[RenderableType]:
    yield Text(looked, "dim")
    yield from (Text(f"! {one_line(trouble, 400)}", "bold red") for trouble in troubles)
    yield from lines
