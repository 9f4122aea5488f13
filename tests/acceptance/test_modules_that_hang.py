"""A worker's module that never ends being imported, or whose models never answer, holds no command up."""

import signal
import subprocess

import pytest

from tests.ground.command import PROGRAM, Command
from tests.ground.project import Project

HANGING = """
    import time
    {at_import}
    from pydantic import BaseModel, field_validator
    from loom.worker import WorkerContext, WorkerOutput

    class Settings(BaseModel):
        word: str = "hello"

        @field_validator("word")
        @classmethod
        def look(cls, word: str) -> str:
            time.sleep(600)
            return word

    def run(context: WorkerContext[Settings]) -> WorkerOutput:
        return WorkerOutput(summary="done")
"""


def hang(project: Project, at_import: str) -> None:
    project.worker("hanging", HANGING.format(at_import=at_import))
    project.entries(
        """
        hanging: {schedule: "0 * * * *", entrypoint: "workers.hanging:run", timeout: 2s, settings: {word: a}}
        echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        """
    )


@pytest.mark.parametrize("at_import", ["time.sleep(600)", ""])
def test_check_says_which_worker_never_answers_and_looks_at_the_others(
    loom: Command, project: Project, at_import: str
) -> None:
    hang(project, at_import)
    checked = loom("check", "--project", project.root, timeout_s=60)
    assert checked.exit_code == 3, checked
    said = " ".join(checked.stdout.split())
    assert "worker hanging workers.hanging and its models weren't there after 2s; a run has until" in said
    assert "worker echo active" in said


@pytest.mark.parametrize("at_import", ["time.sleep(600)", ""])
def test_a_param_of_a_worker_that_never_answers_ends_as_a_run_that_timed_out(
    loom: Command, project: Project, at_import: str
) -> None:
    hang(project, at_import)
    words = ("run", "--worker", "hanging", "--param", "word=b", "--json", "--project", project.root)
    tick = loom(*words, timeout_s=60)
    assert tick.exit_code == 1, tick
    assert [run["outcome"] for run in tick.json()["runs"]] == ["timed_out"]


def terminated_while_it_looks(loom: Command, project: Project, *words: str) -> tuple[int, str]:
    """The exit code, and what is said, of a command that gets SIGTERM while a module is being imported."""
    hang(project, "print('begun', flush=True); time.sleep(600)")
    project.entries('hanging: {schedule: "0 * * * *", entrypoint: "workers.hanging:run"}')
    command = [*PROGRAM, *words, "--project", str(project.root)]
    with subprocess.Popen(
        command, env=dict(loom.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as looking:
        assert looking.stderr is not None
        assert any("begun" in line for line in looking.stderr)
        looking.send_signal(signal.SIGTERM)
        _, talk = looking.communicate(timeout=60)
    return looking.returncode, talk


@pytest.mark.afresh
def test_a_tick_that_is_told_to_end_ends_though_a_param_is_looked_at(loom: Command, project: Project) -> None:
    words = ("run", "--worker", "hanging", "--param", "word=b")
    exit_code, _ = terminated_while_it_looks(loom, project, *words)
    assert exit_code == 143


@pytest.mark.afresh
def test_a_check_that_is_told_to_end_ends_though_a_module_is_being_imported(
    loom: Command, project: Project
) -> None:
    exit_code, talk = terminated_while_it_looks(loom, project, "check")
    assert exit_code == 143
    assert "can't be imported" not in talk
