"""The ledgers that every contract test of ledgers is run against."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loom.ledger.memory import MemoryLedger
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger
from tests.contracts.ledger_entries import OpenLedger


def _sqlite(folder: Path) -> OpenLedger:
    return lambda: SqliteLedger(folder / ".loom" / "ledger.db")


def _memory(folder: Path) -> OpenLedger:
    ledger = MemoryLedger()
    return lambda: ledger


STORES: dict[str, Callable[[Path], OpenLedger]] = {"sqlite": _sqlite, "memory": _memory}


@pytest.fixture(params=[*STORES.values()], ids=[*STORES])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> OpenLedger:
    store: Callable[[Path], OpenLedger] = request.param
    return store(tmp_path)


@pytest.fixture
def ledger(open_ledger: OpenLedger) -> Iterator[Ledger]:
    handle = open_ledger()
    yield handle
    handle.close()
