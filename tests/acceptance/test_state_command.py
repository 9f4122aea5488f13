"""`loom state`: where the ledger lies, and keeping its branch small, by the real command."""

from contextlib import closing
from pathlib import Path

import pytest

from loom.domain.tick import Mark
from tests.contracts.ledger_entries import DAY, SIX, a_run, a_tick
from tests.ground.branch import STATE, Remote
from tests.ground.command import Command
from tests.ground.project import Project, build_project

ECHO = """
    echo:
      schedule: "0 * * * *"
      entrypoint: workers.echo:run
"""


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    remote = Remote(tmp_path)
    with closing(remote.ledger(remote.clone("runner"))) as runner:
        for day in range(3):
            at = remote.clock.now()
            runner.record([a_tick(f"t{day}", at, finished_at=at), a_run(f"run-000{day}", tick_at=at)])
            runner.claim([Mark("echo", at)], revision=runner.snapshot().revision)
            remote.clock.advance(DAY)
    return remote


@pytest.fixture
def laptop(remote: Remote, tmp_path: Path) -> Project:
    clone = remote.clone("laptop")
    project = build_project(tmp_path / "made")
    for path in project.root.iterdir():
        path.rename(clone / path.name)
    mine = Project(clone)
    mine.entries(ECHO, top=f"state: {{branch: {STATE}}}")
    return mine


def test_state_show_says_where_it_lies_and_what_cannot_be_read(
    loom: Command, remote: Remote, laptop: Project
) -> None:
    offline = loom("state", "show", "--offline", cwd=laptop.root)
    assert (offline.exit_code, offline.stderr) == (0, "")
    assert "never read it" in offline.stdout
    shown = loom("state", "show", "--json", cwd=laptop.root)
    assert shown.exit_code == 0, str(shown)
    assert (shown.json()["branch"], shown.json()["commit"]) == (STATE, remote.tip())
    assert (shown.json()["files"], shown.json()["unpushed"], shown.json()["damage"]) == (3, 0, [])
    path = max(remote.files())
    remote.edit({path: remote.files()[path] + "\nnot a line\n"})
    damaged = loom("state", "show", cwd=laptop.root)
    assert damaged.exit_code == 3
    assert f"damaged: {path}:4: " in damaged.stdout
    remote.bare.rename(remote.bare.with_name("gone.git"))
    gone = loom("state", "show", cwd=laptop.root)
    assert "git fetch failed" in gone.stderr
    assert "3 files" in gone.stdout, "what is known here is still said"


def test_state_compact_leaves_one_commit_and_every_run(
    loom: Command, remote: Remote, laptop: Project
) -> None:
    assert remote.commits() == 3
    done = loom("state", "compact", "--days", "0", cwd=laptop.root)
    assert done.exit_code == 0, str(done)
    assert done.stdout.startswith("3 files, ")
    assert remote.commits() == 1
    assert list(remote.files()) == ["2026-03.jsonl"]
    with closing(remote.ledger(remote.clone("judge"))) as judge:
        judge.sync()
        assert judge.snapshot().marks == {"echo": SIX + 2 * DAY}
        assert [judge.run(f"run-000{day}") is not None for day in range(3)] == [True, True, True]


def test_without_a_branch_state_says_how_to_have_one(loom: Command, project: Project) -> None:
    result = loom("state", "show", cwd=project.root)
    assert result.exit_code == 2
    assert "state: {branch: loom-state}" in result.stderr


def test_state_that_cannot_be_pushed_is_exit_code_4(loom: Command, remote: Remote, laptop: Project) -> None:
    remote.refuse(why="protected")
    refused = loom("state", "compact", cwd=laptop.root)
    assert refused.exit_code == 4
    assert "protected" in refused.stderr
