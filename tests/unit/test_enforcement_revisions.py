"""The folder as it was at a commit, read from the repository that the project lies in."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.revision import Revision
from loom.enforcement.asking.revisions import Revisions
from loom.enforcement.folder import read_folder
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.sealing import seal
from loom.errors import Problem, SettingsError, UsageError
from tests.ground.branch import git
from tests.ground.project import Project, build_project

WEB = "enforcement/rules/web-read-only.yaml"


@pytest.fixture(params=["", "deep/down"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project under version control, as the repository itself or some folders below its top."""
    top = tmp_path / "repository"
    project = build_project(top / request.param if request.param else top)
    git(top, "init", "--quiet")
    commit(project, "the first rules")
    return project


def commit(project: Project, subject: str) -> str:
    git(project.root, "add", "--all", ".")
    git(project.root, "commit", "--quiet", "--allow-empty", "-m", subject)
    return git(project.root, "rev-parse", "HEAD")


def change(project: Project, text: str = "# looser\n") -> str:
    """Alter a rule and seal it; the digest from then on."""
    rule = project.root / WEB
    rule.write_text(rule.read_text() + text)
    folder = project.root / "enforcement"
    seal(folder)
    return load(folder).digest


def revisions(project: Project, **changes: str) -> Revisions:
    return Revisions(project.root / "enforcement", {**os.environ, **changes})


def now(project: Project) -> dict[str, bytes]:
    problems: list[Problem] = []
    files = read_folder(project.root / "enforcement", problems)
    assert problems == []
    return files


def test_a_commit_has_the_files_that_were_in_the_folder_then(kept: Project) -> None:
    before = now(kept)
    change(kept)
    commit(kept, "looser")
    history = revisions(kept)
    assert history.files(history.find("HEAD")) == now(kept)
    assert history.files(history.find("HEAD~1")) == before
    assert history.find("HEAD~1").subject == "the first rules"
    assert history.find("HEAD").at.tzinfo is not None


def test_what_does_not_belong_in_the_folder_is_not_read_as_a_rule(kept: Project) -> None:
    before = now(kept)
    kept.write("enforcement/notes.txt", "x")
    kept.write("enforcement/rules/deep/x.yaml", "x")
    kept.write("enforcement/guidance/big.md", "x" * 300_000)
    (kept.root / "enforcement/rules/link.yaml").symlink_to("web-read-only.yaml")
    commit(kept, "strangers")
    history = revisions(kept)
    assert history.files(history.find("HEAD")) == before


def test_a_digest_leads_to_the_newest_commit_that_has_it(kept: Project) -> None:
    first = load(kept.root / "enforcement").digest
    change(kept)
    commit(kept, "looser")
    git(kept.root, "revert", "--no-edit", "HEAD")
    again = git(kept.root, "rev-parse", "HEAD")
    kept.worker("other", "x = 1")
    commit(kept, "nothing about rules")
    found = revisions(kept).with_digest(first)
    assert found is not None
    assert found.commit == again


def test_a_subject_may_hold_whatever_else_ends_a_line_somewhere(kept: Project) -> None:
    digest = change(kept)
    commit(kept, "looser\u2028and\x0b\x85looser")
    change(kept, "# looser still\n")
    commit(kept, "looser still")
    found = revisions(kept).with_digest(digest)
    assert found is not None
    assert found.subject.startswith("looser\u2028and")


def test_a_digest_is_found_on_a_branch_that_is_not_checked_out(kept: Project) -> None:
    git(kept.root, "checkout", "--quiet", "-b", "idea")
    digest = change(kept)
    idea = commit(kept, "an idea")
    git(kept.root, "checkout", "--quiet", "main")
    assert revisions(kept).with_digest(digest) == Revision(idea, revisions(kept).find(idea).at, "an idea")
    git(kept.root, "checkout", "--quiet", "--detach", "idea")
    git(kept.root, "branch", "--quiet", "-D", "idea")
    found = revisions(kept).with_digest(digest)
    assert found is not None
    assert found.commit == idea


def test_what_was_never_committed_is_found_nowhere(kept: Project) -> None:
    digest = change(kept)
    assert revisions(kept).with_digest(digest) is None
    assert not revisions(kept).are_cut_off()


def test_a_shallow_clone_says_that_it_is_one(kept: Project, tmp_path: Path) -> None:
    first = load(kept.root / "enforcement").digest
    change(kept)
    commit(kept, "looser")
    git(tmp_path, "clone", "--quiet", "--depth=1", (tmp_path / "repository").as_uri(), "copy")
    inside = kept.root.relative_to(tmp_path / "repository")
    history = Revisions(tmp_path / "copy" / inside / "enforcement", dict(os.environ))
    assert history.with_digest(first) is None
    assert history.are_cut_off()


@pytest.mark.parametrize("name", ["nowhere", "-x", "--all", "^main", "HEAD..HEAD", "", "main:workers", "\n"])
def test_a_name_that_is_no_commit_is_a_mistake_of_the_command_line(kept: Project, name: str) -> None:
    with pytest.raises(UsageError, match="git knows no commit called"):
        revisions(kept).find(name)


def test_a_commit_without_the_folder_says_how_to_find_one_that_has_it(kept: Project) -> None:
    git(kept.root, "rm", "-r", "--quiet", "enforcement")
    git(kept.root, "commit", "--quiet", "-m", "all rules gone")
    history = revisions(kept)
    with pytest.raises(UsageError, match=r"no folder enforcement/ in commit [0-9a-f]{12}.*git log --oneline"):
        history.files(history.find("HEAD"))
    assert history.files(history.find("HEAD~1"))


def test_a_repository_without_a_commit_knows_none(tmp_path: Path) -> None:
    project = build_project(tmp_path / "fresh")
    git(project.root, "init", "--quiet")
    with pytest.raises(UsageError, match="git knows no commit called 'HEAD'"):
        revisions(project).find("HEAD")
    assert revisions(project).with_digest("sha256:0") is None


def test_without_a_repository_it_is_said_what_to_do(tmp_path: Path) -> None:
    project = build_project(tmp_path / "bare")
    with pytest.raises(SettingsError, match="isn't in a git repository"):
        revisions(project).find("HEAD")
    with pytest.raises(SettingsError, match="isn't in a git repository"):
        revisions(project).with_digest("x")


def test_without_git_it_is_said_what_to_do(kept: Project) -> None:
    with pytest.raises(SettingsError, match="git can't be started"):
        revisions(kept, PATH="/nowhere").find("HEAD")


def test_git_is_not_waited_for_for_ever(kept: Project, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    env = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    history = Revisions(kept.root / "enforcement", env, timeout=timedelta(seconds=0.2))
    with pytest.raises(SettingsError, match=r"no answer within 0\.2 s"):
        history.find("HEAD")


def test_what_a_hook_says_of_its_own_repository_is_not_listened_to(kept: Project, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "other")
    elsewhere = {"GIT_DIR": str(tmp_path / "other" / ".git"), "GIT_WORK_TREE": str(tmp_path / "other")}
    assert revisions(kept, **elsewhere).find("HEAD").subject == "the first rules"


def test_a_person_s_taste_in_logs_makes_no_difference(kept: Project) -> None:
    taste = {"log.showSignature": "true", "color.ui": "always", "i18n.logOutputEncoding": "latin1"}
    commit(kept, "größer: “x” -- y")
    for key, value in taste.items():
        git(kept.root, "config", key, value)
    assert revisions(kept).find("HEAD").subject == "größer: “x” -- y"
    assert revisions(kept).with_digest(load(kept.root / "enforcement").digest) is not None


def test_nothing_is_written_to_the_repository(kept: Project) -> None:
    change(kept)
    before = {path: path.stat().st_mtime_ns for path in (kept.root).rglob("*")}
    history = revisions(kept)
    history.files(history.find("HEAD"))
    history.with_digest("sha256:0")
    assert {path: path.stat().st_mtime_ns for path in (kept.root).rglob("*")} == before
