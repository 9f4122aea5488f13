"""`loom run --dry-run` shows what each run would read, in the words of the worker's module."""

import shutil
from typing import Any

import pytest

from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

AT = ("--at", "2026-11-20T12:10:00Z")
ENTRY = """
    notes:
      agent: Noter
      schedule: "0 * * * *"
      entrypoint: workers.notes:run
      isolation: ISOLATION
      settings: {glob: "notes/*.md"}
      requires: {env: [CRM_TOKEN]}
"""
HEAD = """
    import os
    import time
    from pathlib import Path
    from pydantic import BaseModel
    from loom.worker import Skip, WorkerContext, WorkerOutput

    class Settings(BaseModel):
        glob: str = "*.txt"

    def run(context: WorkerContext[Settings]) -> WorkerOutput:
        (context.project / "it-ran").touch()
        return WorkerOutput(summary="done")
"""
SAYS = """
    def reads(settings: Settings, project: Path):
        yield f"{settings.glob}: {len(list(project.glob(settings.glob)))} files"
        yield "GET https://api.example.org/things"
"""
ENV = {"CRM_TOKEN": "swordfish-4711-value-of-the-token"}


def noting(project: Project, reads: str, isolation: str = "inline") -> Project:
    project.entries(ENTRY.replace("ISOLATION", isolation))
    project.worker("notes", HEAD + reads)
    for name in ("one", "two"):
        project.write(f"notes/{name}.md", "a note")
    return project


def told(result: Result) -> list[Any]:
    assert result.exit_code == 0, str(result)
    return [each["reads"] for each in result.json()["planned"]]


@pytest.fixture(params=["inline", "process"])
def isolation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_dry_run_of_a_worker_shows_what_it_would_read_and_runs_nothing(
    loom: Command, project: Project, isolation: str
) -> None:
    noting(project, SAYS, isolation)
    named = loom("run", "--worker", "noter", "--dry-run", "--json", cwd=project.root, env=ENV)
    assert told(named) == [["notes/*.md: 2 files", "GET https://api.example.org/things"]]
    assert not (project.root / "it-ran").exists()
    assert not project.ledger.exists()


def test_a_dry_run_of_all_that_is_due_asks_each_worker_and_one_without_reads_says_null(
    loom: Command, project: Project
) -> None:
    noting(project, SAYS)
    before = (project.root / "worker-registry.yaml").read_text()
    echo = '  echo: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}\n'
    (project.root / "worker-registry.yaml").write_text(before + echo)
    due = loom("run", "--dry-run", *AT, "--json", cwd=project.root, env=ENV)
    assert told(due) == [["notes/*.md: 2 files", "GET https://api.example.org/things"], None]


def test_a_person_reads_it_below_the_worker_at_any_width(loom: Command, project: Project) -> None:
    long = '    def reads(settings: Settings, project: Path) -> list[str]:\n        return ["a", "b " * 60]\n'
    noting(project, long)
    result = loom("run", "--worker", "notes", "--dry-run", cwd=project.root, env=ENV)
    assert [line.rstrip() for line in result.stdout.splitlines()[:3]] == [
        "would run  notes",
        "    would read: a",
        f"                {'b ' * 59}b",
    ]
    for columns in (60, 80, 140):
        screen = loom.in_terminal(
            "run", "--worker", "notes", "--dry-run", cwd=project.root, env=ENV, columns=columns
        )
        lines = screen.stdout.splitlines()
        assert lines[1].rstrip() == "    would read: a", screen
        assert all(line.startswith(" " * 16 + "b") for line in lines[2:] if "b b" in line), screen
        assert max(map(len, lines)) <= columns
        assert screen.stdout.count("b ") + screen.stdout.count("b\n") >= 59


def test_a_param_and_a_worker_that_would_be_skipped_show_it_too(loom: Command, project: Project) -> None:
    noting(project, SAYS)
    result = loom(
        "run", "--worker", "notes", "--dry-run", "--param", "glob=*.yaml", "--json", cwd=project.root, env=ENV
    )
    assert told(result)[0][0] == "*.yaml: 1 files"
    without = loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root)
    (planned,) = without.json()["planned"]
    assert (planned["action"], planned["reason"]) == (
        "record as skipped",
        "requirement: CRM_TOKEN is not set",
    )
    assert planned["reads"][0] == "notes/*.md: 2 files"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "raise ValueError('no such folder')",
            "can't be told: ValueError: no such folder (workers/notes.py:15)",
        ),
        ("raise Skip('set `glob`')", "nothing, it would be skipped: set `glob`"),
        ("return 7", "can't be told: TypeError: `reads` gave int, expected lines of text"),
        ("return 'text'", "can't be told: TypeError: `reads` gave str, expected lines of text"),
        ("return [7]", "can't be told: TypeError: `reads` gave a line of int, expected text"),
        ("raise SystemExit(3)", "can't be told: SystemExit: the worker called sys.exit(3)"),
        ("return [os.environ.get('CRM_TOKEN', 'no secret')]", "no secret"),
        ("return ['mail ann@example.org']", "mail [mail address redacted]"),
        ("return ['two\\nlines \\x1b[31mred']", "two lines [31mred"),
    ],
)
def test_a_worker_that_cant_say_it_has_a_line_that_says_so(
    loom: Command, project: Project, isolation: str, body: str, says: str
) -> None:
    noting(project, f"\n    def reads(settings, project):\n        {body}\n", isolation)
    result = loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root, env=ENV)
    (lines,) = told(result)
    assert [line[: len(says)] for line in lines] == [says]


def test_what_it_may_not_do_in_a_run_it_may_not_do_here(
    loom: Command, project: Project, isolation: str
) -> None:
    # Only the repository's own rules: they let no worker write a file.
    shutil.rmtree(project.root / "enforcement")
    shutil.copytree(REPOSITORY / "enforcement", project.root / "enforcement")
    body = """
    def reads(settings, project):
        try:
            (project / "written").touch()
        except Exception:
            pass
        return ["harmless"]
    """
    noting(project, body, isolation)
    result = loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root, env=ENV)
    ((line,),) = told(result)
    assert line.startswith("can't be told: changing the times of written refused by guard: no rule")
    assert not (project.root / "written").exists()


def test_one_that_hangs_is_given_up_after_ten_seconds(
    loom: Command, project: Project, isolation: str
) -> None:
    noting(project, "\n    def reads(settings, project):\n        time.sleep(600)\n", isolation)
    result = loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root, env=ENV)
    assert told(result) == [["can't be told: its `reads` was still at it after 10s"]]


def test_a_module_that_cant_be_imported_says_so_and_the_dry_run_goes_on(
    loom: Command, project: Project
) -> None:
    noting(project, "\n    import no_such_library\n")
    result = loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root, env=ENV)
    ((line,),) = told(result)
    assert line.startswith("can't be told: EntrypointError: workers.notes can't be imported")


def test_at_most_50_lines_of_300_characters_are_shown(loom: Command, project: Project) -> None:
    endless = """
    def reads(settings, project):
        while True:
            yield "x" * 10_000
    """
    noting(project, endless)
    (lines,) = told(loom("run", "--worker", "notes", "--dry-run", "--json", cwd=project.root, env=ENV))
    assert (len(lines), len(lines[0]), lines[-1]) == (50, 300, "and more")


def test_the_question_before_a_backfill_asks_no_worker(loom: Command, project: Project) -> None:
    noting(
        project,
        "\n    def reads(settings, project):\n        (project / 'asked').touch()\n        return []\n",
    )
    span = ("--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T12:00:00Z", *AT)
    asked = loom("run", "--worker", "notes", *span, cwd=project.root, env=ENV, stdin="n\n")
    assert asked.exit_code == 2
    assert not (project.root / "asked").exists()
