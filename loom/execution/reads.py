"""Reads: what a worker says that a run of it would read. It is asked in a dry run; nothing else of it runs.

def reads(settings: Settings, project: Path) -> Iterable[str]:
    yield f"{settings.notes}: {len(list(project.glob(settings.notes)))} files"
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from pydantic import BaseModel

from loom.cutting import cut
from loom.execution.entrypoint import Entrypoint

MOST_LINES = 50
_LONGEST_LINE = 2_000  # characters, of which whoever shows it takes fewer


class Reads(BaseModel):
    """lines: at most `MOST_LINES`, as the worker wrote them; None when it has no `reads`."""

    lines: list[str] | None


def reads_of(entrypoint: Entrypoint, settings: BaseModel, project: Path) -> Reads:
    """Ask it. Raises whatever it raises, and TypeError when it gives something else than lines of text."""
    ask = getattr(entrypoint.module, "reads", None)
    if ask is None:
        return Reads(lines=None)
    given = ask(settings, project)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"`reads` gave {type(given).__name__}, expected lines of text")
    lines: list[str] = []
    for line in islice(given, MOST_LINES + 1):
        if not isinstance(line, str):
            raise TypeError(f"`reads` gave a line of {type(line).__name__}, expected text")
        lines.append(cut(line, _LONGEST_LINE))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = ["and more"]
    return Reads(lines=lines)
