"""The state branch in every kind of clone: it works there, and a person at work there sees nothing of it."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from loom.domain.tick import Mark
from loom.errors import LedgerError
from loom.ledger.git import GitFailed, RemoteBranch
from loom.ledger.git_advice import advice
from loom.ledger.layout import day_file, in_order
from tests.contracts.ledger_entries import DAY, HOUR, SIX, a_run, a_ticket, claim, closed
from tests.ground.branch import STATE, Remote, git


def a_day_at_work(remote: Remote, clone: Path, **options: object) -> None:
    """Ticks of two runners, a rejected push among them, and a compaction, all seen from `clone`."""
    name = f"other-{clone.name}"
    with (
        closing(remote.ledger(clone, **options)) as ledger,
        closing(remote.ledger(remote.clone(name))) as other,
    ):
        mine = claim(ledger, a_ticket(clone.name))
        ledger.record([closed(mine), a_run(f"run-{clone.name}", clone.name)])
        other.claim([Mark(name, SIX)], revision=other.snapshot().revision)
        ledger.publish()
        ledger.compact(before=SIX + DAY, forget_before=SIX - DAY)
        ledger.claim([Mark(clone.name, SIX)], revision=ledger.snapshot().revision)
        other.sync()
        assert other.run(f"run-{clone.name}") is not None
        assert other.snapshot().marks.keys() >= {clone.name, name}


def seen(clone: Path) -> list[object]:
    """All that a person working in `clone` could notice."""
    folder = Path(git(clone, "rev-parse", "--absolute-git-dir"))
    tracked = [clone / path for path in git(clone, "ls-files").splitlines()]
    return [
        git(clone, "status", "--porcelain", "--branch", "--ignored"),
        *[(folder / name).read_bytes() for name in ("HEAD", "index", "config")],
        (folder / "FETCH_HEAD").exists(),
        git(clone, "for-each-ref", "refs/heads", "refs/tags", "refs/stash"),
        git(clone, "reflog"),
        [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in tracked],
        sorted(path.name for path in clone.iterdir()),
        git(clone, "rev-parse", "--is-shallow-repository"),
    ]


def dirty(clone: Path) -> None:
    """A person in the middle of something: one change staged, another not, a file that git doesn't know."""
    (clone / "code.py").write_text("print('staged')\n", encoding="utf-8")
    git(clone, "add", "code.py")
    (clone / "code.py").write_text("print('unstaged')\n", encoding="utf-8")
    (clone / "notes.txt").write_text("mine\n", encoding="utf-8")


def test_the_working_tree_the_index_and_the_checked_out_branch_are_not_touched(
    remote: Remote, tmp_path: Path
) -> None:
    clone = remote.clone("mine")
    dirty(clone)
    before = seen(clone)
    a_day_at_work(remote, clone, local=tmp_path / "state" / "ledger.db")
    assert seen(clone) == before


CLONES: dict[str, Callable[[Remote], Path]] = {
    "shallow": lambda remote: remote.clone("shallow", "--depth=1"),
    "single branch": lambda remote: remote.clone("single", "--single-branch", "--branch=main"),
    "no blobs": lambda remote: remote.clone("partial", "--filter=blob:none"),
    "bare": lambda remote: remote.clone("bare", "--bare"),
}


@pytest.mark.parametrize("make", CLONES.values(), ids=CLONES)
def test_it_works_in_every_kind_of_clone(
    remote: Remote, tmp_path: Path, make: Callable[[Remote], Path]
) -> None:
    git(remote.bare, "config", "uploadpack.allowFilter", "true")
    clone = make(remote)
    a_day_at_work(remote, clone, local=tmp_path / "state" / "ledger.db")
    assert git(clone, "rev-parse", "--is-shallow-repository") == str(clone.name == "shallow").lower()


def test_it_works_with_a_detached_head_and_in_a_worktree_beside_its_parent(
    remote: Remote, tmp_path: Path
) -> None:
    clone = remote.clone("parent")
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "worktree", "add", "--quiet", tmp_path / "beside", "-b", "topic")
    a_day_at_work(remote, clone)
    a_day_at_work(remote, tmp_path / "beside")
    with closing(remote.ledger(clone)) as one, closing(remote.ledger(tmp_path / "beside")) as two:
        one.sync()
        two.sync()
        assert one.snapshot().marks == two.snapshot().marks


def test_it_works_from_a_folder_below_the_root(remote: Remote) -> None:
    clone = remote.clone("mono")
    (clone / "team").mkdir()
    a_day_at_work(remote, clone, repository=clone / "team")


def test_a_person_s_hooks_signing_and_settings_stay_out_of_it(remote: Remote, tmp_path: Path) -> None:
    clone = remote.clone("opinionated")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "pre-commit", "commit-msg", "reference-transaction", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/ran\nexit 1\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    for key, value in {
        "commit.gpgSign": "true",
        "push.gpgSign": "if-asked",
        "gpg.program": "/bin/false",
        "fetch.prune": "true",
        "push.default": "nothing",
        "push.followTags": "true",
        "core.autocrlf": "true",
        "transfer.fsckObjects": "true",
        "user.useConfigOnly": "true",
    }.items():
        git(clone, "config", key, value)
    git(clone, "tag", "-a", "v1", "-m", "mine alone")
    git(clone, "config", "core.hooksPath", hooks)
    a_day_at_work(remote, clone)
    assert not (tmp_path / "ran").exists()
    assert git(remote.bare, "tag") == ""


def test_a_git_that_calls_loom_does_not_lend_it_its_own_repository(remote: Remote, tmp_path: Path) -> None:
    elsewhere = remote.clone("elsewhere")
    inherited = {"GIT_DIR": str(elsewhere / ".git"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    before = git(elsewhere, "for-each-ref")
    a_day_at_work(remote, remote.clone("mine"), env={**os.environ, **inherited})
    assert git(elsewhere, "for-each-ref") == before


def test_a_branch_name_with_folders_works(remote: Remote) -> None:
    with closing(remote.ledger(remote.clone("mine"), branch="loom/state")) as ledger:
        ledger.claim([Mark("echo", SIX)], revision=ledger.snapshot().revision)
    assert git(remote.bare, "log", "--format=%an", "loom/state") == "Loom"


# -- trouble -------------------------------------------------------------------------------------------------


def test_a_folder_without_a_repository_says_so(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with (
        closing(remote.ledger(tmp_path / "plain")) as ledger,
        pytest.raises(LedgerError, match=r"needs a project inside a git repository: run `git init`"),
    ):
        ledger.snapshot()


def test_a_machine_without_git_says_so(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = remote.clone("mine")
    monkeypatch.setenv("PATH", str(tmp_path))
    with closing(remote.ledger(clone)) as ledger, pytest.raises(LedgerError, match="Install git"):
        ledger.snapshot()


def test_a_git_that_hangs_is_ended_with_all_that_it_started(remote: Remote, tmp_path: Path) -> None:
    clone = remote.clone("mine")
    alive = tmp_path / "alive"
    program = tmp_path / "upload-pack"
    program.write_text(f"#!/bin/sh\nwhile :; do echo x >> {alive}; sleep 0.05; done\n", encoding="utf-8")
    program.chmod(0o755)
    git(clone, "config", "remote.origin.uploadpack", str(program))
    for seconds in (0.5, 5, 60):  # more, if a busy machine hadn't begun it
        timeout = timedelta(seconds=seconds)
        branch = RemoteBranch(clone, "origin", STATE, "refs/loom/x", os.environ, timeout=timeout)
        with pytest.raises(GitFailed, match=rf"no answer within {seconds} s\. Is the remote reachable"):
            branch.fetch()
        if alive.exists():
            break
    size = alive.stat().st_size
    time.sleep(0.2)
    assert alive.stat().st_size == size


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("remote: Permission to a/b.git denied to github-actions[bot]. fatal: ... 403", "contents: write"),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "credentials"),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", "reachable"),
        ("fatal: detected dubious ownership in repository at '/r'", "safe.directory"),
        ("! [remote rejected] x -> y (protected branch hook declined)", "contents: write"),
    ],
)
def test_what_git_says_comes_with_the_next_step(said: str, step: str) -> None:
    assert step in advice("push", said, STATE)


def test_no_password_of_an_address_is_repeated() -> None:
    said = advice(
        "fetch", "fatal: unable to access 'https://x-access-token:ghs_secret@github.com/a/b/'", STATE
    )
    assert "ghs_secret" not in said
    assert "https://***@github.com/a/b/" in said


def test_files_are_read_in_the_order_in_which_they_were_written() -> None:
    paths = ["2026/11/2026-11-09.jsonl", "2026-11.jsonl", "2025/12/2025-12-31.jsonl", "2026-10.jsonl"]
    paths += ["README.md", "2026/12/2026-11-30.jsonl", "notes/2026-11-30.jsonl"]
    assert in_order(paths) == [
        "2025/12/2025-12-31.jsonl",
        "2026-10.jsonl",
        "2026-11.jsonl",
        "2026/11/2026-11-09.jsonl",
    ]


def test_a_day_ends_at_midnight_utc_and_no_earlier_file_is_gone_back_to() -> None:
    late = SIX + 17 * HOUR + timedelta(minutes=59)
    assert day_file(late) == "2026/03/2026-03-03.jsonl"
    assert day_file(late + timedelta(minutes=1)) == "2026/03/2026-03-04.jsonl"
    assert day_file(late, ["2026/03/2026-03-04.jsonl"]) == "2026/03/2026-03-04.jsonl"
    assert day_file(late, ["2026-03.jsonl"]) == "2026/03/2026-03-03.jsonl"
    assert day_file(late, ["2026-04.jsonl"]) == "2026/04/2026-04-01.jsonl"
