"""What the ledger costs: every question is answered by an index, and a run takes little room."""

import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from loom.domain.cron import parse_cron
from loom.domain.record import Entry, RunQuery
from loom.domain.run import Outcome
from loom.domain.schedule import Schedule
from loom.domain.slot import TicketState
from loom.ledger import pruning, reads
from loom.ledger.checking import check
from loom.ledger.database import open_database
from loom.ledger.sqlite import SqliteLedger
from loom.ledger.transfer import export
from loom.slots.trigger import trigger_health
from tests.contracts.ledger_entries import DAY, HOUR, SIX, a_delivery, a_run, a_tick, a_ticket, an_episode
from tests.ground.history import History, in_haste, write


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(tmp_path / "ledger.db", create=True, busy_timeout=timedelta())) as db:
        yield db


def plan_of(db: sqlite3.Connection, sql: str, params: Sequence[Any]) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", params)]


def assert_indexed(db: sqlite3.Connection, sql: str, params: Sequence[Any]) -> None:
    plan = plan_of(db, sql, params)
    tables = ("runs", "tickets", "deliveries", "episodes", "ticks")
    walks = [
        step
        for step in plan
        for table in tables
        if step.split()[:2] == ["SCAN", table] and " LIMIT 1" not in sql
    ]
    # A partial index that holds only what is open is walked whole: that is its point.
    assert [step for step in walks if not step.endswith(("deliveries_unsent", "episodes_open"))] == [], plan


QUERIES = [
    RunQuery(worker=worker, slot=slot, outcomes=outcomes, tick_id=tick, since=since, until=until)
    for worker, slot, outcomes, tick, since, until in product(
        (None, "echo"),
        (None, SIX),
        ((), ("failed",), ("failed", "invalid")),
        (None, "t1"),
        (None, SIX),
        (None, SIX),
    )
]


def test_no_question_about_runs_walks_the_history(db: sqlite3.Connection) -> None:
    for query in QUERIES:
        sql, params = reads.runs_statement(query)
        plan = plan_of(db, sql, params)
        assert not [step for step in plan if step.startswith("SCAN runs")], (query, plan)
        if query.slot is None and query.tick_id is None:
            index = "runs_by_worker (worker=? AND outcome=?" if query.worker else "runs_by_outcome (outcome=?"
            inner = [step for step in plan if "COVERING INDEX" in step]
            assert inner, plan
            assert all(index in step for step in inner), plan
            sql, params = reads.slot_outcomes_statement(query)
            plan = plan_of(db, sql, params)
            assert not [step for step in plan if step.startswith("SCAN runs")], (query, plan)
        else:
            assert any("runs_by_slot" in step or "runs_by_tick" in step for step in plan), plan


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (reads.RUN, ("a",)),
        (reads.RUN_BY_START, ("a", "b")),
        (reads.RUN_BY_END, ("a", "b", "c", "c")),
        (reads.PROMISES, ("a",)),
        (reads.UNHEARD, ("a", "[]")),
        (reads.HELD_TICKETS, ('["a"]',)),
        (reads.HELD_RUNS, ('["a"]',)),
        (reads.HELD_STANDINGS, ('["a"]',)),
        (reads.OPEN_TICKETS, ()),
        (reads.NEWEST_CLOSED, ()),
        (reads.CLOSED_SLOTS, ("a", "b", "c")),
        (reads.OPEN_EPISODES, ()),
        (reads.UNSENT, ()),
        (reads.LAST_TICK, ()),
        (reads.TICKS, ("a",)),
        (reads.TICK_TIMES, ("a", "b", "[]", 1)),
        (reads.DELIVERIES, ("a",)),
        (reads.DELIVERIES_SINCE, ("a", "a")),
        (reads.EPISODES_SINCE, ("a",)),
        (pruning.RUNS, ("a",)),
        (pruning.CLOSED_TICKETS, ("a",)),
        (pruning.TIMELESS_TICKETS, ()),
        (pruning.SENT_DELIVERIES, ("a",)),
        (pruning.CLOSED_EPISODES, ("a",)),
        (pruning.ENDED_TICKS, ("a",)),
    ],
)
def test_no_other_question_walks_a_table_that_grows(
    db: sqlite3.Connection, sql: str, params: tuple[str, ...]
) -> None:
    assert_indexed(db, sql, params)


def test_the_check_above_would_notice_a_walk(db: sqlite3.Connection) -> None:
    with pytest.raises(AssertionError):
        assert_indexed(db, "SELECT body FROM runs WHERE body > ?", ("a",))


def test_the_figures_are_counted_in_the_index_alone(db: sqlite3.Connection) -> None:
    steps = plan_of(db, reads.PROMISES, ("a",))
    assert any("COVERING INDEX runs_by_outcome" in step for step in steps)


def an_hour(number: int) -> list[Entry]:
    """What a tick with one good run leaves behind."""
    at = SIX + number * HOUR
    run_id = f"0190a000-0000-7000-8000-{number:012}"
    tick_id = f"0190a000-0000-7000-9000-{number:012}"
    return [
        a_tick(tick_id, at, finished_at=at, exit_code=0, host="runner-1"),
        a_ticket(slot=at, state=TicketState.CLOSED, run_id=run_id, starts=1, outcome=Outcome.SUCCEEDED),
        a_run(
            run_id,
            slot=at,
            tick_at=at,
            tick_id=tick_id,
            attempts=1,
            started_at=at,
            finished_at=at,
            duration_s=0.123456,
            enforcement_digest=f"sha256:{'0' * 64}",
            on_time=True,
        ),
    ]


def test_a_run_without_output_takes_less_than_2_kb_with_its_tick_and_ticket(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    hours = 2000
    with closing(SqliteLedger(path)) as ledger:
        empty = path.stat().st_size
        ledger.record([entry for number in range(hours) for entry in an_hour(number)])
    assert (path.stat().st_size - empty) / hours < 2048


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A ledger of 12 workers as ticks leave it, with failures, retries, alerts and superseded slots; and one
    three times as long."""
    places = []
    for runs in (1500, 4500):
        path = tmp_path_factory.mktemp("months") / "ledger.db"
        history = History(SIX)
        with closing(in_haste(SqliteLedger(path))) as ledger:
            ledger.record(history.first())
            while history.runs < runs:
                write(ledger, history.tick())
        places.append(path)
    return places[0], places[1]


def test_a_run_as_ticks_write_it_takes_less_than_2_kb_with_all_that_belongs_to_it(
    months: tuple[Path, Path],
) -> None:
    short, long = (path.stat().st_size for path in months)
    assert (long - short) / 3000 < 2048


@pytest.mark.parametrize(
    "use",
    [
        lambda path: check(path, keep=400 * DAY, now=SIX + 30 * DAY),
        lambda path: sum(map(len, export(path))),
    ],
    ids=["check", "export"],
)
def test_who_looks_a_ledger_over_or_exports_it_never_holds_it_whole(
    months: tuple[Path, Path], use: Callable[[Path], object]
) -> None:
    peaks = []
    for path in months:
        use(path)  # what is made once is made
        tracemalloc.start()
        use(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0], peaks


def test_the_snapshot_reads_as_much_after_a_long_history_as_before(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.record([*an_hour(0), a_ticket("open"), a_delivery("d1"), an_episode("e1")])
        few = steps_of_a_snapshot(path)
        ledger.record([entry for number in range(1, 1500) for entry in an_hour(number)])
        ledger.record([an_episode(f"e{n}", f"s{n}", closed_at=SIX + DAY) for n in range(2, 500)])
        assert steps_of_a_snapshot(path) <= few * 1.1


def test_how_well_the_clock_keeps_to_its_time_is_read_off_a_week_of_ticks_however_many_there_are(
    tmp_path: Path,
) -> None:
    now = SIX + 60 * DAY
    hourly = Schedule("0 * * * *", parse_cron("0 * * * *"), "UTC")

    def ticks(first: int, last: int) -> list[Entry]:
        return [a_tick(f"t{hour}", now - hour * HOUR, trigger="schedule") for hour in range(first, last)]

    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        ledger.record(ticks(0, 8 * 24))
        with counted(ledger._db) as few:
            told = trigger_health(hourly, ledger, now=now)
        ledger.record(ticks(8 * 24, 60 * 24))
        with counted(ledger._db) as many:
            assert trigger_health(hourly, ledger, now=now) == told
    assert told.week.received == 7 * 24
    assert len(many) <= len(few) * 1.1


def steps_of_a_snapshot(path: Path) -> int:
    with closing(open_database(path, create=False, busy_timeout=timedelta())) as db, counted(db) as steps:
        reads.read_snapshot(db)
        return len(steps)


@contextmanager
def counted(db: sqlite3.Connection) -> Iterator[list[int]]:
    """A list that grows by a 1 for each step that SQLite's machine takes: a measure that no busy machine
    disturbs."""
    steps: list[int] = []
    db.set_progress_handler(lambda: steps.append(1), 1)
    yield steps
    db.set_progress_handler(None, 1)
