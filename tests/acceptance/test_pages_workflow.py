"""The step of pages.yml that writes the dashboard, run as GitHub runs it, of what a tick pushed."""

from pathlib import Path

import pytest

from tests.ground.github import GitHub, git, github_with
from tests.ground.needs import needs
from tests.ground.project import Project

pytestmark = needs("git")


@pytest.fixture
def github(tmp_path: Path, project: Project) -> GitHub:
    return github_with(project, tmp_path)


def test_what_a_tick_recorded_on_one_runner_is_published_by_another(github: GitHub) -> None:
    assert github.tick("2026-11-20T12:17:00Z").exit_code == 0
    commits = git("rev-list", "--all", "--count", cwd=github.origin)

    built = github.step("pages.yml", "dashboard", "2026-11-20T12:20:00Z")
    assert built.exit_code == 0, built.log
    page = (github.work / "site" / "index.html").read_text(encoding="utf-8")
    assert "hello from echo" in page
    assert sorted(path.name for path in (github.work / "site").iterdir()) == ["index.html"]
    assert git("rev-list", "--all", "--count", cwd=github.origin) == commits, "it reads and never pushes"


def test_before_the_first_tick_there_is_a_page_that_says_that_nothing_ran(github: GitHub) -> None:
    built = github.step("pages.yml", "dashboard", "2026-11-20T12:20:00Z")
    assert built.exit_code == 0, built.log
    assert "echo" in (github.work / "site" / "index.html").read_text(encoding="utf-8")
