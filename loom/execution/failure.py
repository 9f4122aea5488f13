"""An exception -> what a person reads of it. Holds for exceptions that fail when they are looked at."""

import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from loom.cutting import cut
from loom.domain.run import RunError

MESSAGE_LIMIT = 2_000
_KIND_LIMIT = 100
_LOOM = Path(__file__).parents[1]


def text_of(error: BaseException, *, wordless: str = "") -> str:
    """The exception's own text, at most 2,000 characters; where it has none `wordless`, or its class."""
    try:
        text = str.__str__(str(error))  # `str` hands on a subclass of text that __str__ may return
    except BaseException as broken:  # noqa: BLE001 - a worker's exception may raise anything from __str__
        return f"{type(error).__name__}, whose text can't be read ({type(broken).__name__})"
    return (
        cut(text, MESSAGE_LIMIT) if text.strip() else wordless or f"{type(error).__name__} without a message"
    )


def kind_of(error: BaseException) -> str:
    """The name of its class, as far as anyone reads it."""
    return cut(type(error).__name__, _KIND_LIMIT)


def run_error(error: BaseException, project: Path) -> RunError:
    """What is recorded of an exception that a worker raised."""
    message = text_of(error)
    if isinstance(error, SystemExit):
        message = cut(
            f"the worker called sys.exit({_shown(error.code)}); a worker ends by returning its output, "
            "or by raising Skip('why') when there is nothing to do",
            MESSAGE_LIMIT,
        )
    return RunError(kind_of(error), message, place_of(error, project))


def _shown(value: object) -> str:
    try:
        return cut(repr(value), MESSAGE_LIMIT)
    except BaseException:  # noqa: BLE001 - it is the worker's own
        return f"<{type(value).__name__}>"


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it."""
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as broken:  # noqa: BLE001 - formatting calls code of the exception
        return f"{type(error).__name__}: its traceback can't be shown ({type(broken).__name__})\n"


def place_of(error: BaseException, project: Path) -> str | None:
    """``workers/x.py:41``: the innermost line of the project that the exception passed through."""
    # What an exception of the worker's says of itself may be anything.
    with suppress(BaseException):
        if isinstance(error, SyntaxError) and error.filename:
            place = place_of_line(error.filename, error.lineno or 1, project)
            if place is not None:
                return place
    with suppress(BaseException):
        return _innermost(_lines_of(error.__traceback__), project)
    return None


def place_in(where: str | None, project: Path) -> str | None:
    """``workers/x.py:41`` for a file and line given from the machine's root; None for what isn't a line of
    the project."""
    file, _, line = (where or "").rpartition(":")
    return place_of_line(file, int(line), project) if file and line.isdecimal() else None


def place_of_thread(ident: int | None, project: Path) -> str | None:
    """The innermost line of the project that a living thread is at."""
    frame = sys._current_frames().get(ident) if ident is not None else None
    lines: list[tuple[str, int]] = []
    while frame is not None:
        lines.append(_line_of(frame))
        frame = frame.f_back
    return _innermost(reversed(lines), project)


def place_of_coroutine(awaited: Any, project: Path) -> str | None:
    """The innermost line of the project that a suspended coroutine waits at."""
    lines: list[tuple[str, int]] = []
    with suppress(Exception):  # it runs in another thread and may move while it is looked at
        while (frame := getattr(awaited, "cr_frame", None)) is not None:
            lines.append(_line_of(frame))
            awaited = awaited.cr_await
    return _innermost(lines, project)


def _lines_of(step: TracebackType | None) -> Iterator[tuple[str, int]]:
    while step is not None:
        yield step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next


def _line_of(frame: FrameType) -> tuple[str, int]:
    return frame.f_code.co_filename, frame.f_lineno


def _innermost(lines: Iterable[tuple[str, int]], project: Path) -> str | None:
    found = None
    for filename, line in lines:
        found = place_of_line(filename, line, project) or found
    return found


def place_of_line(filename: str, line: int, project: Path) -> str | None:
    """``workers/x.py:41``; None for a file outside the project, in an environment of its, or of Loom's."""
    path = Path(filename)
    if not path.is_relative_to(project) or path.is_relative_to(_LOOM):
        return None
    inside = path.relative_to(project)
    if any(part.startswith(".") or part == "site-packages" for part in inside.parts):
        return None
    return f"{inside.as_posix()}:{line}"


def in_bytes(size: int) -> str:
    """``512MB``, ``2GiB``, as the registry writes sizes."""
    units = (("GiB", 1 << 30), ("GB", 10**9), ("MiB", 1 << 20), ("MB", 10**6))
    return next((f"{size // unit}{name}" for name, unit in units if size % unit == 0), f"{size:,} bytes")
