"""A trick: a few lines by which a worker tries to do what no rule allows it, and how that must end."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

GUARD = "guard"


class End(StrEnum):
    REFUSED = "refused"
    """The run ends `blocked`, by `rule`, at the line of the worker that is marked; no trace is left."""

    MASKED = "masked"
    """What must not leave is blanked wherever it would. The run ends as with `STOPPED`."""

    LATE = "late"
    """The run was over before; the act is refused all the same, and the tick tells of it."""

    STOPPED = "stopped"
    """Nobody needs to refuse it: what it needs isn't there, or somebody else says no. The run ends with
    `error`, or well if that is empty."""

    FINE = "fine"
    """No trick at all: the run succeeds (or has nothing to do), and nothing of it is refused."""

    PASSES = "passes"
    """Out of scope: it gets through, and a trace proves it. `reason` says why that is so."""


class Company(StrEnum):
    """Whom a trick shares its tick with."""

    OTHERS = "others"
    ONE_BY_ONE = "one by one"
    """Others, but none at the same time: it changes for a while what all of a process have in common."""

    NONE = "none"
    """Nobody: what it changes stays changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trick:
    """name: the worker's id, by which its traces are known; no two are alike. body: the lines of `run`.
    top: what stands above it. whole: the module from its imports down, if it isn't of that form.

    MARK at the end of a line: one that a refusal may name. Without any, a refusal names none.

    rule: the id of the rule that refuses. error: the kind of error of a run that isn't blocked, if any.
    reason: why it gets through. apart: how it ends in a process of its own; None, it isn't tried there.
    company: whom it is played with. keys: more of its entry in the registry, as YAML. leaks: what to look
    for besides its name, in all that leaves.
    """

    name: str
    body: str = ""
    top: str = ""
    whole: str = ""
    family: str = ""
    end: End = End.REFUSED
    error: str = ""
    rule: str = GUARD
    reason: str = ""
    apart: End | None = None
    company: Company = Company.OTHERS
    keys: str = ""
    leaks: str = ""


MARK = "#!"


def source(name: str, trick: Trick) -> str:
    """The worker's module. Its constants are those of the ground, which `place.py` holds."""
    head = f"{_HEAD}NAME = {name!r}\n{_NAMED}"
    if trick.whole:
        return head + textwrap.dedent(trick.whole)
    body = textwrap.indent(textwrap.dedent(trick.body).strip("\n"), "    ")
    return f"{head}{textwrap.dedent(trick.top)}\n{_RUN}{body}\n{_RETURN}"


def marked_lines(text: str) -> set[int]:
    return {number for number, line in enumerate(text.splitlines(), 1) if line.endswith(MARK)}


_HEAD = """\
import asyncio, contextlib, contextvars, os, pathlib, shutil, socket, subprocess, sys, threading, time
from loom.worker import Finding, PermanentError, Refused, Skip, TransientError, WorkerContext, WorkerOutput
from place import *
"""
_NAMED = """\
VICTIM = OUTSIDE / f"{NAME}.txt"
NEW = OUTSIDE / f"{NAME}.new"
PRIVATE = PROJECT / "private" / f"{NAME}.txt"
def leak(text=""):
    print(f"got {NAME} {text}")
"""
_RUN = "def run(context: WorkerContext) -> WorkerOutput:\n"
_RETURN = '    return WorkerOutput(summary="done")\n'


@dataclass(frozen=True, slots=True)
class Part:
    """A trick as it is played by one worker. name: that worker's. apart: in a process of its own."""

    trick: Trick
    name: str
    end: End
    apart: bool

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def source(self) -> str:
        return source(self.name, self.trick)


def parts(trick: Trick) -> tuple[Part, ...]:
    inline = Part(trick, trick.name, trick.end, apart=False)
    return (
        (inline,)
        if trick.apart is None
        else (inline, Part(trick, f"{trick.name}-apart", trick.apart, apart=True))
    )


def family(name: str, *tricks: Trick) -> tuple[Trick, ...]:
    return tuple(replace(each, family=name) for each in tricks)


def bears(name: str, text: str) -> bool:
    """Whether `text` holds this name, and not only as a part of a longer one."""
    return re.search(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])", text) is not None


def lines_added(before: str, after: str) -> Iterable[str]:
    known = set(before.splitlines())
    return (line for line in after.splitlines() if line not in known)
