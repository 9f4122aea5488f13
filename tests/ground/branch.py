"""A bare repository on disk with clones of it, and ledgers on a branch of it."""

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loom.clock import ManualClock
from loom.ledger.branch import BranchLedger

START = datetime(2026, 3, 3, 6, tzinfo=UTC)
STATE = "loom-state"


def git(folder: Path, *arguments: str | Path, check: bool = True) -> str:
    """What git prints, without the last newline."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"git {arguments}: {done.stderr}"
    return done.stdout.rstrip("\n")


@dataclass
class Remote:
    """`folder`/remote.git with a branch `main` of one commit. waits: the seconds that ledgers slept."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    waits: list[float] = field(default_factory=list)
    _handed_out: list[BranchLedger] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bare = self.folder / "remote.git"
        git(self.folder, "init", "--quiet", "--bare", self.bare)
        first = self.folder / "first"
        git(self.folder, "clone", "--quiet", self.bare, first)
        (first / "code.py").write_text("print('hello')\n", encoding="utf-8")
        git(first, "add", "code.py")
        git(first, "commit", "--quiet", "-m", "code")
        git(first, "push", "--quiet", "origin", "HEAD:refs/heads/main")

    def clone(self, name: str, *options: str) -> Path:
        """A clone in `folder`/`name`; a file URL, so that options such as ``--depth=1`` hold."""
        git(self.folder, "clone", "--quiet", *options, self.bare.as_uri(), self.folder / name)
        return self.folder / name

    def ledger(self, clone: Path, **changes: Any) -> BranchLedger:
        plain = {"repository": clone, "branch": STATE, "env": os.environ, "clock": self.clock}
        local = changes.pop("local", clone / ".loom" / "ledger.db")
        made = BranchLedger(local, **{**plain, "redact": None, "wait": self.waits.append, **changes})
        self._handed_out.append(made)
        return made

    def close(self) -> None:
        """Every ledger that it gave, also one that is closed already."""
        for ledger in self._handed_out:
            ledger.close()

    def tip(self) -> str:
        return git(self.bare, "rev-parse", "--verify", "--quiet", f"refs/heads/{STATE}", check=False)

    def commits(self) -> int:
        return int(git(self.bare, "rev-list", "--count", STATE)) if self.tip() else 0

    def files(self) -> dict[str, str]:
        """Every file on the state branch by its path."""
        paths = git(self.bare, "ls-tree", "-r", "--name-only", STATE).splitlines() if self.tip() else []
        return {path: git(self.bare, "show", f"{STATE}:{path}") for path in paths}

    def edit(self, changes: dict[str, str | None]) -> None:
        """What a person does to the state branch by hand, in a clone of their own."""
        hand = self.folder / "hand"
        if not hand.exists():
            git(self.folder, "clone", "--quiet", "--branch", STATE, self.bare, hand)
        git(hand, "fetch", "--quiet", "origin", STATE)
        git(hand, "reset", "--quiet", "--hard", "FETCH_HEAD")
        for path, text in changes.items():
            if text is None:
                (hand / path).unlink()
            else:
                (hand / path).parent.mkdir(parents=True, exist_ok=True)
                (hand / path).write_text(text, encoding="utf-8")
        git(hand, "add", "--all")
        git(hand, "commit", "--quiet", "-m", "by hand")
        git(hand, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{STATE}")

    def refuse(self, *, why: str = "") -> None:
        """From now on the remote takes no push; with no `why`, it takes them again."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.unlink(missing_ok=True)
        if why:
            hook.write_text(f"#!/bin/sh\necho '{why}' >&2\nexit 1\n", encoding="utf-8")
            hook.chmod(0o755)
