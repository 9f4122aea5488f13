"""The webhook: what is posted, what is tried again, what is never shown."""

import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom import __version__
from loom.alerts.webhook import WebhookHook
from loom.clock import ManualClock
from loom.domain.alert import Alert, Event
from loom.errors import DeliveryFailed

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
ALERT = Alert(event=Event.WORKER_DOWN, summary="échec", at=AT, worker="echo")
SECRET_PATH = "/services/T0SECRET/B0SECRET/x9Kq"  # noqa: S105  made up
KEY = "signing-key"


class Waits:
    """Stands for the waits between tries: notes them and moves the clock instead of sleeping."""

    def __init__(self) -> None:
        self.clock = ManualClock(AT)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))


def hook(url: str, waits: Waits, *, secret: str | None = None, timeout: float = 10.0) -> WebhookHook:
    return WebhookHook(url, secret=secret, timeout=timeout, clock=waits.clock, sleep=waits.sleep)


def answers(server: HTTPServer, *responses: Response) -> list[Request]:
    """The server gives these answers in turn; returns the requests as they come in."""
    seen: list[Request] = []
    left = iter(responses)

    def answer(request: Request) -> Response:
        request.get_data(cache=True)
        seen.append(request)
        return next(left)

    server.expect_request(SECRET_PATH).respond_with_handler(answer)
    return seen


def test_the_request_says_what_it_is_and_is_signed(httpserver: HTTPServer) -> None:
    seen = answers(httpserver, Response(status=200))
    hook(httpserver.url_for(SECRET_PATH), Waits(), secret=KEY).deliver(ALERT)
    (request,) = seen
    body = request.get_data()
    assert request.method == "POST"
    assert json.loads(body) == ALERT.payload()
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"loom/{__version__}"
    digest = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    assert request.headers["X-Loom-Signature-256"] == f"sha256={digest}"


def test_without_a_secret_there_is_no_signature(httpserver: HTTPServer) -> None:
    seen = answers(httpserver, Response(status=200))
    hook(httpserver.url_for(SECRET_PATH), Waits()).deliver(ALERT)
    assert "X-Loom-Signature-256" not in seen[0].headers


def test_every_try_of_an_alert_carries_one_delivery_id_and_another_alert_another(
    httpserver: HTTPServer,
) -> None:
    seen = answers(httpserver, Response(status=503), *[Response(status=200)] * 3)
    sender = hook(httpserver.url_for(SECRET_PATH), Waits())
    sender.deliver(ALERT)
    sender.deliver(ALERT)
    sender.deliver(replace(ALERT, at=AT + timedelta(hours=24)))
    ids = [request.headers["X-Loom-Delivery"] for request in seen]
    assert ids[0] == ids[1] == ids[2] != ids[3]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_trouble_is_tried_three_times_with_growing_waits(httpserver: HTTPServer, status: int) -> None:
    seen = answers(httpserver, *[Response("busy", status=status)] * 3)
    waits = Waits()
    with pytest.raises(DeliveryFailed, match=f"answered {status}: busy"):
        hook(httpserver.url_for(SECRET_PATH), waits).deliver(ALERT)
    assert len(seen) == 3
    assert waits.slept == [0.5, 1.0]


def test_it_waits_as_long_as_the_receiver_asks(httpserver: HTTPServer) -> None:
    answers(httpserver, Response(status=429, headers={"Retry-After": "4"}), Response(status=200))
    waits = Waits()
    hook(httpserver.url_for(SECRET_PATH), waits).deliver(ALERT)
    assert waits.slept == [4.0]


def test_a_wait_beyond_the_time_for_the_delivery_gives_up_at_once(httpserver: HTTPServer) -> None:
    seen = answers(httpserver, Response(status=429, headers={"Retry-After": "3600"}))
    waits = Waits()
    with pytest.raises(DeliveryFailed, match="answered 429"):
        hook(httpserver.url_for(SECRET_PATH), waits).deliver(ALERT)
    assert len(seen) == 1
    assert waits.slept == []


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_a_refusal_is_final(httpserver: HTTPServer, status: int) -> None:
    seen = answers(httpserver, Response("x" * 5000, status=status))
    with pytest.raises(DeliveryFailed) as caught:
        hook(httpserver.url_for(SECRET_PATH), Waits()).deliver(ALERT)
    assert len(seen) == 1
    assert f"answered {status}" in str(caught.value)
    assert str(caught.value).count("x") <= 200


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    elsewhere: list[Request] = []

    def follow(request: Request) -> Response:
        elsewhere.append(request)
        return Response(status=200)

    httpserver.expect_request("/elsewhere").respond_with_handler(follow)
    answers(httpserver, Response(status=307, headers={"Location": httpserver.url_for("/elsewhere")}))
    with pytest.raises(DeliveryFailed, match=r"307, a redirect, which isn't followed"):
        hook(httpserver.url_for(SECRET_PATH), Waits()).deliver(ALERT)
    assert elsewhere == []


def test_a_refused_connection_is_tried_again_and_then_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}{SECRET_PATH}"
        waits = Waits()
        with pytest.raises(DeliveryFailed, match=r"can't be reached: .*refused") as caught:
            hook(url, waits).deliver(ALERT)
    assert waits.slept == [0.5, 1.0]
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example/T0SECRET", "ftp://hooks.example/T0SECRET", "https://[T0SECRET", "http://\x00SECRET"],
)
def test_what_is_no_web_address_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(DeliveryFailed, match="isn't a web address") as caught:
        hook(url, Waits()).deliver(ALERT)
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_echo_of_the_address_is_blanked_in_the_reason_and_in_every_log(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"{SECRET_PATH}?token=S3CRET%20TOKEN"
    echo = f"Cannot POST {path} (T0SECRET, S3CRET TOKEN, user:pa55word)\x1b[31m"
    answers(httpserver, Response(echo, status=404))
    address = f"http://user:pa55word@{httpserver.host}:{httpserver.port}{path}"
    with pytest.raises(DeliveryFailed, match="Cannot POST") as caught:
        hook(address, Waits(), secret=KEY).deliver(ALERT)
    text = str(caught.value)
    assert f"http://{httpserver.host}:{httpserver.port}/…" in text
    assert text.isprintable()
    # The test's own server logs what it is asked; that isn't Loom's log.
    logged = "".join(r.getMessage() for r in caplog.records if r.name != "werkzeug")
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    for secret in ("T0SECRET", "B0SECRET", "S3CRET", "pa55word", "x9Kq", KEY):
        assert secret not in text
        assert secret not in logged


def test_a_timeout_is_not_tried_again(httpserver: HTTPServer) -> None:
    release = threading.Event()

    def hang(_: Request) -> Response:
        release.wait(60)
        return Response(status=200)

    httpserver.expect_request(SECRET_PATH).respond_with_handler(hang)
    waits = Waits()
    try:
        with pytest.raises(DeliveryFailed, match=r"no answer from http://.*/… within 0\.2 s"):
            hook(httpserver.url_for(SECRET_PATH), waits, timeout=0.2).deliver(ALERT)
    finally:
        release.set()
    assert waits.slept == []


@contextmanager
def dripping_server() -> Iterator[str]:
    """Sends one byte of an endless header every 50 ms: no single read ever times out."""
    done = threading.Event()

    def drip(listener: socket.socket) -> None:
        with listener, suppress(OSError), listener.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not done.wait(0.05):
                connection.sendall(b"x")

    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)  # on a busy machine the other side may give up before it is here
    port = listener.getsockname()[1]
    thread = threading.Thread(target=drip, args=[listener])
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        done.set()
        thread.join()


def test_a_receiver_that_drips_is_given_up_in_time() -> None:
    with dripping_server() as url, pytest.raises(DeliveryFailed, match="no answer"):
        WebhookHook(url, timeout=0.4).deliver(ALERT)
