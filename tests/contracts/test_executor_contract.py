"""What every executor does, wherever it runs a worker's code."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.execution import Ending, Execution
from loom.domain.worker import Expect, Isolation, Retry, Worker
from loom.validation import judge
from tests.contracts.executors import EXECUTORS, by_isolation, inline, process
from tests.unit.execution_bench import (
    NOW,
    Bench,
    Executor,
    bench_in,
    collect,
    requiring,
    wait_until,
)

GOOD = """
def run(context: WorkerContext) -> Output:
    return Output(summary="fine")
"""


@pytest.fixture(params=[*EXECUTORS.values()], ids=[*EXECUTORS])
def executor(request: pytest.FixtureRequest) -> Callable[[], Executor]:
    make: Callable[[], Executor] = request.param
    return make


@pytest.fixture
def bench(tmp_path: Path, executor: Callable[[], Executor]) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        opened.executor = executor
        opened.soon_s = 2 if executor is process else 0.2
        yield opened


def running(statement: str) -> str:
    return f"""
class Unprintable(Exception):
    def __str__(self):
        raise ValueError("no text")
    __repr__ = __str__

class Impossible:
    def __str__(self):
        raise SystemExit(7)
    __repr__ = __str__

def deep(n):
    value = []
    for _ in range(n):
        value = [value]
    return value

class Open(Output):
    anything: Any = None

def run(context: WorkerContext) -> Open:
    {statement}
"""


def test_what_a_worker_returns_comes_back_in_its_json_form_and_as_its_model_reads_it(bench: Bench) -> None:
    worker = bench.worker("""
        from pydantic import Field, computed_field

        class Rich(Output):
            count: int = Field(alias="theCount")

            @computed_field
            @property
            def double(self) -> int:
                return 2 * self.count

        def run(context: WorkerContext) -> Rich:
            found = Finding(severity="info", title="tüt 🜁")
            return Rich(summary="done", findings=[found], metrics={"n": 2}, theCount=3)
    """)
    execution = bench.run(worker)
    plain = {
        "summary": "done",
        "findings": [
            {"severity": "info", "title": "tüt 🜁", "detail": "", "subject": "", "url": None, "action": ""}
        ],
        "metrics": {"n": 2.0},
        "theCount": 3,
    }
    assert (execution.ending, execution.value) == (Ending.RETURNED, plain)
    assert judge(execution, worker.expect).output == {**plain, "double": 6}
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
    assert execution.value["summary"] == f"loom {worker.id}@2026-03-02T12:00:00Z"
    assert execution.log == "from a coroutine\n"


def test_a_worker_is_told_who_it_is_and_why_it_runs(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            return Output(summary=repr((
                context.worker_id, context.agent, context.slot.isoformat(), context.slot_key,
                context.now.isoformat(), context.previous, context.cancelled, context.enforcement.digest,
                context.project == __import__("pathlib").Path(__file__).parent,
            )))
    """)
    execution = bench.run(worker, previous={"summary": "before", "deep": [{"a": None}]})
    assert execution.value["summary"] == repr(
        (
            worker.id,
            None,
            "2026-03-02T12:00:00+00:00",
            f"{worker.id}@2026-03-02T12:00:00Z",
            "2026-03-02T12:00:00+00:00",
            {"summary": "before", "deep": [{"a": None}]},
            False,
            "sha256:00",
            True,
        )
    )


SETTINGS = """
class Settings(BaseModel):
    hosts: list[str] = []
    days: int = 1

def run(context: WorkerContext[Settings]) -> Output:
    return Output(summary=repr(context.settings))
"""


def test_settings_come_from_the_registry_and_params_replace_them(bench: Bench) -> None:
    worker = bench.worker(SETTINGS, settings={"days": 30, "hosts": ["a"]})
    assert bench.run(worker).value["summary"] == "Settings(hosts=['a'], days=30)"
    changed = bench.run(worker, params={"hosts": '["b", "c"]'})
    assert changed.value["summary"] == "Settings(hosts=['b', 'c'], days=30)"


@pytest.mark.parametrize(
    ("settings", "params", "kind", "says"),
    [
        ({"dais": 3}, {}, "SettingsError", "did you mean 'days'?"),
        ({}, {"days": "many"}, "ParamError", "--param days=many"),
    ],
)
def test_settings_that_dont_fit_fail_the_run_before_it_begins(
    bench: Bench, settings: dict[str, object], params: dict[str, str], kind: str, says: str
) -> None:
    execution = bench.run(bench.worker(SETTINGS, settings=settings, attempts=3), params=params)
    assert execution.error is not None
    assert (execution.ending, execution.error.kind, execution.transient) == (Ending.RAISED, kind, False)
    assert says in execution.error.message


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
            bench.assignment(owner, secrets={"TOKEN_A": "s3cret\n🜁"}),
            bench.assignment(other, secrets={"TOKEN_B": "other"}),
            bench.assignment(unset),
        ]
    )
    assert given.value["summary"] == "s3cret\n🜁"
    for execution, says in ((refused, "requires.env"), (missing, "isn't set")):
        assert execution.error is not None
        assert (execution.error.kind, execution.attempts) == ("PermanentError", 1)
        assert says in execution.error.message


def test_progress_is_told_as_it_comes_and_kept_in_the_log(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            for number in range(3):
                context.progress(f"{number} of 3 🜁")
            context.progress("x" * 1_000)
            return Output(summary="s")
    """)
    execution = bench.run(worker)
    assert bench.said == ["0 of 3 🜁", "1 of 3 🜁", "2 of 3 🜁", "x" * 1_000]
    assert re.search(r"^\+\d\.\d{3}s PROGRESS 1 of 3 🜁$", execution.log, re.MULTILINE)


def test_who_watches_progress_cannot_fail_a_worker(bench: Bench) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError(text)

    worker = bench.worker(running("context.progress('p'); return Open(summary='s')"), prelude=ANY)
    execution = bench.run(worker, say=broken)
    assert execution.ending is Ending.RETURNED
    assert "progress couldn't be shown" in execution.log


def test_what_a_run_prints_and_logs_is_its_log_in_order_and_reaches_no_stream(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = bench.worker("""
        import logging
        print("while it is imported")

        def run(context: WorkerContext) -> Output:
            print("printed", 42)
            print("to stderr", file=sys.stderr)
            sys.stdout.buffer.write("bytes é\\n".encode())
            context.log.debug("looking at %d contacts", 3)
            print("no newline", end="")
            logging.getLogger("some.library").warning("from a library")
            thread = threading.Thread(target=print, args=("from a thread",))
            thread.start()
            thread.join()
            assert not sys.stdout.isatty()
            return Output(summary="s")
    """)
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED, execution.log
    assert re.sub(r"\+\d+\.\d{3}s", "+0s", execution.log) == (
        "while it is imported\nprinted 42\nto stderr\nbytes é\n"
        "+0s DEBUG   looking at 3 contacts\nno newline\n+0s WARNING from a library\nfrom a thread\n"
    )
    assert capfd.readouterr() == ("", "")


def test_of_a_long_log_the_first_and_the_last_32_kb_are_kept(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            print("first")
            for number in range(100_000):
                print(f"line {number}")
            print("last")
            return Output(summary="s")
    """)
    log = bench.run(worker).log
    assert log.startswith("first\nline 0\n")
    assert log.endswith("line 99999\nlast\n")
    assert "bytes left out" in log
    assert len(log) < 70_000


def test_two_runs_at_once_keep_their_words_and_results_apart(bench: Bench) -> None:
    code = """
        def run(context: WorkerContext) -> Output:
            for number in range(100):
                print(context.worker_id, number)
                time.sleep(0.001)
            return Output(summary=context.worker_id)
    """
    workers = [bench.worker(code) for _ in range(3)]
    executions = bench.run_all([bench.assignment(worker) for worker in workers])
    for worker, execution in zip(workers, executions, strict=True):
        assert execution.value["summary"] == worker.id
        assert execution.log == "".join(f"{worker.id} {number}\n" for number in range(100))


def test_skip_is_an_ending_of_its_own_with_its_reason(bench: Bench) -> None:
    worker = bench.worker(running("raise Skip('no new videos')"), prelude=ANY, attempts=3)
    execution = bench.run(worker)
    assert (execution.ending, execution.reason, execution.error) == (Ending.SKIPPED, "no new videos", None)


ANY = "from typing import Any\nimport asyncio, os, sys, threading, time\nfrom loom.worker import *\n"
ANY += "class Output(WorkerOutput):\n    pass\n"


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
        ("raise BaseExceptionGroup('g', [SystemExit(1), KeyboardInterrupt()])", "BaseExceptionGroup", "g"),
        ("raise PermanentError('gone')", "PermanentError", "gone"),
        ("raise ValueError('half \\ud800')", "ValueError", "half \ud800"),
    ],
)
def test_whatever_a_worker_raises_is_contained_and_named(
    bench: Bench, statement: str, kind: str, says: str
) -> None:
    worker = bench.worker(running(statement), prelude=ANY, attempts=3)
    execution = bench.run(worker)
    assert execution.ending is Ending.RAISED
    assert execution.error is not None
    assert execution.error.kind == kind
    assert says in execution.error.message
    assert execution.error.where == bench.line(worker, f"    {statement}")
    assert kind in execution.log
    assert (execution.transient, execution.attempts) == (False, 1)


def test_a_worker_that_cannot_be_imported_is_a_failed_run_that_says_so(bench: Bench) -> None:
    execution = bench.run(bench.worker("import no_such_module_at_all\n", attempts=3))
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, False, 1)
    assert execution.error is not None
    assert execution.error.kind == "EntrypointError"
    assert "No module named 'no_such_module_at_all'" in execution.error.message
    assert "Traceback" in execution.log


def test_a_transient_failure_is_tried_again_within_the_tick(bench: Bench) -> None:
    worker = bench.worker(
        """
        tried = []

        def run(context: WorkerContext) -> Output:
            tried.append(1)
            if len(tried) < 3:
                raise TransientError(f"try {len(tried)}")
            return Output(summary="at last")
        """,
        attempts=3,
    )
    execution = bench.run(worker)
    assert (execution.ending, execution.attempts) == (Ending.RETURNED, 3)
    assert execution.value["summary"] == "at last"
    assert "attempt 2 of 3 failed (TransientError); trying again" in execution.log


def test_a_transient_failure_that_stays_says_so_and_how_long_to_wait(bench: Bench) -> None:
    worker = bench.worker(
        """
        from datetime import timedelta

        def run(context: WorkerContext) -> Output:
            raise TransientError("busy", retry_after=timedelta(hours=1))
        """,
        attempts=3,
    )
    execution = bench.run(worker)
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, True, 1)
    assert execution.retry_after == timedelta(hours=1)
    assert "no time left to wait 3600.0 s" in execution.log


def test_the_wait_between_attempts_counts_against_the_timeout(bench: Bench) -> None:
    worker = bench.worker(
        running("raise TransientError('busy')"),
        prelude=ANY,
        timeout=120,
        retry=Retry(
            attempts=3, backoff=timedelta(seconds=600), max_backoff=timedelta(seconds=600), jitter=0.0
        ),
    )
    execution = bench.run(worker)
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, True, 1)


@pytest.mark.parametrize(
    "after",
    [
        "return Open(summary='fine')",
        "return None",
        "raise Skip('nothing')",
        "raise TransientError('again')",
        "raise SystemExit",
    ],
)
def test_a_refused_act_ends_the_run_refused_whatever_the_worker_makes_of_it(bench: Bench, after: str) -> None:
    refused = "try: context.http.get('http://forbidden.invalid/')\n    except Exception: pass\n    "
    execution = bench.run(bench.worker(running(refused + after), prelude=ANY, attempts=3))
    assert execution.ending is Ending.REFUSED
    assert execution.error is not None
    assert "forbidden.invalid" in execution.error.message
    assert (execution.attempts, execution.transient, execution.value) == (1, False, None)


def test_a_run_that_overran_after_a_refused_act_is_refused(bench: Bench) -> None:
    refused = "try: context.http.get('http://forbidden.invalid/')\n    "
    refused += "except Exception: print('under way'); time.sleep(HANG)"
    _, execution = bench.overrun(running(refused), prelude=ANY)
    assert execution.ending is Ending.REFUSED


def test_a_run_that_hangs_is_timed_out_and_says_where_it_was(bench: Bench) -> None:
    worker, execution = bench.overrun(running("print('under way'); time.sleep(HANG)"), prelude=ANY)
    assert execution.duration_s >= worker.timeout.total_seconds()
    assert (execution.ending, execution.transient) == (Ending.TIMED_OUT, True)
    assert execution.error is not None
    assert execution.error.kind == "TimedOut"
    assert f"{worker.timeout.total_seconds():g}s" in execution.error.message
    assert execution.error.where == bench.line(worker, "under way")
    assert "under way" in execution.log


def test_a_coroutine_that_hangs_is_timed_out_and_says_where_it_was(bench: Bench) -> None:
    worker, execution = bench.overrun(
        """
        async def inner():
            print("under way"); await asyncio.sleep(HANG)

        async def run(context: WorkerContext) -> Output:
            await inner()
        """
    )
    assert execution.ending is Ending.TIMED_OUT
    assert execution.error is not None
    assert execution.error.where == bench.line(worker, "under way")


def test_an_import_that_hangs_is_under_the_deadline_too(bench: Bench) -> None:
    _, execution = bench.overrun("print('under way'); time.sleep(HANG)\n" + GOOD)
    assert execution.ending is Ending.TIMED_OUT
    assert "under way" in execution.log


def test_a_result_that_came_too_late_does_not_count(bench: Bench) -> None:
    _, execution = bench.overrun(
        """
        def run(context: WorkerContext) -> Output:
            print("under way")
            while not context.cancelled:
                time.sleep(0.005)
            context.progress("too late")
            return Output(summary="I stopped when asked")
        """
    )
    assert (execution.ending, execution.value) == (Ending.TIMED_OUT, None)
    assert "under way" in execution.log
    assert bench.said == []


def test_cancel_asks_every_run_to_stop(bench: Bench) -> None:
    polite = bench.worker("""
        def run(context: WorkerContext) -> Output:
            context.progress("under way")
            while not context.cancelled:
                time.sleep(0.005)
            return Output(summary="stopped")
    """)
    coroutine = bench.worker("""
        async def run(context: WorkerContext) -> Output:
            context.progress("under way")
            await asyncio.sleep(600)
    """)
    waiting = bench.worker(
        running("context.progress('under way'); raise TransientError('busy')"),
        prelude=ANY,
        timeout=1200,
        retry=Retry(attempts=3, backoff=timedelta(seconds=600), jitter=0.0),
    )
    with bench.executor() as executor:
        for worker in (polite, coroutine, waiting):
            executor.submit(bench.assignment(worker))
        wait_until(lambda: len(bench.said) == 3)
        time.sleep(0.2)
        executor.cancel("Loom was interrupted\nby a person")
        executions = {key.partition("@")[0]: execution for key, execution in collect(executor).items()}
    assert executions[polite.id].value["summary"] == "stopped"
    stopped = executions[coroutine.id]
    assert (stopped.ending, stopped.transient) == (Ending.RAISED, True)
    assert stopped.error is not None
    assert stopped.error.kind == "Cancelled"
    assert "Loom was interrupted" in stopped.error.message
    assert (executions[waiting.id].ending, executions[waiting.id].attempts) == (Ending.RAISED, 1)


def test_cancel_reaches_a_run_that_has_only_just_been_submitted(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            while not context.cancelled:
                time.sleep(0.005)
            return Output(summary="stopped")
    """)
    with bench.executor() as executor:
        executor.submit(bench.assignment(worker))
        executor.cancel("interrupted")
        (execution,) = collect(executor).values()
    assert execution.value["summary"] == "stopped"


def test_closing_ends_at_once_whatever_is_under_way(bench: Bench) -> None:
    worker = bench.worker(running("context.progress('p'); time.sleep(30)"), prelude=ANY, timeout=600)
    with bench.executor() as executor:
        executor.submit(bench.assignment(worker))
        wait_until(lambda: bool(bench.said))
        began = time.monotonic()
    assert time.monotonic() - began < 25


def test_waiting_gives_up_after_its_timeout_and_never_blocks_when_nothing_runs(bench: Bench) -> None:
    with bench.executor() as executor:
        assert executor.wait(None) == []
        executor.submit(bench.assignment(bench.worker(running(UNTIL_CANCELLED), prelude=ANY)))
        assert executor.running == 1
        assert executor.wait(0.01) == []
        assert executor.running == 1
        executor.cancel("that's enough")
        assert len(executor.wait(None)) == 1
        assert executor.running == 0


def test_the_same_key_is_not_run_twice_at_once_but_again_afterwards(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = "while not os.path.exists('go'): time.sleep(0.005)"
    assignment = bench.assignment(bench.worker(running(waiting), prelude=ANY))
    monkeypatch.chdir(bench.project)
    with bench.executor() as executor:
        executor.submit(assignment)
        with pytest.raises(ValueError, match="already running"):
            executor.submit(assignment)
        (bench.project / "go").touch()
        assert len(collect(executor)) == 1
        executor.submit(assignment)
        assert len(collect(executor)) == 1


UNTIL_CANCELLED = "while not context.cancelled: time.sleep(0.005)"
RETURNED = [
    ("None", "returned None", None),
    ("42", "returned a number (42)", None),
    ("'text'", "returned text", None),
    ("object()", "unknown type", None),
    ("Impossible()", "unknown type", None),
    ("iter([1])", "an iterator; return a list", None),
    ("{'summary': 's', 'findings': [{'severity': 'bad', 'title': 't'}]}", "'bad'", "findings.0.severity"),
    ("Open(summary='s', metrics={'m': float('nan')})", "NaN", "metrics.m"),
    ("Open(summary='s', anything=float('inf'))", "NaN", "anything"),
    ("Open(summary='half \\ud800')", "surrogate", "summary"),
    ("Open(summary='x' * 6_000_000)", "6,000,", "summary"),
    ("Open(summary='s', anything=deep(2000))", "nested too deeply", "anything"),
    ("Open(summary='s', anything={1: object()})", "unknown type", "anything.1"),
    ("Open(summary='s', anything=(lambda a: a.append(a) or a)([]))", "contains itself", "anything"),
    ("Open(summary='s', anything=10 ** 5000)", "", None),
]


# Inline, each; that a process leaves the same record of them is in `SAME`, but for the one with an address.
@pytest.mark.parametrize("executor", [inline], ids=["inline"])
@pytest.mark.parametrize(("returned", "says", "where"), RETURNED)
def test_a_worker_that_returns_what_doesnt_fit_is_invalid_and_the_field_is_named(
    bench: Bench, returned: str, says: str, where: str | None
) -> None:
    rejects(bench, returned, says, where)


@pytest.mark.parametrize("executor", [process], ids=["process"])
def test_what_a_process_cannot_even_send_is_invalid(bench: Bench) -> None:
    rejects(bench, "object()", "unknown type", None)


def rejects(bench: Bench, returned: str, says: str, where: str | None) -> None:
    worker = bench.worker(running(f"return {returned}"), prelude=ANY)
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED
    verdict = judge(execution, worker.expect)
    assert not verdict.valid
    assert says in verdict.errors[0].message
    if says:
        assert (verdict.errors[0].where or "").startswith(where or "")
    assert len(repr(execution.value)) < 10_000


@pytest.mark.parametrize("depth", [50, 200])
def test_what_is_nested_as_deep_as_json_goes_comes_through(bench: Bench, depth: int) -> None:
    worker = bench.worker(running(f"return Open(summary='s', anything=deep({depth}))"), prelude=ANY)
    execution = bench.run(worker)
    value, found = execution.value["anything"], 0
    while value:
        value, found = value[0], found + 1
    assert found == depth


def test_an_output_as_large_as_is_allowed_comes_through_whole(bench: Bench) -> None:
    worker = bench.worker(running("return Open(summary='é' * 2_400_000)"), prelude=ANY)
    execution = bench.run(worker)
    assert execution.error is None
    output = judge(execution, worker.expect).output
    assert output is not None
    assert output["summary"] == "é" * 2_400_000


def test_what_the_registry_expects_is_held_against_what_the_model_made(bench: Bench) -> None:
    worker = bench.worker(GOOD, expect=Expect(non_empty=("findings",)))
    verdict = judge(bench.run(worker), worker.expect)
    assert not verdict.valid
    assert verdict.errors[0].where == "findings"


SAME = [
    "return Open(summary='s', anything={'a': [1, 2.5, None, True, 'é']}, metrics={'m': 1})",
    "print('printed'); context.log.warning('logged'); context.progress('p'); return Open(summary='s')",
    "raise Skip('nothing to do')",
    "raise Skip",
    "raise ValueError('x' * 5_000)",
    "raise TransientError('busy')",
    "raise OSError(110, 'timed out')",
    "run(context)",
    "sys.exit(3)",
    "raise ExceptionGroup('g', [ValueError('a'), TimeoutError()])",
    "context.http.get('http://forbidden.invalid/a?b=c')",
    "context.secret('NOT_DECLARED')",
    *(f"return {returned}" for returned, _, _ in RETURNED if returned != "object()"),
]


@pytest.mark.parametrize("statement", SAME)
def test_the_same_worker_leaves_the_same_record_inline_and_in_a_process(
    tmp_path: Path, statement: str
) -> None:
    with bench_in(tmp_path) as bench:
        worker = bench.worker(running(statement), prelude=ANY, attempts=2)
        here = record(bench, worker, bench.run(worker, inline()))
        there = record(bench, worker, bench.run(worker, process()))
    assert there == here


def record(bench: Bench, worker: Worker, execution: Execution) -> dict[str, object]:
    """All that can be known of a run, but for times, addresses and Loom's own lines in tracebacks."""
    verdict = judge(execution, worker.expect) if execution.ending is Ending.RETURNED else None
    log = re.sub(r"\+\d+\.\d{3}s|in \d+\.\d s", "", execution.log)
    return {
        "ending": execution.ending,
        "value": without_addresses(execution.value),
        "verdict": without_addresses(verdict),
        "error": without_addresses(execution.error),
        "reason": execution.reason,
        "transient": execution.transient,
        "retry_after": execution.retry_after,
        "attempts": execution.attempts,
        "log": re.sub(r"\[Previous line repeated \d+ more times\]", "", log),
    }


def without_addresses(value: object) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", repr(value))


def test_each_run_goes_where_its_isolation_says_and_all_come_in_together(tmp_path: Path) -> None:
    code = """
        def run(context: WorkerContext) -> Output:
            while not context.cancelled:
                time.sleep(0.005)
            return Output(summary=str(os.getpid()))
    """
    with bench_in(tmp_path) as bench, by_isolation() as executor:
        here = bench.worker(code, isolation=Isolation.INLINE)
        there = bench.worker(code, isolation=Isolation.PROCESS)
        for worker in (there, here):
            executor.submit(bench.assignment(worker))
        assert executor.running == 2
        executor.cancel("that's enough")
        found = {key.partition("@")[0]: execution for key, execution in collect(executor).items()}
    assert found[here.id].value["summary"] == str(os.getpid())
    assert found[there.id].value["summary"] != str(os.getpid())


def test_no_thread_of_an_executor_stays_once_it_is_closed(bench: Bench) -> None:
    before = {thread.name for thread in threading.enumerate()}
    worker = bench.worker(GOOD)
    bench.run_all([bench.assignment(worker, key=f"{worker.id}#{number}") for number in range(4)])
    wait_until(lambda: {thread.name for thread in threading.enumerate()} <= before)
