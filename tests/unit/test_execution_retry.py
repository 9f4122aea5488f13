"""What is worth another attempt, how long is waited for it, and when there is none."""

import errno
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.domain.execution import Ending
from loom.domain.worker import Retry
from loom.execution.backoff import wait_before
from loom.execution.inline import InlineExecutor
from loom.execution.trouble import Trouble, classify
from loom.worker import PermanentError, Skip, TransientError
from tests.unit.execution_bench import NOW, Bench, StandingClock, bench_in

TRANSIENT = Trouble(transient=True)
PERMANENT = Trouble(transient=False)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path) as opened:
        yield opened


def answered(status: int, **headers: str) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://localhost/")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.HTTPStatusError(
        "x", request=request, response=httpx.Response(status, headers=named, request=request)
    )


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        TransientError("x"),
        ConnectionRefusedError(),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        OSError(errno.EHOSTUNREACH, "x"),
        OSError(errno.ENETUNREACH, "x"),
        socket.gaierror(socket.EAI_AGAIN, "x"),
        ssl.SSLEOFError(),
        httpx.ConnectError("x"),
        httpx.ConnectTimeout("x"),
        httpx.ReadTimeout("x"),
        httpx.PoolTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.ReadError("x"),
        answered(408),
        answered(425),
        answered(429),
        answered(500),
        answered(503),
        answered(599),
        ExceptionGroup("x", [TimeoutError(), ExceptionGroup("y", [httpx.ReadError("x")])]),
    ],
    ids=repr,
)
def test_connection_trouble_timeouts_and_busy_servers_are_transient(error: BaseException) -> None:
    assert classify(error, NOW) == TRANSIENT


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        PermanentError(),
        Skip(),
        SystemExit(1),
        KeyboardInterrupt(),
        FileNotFoundError(errno.ENOENT, "x"),
        PermissionError(errno.EACCES, "x"),
        OSError(errno.ENOSPC, "x"),
        socket.gaierror(socket.EAI_NONAME, "x"),
        ssl.SSLCertVerificationError("x"),
        caused_by(httpx.ConnectError("x"), caused_by(OSError("y"), ssl.SSLCertVerificationError("z"))),
        httpx.UnsupportedProtocol("x"),
        httpx.LocalProtocolError("x"),
        httpx.TooManyRedirects("x"),
        httpx.InvalidURL("x"),
        answered(400),
        answered(401),
        answered(404),
        answered(301),
        ExceptionGroup("x", [TimeoutError(), ValueError()]),
        MemoryError(),
    ],
    ids=repr,
)
def test_everything_else_is_permanent(error: BaseException) -> None:
    assert classify(error, NOW) == PERMANENT


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta(0)),
        (" 1.5 ", timedelta(seconds=1.5)),
        ("Mon, 02 Mar 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Mon, 02 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("999999999999", timedelta(days=30)),
        ("soon", None),
        ("-3", None),
        ("", None),
        ("Mon, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, wait: timedelta | None) -> None:
    assert classify(answered(429, Retry_After=header), NOW) == Trouble(transient=True, retry_after=wait)
    assert classify(answered(404, Retry_After=header), NOW) == PERMANENT


def test_the_longest_wait_asked_for_in_a_group_counts() -> None:
    group = ExceptionGroup(
        "x", [answered(429, Retry_After="7"), TransientError("x", retry_after=timedelta(seconds=9))]
    )
    assert classify(group, NOW).retry_after == timedelta(seconds=9)


@given(header=st.text(max_size=60))
def test_no_retry_after_header_can_break_the_reading(header: str) -> None:
    error = answered(429)
    error.response.headers = httpx.Headers([(b"retry-after", header.encode())])
    wait = classify(error, NOW).retry_after
    assert wait is None or timedelta(0) <= wait <= timedelta(days=30)


def test_errors_are_told_apart_without_importing_an_http_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "httpx")
    assert classify(ValueError(), NOW) == PERMANENT
    assert "httpx" not in sys.modules


def test_waits_grow_by_the_factor_up_to_the_cap() -> None:
    retry = Retry(backoff=timedelta(seconds=2), factor=3, max_backoff=timedelta(seconds=20), jitter=0.5)
    waits = [wait_before(attempt, retry, lambda: 0.5).total_seconds() for attempt in (2, 3, 4, 5, 5_000)]
    assert waits == [2, 6, 18, 20, 20]


@given(
    attempt=st.integers(2, 10_000),
    random=st.floats(0, 1, exclude_max=True),
    jitter=st.floats(0, 1),
    factor=st.floats(1, 100),
)
def test_no_wait_leaves_the_jitter_round_the_cap(
    attempt: int, random: float, jitter: float, factor: float
) -> None:
    retry = Retry(factor=factor, jitter=jitter)
    wait = wait_before(attempt, retry, lambda: random).total_seconds()
    assert 2 * (1 - jitter) - 1e-5 <= wait <= 60 * (1 + jitter) + 1e-5


class Waits:
    """Stands in for waiting: notes how long it should be, and doesn't."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, stop: threading.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        return stop.is_set()


def waiting(waits: Waits) -> InlineExecutor:
    return InlineExecutor(StandingClock(), pause=waits, random=lambda: 0.5)


COUNTING = """
attempts = []

def run(context: WorkerContext) -> Output:
    attempts.append(1)
    if len(attempts) < {good}:
        raise {error}
    return Output(summary=f"attempt {{len(attempts)}}")
"""

SLOWLY = Retry(attempts=4, backoff=timedelta(seconds=2), factor=2, jitter=0.2)


def test_a_transient_error_is_tried_again_until_it_goes_well(bench: Bench) -> None:
    waits = Waits()
    worker = bench.worker(COUNTING.format(good=3, error="TimeoutError('slow')"), retry=SLOWLY, timeout=600)
    execution = bench.run(worker, waiting(waits))
    assert execution.ending is Ending.RETURNED
    assert execution.value["summary"] == "attempt 3"
    assert execution.attempts == 3
    assert waits.seconds == [2, 4]
    assert "attempt 1 of 4 failed (TimeoutError); trying again in 2.0 s" in execution.log
    assert "TimeoutError: slow" in execution.log


def test_after_the_last_attempt_the_run_has_failed_for_now(bench: Bench) -> None:
    waits = Waits()
    worker = bench.worker(COUNTING.format(good=99, error="ConnectionError('x')"), retry=SLOWLY, timeout=600)
    execution = bench.run(worker, waiting(waits))
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, True, 4)
    assert waits.seconds == [2, 4, 8]


def test_a_permanent_error_is_never_tried_again(bench: Bench) -> None:
    waits = Waits()
    worker = bench.worker(COUNTING.format(good=2, error="ValueError('x')"), retry=SLOWLY, timeout=600)
    execution = bench.run(worker, waiting(waits))
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, False, 1)
    assert waits.seconds == []


ASKING = """
def run(context: WorkerContext) -> Output:
    response = context.http.get({url!r})
    response.raise_for_status()
    return Output(summary=response.text)
"""

ASKING_ASYNC = """
async def run(context: WorkerContext) -> Output:
    response = await context.http_async.get({url!r})
    response.raise_for_status()
    return Output(summary=response.text)
"""


def host_of(server: HTTPServer) -> str:
    return f"{server.host}:{server.port}"


@pytest.mark.parametrize("code", [ASKING, ASKING_ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("status", "headers", "waited"),
    [(503, {}, 2.0), (429, {"Retry-After": "7"}, 7.0), (429, {"Retry-After": "1"}, 2.0)],
)
def test_a_real_busy_server_is_asked_again_after_the_wait_it_asks_for(
    bench: Bench, httpserver: HTTPServer, code: str, status: int, headers: dict[str, str], waited: float
) -> None:
    httpserver.expect_ordered_request("/").respond_with_response(Response("busy", status, headers))
    httpserver.expect_ordered_request("/").respond_with_data("hello")
    worker = bench.worker(code.format(url=httpserver.url_for("/")), retry=SLOWLY, timeout=600)
    waits = Waits()
    execution = bench.run(worker, waiting(waits), hosts=(host_of(httpserver),))
    assert execution.ending is Ending.RETURNED, execution.log
    assert execution.value["summary"] == "hello"
    assert (execution.attempts, waits.seconds) == (2, [waited])


def test_a_server_that_asks_for_longer_than_there_is_left_is_left_to_a_later_tick(
    bench: Bench, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/").respond_with_data("busy", status=429, headers={"Retry-After": "3600"})
    worker = bench.worker(ASKING.format(url=httpserver.url_for("/")), retry=SLOWLY, timeout=60)
    waits = Waits()
    execution = bench.run(worker, waiting(waits), hosts=(host_of(httpserver),))
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, True, 1)
    assert execution.retry_after == timedelta(hours=1)
    assert waits.seconds == []


def test_a_real_timeout_and_a_real_closed_port_are_transient(bench: Bench, httpserver: HTTPServer) -> None:
    release = threading.Event()

    def slow(request: Request) -> Response:
        release.wait(60)
        return Response("late")

    httpserver.expect_request("/").respond_with_handler(slow)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{unused.getsockname()[1]}"
        hosts = (host_of(httpserver), closed)
        asking = "context.http.get({!r}, timeout=__import__('httpx').Timeout(60, read=0.1))"
        for url, kind in ((httpserver.url_for("/"), "ReadTimeout"), (f"http://{closed}/", "ConnectError")):
            code = ASKING.format(url=url).replace(f"context.http.get({url!r})", asking.format(url))
            execution = bench.run(bench.worker(code, attempts=2), hosts=hosts)
            assert execution.error is not None
            assert (execution.error.kind, execution.transient, execution.attempts) == (kind, True, 2)
    release.set()


def test_the_timeout_covers_attempts_and_waits(bench: Bench) -> None:
    waits: list[float] = []

    def pause(stop: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        return stop.wait(seconds)

    retry = Retry(attempts=10_000, backoff=timedelta(milliseconds=40), factor=1, jitter=0)
    code = (
        "def run(context: WorkerContext) -> Output:\n    time.sleep(0.05)\n    raise TimeoutError('slow')\n"
    )
    for seconds in (1, 10, 60):  # more, if a busy machine let it come to no second attempt
        waits.clear()
        executor = InlineExecutor(StandingClock(), pause=pause)
        execution = bench.run(bench.worker(code, retry=retry, timeout=seconds), executor)
        if execution.attempts > 1:
            break
    assert execution.ending in (Ending.TIMED_OUT, Ending.RAISED)
    assert execution.transient
    assert execution.duration_s > 0.25
    assert 1 < execution.attempts <= 12 * seconds, "each takes 0.05 s and each wait 0.04 s"
    assert len(waits) <= execution.attempts


def test_a_wait_ends_at_once_when_loom_is_told_to_stop(bench: Bench) -> None:
    pausing = threading.Event()

    def pause(stop: threading.Event, seconds: float) -> bool:
        pausing.set()
        return stop.wait(seconds)

    retry = Retry(attempts=3, backoff=timedelta(seconds=50), max_backoff=timedelta(seconds=50), jitter=0)
    worker = bench.worker(COUNTING.format(good=99, error="TimeoutError('x')"), retry=retry, timeout=600)
    with InlineExecutor(StandingClock(), pause=pause) as executor:
        executor.submit(bench.assignment(worker))
        assert pausing.wait(60)
        executor.cancel("interrupted")
        ((_, execution),) = executor.wait(60)
    assert (execution.ending, execution.transient, execution.attempts) == (Ending.RAISED, True, 1)


def test_what_another_worker_is_just_importing_makes_no_trouble_permanent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for half_imported in ("ssl", "httpx"):
        monkeypatch.setitem(sys.modules, half_imported, ModuleType(half_imported))
    assert classify(TransientError("502"), NOW) == TRANSIENT
    assert classify(ConnectionResetError(), NOW) == TRANSIENT
    assert classify(ValueError(), NOW) == PERMANENT
