"""The heartbeat: what a monitor outside hears of a tick, and what a tick doesn't suffer from it."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom import __version__
from loom.clock import ManualClock
from loom.domain.alert import Alert, Delivery, DeliveryState, Event
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.domain.tick import Tick, TickReport
from loom.errors import ExitCode, LedgerError
from loom.heartbeat import LOG_LIMIT, Heartbeat, beating, log_of

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
PATH = "/ping/0c8983c9-secret"


class Waits:
    """Stands for the waits between tries: notes them and moves the clock instead of sleeping."""

    def __init__(self) -> None:
        self.clock = ManualClock(AT)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))


def heartbeat(server: HTTPServer, path: str = PATH) -> Heartbeat:
    waits = Waits()
    return Heartbeat(server.url_for(path), clock=waits.clock, sleep=waits.sleep)


def heard(server: HTTPServer, *statuses: int) -> list[Request]:
    """The server gives these answers in turn, then 200s; returns the requests as they come in."""
    seen: list[Request] = []
    left = iter(statuses)

    def answer(request: Request) -> Response:
        request.get_data(cache=True)
        seen.append(request)
        return Response(status=next(left, 200))

    server.expect_request("").respond_with_handler(answer)
    return seen


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}{PATH}", server


def test_a_tick_that_goes_well_is_heard_to_start_and_to_succeed(httpserver: HTTPServer) -> None:
    seen = heard(httpserver)
    beat = heartbeat(httpserver)
    assert beat.start() is None
    assert beat.end(0, "succeeded echo") is None
    assert [(each.method, each.path) for each in seen] == [("POST", f"{PATH}/start"), ("POST", PATH)]
    assert seen[0].get_data() == b""
    assert seen[1].get_data() == b"exit code 0\nsucceeded echo"
    assert seen[1].headers["User-Agent"] == f"loom/{__version__}"


@pytest.mark.parametrize("code", [1, 3, 4, 70, 143])
def test_a_tick_that_ends_badly_is_heard_to_fail_with_its_exit_code(
    httpserver: HTTPServer, code: int
) -> None:
    seen = heard(httpserver)
    assert heartbeat(httpserver).end(code, "failed echo") is None
    assert [each.path for each in seen] == [f"{PATH}/fail"]
    assert seen[0].get_data() == f"exit code {code}\nfailed echo".encode()


def test_of_a_long_log_the_end_is_sent_whole_characters_only(httpserver: HTTPServer) -> None:
    seen = heard(httpserver)
    assert heartbeat(httpserver).end(1, "é" * 20_000 + "\nthe end") is None
    body = seen[0].get_data()
    assert len(body) <= LOG_LIMIT
    assert body.startswith(b"exit code 1\n")
    assert set(body.decode().removeprefix("exit code 1\n").removesuffix("\nthe end")) == {"é"}


def test_a_query_and_a_closing_slash_stay_in_their_place(httpserver: HTTPServer) -> None:
    seen = heard(httpserver)
    assert heartbeat(httpserver, f"{PATH}/?key=k1").start() is None
    assert (seen[0].path, seen[0].query_string) == (f"{PATH}/start", b"key=k1")


def test_a_passing_failure_is_tried_once_more(httpserver: HTTPServer) -> None:
    seen = heard(httpserver, 503)
    waits = Waits()
    beat = Heartbeat(httpserver.url_for(PATH), clock=waits.clock, sleep=waits.sleep)
    assert beat.start() is None
    assert len(seen) == 2
    assert waits.slept == [0.0, 0.5]


@pytest.mark.parametrize(("statuses", "tries"), [((404,), 1), ((500, 502), 2), ((429, 429), 2), ((302,), 1)])
def test_a_refusal_is_a_note_that_names_the_host_and_never_the_address(
    httpserver: HTTPServer, statuses: tuple[int, ...], tries: int
) -> None:
    seen = heard(httpserver, *statuses)
    note = heartbeat(httpserver).end(0)
    host = f"http://{httpserver.host}:{httpserver.port}"
    assert note == f"the heartbeat wasn't heard: {host}/… answered {statuses[-1]}"
    assert len(seen) == tries


def test_a_monitor_that_never_answers_costs_no_more_than_the_timeout() -> None:
    with listening() as (url, _):
        began = time.monotonic()
        note = Heartbeat(url, timeout=0.3).start()
        took = time.monotonic() - began
    assert took < 30
    assert note is not None
    assert "hadn't answered after 0.3 s" in note
    assert "secret" not in note


def test_a_monitor_that_answers_drop_by_drop_costs_no_more_than_the_timeout() -> None:
    with listening() as (url, server):
        stop = threading.Event()

        def drip() -> None:
            # Nobody may come, on a busy machine, and whoever came may have gone.
            while not stop.is_set():
                with suppress(OSError), server.accept()[0] as connection:
                    while not stop.wait(0.05):
                        connection.sendall(b"H")

        server.settimeout(0.2)
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        note = Heartbeat(url, timeout=0.4).end(0)
        took = time.monotonic() - began
        stop.set()
        thread.join(60)
    assert took < 30
    assert note is not None


def test_a_monitor_that_is_not_there_is_a_note() -> None:
    with listening() as (url, _):
        pass
    waits = Waits()
    note = Heartbeat(url, clock=waits.clock, sleep=waits.sleep).start()
    assert note is not None
    assert "can't be reached (ConnectError)" in note
    assert "secret" not in note


@pytest.mark.parametrize(
    "url", ["", "hc-ping.example/secret", "ftp://host/secret", "http://[secret", "http://host:port/secret"]
)
def test_a_url_that_is_no_web_address_is_a_note_that_does_not_show_it(url: str) -> None:
    note = Heartbeat(url).start()
    assert note is not None
    assert "isn't a web address" in note
    assert "secret" not in note


def test_no_log_gets_to_see_the_address(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    heard(httpserver)
    with caplog.at_level(logging.DEBUG):
        assert heartbeat(httpserver).start() is None
    own = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert own, "nothing was logged, so nothing was looked at"
    assert not [line for line in own if "secret" in line]


def test_what_a_ping_tells_is_outcomes_and_troubles_and_no_output() -> None:
    def run(worker: str, outcome: Outcome, error: RunError | None = None) -> Run:
        return Run(
            run_id=worker,
            worker=worker,
            agent=None,
            slot=AT,
            trigger=Trigger.SCHEDULE,
            outcome=outcome,
            error=error,
            output={"summary": "a name"},
            log="a line of the worker's log",
            tick_at=AT,
        )

    failed = Delivery(
        id="d",
        alert=Alert(event=Event.WORKER_DOWN, summary="", at=AT),
        hook="webhook",
        episode="e",
        state=DeliveryState.FAILED,
        error="refused",
        changed_at=AT,
    )
    tick = Tick(id="t", at=AT, trigger="schedule")
    report = TickReport(
        tick=tick,
        runs=(
            run("echo", Outcome.SUCCEEDED),
            run("scout", Outcome.FAILED, RunError("ValueError", "no\nsuch thing")),
        ),
        problems=("worker-registry.yaml:3: a mistake",),
        deliveries=(failed,),
    )
    assert log_of(report).splitlines() == [
        "succeeded echo slot 2026-11-21T13:07:00+00:00",
        "failed scout slot 2026-11-21T13:07:00+00:00 ValueError: no such thing",
        "! worker-registry.yaml:3: a mistake",
        "! alert worker.down by webhook: failed",
    ]
    assert log_of(TickReport(tick=tick)) == "nothing was due"


def test_a_tick_is_told_from_its_start_to_its_end_and_is_not_changed_by_it(httpserver: HTTPServer) -> None:
    seen = heard(httpserver)
    report = TickReport(tick=Tick(id="t", at=AT, trigger="schedule"), exit_code=ExitCode.BAD_RUN)

    def tick() -> TickReport:
        assert [each.path for each in seen] == [f"{PATH}/start"]
        return report

    assert beating(heartbeat(httpserver), tick) == report
    assert [each.path for each in seen[1:]] == [f"{PATH}/fail"]
    assert seen[1].get_data() == b"exit code 1\nnothing was due"


def test_a_heartbeat_that_nobody_hears_is_one_note_and_changes_no_exit_code(httpserver: HTTPServer) -> None:
    heard(httpserver, 404, 404)
    report = TickReport(tick=Tick(id="t", at=AT, trigger="schedule"), notes=("a note",))
    told = beating(heartbeat(httpserver), lambda: report)
    assert told.exit_code is ExitCode.OK
    assert told.notes[0] == "a note"
    assert len(told.notes) == 2
    assert "answered 404" in told.notes[1]


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (LedgerError("ledger.db is damaged"), "exit code 3\nledger.db is damaged"),
        (KeyError("a secret"), "exit code 70\nKeyError"),
        (KeyboardInterrupt(), "exit code 130\nKeyboardInterrupt"),
        (SystemExit(143), "exit code 143\nSystemExit"),
    ],
)
def test_a_tick_that_breaks_off_is_heard_to_fail(
    httpserver: HTTPServer, error: BaseException, body: str
) -> None:
    seen = heard(httpserver)

    def tick() -> TickReport:
        raise error

    with pytest.raises(type(error)):
        beating(heartbeat(httpserver), tick)
    assert [each.path for each in seen] == [f"{PATH}/start", f"{PATH}/fail"]
    assert seen[1].get_data().decode() == body
