"""The rules of an old run, by the digest in its record: in the folder now, in git, or nowhere."""

import os
from pathlib import Path

import pytest

from loom.domain.enforcement import EnforcementContext
from loom.enforcement.asking.past import Past, rules_under
from loom.enforcement.asking.revisions import Revisions
from loom.enforcement.reading.loader import load
from loom.enforcement.reading.sealing import seal
from tests.ground.branch import git
from tests.ground.project import Project, build_project

OTHER = "+patterns:0123456789abcdef"


@pytest.fixture
def kept(tmp_path: Path) -> Project:
    project = build_project(tmp_path / "project")
    git(project.root, "init", "--quiet")
    git(project.root, "add", "enforcement")
    git(project.root, "commit", "--quiet", "-m", "the first rules")
    return project


def in_force(project: Project) -> EnforcementContext:
    return load(project.root / "enforcement")


def under(project: Project, digest: str, now: EnforcementContext | None) -> Past:
    return rules_under(digest, now, lambda: Revisions(project.root / "enforcement", os.environ))


def no_history() -> Revisions:
    raise AssertionError("git was asked")


def test_what_is_in_force_now_needs_no_git(kept: Project) -> None:
    now = in_force(kept)
    assert rules_under(now.digest, now, no_history) == Past(now)


def test_patterns_that_ship_with_loom_may_have_been_others(kept: Project) -> None:
    now = in_force(kept)
    digest = now.digest_of_files + OTHER
    assert digest != now.digest
    past = rules_under(digest, now, no_history)
    assert past.context is now
    assert "the patterns that ship with Loom" in past.note
    found = under(kept, digest, None)
    assert found.context is not None
    assert found.context.rules == now.rules
    assert (found.revision is not None, found.note) == (True, past.note)


def test_what_was_changed_since_is_found_in_git(kept: Project) -> None:
    before = in_force(kept)
    rule = kept.root / "enforcement/rules/web-read-only.yaml"
    rule.write_text(rule.read_text().replace("[GET, HEAD]", "[GET]"))
    seal(kept.root / "enforcement")
    past = under(kept, before.digest, in_force(kept))
    assert past.context is not None
    assert (past.context.rules, past.context.digest, past.note) == (before.rules, before.digest, "")
    assert past.revision is not None
    assert past.revision.subject == "the first rules"


def test_what_is_nowhere_is_said_to_be(kept: Project, tmp_path: Path) -> None:
    past = under(kept, "sha256:0", in_force(kept))
    assert (past.context, past.revision) == (None, None)
    assert "never committed as they were then, or that are kept elsewhere" in past.note
    bare = build_project(tmp_path / "bare")
    assert "isn't in a git repository" in under(bare, "sha256:0", None).note
    git(kept.root, "commit", "--quiet", "--allow-empty", "-m", "another")
    git(tmp_path, "clone", "--quiet", "--depth=1", kept.root.as_uri(), "shallow")
    assert "git fetch --unshallow" in under(Project(tmp_path / "shallow"), "sha256:0", None).note
