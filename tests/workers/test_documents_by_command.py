"""The workers of notes, instructions and queue by the real command: what they would read, what they lack."""

import importlib

import pytest

from tests.ground.command import Command
from tests.ground.project import Project
from tests.workers.documents_sample import run_by_command, write

FILES = {
    "memories/a.jsonl": '{"text": "a note of four words"}\n' * 2,
    "AGENTS.md": "Always sign the letters.\n",
    "queue/a.md": "---\ntitle: A piece\nstatus: idea\n---\n",
}


@pytest.mark.parametrize(
    ("worker", "reads"),
    [
        ("pattern-memory-analyzer", "memories/**/*.jsonl: 1 file"),
        ("instruction-optimizer", "AGENTS.md: 1 file"),
        ("content-queue-scanner", "queue/**/*.md: 1 file"),
        ("staleness-detector", "**/*.md: 3 files"),
    ],
)
def test_a_dry_run_shows_what_it_would_read(worker: str, reads: str, loom: Command, project: Project) -> None:
    write(project.root, FILES)
    run_by_command(loom, project, worker)  # which puts the workers there
    done = loom("run", "--worker", worker, "--dry-run", "--json", cwd=project.root)
    (planned,) = done.json()["planned"]
    assert reads in planned["reads"]


@pytest.mark.parametrize(
    ("worker", "library"),
    [
        ("pattern-memory-analyzer", "rapidfuzz"),
        ("instruction-optimizer", "rapidfuzz"),
        ("content-queue-scanner", "rapidfuzz"),
        ("content-queue-scanner", "frontmatter"),
    ],
)
def test_without_its_library_it_is_skipped_with_the_install_command(
    worker: str, library: str, loom: Command, project: Project
) -> None:
    write(project.root, FILES)
    # What a project has by the same name comes first: here it says that there is none.
    write(project.root, {f"{library}.py": f'raise ModuleNotFoundError("none here", name="{library}")'})
    run = run_by_command(loom, project, worker)
    assert run["outcome"] == "skipped", run
    assert "pip install 'loom-runner[workers]'" in run["reason"]
    assert library in importlib.import_module(f"workers.{worker.replace('-', '_')}").LIBRARIES
