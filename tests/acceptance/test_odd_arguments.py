"""What nobody could mean is refused in a sentence, whichever command it is typed to."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground.nursery import Nursery
from tests.ground.project import Project

FAR = "is too far away; write a year from 1970 to 2199"
LONG = "x" * 300
DEEP = "y/" * 2_000


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with Nursery(os.environ) as nursery:
        yield nursery


def test_what_nobody_could_mean_is_refused(nursery: Nursery, project: Project) -> None:
    (project.root / "circle").symlink_to("circle")
    (project.root / "far.json").write_text('{"traces": [{"ticks": ["0001-01-01T00:00:00+23:59"]}]}')
    for arguments, code, said in (
        (["run", "--at", "0001-01-01T00:00:00+23:59"], 2, FAR),
        (["run", "--dry-run", "--at", "9999-12-31T23:59:59-23:59"], 2, FAR),
        (["run", "--worker", "echo", "--slot", "1969-12-31T23:59:59Z"], 2, FAR),
        (["next", "--at", "9999-12-31T00:00:00Z"], 2, FAR),
        (["next", "--days", "nan"], 2, "--days nan is no number of days"),
        (["simulate", "--ticks", "far.json"], 3, FAR),
        (["pause", ""], 2, "'' names nobody. The workers are: echo"),
        (["why", " "], 2, "names nobody"),
        (["run", "--worker", ""], 2, "--worker '' names nobody"),
        (["show", "\udc80" * 8], 2, "no run is called"),
        (["watch", "--state", ""], 2, "--state '.' is no file"),
        (["watch", "--state", DEEP + "x"], 3, "it lies too deep"),
        (["status", "--project", LONG], 3, "no worker-registry.yaml in "),
        (["status", "--project", "circle"], 3, "can't be looked into:"),
        (["init", LONG], 3, "File name too long"),
        (["init", DEEP], 3, "name a folder you may write to"),
    ):
        found, out, err = nursery.run(arguments, project.root)
        assert (found, out) == (code, b""), arguments
        assert said in err.decode(), arguments


@pytest.mark.parametrize("name", ["caf\udce9", "\x1b[31m", "state\n"])
def test_a_state_branch_that_cannot_be_one_is_refused_before_anything_runs(
    nursery: Nursery, project: Project, name: str
) -> None:
    for arguments in (["run"], ["status"], ["check"], ["state", "show"]):
        found, _, err = nursery.run(arguments, project.root, {"LOOM_STATE_BRANCH": name})
        assert (found, b"bug in Loom" in err) == (3, False), (arguments, err)
    assert not project.ledger.exists()


def test_what_the_watch_finds_in_its_state_file_is_never_a_bug(nursery: Nursery, project: Project) -> None:
    naive = '{"event": "tick.overdue", "opened_at": "2026-01-01T00:00:00", "said_at": "2026-01-01T00:00:00", '
    assert nursery.run(["run"], project.root)[0] == 0
    for text in ("[" * 100_000, f'{naive}"summary": "x"}}', '{"event": [], "summary": 1}', "null", "7", "{}"):
        (project.root / "said.json").write_text(text)
        found, _, err = nursery.run(["watch", "--state", "said.json"], project.root)
        assert found == 3, (text[:100], err)
        assert b"can't be read, so what was alerted before is forgotten" in err


def test_a_folder_that_is_gone_is_told_and_is_no_bug(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); from loom.cli import main; main(['status'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the folder you are in has been deleted" in done.stderr
