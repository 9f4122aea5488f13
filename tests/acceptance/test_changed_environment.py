"""What an inline worker makes of the environment is nothing that Loom, or another worker, goes by."""

import shutil

import pytest
from pytest_httpserver import HTTPServer

from tests.ground.branch import git
from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

CHANGING = """
    import os
    from loom.worker import WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        mine = context.project / "mine"
        mine.mkdir()
        (mine / "git").write_text('#!/bin/sh\\ntouch "$0.was-run"\\nexec <git> "$@"\\n')
        (mine / "git").chmod(0o755)
        (mine / "sitecustomize.py").write_text(f"open({str(mine / 'python.was-run')!r}, 'w')")
        os.environ["PATH"] = f"{mine}:{os.environ['PATH']}"
        os.environ["PYTHONPATH"] = str(mine)
        return WorkerOutput(summary="done")
"""


def test_neither_looms_git_nor_the_next_workers_python_is_another(loom: Command, project: Project) -> None:
    project.worker("changing", CHANGING.replace("<git>", shutil.which("git") or "git"))
    project.entries(
        """
        changing: {schedule: "0 6 * * *", entrypoint: "workers.changing:run"}
        later: {schedule: "0 6 * * *", entrypoint: "workers.echo:run", isolation: process}
        """,
        top="max_parallel: 1\nstate: {branch: loom-state}",
    )
    git(project.root, "init", "--quiet")
    git(project.root.parent, "init", "--quiet", "--bare", "remote.git")
    git(project.root, "remote", "add", "origin", project.root.parent / "remote.git")
    told = loom("run", "--worker", "changing", "--worker", "later", "--json", "--project", project.root)
    assert [run["outcome"] for run in told.json()["runs"]] == ["succeeded", "succeeded"]
    assert sorted(path.name for path in (project.root / "mine").iterdir()) == ["git", "sitecustomize.py"]


def test_an_alert_goes_by_no_proxy_that_a_worker_has_set(
    loom: Command, project: Project, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/alerts").respond_with_data("heard")
    project.worker(
        "diverting",
        """
        import os
        from loom.worker import PermanentError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://127.0.0.1:9"
            raise PermanentError("tell somebody")
        """,
    )
    project.entries(
        'diverting: {schedule: "0 6 * * *", entrypoint: "workers.diverting:run"}',
    )
    registry = project.root / "worker-registry.yaml"
    hook = "alerts:\n  - {kind: webhook, url_env: HOOK_URL}"
    registry.write_text(registry.read_text().replace("alerts:\n  - {kind: stderr}", hook))
    url = httpserver.url_for("/alerts")
    told = loom("run", "--worker", "diverting", "--json", cwd=project.root, env={"HOOK_URL": url})
    assert [(alert["hook"], alert["delivered"]) for alert in told.json()["alerts"]] == [("webhook", True)]
    assert len(httpserver.log) == 1
