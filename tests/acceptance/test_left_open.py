"""What a worker didn't close is written out all the same when the tick ends."""

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

CARELESS = """
    from loom.worker import WorkerContext, WorkerOutput

    class Book:
        def __init__(self, path):
            self.file = path.open("w")
            self.file.write("kept")
            self.held_by = self

    BOOKS = []

    def run(context: WorkerContext) -> WorkerOutput:
        BOOKS.append(Book(context.project / "held.txt"))
        return WorkerOutput(summary="written")
"""


def test_a_file_that_only_the_collector_of_cycles_closes_is_whole_when_the_tick_is_over(
    loom: Command, project: Project
) -> None:
    project.worker("echo", CARELESS)
    tick = loom("run", "--at", "2026-11-20T12:10:00Z", "--project", project.root)
    assert tick.exit_code == 0, tick
    assert (project.root / "held.txt").read_text() == "kept"
