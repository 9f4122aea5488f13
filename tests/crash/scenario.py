"""The project that crashes: workers of every fate, two ways to be told of them, and, on a branch, two clones.

Every worker writes down in ``effects.jsonl`` that it begins and that it ends, whatever Loom makes of it.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ground.branch import STATE, git
from tests.ground.rules import copy_rules

FIRST = datetime(2026, 3, 2, 22, 7, tzinfo=UTC)
"""When a prepared project had its first and only tick; the one that is to die comes two hours later, and is
the first of its day, which has more to do than others."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What is known of a worker without asking Loom. every: the time between its slots, which lie at whole
    multiples of it. attempts: how often a tick may start it for one slot. starts: how many ticks may."""

    every: timedelta = timedelta(hours=1)
    attempts: int = 1
    starts: int = 3


HOURLY = Cast()
CAST: Mapping[str, Cast] = {
    "well": HOURLY,
    "both": HOURLY,
    "moody": HOURLY,
    "stubborn": Cast(attempts=2),
    "broken": HOURLY,
    "turned": HOURLY,
    "mended": HOURLY,
    "crooked": HOURLY,
    "forbidden": HOURLY,
    "idle": HOURLY,
    "once": Cast(starts=1),
    "quarter": Cast(every=timedelta(minutes=15)),
    "strict": HOURLY,
    "needy": HOURLY,
    "apart": Cast(every=timedelta(days=1)),
}

REGISTRY = """\
version: 1
timezone: UTC
max_parallel: 3
defaults:
  retry: {attempts: 1, backoff: 0s, max_backoff: 0s, later_ticks: 2}
alerts:
  - {kind: file, path: told.jsonl}
  - {kind: file, path: flaky/told.jsonl}
workers:
  well: {schedule: "0 * * * *", entrypoint: "workers.cast:well"}
  both: {schedule: "0 * * * *", entrypoint: "workers.cast:both", catch_up: {policy: all}, overlap: wait}
  moody: {schedule: "0 * * * *", entrypoint: "workers.cast:moody"}
  stubborn: {schedule: "0 * * * *", entrypoint: "workers.cast:stubborn", retry: {attempts: 2}}
  broken: {schedule: "0 * * * *", entrypoint: "workers.cast:broken"}
  turned: {schedule: "0 * * * *", entrypoint: "workers.cast:turned"}
  mended: {schedule: "0 * * * *", entrypoint: "workers.cast:mended"}
  crooked: {schedule: "0 * * * *", entrypoint: "workers.cast:well", expect: {min: {findings: 1}}}
  forbidden: {schedule: "0 * * * *", entrypoint: "workers.cast:forbidden"}
  idle: {schedule: "0 * * * *", entrypoint: "workers.cast:idle"}
  once:
    schedule: "0 * * * *"
    entrypoint: workers.cast:well
    catch_up: {policy: all}
    retry: {abandoned: false}
  quarter: {schedule: "*/15 * * * *", entrypoint: "workers.cast:well", overlap: allow}
  strict: {schedule: "0 * * * *", entrypoint: "workers.cast:well", catch_up: {policy: all, within: 30m}}
  apart: {schedule: "0 0 * * *", entrypoint: "workers.cast:well", isolation: process}
  needy: {schedule: "0 * * * *", entrypoint: "workers.cast:well", requires: {env: [CRASH_NEEDED]}}
"""

WORKERS = """\
import json
import os
import random
import string

from loom.worker import PermanentError, Skip, TransientError, WorkerContext, WorkerOutput


def effects(context):
    path = context.project / "effects.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def note(context, what, word):
    line = {"slot_key": context.slot_key, "worker": context.worker_id, "what": what, "word": word}
    line["pid"] = os.getpid()
    handle = os.open(context.project / "effects.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(handle, (json.dumps(line) + "\\n").encode())
    os.close(handle)


def begin(context):
    word = "".join(random.choices(string.ascii_lowercase, k=12))
    note(context, "start", word)
    context.progress("began")
    return word


def end(context, word):
    note(context, "end", word)
    context.progress("about to end")
    return WorkerOutput(summary=f"ended with {word}")


def well(context: WorkerContext) -> WorkerOutput:
    return end(context, begin(context))


async def both(context: WorkerContext) -> WorkerOutput:
    return end(context, begin(context))


def moody(context: WorkerContext) -> WorkerOutput:
    word = begin(context)
    before = [each for each in effects(context) if each["slot_key"] == context.slot_key]
    if not any(each["what"] == "fail" for each in before):
        note(context, "fail", word)
        raise TransientError(f"not today: {word}")
    return end(context, word)


def stubborn(context: WorkerContext) -> WorkerOutput:
    word = begin(context)
    before = [each for each in effects(context) if each["slot_key"] == context.slot_key]
    if [each["pid"] for each in before].count(os.getpid()) == 1:
        note(context, "fail", word)
        raise TransientError(f"not at once: {word}")
    return end(context, word)


def broken(context: WorkerContext) -> WorkerOutput:
    word = begin(context)
    note(context, "fail", word)
    raise PermanentError(f"never: {word}")


def turned(context: WorkerContext) -> WorkerOutput:
    return well(context) if context.slot.hour == 22 else broken(context)


def mended(context: WorkerContext) -> WorkerOutput:
    return broken(context) if context.slot.hour == 22 else well(context)


def forbidden(context: WorkerContext) -> WorkerOutput:
    word = begin(context)
    context.http.post("https://nowhere.invalid/")
    return end(context, word)


def idle(context: WorkerContext) -> WorkerOutput:
    note(context, "fail", begin(context))
    raise Skip("nothing to do")
"""


def build(project: Path, *, branch: bool = False) -> Path:
    """The project in the folder `project`, as it is before its first tick."""
    project.mkdir(parents=True, exist_ok=True)
    copy_rules(project)
    (project / "workers").mkdir()
    (project / "workers" / "__init__.py").write_text("", encoding="utf-8")
    (project / "workers" / "cast.py").write_text(WORKERS, encoding="utf-8")
    state = f"state: {{branch: {STATE}}}\n" if branch else ""
    (project / "worker-registry.yaml").write_text(REGISTRY + state, encoding="utf-8")
    break_hook(project)
    return project


def break_hook(project: Path) -> None:
    """The second hook fails from now on: where its folder should be lies a file."""
    (project / "flaky").write_text("not a folder\n", encoding="utf-8")


def mend_hook(project: Path) -> None:
    if (project / "flaky").is_file():
        (project / "flaky").unlink()


def build_clones(folder: Path, *names: str) -> list[Path]:
    """Clones of ``folder/remote.git``, each with the project in it; the whole folder may be moved."""
    bare = folder / "remote.git"
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--bare", "--template=", bare)
    clones: list[Path] = []
    for name in names:
        git(folder, "init", "--quiet", "--template=", folder / name)
        git(folder / name, "remote", "add", "origin", "../remote.git")
        clones.append(build(folder / name, branch=True))
    return clones


def copy_of(template: Path, folder: Path) -> Path:
    """A fresh copy of a prepared folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder
