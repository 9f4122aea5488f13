"""What every alert hook promises, held against its real receiver."""

import io
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.alerts.apprise_hook import AppriseHook
from loom.alerts.command import CommandHook
from loom.alerts.file import FileHook
from loom.alerts.github_issue import GithubIssueHook
from loom.alerts.github_issue_repository import Repository
from loom.alerts.memory import MemoryHook
from loom.alerts.stderr import StderrHook
from loom.alerts.webhook import WebhookHook
from loom.clock import ManualClock
from loom.domain.alert import Alert, Event
from loom.domain.run import Outcome, RunError
from loom.errors import DeliveryFailed
from loom.ports import AlertHook
from tests.unit.github_stand_in import TOKEN, GithubStandIn

# Apprise looks for a module that Python 3.13 drops, to put another in its place.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
ALERT = Alert(
    event=Event.WORKER_DOWN,
    summary="Sentinel (relationship-sentinel): the run of Sat 21 Nov 06:00 CST failed",
    at=AT,
    worker="relationship-sentinel",
    agent="Sentinel",
    slot=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    outcome=Outcome.FAILED,
    error=RunError("ConnectError", "refused", "workers/relationship_sentinel.py:40"),
    run_id="0193-run",
    run_url="https://ci.example/run/7",
    consecutive_failures=2,
    episode="0193-episode",
    opened_at=AT,
)
BOUND = 0.5


@dataclass(frozen=True)
class Receiver:
    """hook: delivers here. received: what has arrived, read back from where it really arrived: the payload,
    or what a person reads there, as {'line': ...} if it is one line, {'text': ...} if it may be several.
    broken: its receiver refuses. stuck: its receiver never answers; None if it can't hang."""

    hook: AlertHook
    received: Callable[[], Sequence[dict[str, Any]]]
    broken: AlertHook
    stuck: AlertHook | None


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_webhook(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    bodies: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        bodies.append(json.loads(request.get_data()))
        return Response(status=204)

    def hang(_: Request) -> Response:
        released.wait(60)
        return Response(status=204)

    server.expect_request("/taken", method="POST").respond_with_handler(take)
    server.expect_request("/refused").respond_with_data("no such channel", status=404)
    server.expect_request("/stuck").respond_with_handler(hang)
    return Receiver(
        hook=WebhookHook(server.url_for("/taken")),
        received=lambda: bodies,
        broken=WebhookHook(server.url_for("/refused")),
        stuck=WebhookHook(server.url_for("/stuck"), timeout=BOUND),
    )


def by_command(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    keep = tmp_path / "keep.sh"
    keep.write_text("#!/bin/sh\ncat >> kept.jsonl\necho >> kept.jsonl\n", encoding="utf-8")
    keep.chmod(0o755)
    env = {"PATH": os.environ["PATH"]}
    return Receiver(
        hook=CommandHook(["./keep.sh"], cwd=tmp_path, env=env),
        received=lambda: lines(tmp_path / "kept.jsonl"),
        broken=CommandHook(["sh", "-c", "echo no such channel >&2; exit 3"], cwd=tmp_path, env=env),
        stuck=CommandHook(["sleep", "60"], cwd=tmp_path, env=env, timeout=BOUND),
    )


def by_file(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    path = tmp_path / "new" / "folder" / "alerts.jsonl"
    os.mkfifo(tmp_path / "nobody-reads")
    return Receiver(
        hook=FileHook(path),
        received=lambda: lines(path),
        broken=FileHook(tmp_path),
        stuck=FileHook(tmp_path / "nobody-reads"),
    )


def by_stderr(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    stream = io.StringIO()
    closed = io.StringIO()
    closed.close()
    return Receiver(
        hook=StderrHook(stream),
        received=lambda: [{"line": line} for line in stream.getvalue().splitlines()],
        broken=StderrHook(closed),
        stuck=None,
    )


def by_memory(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    hook = MemoryHook()
    return Receiver(
        hook=hook,
        received=lambda: [alert.payload() for alert in hook.delivered],
        broken=MemoryHook(fail_with="no such channel"),
        stuck=None,
    )


def by_github_issue(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    github = GithubStandIn(server, AT)

    def hang(_: Request) -> Response:
        released.wait(60)
        return Response(status=204)

    def hook(repository: str, *, api: str = github.url, timeout: float = 20.0) -> GithubIssueHook:
        where = Repository(api=api, name=repository, token=TOKEN, token_env="TOKEN")  # noqa: S106  a name
        return GithubIssueHook(where, timeout=timeout, sleep=lambda _: None)

    def received() -> list[dict[str, Any]]:
        said = [text for issue in github.issues for text in github.said(issue["number"])]
        return [{"text": text.partition("Loom opened this issue")[0]} for text in said]

    server.expect_request(re.compile("^/stuck/")).respond_with_handler(hang)
    return Receiver(
        hook=hook("acme/robots"),
        received=received,
        broken=hook("acme/no-such-repository"),
        stuck=hook("acme/robots", api=server.url_for("/stuck"), timeout=BOUND),
    )


def by_apprise(tmp_path: Path, server: HTTPServer, released: threading.Event) -> Receiver:
    texts: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        arrived = json.loads(request.get_data())
        texts.append({"text": f"{arrived['title']}\n{arrived['message']}"})
        return Response(status=200)

    def hang(_: Request) -> Response:
        released.wait(60)
        return Response(status=200)

    server.expect_request("/taken", method="POST").respond_with_handler(take)
    server.expect_request("/stuck").respond_with_handler(hang)
    address = f"json://127.0.0.1:{server.port}"
    return Receiver(
        hook=AppriseHook(f"{address}/taken"),
        received=lambda: texts,
        broken=AppriseHook(f"{address}/refused"),
        stuck=AppriseHook(f"{address}/stuck", timeout=BOUND),
    )


def words(arrived: dict[str, Any]) -> str:
    """What a person reads, however its lines are broken."""
    return " ".join(arrived["text"].split())


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set once nobody waits any more for an answer that never comes."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(params=[by_webhook, by_command, by_file, by_stderr, by_memory, by_github_issue, by_apprise])
def receiver(
    request: pytest.FixtureRequest, tmp_path: Path, httpserver: HTTPServer, released: threading.Event
) -> Receiver:
    made: Receiver = request.param(tmp_path, httpserver, released)
    return made


def test_the_whole_alert_arrives(receiver: Receiver) -> None:
    receiver.hook.deliver(ALERT)
    (arrived,) = receiver.received()
    if "line" in arrived:
        assert arrived["line"] == (
            "ALERT worker.down: Sentinel (relationship-sentinel): the run of Sat 21 Nov 06:00 CST failed "
            "at workers/relationship_sentinel.py:40 [run 0193-run] https://ci.example/run/7"
        )
    elif "text" in arrived:
        assert ALERT.error is not None
        where, run, url = str(ALERT.error.where), str(ALERT.run_id), str(ALERT.run_url)
        parts = [ALERT.event.value, "Sentinel", "relationship-sentinel", ALERT.summary, "refused"]
        for part in (*parts, ALERT.error.kind, where, run, url):
            assert part in words(arrived)
    else:
        assert arrived == ALERT.payload()


def test_alerts_arrive_one_by_one_and_in_order(receiver: Receiver) -> None:
    for number in range(3):
        receiver.hook.deliver(replace(ALERT, summary=f"number {number}"))
    arrived = receiver.received()
    assert len(arrived) == 3
    assert all(f"number {number}" in json.dumps(each) for number, each in enumerate(arrived))


@pytest.mark.parametrize(
    "text",
    [
        "Zażółć gęślą jaźń · 接続できません",
        "\x1b[2J\x00\u202e\u2028 \r\nALERT forged",
        "lone \ud800 surrogate",
    ],
)
def test_any_text_is_delivered_as_one_alert(receiver: Receiver, text: str) -> None:
    receiver.hook.deliver(replace(ALERT, summary=text))
    (arrived,) = receiver.received()
    if "line" in arrived:
        assert arrived["line"].isprintable()
    elif "text" in arrived:
        assert all(line.isprintable() for line in arrived["text"].split("\n"))
        assert text.split()[0].strip("\x1b\x00\u202e") in words(arrived)
    else:
        sent = text if isinstance(receiver.hook, MemoryHook) else text.replace("\ud800", "?")
        assert arrived["summary"] == sent


def test_a_huge_alert_is_cut_and_delivered(receiver: Receiver) -> None:
    huge = replace(ALERT, summary="é" * 3_000_000, error=RunError("ValueError", "\x01" * 3_000_000))
    receiver.hook.deliver(huge)
    (arrived,) = receiver.received()
    if isinstance(receiver.hook, MemoryHook):
        return
    assert len(json.dumps(arrived, ensure_ascii=False).encode()) <= 64 * 1024
    if "summary" in arrived:
        assert arrived["summary"].endswith("characters more)")
        assert arrived["worker"] == ALERT.worker


def test_what_could_not_be_delivered_is_raised_with_a_reason(receiver: Receiver) -> None:
    with pytest.raises(DeliveryFailed, match=r"\w+ \w+ \w+"):
        receiver.broken.deliver(ALERT)


def test_a_receiver_that_never_answers_is_given_up_in_time(receiver: Receiver) -> None:
    if receiver.stuck is None:
        return
    started = time.monotonic()
    with pytest.raises(DeliveryFailed):
        receiver.stuck.deliver(ALERT)
    assert time.monotonic() - started < 30


def test_a_hook_wants_every_event_unless_told_otherwise(receiver: Receiver) -> None:
    assert all(receiver.hook.wants(event) for event in Event)


def test_a_hook_can_be_for_some_events_only(tmp_path: Path) -> None:
    only = frozenset({Event.WORKER_DOWN})
    hooks: list[AlertHook] = [
        WebhookHook("https://hooks.example/x", events=only, clock=ManualClock(AT)),
        CommandHook(["true"], cwd=tmp_path, env={}, events=only),
        FileHook(tmp_path / "x", events=only),
        StderrHook(sys.stderr, events=only),
        MemoryHook(events=only),
        GithubIssueHook(Repository(api="", name="", token="", token_env=""), events=only),
        AppriseHook("json://127.0.0.1:9/x", events=only),
    ]
    for hook in hooks:
        assert [event for event in Event if hook.wants(event)] == [Event.WORKER_DOWN]
