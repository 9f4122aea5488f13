"""What a run says goes to its own log, and nowhere else."""

import io
import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loom.domain.execution import Ending
from loom.execution.capture import RunLog
from loom.execution.inline import InlineExecutor
from tests.unit.execution_bench import Bench, StandingClock, bench_in, collect, wait_until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    # Runs of other tests that overran may hold the diversion for a while yet.
    wait_until(lambda: threading.Thread.start.__qualname__ == "Thread.start")
    with bench_in(tmp_path) as opened:
        yield opened


def test_print_and_stderr_reach_the_log_and_neither_stream(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = bench.worker("""
        print("while it is imported")

        def run(context: WorkerContext) -> Output:
            print("printed", 42)
            print("to stderr", file=sys.stderr)
            sys.stdout.write("half a line")
            sys.stdout.writelines([" and", " the rest\\n"])
            sys.stdout.buffer.write("bytes é\\n".encode())
            sys.stdout.flush()
            assert not sys.stdout.isatty()
            return Output(summary="s")
    """)
    execution = bench.run(worker)
    assert execution.ending is Ending.RETURNED, execution.log
    assert execution.log == (
        "while it is imported\nprinted 42\nto stderr\nhalf a line and the rest\nbytes é\n"
    )
    assert capfd.readouterr() == ("", "")


def test_logged_lines_carry_the_time_and_the_level_from_debug_up(bench: Bench) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            context.log.debug("looking at %d contacts", 3)
            print("no newline", end="")
            context.log.error("bad")
            try:
                1 / 0
            except ZeroDivisionError:
                context.log.exception("worse")
            return Output(summary="s")
    """)
    lines = bench.run(worker).log.splitlines()
    assert lines[0].endswith("s DEBUG   looking at 3 contacts")
    assert re.match(r"\+\d+\.\d{3}s ", lines[0])
    assert lines[1] == "no newline"
    assert lines[2].endswith("s ERROR   bad")
    assert "ZeroDivisionError: division by zero" in lines


def test_the_run_s_logger_is_registered_nowhere(bench: Bench) -> None:
    before = set(logging.Logger.manager.loggerDict)
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            context.log.info("x")
            return Output(summary="s")
    """)
    bench.run(worker)
    assert set(logging.Logger.manager.loggerDict) == before


def test_what_libraries_log_in_a_run_goes_to_its_log_and_to_no_other_handler(bench: Bench) -> None:
    elsewhere = io.StringIO()
    handler = logging.StreamHandler(elsewhere)
    logging.getLogger().addHandler(handler)
    worker = bench.worker("""
        import logging

        def run(context: WorkerContext) -> Output:
            logging.getLogger("some.library").warning("from a library")
            return Output(summary="s")
    """)
    try:
        with InlineExecutor(StandingClock()) as executor:
            executor.submit(bench.assignment(worker))
            (execution,) = collect(executor).values()
            logging.getLogger("loom.itself").warning("from outside")
        logging.getLogger("loom.itself").warning("afterwards")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "WARNING from a library" in execution.log
    assert elsewhere.getvalue() == "from outside\nafterwards\n"


def test_what_libraries_log_goes_to_the_run_s_log_when_nobody_has_set_logging_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    worker = bench.worker("""
        import logging

        def run(context: WorkerContext) -> Output:
            logging.getLogger("some.library").warning("from a library")
            return Output(summary="s")
    """)
    assert "s WARNING from a library" in bench.run(worker).log
    assert logging.getLogger().handlers == []


def test_what_libraries_log_is_kept_by_a_python_whose_handlers_always_take_their_lock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_from_3_13_on(handler: logging.Handler, record: logging.LogRecord) -> bool:
        lock: Any = handler.lock
        with lock:
            handler.emit(record)
        return True

    monkeypatch.setattr(logging.Handler, "handle", as_from_3_13_on)
    worker = bench.worker("""
        import logging

        def run(context: WorkerContext) -> Output:
            logging.getLogger("some.library").warning("from a library")
            return Output(summary="s")
    """)
    assert "s WARNING from a library" in bench.run(worker).log


def test_two_runs_at_once_keep_their_words_apart(bench: Bench) -> None:
    code = """
        import logging

        def run(context: WorkerContext) -> Output:
            for number in range(200):
                print(context.worker_id, "printed")
                context.log.info(context.worker_id)
                logging.getLogger("x").error(context.worker_id)
                time.sleep(0)
            return Output(summary="s")
    """
    workers = [bench.worker(code) for _ in range(3)]
    executions = bench.run_all([bench.assignment(worker) for worker in workers])
    for worker, execution in zip(workers, executions, strict=True):
        lines = execution.log.splitlines()
        assert len(lines) == 600
        assert all(worker.id in line for line in lines)


def test_a_record_that_hangs_while_it_is_formatted_holds_up_no_other_run(bench: Bench) -> None:
    code = """
        import logging

        class Slow:
            def __str__(self):
                {hang}
                return "formatted"

        go = threading.Event()

        def run(context: WorkerContext) -> Output:
            {first}
            logging.getLogger().warning("%s", Slow())
            return Output(summary="s")
    """
    hanging = bench.worker(code.format(first="pass", hang="go.wait(600)"), timeout=0.5)
    fine = bench.worker(code.format(first="time.sleep(0.1)", hang="pass"))
    executions = bench.run_all([bench.assignment(hanging), bench.assignment(fine)])
    assert [execution.ending for execution in executions] == [Ending.TIMED_OUT, Ending.RETURNED]
    sys.modules[hanging.entrypoint.partition(":")[0]].go.set()


def test_threads_and_tasks_of_a_run_speak_into_its_log(
    bench: Bench, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    worker = bench.worker("""
        from concurrent.futures import ThreadPoolExecutor

        def failing():
            raise ValueError("in a thread")

        async def talk():
            print("from a task")

        async def run(context: WorkerContext) -> Output:
            await asyncio.gather(talk(), asyncio.to_thread(print, "from to_thread"))
            child = threading.Thread(target=print, args=("from a thread",))
            child.start()
            child.join()
            dying = threading.Thread(target=failing)
            dying.start()
            dying.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(print, "from a pool").result()
            return Output(summary="s")
    """)
    log = bench.run(worker).log
    for words in ("from a task", "from to_thread", "from a thread", "ValueError: in a thread", "from a pool"):
        assert words in log
    assert capfd.readouterr() == ("", "")


def test_what_is_said_outside_any_run_passes_and_the_streams_are_given_back(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    streams, start = (sys.stdout, sys.stderr), threading.Thread.start
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            print("inside")
            return Output(summary="s")
    """)
    with InlineExecutor(StandingClock()) as executor:
        assert (sys.stdout, sys.stderr) == streams
        executor.submit(bench.assignment(worker))
        print("outside")
        print("outside, too", file=sys.stderr)
        collect(executor)
        assert sys.stdout.encoding == streams[0].encoding
    wait_until(lambda: threading.Thread.start is start)
    assert (sys.stdout, sys.stderr) == streams
    assert capsys.readouterr() == ("outside\n", "outside, too\n")


def test_progress_is_shown_outside_the_run_and_kept_in_its_log(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            context.progress("3 of 7")
            print("still the worker's own")
            return Output(summary="s")
    """)
    execution = bench.run(worker, say=print)
    assert "PROGRESS 3 of 7" in execution.log
    assert "still the worker's own" in execution.log
    assert capsys.readouterr().out == "3 of 7\n"


def test_a_watcher_that_fails_fails_no_worker(bench: Bench) -> None:
    def say(text: str) -> None:
        raise OSError(text)

    worker = bench.worker("""
        def run(context: WorkerContext) -> Output:
            context.progress("3 of 7")
            return Output(summary="s")
    """)
    execution = bench.run(worker, say=say)
    assert execution.ending is Ending.RETURNED
    assert "couldn't be shown" in execution.log


def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_left_out() -> None:
    log = RunLog("x", lambda: 0.0, keep=1_000)
    for number in range(10_000):
        log.write(f"{number:09d}\n")
    text = log.text()
    assert text.startswith("000000000\n000000001\n")
    assert text.endswith("000009998\n000009999\n")
    assert "\n... 98,000 bytes left out ...\n" in text
    assert len(text) < 2_100


def test_a_log_that_fits_is_kept_whole() -> None:
    log = RunLog("x", lambda: 0.0, keep=1_000)
    log.write("a" * 999 + "é" + "a" * 999)
    assert log.text() == "a" * 999 + "é" + "a" * 999


def test_a_log_can_hold_any_text_and_is_valid_unicode() -> None:
    log = RunLog("x", lambda: 0.0, keep=3)
    log.write("é" * 10 + "\ud800")
    log.text().encode()


def test_a_closed_log_takes_nothing_more() -> None:
    log = RunLog("x", lambda: 0.0)
    log.write("before")
    log.close()
    log.write("after")
    log.logger.error("after")
    assert log.text() == "before"


def test_a_filter_of_a_runs_handler_leaves_out_what_it_refuses_and_may_put_another_record_in_place() -> None:
    log = RunLog("worker.echo", lambda: 0.0)

    def look(record: logging.LogRecord) -> Any:
        if "secret" not in record.msg:
            return "noise" not in record.msg
        if tuple(sys.version_info) < (3, 12):
            record.msg = "hidden"
            return True
        return logging.makeLogRecord({**vars(record), "msg": "hidden"})

    log.logger.handlers[0].addFilter(look)
    for said in ("plain", "noise", "a secret"):
        log.logger.warning(said)
    assert [line.split(maxsplit=2)[-1] for line in log.text().splitlines()] == ["plain", "hidden"]
