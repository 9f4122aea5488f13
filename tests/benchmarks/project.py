"""Projects to measure: many workers, all alike."""

import shutil
from pathlib import Path

from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

NOOP = """
from loom.worker import WorkerContext, WorkerOutput
from pydantic import BaseModel


class Settings(BaseModel):
    pass


def run(context: WorkerContext[Settings]) -> WorkerOutput:
    return WorkerOutput(summary="nothing")
"""


def project_of(root: Path, *, workers: int, schedule: str, isolation: str = "inline") -> Project:
    """A project in `root` with so many workers on one schedule, each doing nothing and saying so."""
    root.mkdir(parents=True)
    project = Project(root)
    shutil.copytree(REPOSITORY / "enforcement", root / "enforcement")
    project.write("workers/__init__.py", "")
    project.worker("noop", NOOP)
    entries = "".join(
        f'worker-{number:05}:\n  agent: Noop\n  schedule: "{schedule}"\n  entrypoint: workers.noop:run\n'
        for number in range(workers)
    )
    project.entries(entries, top="" if isolation == "inline" else f"defaults:\n  isolation: {isolation}\n")
    return project
