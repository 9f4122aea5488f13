"""`context.history`: what a run is told of the runs before it, wherever its code runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loom.domain.execution import Ending
from loom.domain.record import RunQuery
from loom.domain.run import Outcome, Run, RunError
from loom.execution.isolated.errand import packed
from loom.ledger.memory import MemoryLedger
from loom.ledger.sqlite import SqliteLedger
from loom.ports import Ledger
from tests.contracts.executors import EXECUTORS
from tests.contracts.ledger_entries import a_run
from tests.unit.execution_bench import NOW, Bench, bench_in

LEDGERS: dict[str, Callable[[Path], Ledger]] = {
    "sqlite": lambda folder: SqliteLedger(folder / ".loom" / "ledger.db"),
    "memory": lambda _: MemoryLedger(),
}
TELLING = """
    def run(context: WorkerContext) -> Output:
        return Output(summary="\\n".join(map(repr, context.history)))
"""
NAMING = """
    def run(context: WorkerContext) -> Output:
        return Output(summary=" ".join(past.worker for past in context.history))
"""


@pytest.fixture(params=[*LEDGERS.values()], ids=[*LEDGERS])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    opened: Ledger = request.param(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=[*EXECUTORS.values()], ids=[*EXECUTORS])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        opened.executor = request.param
        yield opened


def ago(run_id: str, **span: float) -> Run:
    return a_run(run_id, worker=run_id, tick_at=NOW - timedelta(**span))


def test_a_run_is_told_of_the_runs_of_all_workers_newest_first(bench: Bench, ledger: Ledger) -> None:
    bad = replace(
        a_run("first", "sentinel-worker", tick_at=NOW - timedelta(days=2), slot=NOW - timedelta(days=2)),
        outcome=Outcome.FAILED,
        final=False,
        reason="once more",
        error=RunError("ValueError", "no such contact", "workers/sentinel.py:12"),
        started_at=NOW - timedelta(days=2),
        duration_s=1.5,
        log="a log that is nobody else's business",
        output=None,
    )
    by_hand = a_run("second", tick_at=NOW - timedelta(hours=1), slot=None)
    ledger.record([bad, by_hand])
    told = bench.run(bench.worker(TELLING), runs=ledger.reader(), now=NOW.astimezone(ZoneInfo("Asia/Tokyo")))
    assert told.ending is Ending.RETURNED, told.log
    newest, oldest = told.value["summary"].splitlines()
    tokyo = "tzinfo=zoneinfo.ZoneInfo(key='Asia/Tokyo')"
    assert newest == (
        "PastRun(worker='echo', agent='Echo', slot=None, outcome='succeeded', final=True, reason='', "
        "error_kind=None, error_message=None, error_where=None, "
        f"tick_at=datetime.datetime(2026, 3, 2, 20, 0, {tokyo}), started_at=None, duration_s=None)"
    )
    then = f"datetime.datetime(2026, 2, 28, 21, 0, {tokyo})"
    assert oldest == (
        f"PastRun(worker='sentinel-worker', agent='Echo', slot={then}, outcome='failed', final=False, "
        "reason='once more', error_kind='ValueError', error_message='no such contact', "
        f"error_where='workers/sentinel.py:12', tick_at={then}, started_at={then}, duration_s=1.5)"
    )


def test_the_history_spans_90_days_up_to_the_ticks_time(bench: Bench, ledger: Ledger) -> None:
    ledger.record(
        [
            ago("too-old", days=90, seconds=1),
            ago("oldest", days=90),
            ago("same-tick", days=0),
            ago("to-come", days=-1),
        ]
    )
    told = bench.run(bench.worker(NAMING), runs=ledger.reader())
    assert told.value["summary"] == "same-tick oldest"


def test_of_a_long_history_the_newest_2_000_runs_are_told(bench: Bench, ledger: Ledger) -> None:
    ledger.record([ago(f"run-{minutes:05}", minutes=minutes) for minutes in range(2_100)])
    told = bench.run(bench.worker(NAMING), runs=ledger.reader())
    names = told.value["summary"].split()
    assert (len(names), names[0], names[-1]) == (2_000, "run-00000", "run-01999")


def test_the_history_stays_the_same_while_a_run_asks_again_and_cant_be_changed(
    bench: Bench, ledger: Ledger
) -> None:
    worker = bench.worker("""
        import dataclasses

        def run(context: WorkerContext) -> Output:
            first = context.history
            try:
                first[0].outcome = "succeeded"
            except dataclasses.FrozenInstanceError as error:
                refused = type(error).__name__
            return Output(summary=f"{first is context.history} {type(first).__name__} {refused}")
    """)
    ledger.record([ago("one", days=1)])
    assert bench.run(worker, runs=ledger.reader()).value["summary"] == "True tuple FrozenInstanceError"


def test_an_async_run_and_a_workers_own_threads_are_told_it_too(bench: Bench, ledger: Ledger) -> None:
    worker = bench.worker("""
        async def run(context: WorkerContext) -> Output:
            told = await asyncio.to_thread(lambda: context.history)
            return Output(summary=f"{told[0].worker} {context.history[0].worker}")
    """)
    ledger.record([ago("one", days=1)])
    assert bench.run(worker, runs=ledger.reader()).value["summary"] == "one one"


def test_the_history_is_looms_own_reading_and_what_the_worker_reads_itself_is_judged(
    bench: Bench, tmp_path: Path
) -> None:
    worker = bench.worker("""
        import sqlite3

        def run(context: WorkerContext) -> Output:
            told = len(context.history)
            file = str(context.project / ".loom" / "ledger.db")
            sqlite3.connect(file).execute("DELETE FROM runs")
            return Output(summary=f"{told}")
    """)
    with closing(SqliteLedger(tmp_path / ".loom" / "ledger.db")) as ledger:
        ledger.record([ago("one", days=1)])
        alone = bench.run(bench.worker(NAMING), runs=ledger.reader())
        assert (alone.ending, alone.refusals) == (Ending.RETURNED, 0)
        both = bench.run(worker, runs=ledger.reader())
        assert (both.ending, both.refusals) == (Ending.REFUSED, 1)
        assert len(ledger.runs(RunQuery())) == 1


def test_a_ledger_that_cant_be_read_fails_the_run_that_asks_and_no_other(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / ".loom" / "ledger.db"
    ledger = SqliteLedger(file)
    read = ledger.reader()
    ledger.close()
    file.write_bytes(b"not a database " * 1000)
    asking = bench.run(bench.worker(NAMING), runs=read)
    assert asking.error is not None
    assert (asking.error.kind, asking.transient) == ("TransientError", True)
    assert "the history can't be read: the ledger" in asking.error.message
    other = bench.run(
        bench.worker("def run(context: WorkerContext) -> Output: return Output(summary='s')"), runs=read
    )
    assert other.ending is Ending.RETURNED


def test_nothing_is_read_for_a_run_that_doesnt_ask(tmp_path: Path) -> None:
    asked = threading.Event()

    def read(query: RunQuery) -> list[Run]:
        asked.set()
        return []

    with bench_in(tmp_path) as bench:
        code = "def run(context: WorkerContext) -> Output: return Output(summary='s')"
        assert bench.run(bench.worker(code), runs=read).ending is Ending.RETURNED
        assert not asked.is_set()
        assert bench.run(bench.worker(NAMING), runs=read).ending is Ending.RETURNED
        assert asked.is_set()


def test_a_request_to_another_process_carries_the_ledgers_place_and_no_history(tmp_path: Path) -> None:
    with bench_in(tmp_path) as bench, closing(SqliteLedger(tmp_path / ".loom" / "ledger.db")) as ledger:
        assignment = bench.assignment(bench.worker(NAMING), runs=ledger.reader())
        before = packed(assignment, started=0.0, output_limit=1)
        ledger.record([ago(f"run-{days}", days=days) for days in range(80)])
        assert packed(assignment, started=0.0, output_limit=1) == before
