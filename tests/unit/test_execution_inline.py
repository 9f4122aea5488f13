"""Whatever a worker does, its run ends as a value, on time, and touches no other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from loom.clock import ManualClock
from loom.domain.enforcement import Refusal
from loom.domain.execution import Ending, Execution
from loom.domain.worker import Worker
from loom.enforcement.guarding.guard import RunGuard
from loom.execution.inline import InlineExecutor
from loom.validation import judge
from tests.ground.rules import NOWHERE
from tests.unit.execution_bench import (
    NOW,
    PATIENCE_S,
    Bench,
    StandingClock,
    bench_in,
    collect,
    context_allowing,
    requiring,
    wait_until,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        yield opened


GOOD = """
def run(context: WorkerContext) -> Output:
    return Output(summary="fine")
"""


UNTIL_CANCELLED = "while not context.cancelled: time.sleep(0.005)"


def raising(statement: str) -> str:
    return f"""
class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")
    __repr__ = __str__

from loom.domain.enforcement import Refusal

class Shout(str):
    def __getitem__(self, key):
        raise ValueError("no part of me")
    strip = __getitem__

class Shouting(Exception):
    def __str__(self):
        return Shout("hello")

class Untraced(Exception):
    def __getattribute__(self, name):
        return 7 if name == "__traceback__" else super().__getattribute__(name)

class Masked(Exception):
    @property
    def __class__(self):
        raise SystemExit("guess")

def nested(depth):
    group = ValueError("inside")
    for _ in range(depth):
        group = ExceptionGroup("around", [group])
    return group

def run(context: WorkerContext) -> Output:
    {statement}
"""


def test_what_a_worker_returns_comes_back_in_its_json_form(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            found = Finding(severity="info", title="t")
            return Output(summary="done", findings=[found], metrics={"n": 2})
    """)
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED
    assert execution.value == {
        "summary": "done",
        "findings": [
            {"severity": "info", "title": "t", "detail": "", "subject": "", "url": None, "action": ""}
        ],
        "metrics": {"n": 2.0},
    }
    assert execution.schema is not None
    assert execution.schema.__name__ == "Output"
    assert (execution.attempts, execution.started_at, execution.error) == (1, NOW, None)
    assert execution.duration_s >= 0


def test_an_async_run_is_run_like_any_other(bench: Bench) -> None:
    worker = bench.worker("""
        async def run(context: WorkerContext) -> Output:
            await asyncio.sleep(0)
            print("from a coroutine")
            return Output(summary=threading.current_thread().name)
    """)
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED
    assert execution.value["summary"].startswith("loom ")
    assert "from a coroutine" in execution.log


def test_a_worker_is_told_who_it_is_and_why_it_runs(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            return Output(summary=repr((
                context.worker_id, context.slot_key, context.now.isoformat(), context.previous,
                context.project == __import__("pathlib").Path(__file__).parent, context.cancelled,
                context.enforcement.digest,
            )))
    """)
    execution = bench.run(worker, previous={"summary": "before"})
    assert execution.value["summary"] == repr(
        (
            worker.id,
            f"{worker.id}@2026-03-02T12:00:00Z",
            "2026-03-02T12:00:00+00:00",
            {"summary": "before"},
            True,
            False,
            "sha256:00",
        )
    )


@pytest.mark.parametrize(
    ("statement", "kind", "says"),
    [
        ("raise ValueError('no such contact')", "ValueError", "no such contact"),
        ("raise SystemExit('bye')", "SystemExit", "sys.exit('bye')"),
        ("sys.exit(0)", "SystemExit", "sys.exit(0)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "without a message"),
        ("raise GeneratorExit('g')", "GeneratorExit", "g"),
        ("raise asyncio.CancelledError('c')", "CancelledError", "c"),
        ("raise MemoryError('m')", "MemoryError", "m"),
        ("run(context)", "RecursionError", "recursion"),
        ("raise Unprintable", "Unprintable", "can't be read"),
        ("raise type('Own', (BaseException,), {})('own')", "Own", "own"),
        ("raise BaseExceptionGroup('g', [SystemExit(1)])", "BaseExceptionGroup", "g"),
        ("raise PermanentError('gone')", "PermanentError", "gone"),
        ("raise SystemExit(10**5_000)", "SystemExit", "the worker called sys.exit(<int>)"),
        ("raise Refused('I refuse')", "Refused", "I refuse"),
        ("raise Refused(Refusal(1, 2, 3))", "Refused", "2"),
        ("raise Shouting()", "Shouting", "hello"),
        ("raise Untraced('hello')", "Untraced", "hello"),
        ("raise OSError([], 'odd')", "OSError", "odd"),
        ("raise nested(2_000)", "ExceptionGroup", "(1 sub-exception)"),
        ("raise Masked('hello')", "Masked", "hello"),
        ("raise type('N' * 9_000, (Exception,), {})('long')", "N" * 99 + "…", "long"),
    ],
)
def test_whatever_a_worker_raises_is_contained_and_named(
    bench: Bench, statement: str, kind: str, says: str
) -> None:
    worker = bench.worker(raising(statement), attempts=3)
    beside = bench.worker(GOOD)
    failed, fine = bench.run_all([bench.assignment(worker), bench.assignment(beside)])
    assert failed.ending is Ending.RAISED
    assert failed.error is not None
    assert failed.error.kind == kind
    assert says in failed.error.message
    where = None if kind == "Untraced" else bench.line(worker, f"    {statement}")
    assert failed.error.where == where
    assert kind.rstrip("…") in failed.log
    assert (failed.transient, failed.attempts) == (False, 1)
    assert fine.ending is Ending.RETURNED


def test_the_same_holds_in_a_coroutine(bench: Bench) -> None:
    for statement in ("raise KeyboardInterrupt", "sys.exit(3)", "raise asyncio.CancelledError"):
        worker = bench.worker(raising(statement).replace("def run", "async def run"))
        execution = bench.run(worker)
        assert execution.ending is Ending.RAISED, statement
        assert not execution.transient


def test_a_long_error_message_is_cut_to_2_000_characters_and_says_so(bench: Bench) -> None:
    execution = bench.run(bench.worker(raising("raise ValueError('x' * 100_000)")))
    assert execution.error is not None
    assert execution.error.message == "x" * 1_999 + "…"


def test_the_place_of_an_error_is_the_innermost_line_of_the_project(bench: Bench) -> None:
    worker = bench.worker("""
        def inner():
            return __import__("json").loads("{")  # here

        def run(context: WorkerContext) -> Output:
            return inner()
    """)
    execution = bench.run(worker)
    assert execution.error is not None
    assert execution.error.where == bench.line(worker, "# here")


def test_skip_is_an_ending_of_its_own_with_its_reason(bench: Bench) -> None:
    execution = bench.run(bench.worker(raising("raise Skip('no new videos')"), attempts=3))
    assert (execution.ending, execution.reason, execution.error) == (Ending.SKIPPED, "no new videos", None)
    wordless = bench.run(bench.worker(raising("raise Skip()")))
    assert (wordless.ending, wordless.reason) == (Ending.SKIPPED, "the worker gave no reason")
    unreadable = bench.run(bench.worker(raising("raise Skip(10**5_000)")))
    assert (unreadable.ending, unreadable.reason) == (
        Ending.SKIPPED,
        "Skip, whose text can't be read (ValueError)",
    )


@pytest.mark.parametrize(
    "after",
    [
        "return Output(summary='fine')",
        "raise Skip('nothing')",
        "raise TransientError('again')",
        "raise SystemExit",
    ],
)
def test_a_refused_act_ends_the_run_refused_whatever_the_worker_makes_of_it(bench: Bench, after: str) -> None:
    worker = bench.worker(
        f"""
        def run(context: WorkerContext) -> Output:
            try:
                context.http.get("http://forbidden.invalid/")
            except Exception:
                pass
            {after}
        """,
        attempts=3,
    )
    execution = bench.run(worker)
    assert execution.ending is Ending.REFUSED
    assert execution.error is not None
    assert "forbidden.invalid" in execution.error.message
    assert (execution.attempts, execution.transient, execution.value) == (1, False, None)


def test_what_is_refused_while_a_module_is_imported_is_refused_to_each_run_of_it(bench: Bench) -> None:
    worker = bench.worker("""
        try:
            open("/made-by-an-import", "w")
        except Exception:
            pass

        def run(context: WorkerContext) -> Output:
            return Output(summary="fine")
    """)
    endings = [bench.run(worker).ending for _ in range(2)]
    assert endings == [Ending.REFUSED, Ending.REFUSED]


def test_a_refusal_that_the_worker_lets_through_ends_the_run_refused(bench: Bench) -> None:
    worker = bench.worker("""
        async def run(context: WorkerContext) -> Output:
            await context.http_async.get("http://forbidden.invalid/")
    """)
    execution = bench.run(worker)
    assert execution.ending is Ending.REFUSED
    assert execution.error is not None
    assert execution.error.kind in execution.error.message


@pytest.mark.parametrize(
    "wait",
    [
        "time.sleep(HANG)",
        "threading.Event().wait(HANG)",
        "threading.Lock().acquire() and time.sleep(HANG)",
        "[time.sleep(0.01) for _ in range(int(100 * HANG))]",
    ],
)
def test_a_run_that_hangs_is_timed_out_at_its_deadline_and_says_where_it_was(bench: Bench, wait: str) -> None:
    worker, execution = bench.overrun(raising(f"print('under way'); {wait}"))
    assert execution.ending is Ending.TIMED_OUT
    assert execution.transient
    assert execution.error is not None
    assert execution.error.kind == "TimedOut"
    assert f"{worker.timeout.total_seconds():g}s" in execution.error.message
    assert execution.error.where == bench.line(worker, "under way")
    assert "under way" in execution.log


def test_a_coroutine_that_hangs_is_timed_out_cancelled_and_says_where_it_was(bench: Bench) -> None:
    worker, execution = bench.overrun(
        """
        cancelled = threading.Event()

        async def inner():
            print("under way"); await asyncio.sleep(HANG)

        async def run(context: WorkerContext) -> Output:
            try:
                await inner()
            finally:
                cancelled.set()
        """
    )
    assert execution.ending is Ending.TIMED_OUT
    assert execution.error is not None
    assert execution.error.where == bench.line(worker, "under way")
    module = sys.modules[worker.entrypoint.partition(":")[0]]
    assert module.cancelled.wait(PATIENCE_S)


def test_an_import_that_hangs_is_under_the_deadline_too(bench: Bench) -> None:
    worker = bench.worker("time.sleep(4)\n" + GOOD, timeout=0.2)
    assert bench.run(worker).ending is Ending.TIMED_OUT


def test_a_run_that_overran_frees_its_place_and_loses_its_guard_its_voice_and_its_result(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
        ready, go, done, seen = threading.Event(), threading.Event(), threading.Event(), []

        def run(context: WorkerContext) -> Output:
            client = context.http
            ready.set()
            go.wait(600)
            print("too late")
            context.log.warning("too late")
            context.progress("too late")
            seen.append(context.cancelled)
            try:
                client.get("http://allowed.invalid/")
            except BaseException as error:
                seen.append(type(error).__name__)
            done.set()
            return Output(summary="too late")
        """
    for seconds in (0.5, 5, PATIENCE_S):  # more, if a busy machine hadn't begun it
        worker = bench.worker(code, timeout=seconds)
        with InlineExecutor(StandingClock()) as executor:
            executor.submit(bench.assignment(worker, hosts=("allowed.invalid",)))
            (execution,) = collect(executor).values()
            assert execution.ending is Ending.TIMED_OUT
            assert executor.running == 0
            assert executor.stranded == (f"{worker.id}@2026-03-02T12:00:00Z",)
            beside = bench.worker(GOOD)
            executor.submit(bench.assignment(beside))
            (fine,) = collect(executor).values()
            assert fine.ending is Ending.RETURNED
        module = sys.modules[worker.entrypoint.partition(":")[0]]
        module.go.set()
        if module.ready.is_set():
            break
    assert module.done.wait(PATIENCE_S)
    assert module.seen == [True, "Refused"]
    assert executor.wait(0.05) == []
    wait_until(lambda: executor.stranded == ())
    assert "too late" not in execution.log
    assert bench.said == []
    assert capsys.readouterr() == ("", "")


def test_the_deadline_is_kept_while_the_caller_is_busy_elsewhere(bench: Bench) -> None:
    worker = bench.worker(
        """
        def run(context: WorkerContext) -> Output:
            while not context.cancelled:
                time.sleep(0.005)
            return Output(summary="I stopped when asked")
        """,
        timeout=0.1,
    )
    with InlineExecutor(StandingClock()) as executor:
        executor.submit(bench.assignment(worker))
        wait_until(lambda: not threads_of(worker))
        ((_, execution),) = executor.wait(0)
    assert execution.ending is Ending.TIMED_OUT


def threads_of(worker: Worker) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(f"loom {worker.id}")]


def test_a_result_that_came_too_late_does_not_count_even_if_nobody_had_noticed_yet(bench: Bench) -> None:
    worker = bench.worker("""
        started, go = threading.Event(), threading.Event()

        def run(context: WorkerContext) -> Output:
            started.set()
            go.wait(600)
            return Output(summary="too late")
    """)
    clock = ManualClock(NOW)
    with InlineExecutor(clock) as executor:
        executor.submit(bench.assignment(worker))
        wait_until(lambda: worker.entrypoint.partition(":")[0] in sys.modules)
        module = sys.modules[worker.entrypoint.partition(":")[0]]
        wait_until(lambda: hasattr(module, "go") and module.started.is_set())
        clock.advance(timedelta(hours=1))
        module.go.set()
        ((_, execution),) = executor.wait(PATIENCE_S)
    assert execution.ending is Ending.TIMED_OUT
    assert execution.duration_s == 3600


def test_a_result_that_came_in_time_counts_however_late_it_is_fetched(bench: Bench) -> None:
    worker, clock = bench.worker(GOOD), ManualClock(NOW)
    with InlineExecutor(clock) as executor:
        executor.submit(bench.assignment(worker))
        wait_until(lambda: not threads_of(worker))
        clock.advance(timedelta(hours=1))
        ((_, execution),) = executor.wait(0)
    assert execution.ending is Ending.RETURNED


def test_a_run_that_overran_after_a_refused_act_is_refused(bench: Bench) -> None:
    _, execution = bench.overrun(
        """
        def run(context: WorkerContext) -> Output:
            try:
                context.http.get("http://forbidden.invalid/")
            except Exception:
                print("under way"); time.sleep(HANG)
        """
    )
    assert execution.ending is Ending.REFUSED


def test_runs_go_on_side_by_side(bench: Bench) -> None:
    code = """
        def run(context: WorkerContext) -> Output:
            sys.bench_barrier.wait(60)
            return Output(summary="met")
    """
    workers = [bench.worker(code) for _ in range(4)]
    vars(sys)["bench_barrier"] = threading.Barrier(4)
    try:
        executions = bench.run_all([bench.assignment(worker) for worker in workers])
    finally:
        del vars(sys)["bench_barrier"]
    assert [execution.ending for execution in executions] == [Ending.RETURNED] * 4


def test_waiting_gives_up_after_its_timeout_and_never_blocks_when_nothing_runs(bench: Bench) -> None:
    with InlineExecutor(StandingClock()) as executor:
        assert executor.wait(None) == []
        executor.submit(bench.assignment(bench.worker(raising(UNTIL_CANCELLED))))
        assert executor.running == 1
        assert executor.wait(0.01) == []
        assert executor.running == 1
        executor.cancel("that's enough")
        assert len(executor.wait(None)) == 1
        assert executor.running == 0


def test_the_same_key_is_not_run_twice_at_once(bench: Bench) -> None:
    assignment = bench.assignment(bench.worker(raising(UNTIL_CANCELLED)))
    with InlineExecutor(StandingClock()) as executor:
        executor.submit(assignment)
        with pytest.raises(ValueError, match="already running"):
            executor.submit(assignment)
        executor.cancel("that's enough")
        assert len(collect(executor)) == 1


def test_cancel_asks_every_run_to_stop(bench: Bench) -> None:
    polite = bench.worker("""
        def run(context: WorkerContext) -> Output:
            while not context.cancelled:
                time.sleep(0.005)
            return Output(summary="stopped")
    """)
    coroutine = bench.worker("""
        async def run(context: WorkerContext) -> Output:
            await asyncio.sleep(600)
    """)
    with InlineExecutor(StandingClock()) as executor:
        for worker in (polite, coroutine):
            executor.submit(bench.assignment(worker))
        time.sleep(0.1)
        executor.cancel("Loom was interrupted")
        executions = {key.partition("@")[0]: execution for key, execution in collect(executor).items()}
    assert executions[polite.id].value["summary"] == "stopped"
    stopped = executions[coroutine.id]
    assert (stopped.ending, stopped.transient) == (Ending.RAISED, True)
    assert stopped.error is not None
    assert "Loom was interrupted" in stopped.error.message


def test_a_coroutine_that_begins_after_the_request_to_stop_is_stopped_too(bench: Bench) -> None:
    worker = bench.worker("""
        async def late() -> Output:
            await asyncio.sleep(60)

        def run(context: WorkerContext) -> Output:
            while not context.cancelled:
                time.sleep(0.005)
            return late()
    """)
    with InlineExecutor(StandingClock()) as executor:
        executor.submit(bench.assignment(worker))
        executor.cancel("interrupted")
        (execution,) = collect(executor).values()
    assert execution.error is not None
    assert execution.error.kind == "Cancelled"


def test_a_secret_is_there_only_for_the_worker_that_requires_it(bench: Bench) -> None:
    code = """
        def run(context: WorkerContext) -> Output:
            return Output(summary=context.secret("TOKEN_A"))
    """
    owner = bench.worker(code, requires=requiring("TOKEN_A"))
    other = bench.worker(code, requires=requiring("TOKEN_B"), attempts=3)
    unset = bench.worker(code, requires=requiring("TOKEN_A"), attempts=3)
    given, refused, missing = bench.run_all(
        [
            bench.assignment(owner, secrets={"TOKEN_A": "s3cret"}),
            bench.assignment(other, secrets={"TOKEN_B": "other"}),
            bench.assignment(unset),
        ]
    )
    assert given.value["summary"] == "s3cret"
    for execution, says in ((refused, "requires.env"), (missing, "isn't set")):
        assert execution.error is not None
        assert (execution.error.kind, execution.attempts) == ("PermanentError", 1)
        assert "'TOKEN_A'" in execution.error.message
        assert says in execution.error.message


def test_a_worker_that_cannot_be_imported_is_a_failed_run_that_says_so(bench: Bench) -> None:
    execution = bench.run(bench.worker("import no_such_module_at_all\n", attempts=3))
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, False, 1)
    assert execution.error is not None
    assert execution.error.kind == "EntrypointError"
    assert "No module named 'no_such_module_at_all'" in execution.error.message
    assert "Traceback" in execution.log


@pytest.mark.parametrize(
    ("returned", "says", "where"),
    [
        ("None", "returned None", None),
        ("42", "returned a number (42)", None),
        ("object()", "unknown type", None),
        ("{'summary': 's', 'findings': [{'severity': 'bad', 'title': 't'}]}", "'bad'", "findings.0.severity"),
        ("Output(summary='s', metrics={'m': float('nan')})", "NaN", "metrics.m"),
        ("Output(summary='half \\ud800')", "surrogate", "summary"),
        ("Output(summary='x' * 6_000_000)", "6,000,", "summary"),
    ],
)
def test_a_worker_that_returns_what_doesnt_fit_is_invalid_and_the_field_is_named(
    bench: Bench, returned: str, says: str, where: str | None
) -> None:
    worker = bench.worker(raising(f"return {returned}"))
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED
    verdict = judge(execution, worker.expect)
    assert not verdict.valid
    assert says in verdict.errors[0].message
    assert verdict.errors[0].where == where
    assert kept_bytes(execution) < 10_000


def kept_bytes(execution: Execution) -> int:
    return len(repr(execution.value))


def test_a_thousand_small_runs_leave_no_thread_behind(bench: Bench) -> None:
    worker = bench.worker(GOOD)
    with InlineExecutor(StandingClock()) as executor:
        for number in range(1_000):
            executor.submit(bench.assignment(worker, key=f"{worker.id}#{number}"))
            if executor.running >= 4:
                assert executor.wait(PATIENCE_S)
        collect(executor)
    wait_until(lambda: not threads_of(worker))


class BrokenGuard(RunGuard):
    """A guard with a mistake in it."""

    broken = "refusals"

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        if self.broken == "refusals":
            raise ZeroDivisionError
        return super().refusals

    def revoke(self, why: str) -> None:
        if self.broken == "revoke":
            raise ZeroDivisionError
        super().revoke(why)


def broken_guard(broken: str) -> BrokenGuard:
    guard = BrokenGuard(context_allowing(), worker_id="x", agent=None, places=NOWHERE)
    guard.broken = broken
    return guard


def test_a_mistake_of_loom_s_own_still_ends_the_run_and_says_whose_it_is(bench: Bench) -> None:
    execution = bench.run(bench.worker(GOOD), guard=broken_guard("refusals"))
    assert execution.ending is Ending.RAISED
    assert execution.error is not None
    assert execution.error.kind == "LoomBug"
    assert "ZeroDivisionError" in execution.log


def test_the_watch_over_deadlines_survives_a_mistake_of_loom_s_own(bench: Bench) -> None:
    first = bench.worker(raising("time.sleep(4)"), timeout=0.1)
    second = bench.worker(raising("time.sleep(4)"), timeout=0.3)
    executions = bench.run_all(
        [bench.assignment(first, guard=broken_guard("revoke")), bench.assignment(second)]
    )
    assert [execution.ending for execution in executions] == [Ending.TIMED_OUT] * 2
    assert executions[0].error is not None
    assert executions[0].error.kind == "LoomBug"


def test_closing_revokes_and_stops_what_is_still_under_way(bench: Bench) -> None:
    worker = bench.worker("""
        started = threading.Event()

        def run(context: WorkerContext) -> Output:
            started.set()
            while not context.cancelled:
                time.sleep(0.005)
            context.http.get("http://allowed.invalid/")
    """)
    assignment = bench.assignment(worker, hosts=("allowed.invalid",))
    with InlineExecutor(StandingClock()) as executor:
        executor.submit(assignment)
        wait_until(lambda: worker.entrypoint.partition(":")[0] in sys.modules)
        module = sys.modules[worker.entrypoint.partition(":")[0]]
        wait_until(lambda: hasattr(module, "started") and module.started.is_set())
    wait_until(lambda: not threads_of(worker))
    assert "shutting down" in str(assignment.guard.refusals[0])


def test_the_guarded_clients_are_closed_when_the_run_ends(bench: Bench) -> None:
    worker = bench.worker("""
        clients = []

        async def run(context: WorkerContext) -> Output:
            clients.extend([context.http, context.http_async])
            assert clients == [context.http, context.http_async]
            return Output(summary="s")
    """)
    assert bench.run(worker).ending is Ending.RETURNED
    module = sys.modules[worker.entrypoint.partition(":")[0]]
    assert [client.is_closed for client in module.clients] == [True, True]


def test_a_process_ends_at_once_though_a_run_that_overran_still_sleeps(tmp_path: Path) -> None:
    program = f"""
import pathlib
from tests.unit.execution_bench import bench_in
with bench_in(pathlib.Path({str(tmp_path)!r})) as bench:
    code = "def run(context: WorkerContext) -> Output:\\n    time.sleep(600)\\n"
    print(bench.run(bench.worker(code, timeout=0.2)).ending)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("timed_out\n", "", 0)
