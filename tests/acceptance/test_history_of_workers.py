"""`context.history` by the real command: what the ticks before recorded, as it is recorded."""

import shutil
from pathlib import Path

import pytest

from tests.ground.branch import STATE, Remote
from tests.ground.command import Command
from tests.ground.project import Project, build_project
from tests.ground.shut import REPOSITORY

ENTRIES = """
    leaky:
      agent: Leaky
      schedule: "0 6 * * *"
      entrypoint: workers.leaky:run
      requires: {env: [CRM_TOKEN]}
      retry: {later_ticks: 0}
    reader:
      agent: Reader
      schedule: "0 7 * * *"
      entrypoint: workers.reader:run
      isolation: ISOLATION
"""
LEAKY = """
    from loom.worker import PermanentError, WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        raise PermanentError(f"token {context.secret('CRM_TOKEN')} of ann@example.org refused")
"""
READER = """
    from loom.worker import WorkerContext, WorkerOutput

    class Output(WorkerOutput):
        past: list[str]

    def run(context: WorkerContext) -> Output:
        told = [
            f"{run.worker} {run.outcome} {run.error_kind}: {run.error_message}" for run in context.history
        ]
        return Output(summary=f"{len(told)} runs", past=told)
"""
VALUE = "swordfish-4711-value-of-the-token"
MASKED = "leaky failed PermanentError: token *** of [mail address redacted] refused"


def fill(project: Project, isolation: str, top: str = "") -> Project:
    project.entries(ENTRIES.replace("ISOLATION", isolation), top=top)
    project.worker("leaky", LEAKY)
    project.worker("reader", READER)
    return project


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_worker_is_told_what_the_ledger_holds_with_nothing_unmasked(
    loom: Command, project: Project, isolation: str
) -> None:
    # Only the repository's own rules: they let no worker open a database for writing.
    shutil.rmtree(project.root / "enforcement")
    shutil.copytree(REPOSITORY / "enforcement", project.root / "enforcement")
    fill(project, isolation)
    first = loom("run", "--worker", "leaky", "--json", cwd=project.root, env={"CRM_TOKEN": VALUE})
    assert first.exit_code == 1, str(first)
    second = loom("run", "--worker", "reader", "--json", cwd=project.root, env={"CRM_TOKEN": VALUE})
    assert second.exit_code == 0, str(second)
    (run,) = second.json()["runs"]
    assert run["output"]["past"] == [MASKED]
    assert run["enforcement_refusals"] == 0
    assert VALUE not in second.stdout
    third = loom("run", "--worker", "reader", "--json", cwd=project.root)
    assert third.json()["runs"][0]["output"]["past"] == ["reader succeeded None: None", MASKED]


def test_with_a_state_branch_a_worker_is_told_what_other_machines_recorded(
    loom: Command, tmp_path: Path
) -> None:
    remote = Remote(tmp_path)
    for name in ("here", "there"):
        clone = remote.clone(name)
        build_project(tmp_path / f"{name}-files")
        shutil.copytree(tmp_path / f"{name}-files", clone, dirs_exist_ok=True)
        fill(Project(clone), "process", top=f"state: {{branch: {STATE}}}")
    here = loom("run", "--worker", "leaky", "--json", cwd=tmp_path / "here", env={"CRM_TOKEN": VALUE})
    assert here.exit_code == 1, str(here)
    there = loom("run", "--worker", "reader", "--json", cwd=tmp_path / "there")
    assert there.exit_code == 0, str(there)
    assert there.json()["runs"][0]["output"]["past"] == [MASKED]
