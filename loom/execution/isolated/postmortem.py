"""Postmortem: how a worker's process died, in words, and where its code was."""

import re
import signal
from pathlib import Path

from loom.domain.run import RunError
from loom.execution.failure import in_bytes, place_of_line

UNHEARD = 74
"""The exit code of a worker's process that has a result and no way to hand it over (EX_IOERR)."""

_LOOM = Path(__file__).parents[1]
_SECTION = re.compile(r"^(?:Current thread|Thread) .*\(most recent call first\):$", re.MULTILINE)
_LINE = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in ')


def cause_of_death(code: int, *, memory: int | None, dump: str, project: Path) -> RunError:
    """What is recorded of a process that ended before its run had a result.

    code: its exit code, or a signal's number with a minus. memory: its limit in bytes, if it had one.
    dump: what `faulthandler` wrote.
    """
    if code >= 0:
        message = f"its process ended with exit code {code} before it returned"
        if code == UNHEARD:
            message += ", or could hand its result over; its log says which"
        return RunError("ProcessExited", message, place_of_death(dump, project))
    message = f"its process was killed by signal {-code} ({_name(-code)})"
    if -code == signal.SIGKILL:
        message += ", not by Loom; the system does that when memory runs out"
    if memory is not None:
        message += f"; it may use {in_bytes(memory)} (`memory`)"
    return RunError("ProcessKilled", message, place_of_death(dump, project))


def never_ended(code: int | None, *, began: bool) -> RunError:
    """What is recorded when the process that watches over the worker's ended first. code: its own."""
    if code is not None and code < 0:
        message = f"the process that watches over its own was killed by signal {-code} ({_name(-code)})"
        return RunError("ProcessKilled", message)
    when = "before the worker's end" if began else "before the worker could start; its log may say why"
    return RunError("ProcessExited", f"its process ended with exit code {code} {when}")


def out_of_memory(error: RunError, memory: int) -> RunError:
    """`error` with what a person can do, if it says that memory ran out."""
    if error.kind != "MemoryError" and "MemoryError" not in error.message:
        return error
    advice = f"it may use {in_bytes(memory)}; make it use less, or raise `memory`"
    return RunError(error.kind, f"{error.message}; {advice}", error.where)


def place_of_death(dump: str, project: Path) -> str | None:
    """``workers/x.py:41``: the innermost line of the project in what `faulthandler` wrote last; of the
    current thread, if it was in the project, else of any other."""
    latest_first = _threads(dump)[::-1]
    threads = sorted(latest_first, key=lambda lines: not lines[0].startswith("Current"))
    found = (_LINE.match(line) for lines in threads for line in lines)
    places = (place_of_line(line["file"], int(line["line"]), project) for line in found if line)
    return next((place for place in places if place), None)


def shown(dump: str) -> str:
    """What a person can use of a dump: not Loom's own thread, nor Loom's lines beneath the worker's."""
    before = dump[: found.start()] if (found := _SECTION.search(dump)) else dump
    kept = [
        "\n".join(line for line in lines if not _is_ours(line))
        for lines in _threads(dump)
        if not any(_is_ours(line) and line.endswith(" in _listen") for line in lines)
    ]
    return before + "\n\n".join(kept) + "\n"


def _threads(dump: str) -> list[list[str]]:
    """The lines of each thread, the heading first, then the innermost."""
    starts = [found.start() for found in _SECTION.finditer(dump)]
    ends = [*starts[1:], len(dump)]
    return [dump[start:end].split("\n\n")[0].splitlines() for start, end in zip(starts, ends, strict=False)]


def _is_ours(line: str) -> bool:
    found = _LINE.match(line)
    return found is not None and Path(found["file"]).is_relative_to(_LOOM)


def _name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return "of no name"
