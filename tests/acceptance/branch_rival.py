"""One of several runners that race for the same slots; started as a process of its own by the races.

``python -m tests.acceptance.branch_rival CLONE NAME ROUNDS``: says ``ready`` when it has decided to run the
slot of a round, waits for a line, claims, and says ``won`` or ``lost``.
"""

import os
import random
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from loom.clock import ManualClock
from loom.domain.run import Outcome
from loom.domain.slot import TicketState
from loom.domain.tick import Mark
from loom.errors import StaleDecision
from loom.ledger.branch import BranchLedger
from tests.contracts.ledger_entries import HOUR, SIX, a_run, a_tick, a_ticket, closed
from tests.ground.branch import STATE


def race(clone: Path, name: str, rounds: int) -> None:
    for number in range(rounds):
        clock = ManualClock(SIX + number * HOUR)
        ledger = BranchLedger(
            clone / ".loom" / "ledger.db",
            repository=clone,
            branch=STATE,
            env=os.environ,
            clock=clock,
            redact=None,
        )
        with closing(ledger):
            revision = ledger.snapshot().revision
            print("ready", flush=True)
            sys.stdin.readline()
            print("won" if run_slot(ledger, revision, clock, name) else "lost", flush=True)


def run_slot(ledger: BranchLedger, revision: int, clock: ManualClock, name: str) -> bool:
    """Decide, claim, and again, until the slot is somebody's; work on it if it is ours."""
    at = clock.now()
    ours = a_ticket(slot=at, state=TicketState.CLAIMED, fence=1, claimer=name, lease_until=at + HOUR)
    tick = a_tick(f"{at:%m%dT%H}-{name}", at, host=name)
    while True:
        try:
            ledger.claim([tick, Mark("echo", at), ours], revision=revision)
            break
        except StaleDecision:
            time.sleep(random.uniform(0.002, 0.05))  # noqa: S311  (spreads rivals)
            snapshot = ledger.snapshot()
            if snapshot.marks.get("echo", SIX - HOUR) >= at:
                return False
            revision = snapshot.revision
    ledger.record([replace(ours, state=TicketState.STARTED, starts=1, started_at=at)])
    run = a_run(f"{tick.id}-run", slot=at, tick_at=at, agent=name, outcome=Outcome.FAILED)
    ledger.record([replace(closed(ours), run_id=run.run_id, starts=1), run])
    ledger.record([replace(tick, finished_at=at, exit_code=0)])
    assert list(ledger.publish()) == [], "nobody may take a slot over while its lease lasts"
    return True


if __name__ == "__main__":
    race(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
