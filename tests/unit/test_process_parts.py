"""The parts of a process of its own: what it is told, what it finds there, how its death is read."""

import pickle
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from loom.enforcement.guarding.guard import RunGuard
from loom.enforcement.reading.loader import load
from loom.execution.failure import in_bytes
from loom.execution.isolated.errand import packed, unpacked
from loom.execution.isolated.folder import environment, make_folder, remove_folder
from loom.execution.isolated.postmortem import cause_of_death, place_of_death, shown
from loom.ledger.runs_in_file import RunsInFile
from tests.ground.rules import NOWHERE
from tests.ground.shut import REPOSITORY
from tests.unit.execution_bench import NOW, bench_in, requiring

PROJECT = Path("/srv/project")
LOOM = REPOSITORY / "loom"
DUMP = f"""\
Fatal Python error: Segmentation fault

Thread 0x00007f0000000001 (most recent call first):
  File "{LOOM}/execution/child.py", line 140 in _listen
  File "/usr/lib/python3.11/threading.py", line 982 in run

Thread 0x00007f0000000002 (most recent call first):
  File "/srv/project/workers/other.py", line 3 in wait

Current thread 0x00007f0000000003 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/srv/project/.venv/lib/python3.11/site-packages/lib.py", line 7 in call
  File "/srv/project/workers/bad.py", line 14 in inner
  File "/srv/project/workers/bad.py", line 20 in run
  File "{LOOM}/execution/attempts.py", line 85 in _attempt

Extension modules: pydantic_core (total: 1)
"""


def test_an_errand_carries_everything_but_the_guard_and_the_listener(tmp_path: Path) -> None:
    enforcement = load(REPOSITORY / "enforcement")
    zone = ZoneInfo("America/Chicago")
    with bench_in(tmp_path) as bench:
        worker = bench.worker("", settings=MappingProxyType({"a": [1]}), requires=requiring("T"))
        assignment = bench.assignment(
            worker,
            secrets=MappingProxyType({"T": "s"}),
            enforcement=enforcement,
            previous={"a": None},
            now=NOW.astimezone(zone),
            runs=RunsInFile(tmp_path / "ledger.db"),
            preview=True,
        )
    data = packed(assignment, started=12.5, output_limit=7)
    errand = unpacked(data[8:])
    assert int.from_bytes(data[:8]) == len(data) - 8
    assert (errand.started, errand.output_limit) == (12.5, 7)
    guard = RunGuard(enforcement, worker_id=worker.id, agent=None, places=NOWHERE)
    again = errand.assignment(guard, bench.said.append)
    assert replace(again, guard=assignment.guard) == assignment
    assert again.now.tzinfo == zone


def test_what_is_no_errand_is_not_taken_for_one() -> None:
    with pytest.raises(TypeError, match="expected an errand, got a list"):
        unpacked(pickle.dumps([]))


def test_the_environment_is_what_programs_need_to_run_and_nothing_that_is_secret() -> None:
    env = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "LANG": "C",
        "TZ": "UTC",
        "SSL_CERT_FILE": "/ca",
        "PYTHONPATH": "/p",
    }
    hidden = {"HOME": "/home/me", "API_TOKEN": "t", "GITHUB_TOKEN": "t", "HTTPS_PROXY": "http://u:p@x"}
    hidden |= {"PYTHONSTARTUP": "x", "LD_PRELOAD": "x", "LOOM_STATE_BRANCH": "b", "SSH_AUTH_SOCK": "/s"}
    own = {"HOME": "/tmp/own", "TMPDIR": "/tmp/own"}  # noqa: S108  (a path, not a file)
    folder = Path(own["HOME"])
    assert environment({**env, **hidden}, folder, memory=None) == env | own
    assert environment({}, folder, memory=1) == own | {"MALLOC_ARENA_MAX": "1"}


def test_a_run_s_folder_is_its_own_and_goes_with_all_it_holds() -> None:
    folder = make_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    outside = folder.parent / "outside"
    outside.mkdir(mode=0o500)
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (folder / "link").symlink_to(outside)
    inner.chmod(0)
    inner.parent.chmod(0)
    assert remove_folder(folder)
    assert not folder.exists()
    assert outside.stat().st_mode & 0o777 == 0o500


def test_the_place_of_a_death_is_the_innermost_line_of_the_project_in_the_current_thread() -> None:
    assert place_of_death(DUMP, PROJECT) == "workers/bad.py:14"
    assert place_of_death(DUMP.replace("/srv/project/workers/bad.py", "/elsewhere.py"), PROJECT) == (
        "workers/other.py:3"
    )
    assert place_of_death(DUMP, Path("/srv/another")) is None
    later = DUMP.replace("bad.py", "worse.py")
    assert place_of_death(DUMP + later, PROJECT) == "workers/worse.py:14"
    assert place_of_death("", PROJECT) is None


def test_a_dump_is_shown_without_loom_s_own_lines() -> None:
    text = shown(DUMP)
    assert text.startswith("Fatal Python error: Segmentation fault\n\nThread 0x00007f0000000002")
    assert "execution/" not in text
    assert text.count("most recent call first") == 2
    assert shown("not a dump") == "not a dump\n"


@pytest.mark.parametrize(
    ("code", "memory", "kind", "message"),
    [
        (3, None, "ProcessExited", "its process ended with exit code 3 before it returned"),
        (-11, None, "ProcessKilled", "its process was killed by signal 11 (SIGSEGV)"),
        (-6, 512_000_000, "ProcessKilled", "signal 6 (SIGABRT); it may use 512MB (`memory`)"),
        (-9, None, "ProcessKilled", "(SIGKILL), not by Loom; the system does that when memory runs out"),
        (-40, None, "ProcessKilled", "killed by signal 40 (of no name)"),
    ],
)
def test_a_death_is_told_in_words(code: int, memory: int | None, kind: str, message: str) -> None:
    error = cause_of_death(code, memory=memory, dump=DUMP, project=PROJECT)
    assert error.kind == kind
    assert error.message.endswith(message)
    assert error.where == "workers/bad.py:14"


@pytest.mark.parametrize(
    ("size", "text"),
    [(512_000_000, "512MB"), (2_000_000_000, "2GB"), (1 << 30, "1GiB"), (65 << 20, "65MiB"), (7, "7 bytes")],
)
def test_a_size_is_written_as_the_registry_writes_it(size: int, text: str) -> None:
    assert in_bytes(size) == text
