"""``alerts:`` of the registry becomes hooks, and nothing that was asked for is dropped in silence."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.alerts.build import FALLBACK, build
from loom.domain.alert import Alert, Event
from loom.domain.registry import HookSettings
from loom.errors import DeliveryFailed
from loom.ports import AlertHook
from tests.unit.github_stand_in import TOKEN, GithubStandIn

ALERT = Alert(event=Event.WORKER_DOWN, summary="echo failed", at=datetime(2026, 11, 21, 13, 7, tzinfo=UTC))


def made(
    tmp_path: Path,
    *entries: tuple[str, Mapping[str, Any]],
    env: Mapping[str, str] | None = None,
    withheld: Sequence[str] = (),
) -> tuple[AlertHook, ...]:
    settings = [HookSettings(kind, options) for kind, options in entries]
    return build(settings, env=env or {}, project=tmp_path, stderr=io.StringIO(), withheld=withheld)


def test_hooks_are_named_after_their_kind_and_numbered_from_the_second_on(tmp_path: Path) -> None:
    hooks = made(
        tmp_path, ("file", {"path": "a"}), ("stderr", {}), ("file", {"path": "b"}), ("file", {"path": "c"})
    )
    assert [hook.name for hook in hooks] == ["file", "stderr", "file 2", "file 3"]


def test_a_files_path_starts_from_the_project(tmp_path: Path) -> None:
    (hook,) = made(tmp_path, ("file", {"path": "logs/alerts.jsonl"}))
    hook.deliver(ALERT)
    assert json.loads((tmp_path / "logs" / "alerts.jsonl").read_text(encoding="utf-8")) == ALERT.payload()


def test_events_narrow_a_hook(tmp_path: Path) -> None:
    (hook,) = made(tmp_path, ("stderr", {"events": ["worker.down", "registry.broken"]}))
    assert {event for event in Event if hook.wants(event)} == {Event.WORKER_DOWN, Event.REGISTRY_BROKEN}


def test_address_and_secret_come_from_the_environment_that_was_given(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    seen: list[str | None] = []

    def take(request: Request) -> Response:
        seen.append(request.headers.get("X-Loom-Signature-256"))
        return Response(status=200)

    httpserver.expect_request("/hook").respond_with_handler(take)
    env = {"CHAT": f"{httpserver.url_for('/hook')}\n", "KEY": "k"}
    (hook,) = made(tmp_path, ("webhook", {"url_env": "CHAT", "secret_env": "KEY"}), env=env)
    hook.deliver(ALERT)
    assert seen[0] is not None


@pytest.mark.parametrize("env", [{}, {"CHAT": ""}, {"CHAT": " \n"}])
def test_a_webhook_without_its_address_takes_every_alert_and_fails_it(
    tmp_path: Path, env: dict[str, str]
) -> None:
    (hook,) = made(tmp_path, ("webhook", {"url_env": "CHAT"}), env=env)
    assert all(hook.wants(event) for event in Event)
    with pytest.raises(DeliveryFailed, match="CHAT is not set; set it, or change alerts:"):
        hook.deliver(ALERT)


def test_an_optional_webhook_without_its_address_takes_no_alert_but_forgets_none_it_had(
    tmp_path: Path,
) -> None:
    (hook,) = made(tmp_path, ("webhook", {"url_env": "CHAT", "optional": True}))
    assert not any(hook.wants(event) for event in Event)
    with pytest.raises(DeliveryFailed, match="CHAT is not set"):
        hook.deliver(ALERT)


def test_an_alert_that_was_to_be_signed_never_goes_out_unsigned(tmp_path: Path) -> None:
    options = {"url_env": "CHAT", "secret_env": "KEY", "optional": True}
    (hook,) = made(tmp_path, ("webhook", options), env={"CHAT": "http://127.0.0.1:9/x"})
    assert hook.wants(Event.WORKER_DOWN)
    with pytest.raises(DeliveryFailed, match="KEY is not set"):
        hook.deliver(ALERT)


BAD = {"GITHUB_TOKEN": "another", "GITHUB_API_URL": "http://127.0.0.1:9"}
GITHUB = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "acme/robots"}


def test_a_github_issue_hook_finds_all_it_needs_in_the_environment_of_a_workflow(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    github = GithubStandIn(httpserver, ALERT.at)
    (hook,) = made(tmp_path, ("github-issue", {}), env={**GITHUB, "GITHUB_API_URL": github.url})
    hook.deliver(ALERT)
    assert len(github.issues) == 1


def test_a_github_issue_hook_goes_where_its_entry_says(tmp_path: Path, httpserver: HTTPServer) -> None:
    github = GithubStandIn(httpserver, ALERT.at, repository="other/place")
    options = {
        "repository": "other/place",
        "token_env": "ALERTS_PAT",
        "api_url": f"{github.url}/",
        "labels": ["ops"],
        "events": ["worker.down"],
        "timeout": 9.0,
    }
    (hook,) = made(tmp_path, ("github-issue", options), env={**GITHUB, "ALERTS_PAT": f"{TOKEN}\n"} | BAD)
    hook.deliver(ALERT)
    assert [label["name"] for label in github.issues[0]["labels"]] == ["loom", "ops"]
    assert [event for event in Event if hook.wants(event)] == [Event.WORKER_DOWN]


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({}, r"GITHUB_TOKEN is not set.*GITHUB_TOKEN: \$\{\{ github\.token \}\}.*; no repository is known"),
        ({"GITHUB_TOKEN": " ", "GITHUB_REPOSITORY": "acme/robots"}, "GITHUB_TOKEN is not set"),
        (
            {"GITHUB_TOKEN": TOKEN},
            "no repository is known outside GitHub Actions; add repository: owner/name",
        ),
    ],
)
def test_a_github_issue_hook_without_token_or_repository_fails_unless_it_is_optional(
    tmp_path: Path, env: dict[str, str], why: str
) -> None:
    (hook,) = made(tmp_path, ("github-issue", {}), env=env)
    assert all(hook.wants(event) for event in Event)
    with pytest.raises(DeliveryFailed, match=why):
        hook.deliver(ALERT)
    (optional,) = made(tmp_path, ("github-issue", {"optional": True}), env=env)
    assert not any(optional.wants(event) for event in Event)


def test_a_command_runs_in_the_project_without_the_workers_secrets(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "GH_TOKEN": "for the command", "HUBSPOT_ACCESS_TOKEN": "for a worker"}
    options = {"command": ["sh", "-c", "env > seen"], "timeout": 5}
    (hook,) = made(tmp_path, ("command", options), env=env, withheld=["HUBSPOT_ACCESS_TOKEN"])
    hook.deliver(ALERT)
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "GH_TOKEN=for the command" in seen
    assert "HUBSPOT_ACCESS_TOKEN" not in seen


def test_the_timeout_of_an_entry_bounds_its_hook(tmp_path: Path) -> None:
    options = {"command": ["sleep", "60"], "timeout": 0.2}
    (hook,) = made(tmp_path, ("command", options), env={"PATH": os.environ["PATH"]})
    with pytest.raises(DeliveryFailed, match=r"after 0\.2 s"):
        hook.deliver(ALERT)


def test_a_kind_from_another_version_fails_instead_of_vanishing(tmp_path: Path) -> None:
    (hook,) = made(tmp_path, ("pager", {}))
    assert hook.wants(Event.WORKER_DOWN)
    with pytest.raises(DeliveryFailed, match="no hook of kind 'pager'"):
        hook.deliver(ALERT)


def test_with_no_registry_at_all_alerts_go_to_stderr_and_the_usual_webhook(tmp_path: Path) -> None:
    stream = io.StringIO()
    hooks = build(FALLBACK, env={}, project=tmp_path, stderr=stream)
    assert [hook.name for hook in hooks if hook.wants(Event.REGISTRY_BROKEN)] == ["stderr"]
    hooks[0].deliver(ALERT)
    assert "echo failed" in stream.getvalue()
    env = {"LOOM_ALERT_WEBHOOK_URL": "http://127.0.0.1:9/x"}
    hooks = build(FALLBACK, env=env, project=tmp_path, stderr=stream)
    assert [hook.name for hook in hooks if hook.wants(Event.REGISTRY_BROKEN)] == ["stderr", "webhook"]


def test_hooks_that_deliver_nothing_import_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, loom.ports\n"
        "before = set(sys.modules)\n"
        "from loom.alerts import outbox, policy\n"
        "from loom.alerts.build import build\n"
        "from loom.domain.registry import HookSettings as S\n"
        "build([S('stderr', {}), S('webhook', {'url': 'https://a.example/x'}), S('file', {'path': 'x'}),\n"
        "       S('command', {'command': ['true']}), S('github-issue', {}),\n"
        "       S('apprise', {'url': 'json://127.0.0.1/x'})],\n"
        "      env={'GITHUB_TOKEN': 't', 'GITHUB_REPOSITORY': 'acme/robots'},\n"
        "      project=pathlib.Path(), stderr=sys.stderr)\n"
        "heavy = ('httpx', 'asyncio', 'subprocess', 'tempfile', 'ssl', 'pydantic', 'logging', 'apprise')\n"
        "print(*(n for n in heavy\n"
        "        if n in set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.stdout.split() == []
