"""The step of pages.yml that writes the dashboard, run as GitHub runs it, of what a tick pushed."""

import shutil
from pathlib import Path

import pytest

from tests.ground.command import Command
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


def test_where_the_branch_cannot_be_fetched_the_good_page_stays_or_the_new_one_says_how_old_its_copy_is(
    github: GitHub, loom: Command
) -> None:
    assert github.tick("2026-11-20T12:17:00Z").exit_code == 0
    work = github.folder / "fresh"
    git("clone", "--quiet", github.origin, work, cwd=github.folder)
    env = {"LOOM_STATE_BRANCH": "loom-state"}
    wrote = loom("dashboard", "--out", "site", cwd=work, env=env)
    assert wrote.exit_code == 0, wrote
    good = (work / "site" / "index.html").read_text(encoding="utf-8")
    assert "hello from echo" in good
    assert 'id="copy"' not in good, "it has all there is"
    github.origin.rename(github.folder / "away.git")

    kept = loom("dashboard", "--out", "site", cwd=work, env=env)
    assert kept.exit_code == 0, kept
    assert "couldn't be fetched" in kept.stderr
    older = (work / "site" / "index.html").read_text(encoding="utf-8")
    assert "hello from echo" in older
    assert 'id="copy"' in older
    assert "a copy of the state branch" in older

    shutil.rmtree(work / ".loom")
    refused = loom("dashboard", "--out", "site", "--json", cwd=work, env=env)
    assert refused.exit_code == 3, refused
    assert "couldn't be fetched" in refused.json()["error"]["message"]
    assert (work / "site" / "index.html").read_text(encoding="utf-8") == older

    asked_for = loom("dashboard", "--out", "offline", "--offline", cwd=work, env=env)
    assert asked_for.exit_code == 0, asked_for
    assert "was never fetched" in (work / "offline" / "index.html").read_text(encoding="utf-8")
    assert loom("status", cwd=work, env=env).exit_code == 0, "who only reads goes by what is there"
