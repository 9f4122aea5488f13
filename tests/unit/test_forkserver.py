"""A forked command does what a started one does: its words, its exit code, its files, and what it finds."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ground.command import SCRIPT, Command, Result, fork_server
from tests.ground.forkserver import ForkServer
from tests.ground.processes import left_alive
from tests.ground.project import Project, build_project

AT = ("--at", "2026-11-20T12:10:00Z")
ENTRIES = """
    odd: {schedule: "0 * * * *", entrypoint: "workers.odd:run"}
"""
HEADER = """
import json, gc, locale, os, pathlib, resource, signal, stat, sys, threading, time
from loom.worker import WorkerContext, WorkerOutput

def run(context: WorkerContext) -> WorkerOutput:
    """
FOUND = """
    found = {
        "environ": sorted(os.environ.items()),
        "argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "path": sys.path,
        "flags": str(sys.flags),
        "main": sys.modules["__main__"].__file__,
        "cwd": os.path.basename(os.getcwd()),
        "signals": {n: str(signal.getsignal(n)).split(" at ")[0] for n in signal.valid_signals()},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "open": sorted(name for name in os.listdir("/proc/self/fd") if int(name) < 3),
        "inherited": os.environ.get("NOTHING"),
        "streams": [stat.S_IFMT(os.fstat(number).st_mode) for number in range(3)],
        "session": [os.getsid(0) == os.getsid(TESTS), os.getpgrp() == os.getpgid(TESTS)],
        "limits": [resource.getrlimit(n) for name, n in vars(resource).items() if name.startswith("RLIMIT_")],
        "umask": [os.umask(0o22), os.umask(0o22)],
        "zone": [time.tzname, time.timezone, time.localtime(0).tm_hour],
        "locale": [locale.setlocale(locale.LC_ALL), locale.getencoding(), sys.getfilesystemencoding()],
        "stdin": [sys.stdin.encoding, sys.stdin.errors, sys.stdin.isatty(), sys.stdin.seekable()],
        "recursion": sys.getrecursionlimit(),
        "threads": threading.active_count(),
        "collector": gc.get_threshold(),
    }
    print(json.dumps(found, default=str, sort_keys=True))
    return WorkerOutput(summary="found")
"""


@pytest.fixture
def started(loom: Command) -> Command:
    return replace(loom, afresh=True)


def odd(folder: Path, body: str) -> Project:
    project = build_project(folder / "project")
    project.entries(ENTRIES)
    source = HEADER + body.replace("TESTS", str(os.getpid())).strip() + "\n"
    (project.root / "workers" / "odd.py").write_text(source, encoding="utf-8")
    return project


def both(
    loom: Command, tmp_path: Path, body: str, *commands: tuple[str, ...], **given: object
) -> list[list[object]]:
    """All that can be known of `commands`, run in one project by a start of each, and in another by forks."""
    known = []
    for way in (replace(loom, afresh=True), loom):
        folder = tmp_path / "afresh" if way.afresh else tmp_path / "forked"
        project = odd(folder, body)
        results = [way(*command, cwd=project.root, **given) for command in commands]  # type: ignore[arg-type]
        known.append([[plain(result, folder) for result in results], files(project.root)])
    return known


def plain(result: Result, folder: Path) -> tuple[int, str, str]:
    return result.exit_code, _without_chance(result.stdout, folder), _without_chance(result.stderr, folder)


def _without_chance(text: str, folder: Path) -> str:
    """Without folders, ids and measured times."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,12}\b", "ID", text)
    text = re.sub(r"loom-bug-\w+", "BUG", text)
    return re.sub(r"\b\d+(\.\d+)? ?m?s\b|(?<=_s\": )[\d.e-]+|(?<=_at\": )\"[^\"]+\"", "TIME", text)


def files(root: Path) -> list[str]:
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if "__pycache__" not in path.parts)
    return [re.sub(r"loom-bug-\w+|[\w.]+-\d+-\w+(?=\.lock)", "CHANCE", name) for name in names]


RUN = ("run", *AT)
TOLD = """import ctypes
    ctypes.CDLL(None).kill(os.getpid(), SIGNAL)  # past the guard
    while not context.cancelled: time.sleep(0.005)
"""
FINE = 'return WorkerOutput(summary="fine")'


@pytest.mark.parametrize(
    ("body", "commands", "codes"),
    [
        (FINE, [("status", *AT), RUN, ("status", *AT), ("history",), ("check",)], [0, 0, 0, 0, 0]),
        (FINE, [(*RUN, "--json"), ("history", "--json")], [0, 0]),
        ('raise ValueError("broken")', [RUN, ("logs", "odd"), (*RUN, "--json")], [1, 0, 0]),
        (FINE, [("nonsense",), ("run", "--nonsense", "--json"), ("run", "--worker", "nosuch")], [2, 2, 2]),
        (FINE, [("--help",), ("--version",), ()], [0, 0, 2]),
        ("import loom.cli.ticking as it; it.int = None; " + FINE, [RUN, ("history",)], [70, 0]),
        (TOLD.replace("SIGNAL", "2"), [RUN], [130]),
        (TOLD.replace("SIGNAL", "15"), [RUN], [143]),
        (TOLD.replace("SIGNAL", "9"), [RUN], [-9]),
    ],
    ids=["well", "json", "failing", "misused", "help", "bug", "interrupted", "terminated", "killed"],
)
def test_words_exit_codes_and_files_are_those_of_a_command_that_was_started(
    loom: Command, tmp_path: Path, body: str, commands: list[tuple[str, ...]], codes: list[int]
) -> None:
    afresh, forked = both(loom, tmp_path, body, *commands)
    assert forked == afresh
    assert [code for code, _, _ in forked[0]] == codes  # type: ignore[attr-defined]


def test_what_it_finds_about_itself_is_what_a_command_that_was_started_finds(
    loom: Command, tmp_path: Path
) -> None:
    env = {"TZ": "Asia/Tokyo", "ADDED": "é", "HOME": None}
    found = []
    for way in (replace(loom, afresh=True), loom):
        project = odd(tmp_path / str(way.afresh), FOUND)
        tick = way(*RUN, "--json", cwd=project.root, env=env, stdin="asked\n")
        (run,) = [run for run in tick.json()["runs"] if run["worker"] == "odd"]
        log = way("logs", run["run_id"], cwd=project.root).stdout
        told = log[log.index("{") : log.rindex("}") + 1].replace(str(project.root), "PROJECT")
        found.append(json.loads(told))
    assert found[1] == found[0]
    assert ["ADDED", "é"] in found[1]["environ"]
    assert found[1]["zone"][1] == -9 * 3600


def test_what_is_said_on_stdin_is_heard(loom: Command, started: Command, tmp_path: Path) -> None:
    project = odd(tmp_path, FINE)
    text = "é" * 300_000 + "\nn\n"
    asked = ("run", "--worker", "odd", "--force", *AT)
    assert [way(*asked, cwd=project.root, stdin=text).exit_code for way in (started, loom)] == [0, 0]


def test_what_python_reads_at_its_start_is_never_asked_of_a_fork(loom: Command, tmp_path: Path) -> None:
    server = fork_server()
    assert server is not None
    assert server.can(loom.environ, tmp_path)
    for name, value in (("PYTHONPATH", "/elsewhere"), ("LC_ALL", "C"), ("PYTHONIOENCODING", "ascii")):
        assert not server.can({**loom.environ, name: value}, tmp_path)
    assert not server.can(loom.environ, tmp_path / "nowhere")


def test_the_walls_stand_round_a_fork_too(
    loom: Command, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = odd(tmp_path, 'import socket; socket.create_connection(("192.0.2.1", 80), timeout=1)')
    report = tmp_path / "report"
    loom(*RUN, cwd=project.root, env={"TEST_GROUND_REPORT": str(report)})
    assert "192.0.2.1" in report.read_text()


@pytest.fixture
def server() -> Iterator[ForkServer]:
    server = ForkServer(SCRIPT, os.environ)
    yield server
    server.close()


def test_one_that_goes_on_too_long_is_killed_with_what_it_wrote(server: ForkServer, tmp_path: Path) -> None:
    project = odd(tmp_path, "pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)")
    pid = project.root / "pid"
    for seconds in (2, 10, 50):  # more, if a busy machine hadn't begun it
        with pytest.raises(subprocess.TimeoutExpired):
            server.run(RUN, cwd=project.root, environ=os.environ, stdin=b"", timeout_s=seconds)
        if pid.exists():
            break
    assert left_alive([int(pid.read_text())]) == []


def test_several_at_once_keep_their_words_apart(server: ForkServer, tmp_path: Path) -> None:
    told: dict[str, tuple[int, bytes]] = {}

    def ask(name: str) -> None:
        code, out, _ = server.run((name, "--help"), cwd=tmp_path, environ=os.environ, stdin=b"", timeout_s=60)
        told[name] = code, out

    names = ("run", "status", "check", "history", "why")
    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: code for name, (code, _) in told.items()} == dict.fromkeys(names, 0)
    assert all(f"loom {name}".encode() in out for name, (_, out) in told.items())


def test_it_ends_with_the_process_that_made_it_however_that_ends(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal\n"
        "from tests.ground.command import SCRIPT\nfrom tests.ground.forkserver import ForkServer\n"
        "server = ForkServer(SCRIPT, os.environ)\n"
        "server.run(['--version'], cwd=pathlib.Path('/'), environ=os.environ, stdin=b'', timeout_s=60)\n"
        "print(server._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert left_alive([int(done.stdout)]) == []


def test_when_it_is_gone_a_command_says_so(server: ForkServer, tmp_path: Path) -> None:
    environ: Mapping[str, str] = os.environ
    os.kill(server._process.pid, signal.SIGKILL)
    with pytest.raises(AssertionError, match="is gone"):
        server.run(("--version",), cwd=tmp_path, environ=environ, stdin=b"", timeout_s=60)
