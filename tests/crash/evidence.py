"""What there is to judge by: the ledger, what the workers wrote down, and what a person heard."""

import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from loom.clock import ManualClock
from loom.domain.alert import Delivery, Episode
from loom.domain.run import Run
from loom.domain.slot import Ticket
from loom.domain.tick import Tick
from loom.ledger.branch import BranchLedger
from loom.ledger.codec import from_json, read_stamp
from tests.crash.scenario import FIRST
from tests.ground.branch import STATE


@dataclass(frozen=True, slots=True)
class Effect:
    """A line that a worker wrote. what: start, end, or fail. word: said by nobody else; it is in the output
    and in the error too."""

    slot_key: str
    worker: str
    what: str
    word: str
    pid: int


@dataclass(frozen=True, slots=True)
class Records:
    """Everything a ledger holds, by key. A ledger that isn't there holds nothing. integrity: `ok`, or what is
    wrong with the database, or with lines of the branch."""

    integrity: str
    marks: dict[str, datetime]
    tickets: dict[str, Ticket]
    runs: dict[str, Run]
    ticks: dict[str, Tick]
    episodes: dict[str, Episode]
    deliveries: tuple[Delivery, ...]


NOTHING = Records("ok", {}, {}, {}, {}, {}, ())


def records(ledger: Path, scratch: Path) -> Records:
    """What the ledger in the file `ledger` holds, read from a copy in the folder `scratch`: to open the file
    itself would mend what a dead process left behind, and that is the next tick's to do."""
    if not ledger.exists():
        return NOTHING
    scratch.mkdir(exist_ok=True)
    for old in scratch.iterdir():
        old.unlink()
    copy = scratch / "ledger.db"
    for suffix in ("", "-wal"):
        if Path(f"{ledger}{suffix}").exists():
            shutil.copyfile(f"{ledger}{suffix}", f"{copy}{suffix}")
    with closing(sqlite3.connect(copy)) as db:
        return Records(
            integrity="; ".join(row[0] for row in db.execute("PRAGMA integrity_check")),
            marks={worker: read_stamp(at) for worker, at in db.execute("SELECT worker, at FROM marks")},
            tickets={
                key: from_json(Ticket, body, key=key, worker=worker)
                for key, worker, body in db.execute("SELECT key, worker, body FROM tickets")
            },
            runs={
                run_id: from_json(Run, body, worker=worker)
                for run_id, worker, body in db.execute("SELECT run_id, worker, body FROM runs")
            },
            ticks={id_: from_json(Tick, body) for id_, body in db.execute("SELECT id, body FROM ticks")},
            episodes={
                id_: from_json(Episode, body) for id_, body in db.execute("SELECT id, body FROM episodes")
            },
            deliveries=tuple(
                from_json(Delivery, body)
                for (body,) in db.execute("SELECT body FROM deliveries ORDER BY number")
            ),
        )


def branch_records(clone: Path, scratch: Path) -> Records:
    """What a machine that comes to the state branch by way of `clone` finds there."""
    local = clone / ".loom" / "ledger.db"
    ledger = BranchLedger(
        local,
        repository=clone,
        branch=STATE,
        env=os.environ,
        clock=ManualClock(FIRST),
        redact=None,
        reading=True,
    )
    with closing(ledger):
        ledger.sync()
        damage = "; ".join(map(str, ledger.damage))
    found = records(local, scratch)
    return replace(found, integrity=damage) if damage else found


def effects(projects: Sequence[Path]) -> list[Effect]:
    """What the workers of these projects wrote, project by project, in order."""
    lines = [line for project in projects for line in _lines(project / "effects.jsonl")]
    return [Effect(**json.loads(line)) for line in lines]


def heard(projects: Sequence[Path], hook: str = "told.jsonl") -> list[dict[str, Any]]:
    """Every alert that reached the file `hook` whole."""
    found: list[dict[str, Any]] = []
    for line in (line for project in projects for line in _lines(project / hook)):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # cut short; it doesn't count as heard
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
