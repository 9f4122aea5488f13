"""`loom watch`, through the real command: a silence is alerted once, and its end is told."""

import json

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.ground.command import Command
from tests.ground.project import Project

HOOK = "alerts: [{kind: webhook, url_env: HOOK_URL}]"


def registry(project: Project) -> None:
    """Whenever these tests are run, no slot since the days they speak of is past its catch-up."""
    project.registry(
        f"""
        version: 1
        timezone: America/Chicago
        {HOOK}
        workers:
          echo: {{schedule: "0 * * * *", entrypoint: "workers.echo:run", catch_up: {{within: 3650d}}}}
        """
    )


def heard(server: HTTPServer) -> list[str]:
    """The events of the alerts that the server takes, as they come in."""
    events: list[str] = []

    def take(request: Request) -> Response:
        events.append(json.loads(request.get_data())["event"])
        return Response(status=204)

    server.expect_request("/alerts").respond_with_handler(take)
    return events


def test_a_silence_is_alerted_once_and_its_end_once(
    loom: Command, project: Project, httpserver: HTTPServer
) -> None:
    registry(project)
    events = heard(httpserver)
    env = {"HOOK_URL": httpserver.url_for("/alerts")}
    past = loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root, env=env)
    assert past.exit_code == 0, past

    first = loom("watch", "--json", "--project", project.root, env=env)
    assert first.exit_code == 1, first
    answer = first.json()
    assert answer.keys() == {
        "at", "timezone", "last_tick_at", "age_s", "overdue", "summary", "undecided", "alert", "told",
        "failures", "problems", "exit_code",
    }  # fmt: skip
    assert (answer["overdue"], answer["exit_code"], answer["told"]) == (True, 1, ["webhook"])
    assert answer["alert"]["event"] == "tick.overdue"
    (undecided,) = answer["undecided"]
    assert (undecided["worker"], undecided["oldest"]) == ("echo", "2026-11-20T07:00:00-06:00")

    second = loom("watch", "--project", project.root, env=env)
    assert second.exit_code == 1, second
    assert "no tick has come" in second.stdout.lower()
    assert events == ["tick.overdue"]

    assert loom("run", "--project", project.root, env=env).exit_code == 0
    back = loom("watch", "--project", project.root, env=env)
    assert back.exit_code == 0, back
    assert "The last tick came" in back.stdout
    assert loom("watch", "--project", project.root, env=env).exit_code == 0
    assert events == ["tick.overdue", "tick.resumed"]


def test_an_alert_that_cannot_be_delivered_is_exit_code_4_and_is_delivered_later(
    loom: Command, project: Project, httpserver: HTTPServer
) -> None:
    registry(project)
    refused = loom("watch", "--project", project.root)
    assert refused.exit_code == 4, refused
    assert "HOOK_URL is not set" in refused.stderr
    events = heard(httpserver)
    env = {"HOOK_URL": httpserver.url_for("/alerts")}
    assert loom("watch", "--project", project.root, env=env).exit_code == 1
    assert events == ["tick.overdue"]


def test_watching_makes_no_ledger_and_writes_only_its_own_file(loom: Command, project: Project) -> None:
    before = set(project.root.rglob("*"))
    state = project.root.parent / "elsewhere" / "watch.json"
    watched = loom("watch", "--state", state, "--project", project.root)
    assert watched.exit_code == 1, watched
    assert "ALERT" in watched.stderr
    assert state.exists()
    assert set(project.root.rglob("*")) == before


def test_a_broken_registry_does_not_keep_the_watch_from_alerting_through_the_last_valid_hooks(
    loom: Command, project: Project, httpserver: HTTPServer
) -> None:
    registry(project)
    events = heard(httpserver)
    env = {"HOOK_URL": httpserver.url_for("/alerts")}
    loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root, env=env)
    project.registry("version: 7\n")
    watched = loom("watch", "--project", project.root, env=env)
    assert watched.exit_code == 3, watched
    assert "worker-registry.yaml" in watched.stderr
    assert events == ["tick.overdue"]


@pytest.mark.parametrize("option", ["--max-age", "--grace", "--interval"])
def test_a_length_of_time_without_its_unit_is_refused_with_the_way_to_write_it(
    loom: Command, project: Project, option: str
) -> None:
    refused = loom("watch", option, "90", "--project", project.root)
    assert refused.exit_code == 2
    assert f"{option} '90': expected a duration such as" in refused.stderr


def test_with_an_interval_it_goes_on_looking_until_it_is_stopped(loom: Command, project: Project) -> None:
    running = loom.start("watch", "--interval", "100ms", "--project", project.root)
    try:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(4)]
    finally:
        running.terminate()
        running.communicate(timeout=120)
    assert running.returncode == 143
    assert sum(line.startswith("No tick has come") for line in lines) == 3
    assert sum(line.startswith("Alerted tick.overdue") for line in lines) == 1
