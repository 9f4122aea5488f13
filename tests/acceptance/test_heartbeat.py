"""A dead man's switch hears of every tick that a clock brings, and of none by hand."""

from pytest_httpserver import HTTPServer

from tests.ground.command import Command
from tests.ground.project import Project

AT = ("--at", "2026-11-20T12:10:00Z")


def test_each_tick_pings_its_start_and_its_end(
    loom: Command, project: Project, httpserver: HTTPServer
) -> None:
    project.entries(
        """
        echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        bad: {schedule: "0 7 * * *", entrypoint: "workers.bad:run"}
        """,
        top="heartbeat: {url_env: LOOM_HEARTBEAT_URL}",
    )
    project.write("workers/bad.py", "def run(context): ...\n")
    for path in ("/switch/start", "/switch", "/switch/fail"):
        httpserver.expect_request(path, method="POST").respond_with_data("OK")
    env = {"LOOM_HEARTBEAT_URL": httpserver.url_for("/switch")}
    root = ("--project", project.root)

    assert loom("run", *AT, *root, env=env).exit_code == 0
    assert loom("run", "--worker", "echo", "--at", "2026-11-20T12:20:00Z", *root, env=env).exit_code == 0
    assert loom("run", "--at", "2026-11-20T13:10:00Z", *root, env=env).exit_code == 1

    heard = [(request.path, request.get_data(as_text=True)) for request, _ in httpserver.log]
    assert [path for path, _ in heard] == ["/switch/start", "/switch", "/switch/start", "/switch/fail"]
    assert heard[3][1].startswith("exit code 1\n")
    assert "failed bad" in heard[3][1]


def test_a_monitor_that_is_not_there_or_not_set_changes_no_exit_code(loom: Command, project: Project) -> None:
    project.entries(
        'echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}',
        top="heartbeat: {url_env: LOOM_HEARTBEAT_URL}",
    )
    unset = loom("run", *AT, "--project", project.root)
    assert unset.exit_code == 0, unset
    assert "LOOM_HEARTBEAT_URL is not set" in unset.stdout
    env = {"LOOM_HEARTBEAT_URL": "http://127.0.0.1:9/secret-part"}
    deaf = loom("run", "--at", "2026-11-20T12:20:00Z", "--project", project.root, env=env)
    assert deaf.exit_code == 0, deaf
    assert "heartbeat wasn't heard" in deaf.stdout
    assert "secret-part" not in deaf.stdout + deaf.stderr
