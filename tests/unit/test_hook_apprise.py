"""Apprise: one URL reaches a service, what it says comes back as a reason, and its secrets stay inside."""

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.alerts.apprise_hook import AppriseHook, body, separate, title
from loom.alerts.build import build
from loom.domain.alert import Alert, Event
from loom.domain.registry import HookSettings
from loom.domain.run import Outcome, RunError
from loom.errors import DeliveryFailed
from loom.ports import AlertHook

# Apprise looks for a module that Python 3.13 drops, to put another in its place.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
DOWN = Alert(
    event=Event.WORKER_DOWN,
    summary="Sentinel (relationship-sentinel): the run of Sat 21 Nov 06:00 CST failed: échec",
    at=AT,
    worker="relationship-sentinel",
    agent="Sentinel",
    outcome=Outcome.FAILED,
    error=RunError("ConnectError", "refused", "workers/relationship_sentinel.py:40"),
    run_id="0193-run",
    run_url="https://github.com/acme/robots/actions/runs/7",
)


class Mailbox:
    """Keeps what an SMTP server is given. refuses: what it answers to every recipient instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses: str | None = None

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses is not None:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mailbox, str]]:
    """A mailbox, and the Apprise URL by which it is reached."""
    # Both sides of SMTP introduce themselves, and would ask a resolver for this machine's name.
    monkeypatch.setattr(socket, "getfqdn", lambda: "robots.invalid")
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, f"mailto://127.0.0.1:{port}?from=loom@robots.example&to=ops@acme.example"
    finally:
        controller.stop()


def posted(server: HTTPServer, path: str) -> list[dict[str, Any]]:
    """What arrives at `path` as Apprise's JSON."""
    bodies: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        bodies.append(json.loads(request.get_data()))
        return Response(status=200)

    server.expect_request(path, method="POST").respond_with_handler(take)
    return bodies


def json_url(server: HTTPServer, path: str) -> str:
    return server.url_for(path).replace("http://", "json://").replace("localhost", "127.0.0.1")


def built(
    tmp_path: Path, options: dict[str, Any], env: dict[str, str] | None = None
) -> tuple[AlertHook, ...]:
    return build([HookSettings("apprise", options)], env=env or {}, project=tmp_path, stderr=sys.stderr)


def test_an_alert_becomes_a_mail(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    AppriseHook(url).deliver(DOWN)
    (mail,) = box.mails
    assert mail["Subject"] == "Loom worker.down: Sentinel (relationship-sentinel)"
    assert "ops@acme.example" in mail["To"]
    assert "loom@robots.example" in mail["From"]
    part = mail.get_body(("plain", "html"))
    assert part is not None
    text = part.get_content()
    assert "the run of Sat 21 Nov 06:00 CST failed: échec" in text
    assert "ConnectError: refused at workers/relationship_sentinel.py:40" in text
    assert "run 0193-run" in text
    assert "https://github.com/acme/robots/actions/runs/7" in text


def test_a_workers_text_is_no_markup_in_a_mail_and_no_header(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    nasty = "<script>alert(1)</script>\r\nBcc: all@acme.example"
    AppriseHook(url + "&format=html").deliver(replace(DOWN, agent=nasty, summary=nasty))
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert "Bcc: all@acme.example" in mail["Subject"]
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_a_mail_server_that_refuses_is_quoted(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    box.refuses = "550 no such user"
    with pytest.raises(DeliveryFailed, match=r"^mailto://… didn't take it: \w+ .*\w") as caught:
        AppriseHook(url).deliver(DOWN)
    assert box.mails == []
    assert "acme.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("event", "tone"),
    [
        (Event.WORKER_DOWN, "failure"),
        (Event.WORKER_FAILING, "warning"),
        (Event.WORKER_RECOVERED, "success"),
        (Event.TICK_RESUMED, "success"),
        (Event.REGISTRY_BROKEN, "failure"),
    ],
)
def test_a_service_gets_title_body_and_how_bad_it_is(httpserver: HTTPServer, event: Event, tone: str) -> None:
    bodies = posted(httpserver, "/in")
    alert = replace(DOWN, event=event)
    AppriseHook(json_url(httpserver, "/in")).deliver(alert)
    (arrived,) = bodies
    assert (arrived["title"], arrived["message"], arrived["type"]) == (title(alert), body(alert), tone)


def test_the_error_is_not_said_twice() -> None:
    alert = replace(DOWN, summary="it failed: ConnectError: refused; gave up")
    assert body(alert).splitlines()[:2] == [alert.summary, "at workers/relationship_sentinel.py:40"]


def test_a_workers_text_rings_nobody(httpserver: HTTPServer) -> None:
    bodies = posted(httpserver, "/in")
    summary = "@everyone <!channel> <@U024BE7LH> @here; write to ops@acme.example"
    AppriseHook(json_url(httpserver, "/in")).deliver(replace(DOWN, summary=summary, agent="@all"))
    (arrived,) = bodies
    assert "@ everyone < !channel> < @ U024BE7LH> @ here; write to ops@acme.example" in arrived["message"]
    assert "@all" not in arrived["title"]


def test_a_huge_alert_is_cut(httpserver: HTTPServer) -> None:
    bodies = posted(httpserver, "/in")
    huge = "é\x01" * 1_000_000
    alert = replace(DOWN, summary=huge, agent=huge, error=RunError(huge, huge, huge), run_url=huge)
    AppriseHook(json_url(httpserver, "/in")).deliver(alert)
    (arrived,) = bodies
    assert len(arrived["title"]) <= 120
    assert len(arrived["message"]) <= 2_500


def test_no_part_of_the_url_is_in_a_reason_or_a_log(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    secret = "/services/T0SECRET/x9Kq%20SECRET"  # noqa: S105  made up
    httpserver.expect_request("/services/T0SECRET/x9Kq SECRET").respond_with_data("T0SECRET", status=404)
    url = json_url(httpserver, "/").replace("://", "://user:pa55word@").rstrip("/") + secret
    with pytest.raises(DeliveryFailed, match=r"^json://… didn't take it: .*404") as caught:
        AppriseHook(url).deliver(DOWN)
    # The test's own server logs what it is asked; that isn't Loom's log.
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    for text in (str(caught.value), logged, *capfd.readouterr()):
        assert not any(part in text for part in ("T0SECRET", "x9Kq", "pa55word", "user:"))
    assert logging.getLogger("apprise").filters == []


def test_what_others_do_with_apprise_is_logged_as_ever(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    inside, outside = threading.Event(), threading.Event()

    def hold(_: Request) -> Response:
        inside.set()
        outside.wait(60)
        return Response(status=500)

    httpserver.expect_request("/in").respond_with_handler(hold)
    raised: list[str] = []

    def deliver() -> None:
        try:
            AppriseHook(json_url(httpserver, "/in")).deliver(DOWN)
        except DeliveryFailed as error:
            raised.append(str(error))

    thread = threading.Thread(target=deliver)
    thread.start()
    assert inside.wait(60)
    logging.getLogger("apprise").warning("a worker's own")
    outside.set()
    thread.join()
    assert [r.getMessage() for r in caplog.records if r.name == "apprise"] == ["a worker's own"]
    assert "a worker's own" not in raised[0]


@pytest.mark.parametrize(
    "url",
    ["T0SECRET", "nosuchservice://T0SECRET/x", "slack://T0SECRET", "json://", "mailto://T0SECRET", "://"],
)
def test_what_is_no_usable_url_is_said_without_showing_it(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeliveryFailed, match=r"… isn't taken by Apprise.*expected a URL such as") as caught:
        AppriseHook(url).deliver(DOWN)
    assert "T0SECRET" not in str(caught.value)
    assert "T0SECRET" not in caplog.text


def test_a_service_that_never_answers_is_given_up_in_time(httpserver: HTTPServer) -> None:
    release = threading.Event()

    def hang(_: Request) -> Response:
        release.wait(60)
        return Response(status=200)

    httpserver.expect_request("/stuck").respond_with_handler(hang)
    started = time.monotonic()
    try:
        with pytest.raises(DeliveryFailed, match=r"json://… hadn't taken it within 0\.3 s"):
            AppriseHook(json_url(httpserver, "/stuck"), timeout=0.3).deliver(DOWN)
        assert time.monotonic() - started < 30
    finally:
        release.set()


@pytest.mark.parametrize("between", [" ", "\n", ",", ", ", ";\r\n  "])
def test_urls_stand_one_after_another(between: str) -> None:
    urls = ("mailto://a:b@c.example?to=x@y.example,z@y.example", "slack://T/B/x", "json://host/p?a=1;2")
    assert separate(f" {between.join(urls)}\n") == urls


def test_each_url_is_a_hook_of_its_own_so_that_one_failure_repeats_only_itself(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    bodies = posted(httpserver, "/in")
    urls = f"{json_url(httpserver, '/in')}, {json_url(httpserver, '/gone')}"
    one, two = built(tmp_path, {"url_env": "LOOM_ALERT_URLS"}, {"LOOM_ALERT_URLS": urls})
    assert (one.name, two.name) == ("apprise", "apprise 2")
    one.deliver(DOWN)
    assert len(bodies) == 1
    with pytest.raises(DeliveryFailed):
        two.deliver(DOWN)


def test_events_and_timeout_of_the_entry_hold_for_each_url(tmp_path: Path) -> None:
    options = {"url": "json://127.0.0.1:9/a json://127.0.0.1:9/b", "events": ["worker.down"], "timeout": 3.0}
    for hook in built(tmp_path, options):
        assert [event for event in Event if hook.wants(event)] == [Event.WORKER_DOWN]


@pytest.mark.parametrize("env", [{}, {"LOOM_ALERT_URLS": " \n"}])
def test_without_its_url_it_fails_every_alert_unless_it_is_optional(
    tmp_path: Path, env: dict[str, str]
) -> None:
    (hook,) = built(tmp_path, {"url_env": "LOOM_ALERT_URLS"}, env)
    assert all(hook.wants(event) for event in Event)
    with pytest.raises(DeliveryFailed, match="LOOM_ALERT_URLS is not set; set it, or change alerts:"):
        hook.deliver(DOWN)
    (optional,) = built(tmp_path, {"url_env": "LOOM_ALERT_URLS", "optional": True}, env)
    assert not any(optional.wants(event) for event in Event)


def test_without_the_package_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (hook,) = built(tmp_path, {"url": "json://127.0.0.1:9/x", "optional": True})
    assert hook.wants(Event.WORKER_DOWN)
    with pytest.raises(DeliveryFailed, match=r"pip install 'loom-runner\[apprise\]'"):
        hook.deliver(DOWN)
    with pytest.raises(DeliveryFailed, match=r"pip install 'loom-runner\[apprise\]'"):
        AppriseHook("json://127.0.0.1:9/x").deliver(DOWN)


def test_nothing_is_written_to_the_home_folder(httpserver: HTTPServer) -> None:
    posted(httpserver, "/in")
    before = sorted(Path.home().rglob("*"))
    AppriseHook(json_url(httpserver, "/in")).deliver(DOWN)
    assert sorted(Path.home().rglob("*")) == before
