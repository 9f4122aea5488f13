"""The ledgers that every contract test of ledgers is run against."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loom.clock import ManualClock
from loom.ledger.branch import BranchLedger
from loom.ledger.memory import MemoryLedger
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger
from tests.contracts.ledger_entries import SIX, OpenLedger


def _sqlite(folder: Path) -> OpenLedger:
    return lambda: SqliteLedger(folder / ".loom" / "ledger.db")


def _memory(folder: Path) -> OpenLedger:
    ledger = MemoryLedger()
    return lambda: ledger


def _branch(folder: Path) -> OpenLedger:
    bare, clone = folder / "remote.git", folder / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    subprocess.run(["git", "clone", "--quiet", bare, clone], check=True, capture_output=True)
    return lambda: BranchLedger(
        clone / ".loom" / "ledger.db",
        repository=clone,
        branch="loom-state",
        env=os.environ,
        clock=ManualClock(SIX),
        redact=None,
    )


STORES: dict[str, Callable[[Path], OpenLedger]] = {"sqlite": _sqlite, "memory": _memory, "branch": _branch}


@pytest.fixture(params=[*STORES.values()], ids=[*STORES])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> OpenLedger:
    store: Callable[[Path], OpenLedger] = request.param
    return store(tmp_path)


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Iterator[Ledger]:
    handle = open_ledger()
    yield handle
    handle.close()
