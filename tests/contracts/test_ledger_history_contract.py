"""What every ledger answers about what has been."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from loom.domain.alert import DeliveryState
from loom.domain.record import Promises, Renamed, RunQuery, RunReader
from loom.domain.run import OpenReason, Outcome, Run, Trigger
from loom.execution.isolated.errand import pickled
from loom.ports import Ledger
from tests.contracts.ledger_entries import (
    DAY,
    HOUR,
    SIX,
    a_delivery,
    a_request,
    a_run,
    a_tick,
    a_ticket,
    an_episode,
    closed,
)


@pytest.fixture
def history(ledger: Ledger) -> dict[str, Run]:
    """Eight runs of two workers on four days; 'range' stands for the slots of days 1 to 3."""
    runs = [
        a_run("a-000000", tick_at=SIX, tick_id="t0"),
        a_run("b-000000", "other", tick_at=SIX, tick_id="t0", outcome=Outcome.FAILED),
        a_run("c-000000", tick_at=SIX + DAY, tick_id="t1", slot=SIX + DAY, outcome=Outcome.FAILED),
        a_run("d-000000", "other", tick_at=SIX + DAY, tick_id="t1", slot=SIX + DAY),
        a_run("e-000000", tick_at=SIX + DAY, tick_id="t1", slot=None, trigger=Trigger.MANUAL),
        a_run(
            "f-range",
            tick_at=SIX + 3 * DAY,
            tick_id="t3",
            slot=SIX + DAY,
            slot_last=SIX + 3 * DAY,
            count=3,
            outcome=Outcome.MISSED,
        ),
        a_run("g-000000", "other", tick_at=SIX + 3 * DAY, tick_id="t3", slot=SIX + 3 * DAY, on_time=True),
        a_run("h-000000", tick_at=SIX + 3 * DAY, slot=SIX + 3 * DAY, final=False, outcome=Outcome.FAILED),
    ]
    ledger.record(runs[4:])
    ledger.record(runs[:4])
    return {run.run_id[0]: run for run in runs}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RunQuery(), "hgfedcba"),
        (RunQuery(limit=3), "hgf"),
        (RunQuery(limit=0), ""),
        (RunQuery(worker="echo"), "hfeca"),
        (RunQuery(worker="echo", limit=2), "hf"),
        (RunQuery(worker="nobody"), ""),
        (RunQuery(outcomes=("failed",)), "hcb"),
        (RunQuery(outcomes=("failed", "missed", "failed")), "hfcb"),
        (RunQuery(outcomes=("failed",), worker="echo", limit=1), "h"),
        (RunQuery(outcomes=("no such outcome",)), ""),
        (RunQuery(since=SIX + DAY), "hgfedc"),
        (RunQuery(until=SIX + DAY), "edcba"),
        (RunQuery(since=SIX + DAY, until=SIX + DAY, worker="other"), "d"),
        (RunQuery(tick_id="t1"), "edc"),
        (RunQuery(tick_id="t1", outcomes=("succeeded",), limit=1), "e"),
        (RunQuery(tick_id="t1", worker="other"), "d"),
        (RunQuery(slot=SIX), "ba"),
        (RunQuery(slot=SIX + DAY), "fdc"),
        (RunQuery(slot=SIX + 2 * DAY), "f"),
        (RunQuery(slot=SIX + 3 * DAY), "hgf"),
        (RunQuery(slot=SIX + 4 * DAY), ""),
        (RunQuery(slot=SIX + 3 * DAY, worker="echo", outcomes=("missed",)), "f"),
        (RunQuery(slot=SIX + DAY, until=SIX + DAY), "dc"),
        (RunQuery(slot=SIX + DAY, tick_id="t1"), "dc"),
    ],
    ids=str,
)
def test_runs_are_found_newest_first(
    ledger: Ledger, history: dict[str, Run], query: RunQuery, expected: str
) -> None:
    assert list(ledger.runs(query)) == [history[letter] for letter in expected]


def test_a_run_is_found_by_either_end_of_its_id_if_only_one_has_it(ledger: Ledger) -> None:
    one = a_run("0190a000-0000-7000-8000-00000000000a")
    two = a_run("0190a001-0000-7000-8000-00000000000b")
    three = a_run("0190a001-0000-7000-9000-00000000000b")
    ledger.record([one, two, three])
    assert ledger.run(one.run_id) == one
    assert ledger.run("0190a000") == one
    assert ledger.run("\udcff" * 8) is None
    assert ledger.run("0000000a") == one
    assert ledger.run("00000000000a") == one
    assert ledger.run("8000-00000000000b") == two
    assert ledger.run("0190a001") is None, "two runs begin like this"
    assert ledger.run("00000000000b") is None, "two runs end like this"
    assert ledger.run("0190a00") is None, "seven characters are too few"
    assert ledger.run("000000a") is None
    assert ledger.run("%%%%%%%%") is None
    ledger.record([a_run("0190a001")])
    assert ledger.run("0190a001") == a_run("0190a001"), "the whole id comes before any beginning"


def test_the_end_of_one_id_and_the_beginning_of_another_are_two(ledger: Ledger) -> None:
    ledger.record([a_run("abcdefgh-1"), a_run("2-abcdefgh"), a_run("palindro-palindro")])
    assert ledger.run("abcdefgh") is None
    assert ledger.run("palindro") == a_run("palindro-palindro")


def test_where_nothing_is_closed_there_is_no_newest_slot(ledger: Ledger) -> None:
    assert ledger.newest_closed() is None
    ledger.record([a_ticket("echo", SIX), closed(a_request("echo", "run-0009", started_at=None))])
    assert ledger.newest_closed() is None


def test_an_output_is_found_by_the_very_id_of_its_run(ledger: Ledger) -> None:
    output = {"summary": "fünf", "metrics": {"seen": 5.0}, "findings": []}
    ledger.record([a_run("run-0001", "echo", output=output), a_run("run-0002", "echo")])
    assert ledger.output("run-0001") == output
    assert ledger.output("run-0002") is None
    assert ledger.output("run-0003") is None
    assert ledger.output("run-000") is None


def test_slots_closed_ahead_of_the_mark_are_known(ledger: Ledger) -> None:
    ledger.record(
        [
            closed(a_ticket("echo", SIX)),
            closed(a_ticket("echo", SIX + HOUR)),
            closed(a_ticket("echo", SIX + 2 * HOUR)),
            a_ticket("echo", SIX + 3 * HOUR),
            closed(a_ticket("echo-two", SIX + 2 * HOUR)),
            closed(a_ticket("ech", SIX + 2 * HOUR)),
            closed(a_request("echo", "run-0009", started_at=SIX + 4 * HOUR)),
        ]
    )
    newest = ledger.newest_closed()
    assert newest is not None
    assert newest >= SIX + 2 * HOUR
    assert ledger.closed_slots("echo", after=SIX) == {SIX + HOUR, SIX + 2 * HOUR}
    assert ledger.closed_slots("echo", after=SIX - timedelta(microseconds=1)) == {
        SIX + hours * HOUR for hours in range(3)
    }
    assert ledger.closed_slots("echo", after=SIX + 2 * HOUR) == frozenset()
    ledger.record([Renamed("echo", "refrain")])
    assert ledger.closed_slots("refrain", after=SIX) == {SIX + HOUR, SIX + 2 * HOUR}


def test_ticks_are_read_oldest_first(ledger: Ledger) -> None:
    ticks = [a_tick(f"t{hours}", SIX + hours * HOUR) for hours in range(4)]
    ledger.record(ticks[::-1])
    assert list(ledger.ticks(since=SIX + HOUR)) == ticks[1:]


def test_when_ticks_came_is_read_newest_first_by_what_brought_them(ledger: Ledger) -> None:
    at = [SIX + hours * HOUR for hours in range(6)]
    brought = ("schedule", "manual", "schedule", "repository_dispatch", "push", "schedule")
    ledger.record([a_tick(f"t{n}", at[n], trigger=trigger) for n, trigger in enumerate(brought)])
    ledger.record([a_tick("t2", at[2], trigger="schedule", finished_at=at[2], exit_code=0)])
    clocks = ("schedule", "repository_dispatch")
    assert list(ledger.tick_times(triggers=clocks)) == [at[5], at[3], at[2], at[0]]
    assert list(ledger.tick_times(triggers=clocks, since=at[2], until=at[3])) == [at[3], at[2]]
    assert list(ledger.tick_times(triggers=clocks, until=at[3], limit=1)) == [at[3]]
    assert list(ledger.tick_times(triggers=clocks, limit=0)) == []
    assert list(ledger.tick_times(triggers=("manual",), until=at[0])) == []
    assert list(ledger.tick_times(triggers=())) == []


def test_deliveries_are_read_by_run_in_the_order_they_were_made(ledger: Ledger) -> None:
    ledger.record([a_delivery("d2", "run-0001"), a_delivery("d1", "run-0001"), a_delivery("d3", "run-0002")])
    ledger.record([a_delivery("d2", "run-0001", state=DeliveryState.SENT)])
    assert [delivery.id for delivery in ledger.deliveries(run_id="run-0001")] == ["d2", "d1"]


def test_deliveries_and_episodes_are_read_from_an_instant_on(ledger: Ledger) -> None:
    late = SIX + DAY
    ledger.record(
        [
            a_delivery("new", "run-0001", changed_at=late, state=DeliveryState.FAILED, error="refused"),
            a_delivery("old", "run-0001"),
            a_delivery("newer", "run-0002", changed_at=late + HOUR, state=DeliveryState.SENT),
            an_episode("over", opened_at=SIX - DAY, closed_at=SIX),
            an_episode("just-over", opened_at=SIX + HOUR, closed_at=late),
            an_episode("open", "other", opened_at=SIX - 3 * DAY),
        ]
    )
    assert [one.id for one in ledger.deliveries(since=late)] == ["new", "newer"]
    assert [one.id for one in ledger.deliveries(since=late, run_id="run-0001")] == ["new"]
    assert [one.id for one in ledger.deliveries()] == ["new", "old", "newer"]
    assert [one.id for one in ledger.episodes(since=late)] == ["open", "just-over"]
    ledger.record([an_episode("open", "other", opened_at=SIX - 3 * DAY, closed_at=late + HOUR)])
    assert [one.id for one in ledger.episodes(since=late + HOUR)] == ["open"]
    ledger.prune(before=late + DAY)
    assert list(ledger.episodes(since=SIX - 9 * DAY)) == []


def test_what_became_of_slots_is_told_without_their_outputs(ledger: Ledger, history: dict[str, Run]) -> None:
    ledger.record([a_run("i-hand", slot=SIX + DAY, tick_at=SIX + 3 * DAY, by_hand=True)])
    told = ledger.slot_outcomes(limit=100)
    assert [one.run_id[0] for one in told] == list("hgfdcba")
    for one in told:
        run = history[one.run_id[0]]
        assert (one.worker, one.outcome, one.final, one.on_time) == (
            run.worker,
            run.outcome,
            run.final,
            run.on_time,
        )
        assert (one.first, one.last, one.count) == (run.slot, run.slot_last or run.slot, run.count)
        assert (one.started, one.tick_at) == (run.started_at is not None, run.tick_at)
    assert [one.run_id[0] for one in ledger.slot_outcomes(worker="echo", limit=3)] == list("hf")
    assert [one.run_id[0] for one in ledger.slot_outcomes(since=SIX + DAY, limit=100)] == list("hgfdc")
    assert list(ledger.slot_outcomes(limit=0)) == []


def test_the_promises_are_counted_from_the_runs(ledger: Ledger) -> None:
    digest = "sha256:0"
    ledger.record(
        [
            a_run("run-0001", on_time=True, started_at=SIX, enforcement_digest=digest),
            a_run("run-0002", started_at=SIX, outcome=Outcome.FAILED, final=False),
            a_run("run-0003", outcome=Outcome.MISSED, count=5, slot_last=SIX + 4 * HOUR),
            a_run("run-0004", outcome=Outcome.SKIPPED, count=2, on_time=True, enforcement_digest=digest),
            a_run("run-0005", outcome=Outcome.SKIPPED, final=False, open_reason=OpenReason.REQUIREMENT),
            a_run("run-0006", slot=None, trigger=Trigger.MANUAL, started_at=SIX, enforcement_digest=digest),
            a_run("run-0007", trigger=Trigger.MANUAL, outcome=Outcome.SKIPPED, on_time=True),
            a_run("run-0008", tick_at=SIX - HOUR, outcome=Outcome.FAILED, started_at=SIX - HOUR),
        ]
    )
    assert ledger.promises(since=SIX) == Promises(slots=8, on_time=3, started=3, under_digest=2, bad=3)


def test_bad_runs_of_episodes_not_yet_heard_of_are_counted_by_episode(ledger: Ledger) -> None:
    ledger.record(
        [
            a_run("run-0001", outcome=Outcome.FAILED, episode="e1"),
            a_run("run-0002", outcome=Outcome.FAILED, episode="e1"),
            a_run("run-0003", outcome=Outcome.FAILED, episode="e2"),
            a_run("run-0004", outcome=Outcome.FAILED, episode="e1", tick_at=SIX - HOUR),
            a_run("run-0005", outcome=Outcome.SUCCEEDED),
        ]
    )
    assert ledger.promises(since=SIX, unheard={"e1", "e9"}).unheard == 2
    assert ledger.promises(since=SIX).unheard == 0


def test_a_run_by_hand_beside_its_slot_counts_for_no_slot(ledger: Ledger) -> None:
    ledger.record(
        [
            a_run("run-0001", outcome=Outcome.FAILED, trigger=Trigger.RETRY),
            a_run("run-0002", trigger=Trigger.RETRY, by_hand=True),
            a_run("run-0003", trigger=Trigger.BACKFILL, by_hand=True),
        ]
    )
    assert ledger.promises(since=SIX).slots == 1


def test_a_reader_answers_in_another_thread_what_the_ledger_holds_when_it_is_asked(
    ledger: Ledger, history: dict[str, Run]
) -> None:
    read = ledger.reader()
    late = a_run("i-000000", tick_at=SIX + 4 * DAY)
    ledger.record([late])
    with ThreadPoolExecutor(1) as elsewhere:
        found = elsewhere.submit(lambda: list(read(RunQuery(since=SIX + DAY, limit=4)))).result()
    assert found == [late, history["h"], history["g"], history["f"]]
    assert found == ledger.runs(RunQuery(since=SIX + DAY, limit=4))


def test_a_reader_answers_after_it_was_sent_to_another_process(
    ledger: Ledger, history: dict[str, Run]
) -> None:
    read: RunReader = pickle.loads(pickled(ledger.reader()))  # noqa: S301  (its own)
    code = (
        "import pickle, sys; read, query = pickle.load(sys.stdin.buffer);"
        " print(*(run.run_id for run in read(query)))"
    )
    sent = pickled((read, RunQuery(worker="other")))
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["g-000000", "d-000000", "b-000000"]


def test_a_reader_writes_nothing_and_holds_up_no_writer(ledger: Ledger, history: dict[str, Run]) -> None:
    reading = iter(ledger.reader()(RunQuery()))
    first = next(reading)
    ledger.record([a_run("i-000000", tick_at=SIX + 4 * DAY)])
    assert [first, *reading] == [history[letter] for letter in "hgfedcba"]
    assert len(ledger.runs(RunQuery())) == 9
