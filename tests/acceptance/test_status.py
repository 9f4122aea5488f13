"""`loom status` of a project that has lived: one worker opened, a screen that is drawn again, and JSON."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.ground.command import PROGRAM, Command
from tests.ground.project import Project
from tests.ground.terminal import screen

ENTRIES = """
    media-distribution:
      agent: Broadcast
      description: Looks after the feed
      schedule: "0 10 * * *"
      entrypoint: workers.ways:run
    media-youtube-comments: {agent: Broadcast, schedule: "0 8 * * *", entrypoint: "workers.ways:run"}
    relationship-sentinel:
      agent: Sentinel
      schedule: "0 6 * * *"
      entrypoint: workers.ways:run
      requires: {env: [HUBSPOT_ACCESS_TOKEN]}
"""


@pytest.fixture
def lived(loom: Command, project: Project) -> Project:
    """Two workers for two days, of which one failed in the end, and one that waits for its secret."""
    project.worker(
        "ways",
        """
        from loom.worker import Finding, PermanentError, WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            if context.slot and context.slot.day == 20 and context.worker_id == "media-distribution":
                raise PermanentError("the feed isn't there any more")
            found = Finding(severity="warning", title="an old title")
            return WorkerOutput(summary="one found", findings=[found])
        """,
    )
    project.entries(ENTRIES, top="tick: {cron: '15 * * * *'}")
    for day in (19, 20):
        loom("run", "--at", f"2026-11-{day}T16:15:00Z", "--project", project.root)
    return project


def test_history_of_nothing_says_what_to_do(loom: Command, project: Project) -> None:
    history = ("history", "--project", project.root)
    assert loom(*history).stdout == "Nothing is recorded yet. Start a tick with: loom run\n"
    assert loom(*history, "--bad").stdout == "Nothing of that is recorded. All there is: loom history\n"


def test_status_at_an_instant_shows_what_was_known_then_and_nothing_it_could_only_guess(
    loom: Command, lived: Project
) -> None:
    status = ("status", "--project", lived.root, "--at")
    told = loom(*status, "2026-11-20T17:00:00Z", "--json").json()
    health = {row["id"]: row["health"] for row in told["workers"]}
    assert told["at"] == "2026-11-20T11:00:00-06:00"
    assert health["media-youtube-comments"] == "up"
    assert health["media-distribution"] == "down"
    for at, said in (("2026-11-20T16:00:00Z", "before the last tick"), ("2199-01-01T00:00:00Z", "future")):
        refused = loom(*status, at)
        assert refused.exit_code == 2
        assert said in refused.stderr


def test_status_next_and_history_answer_for_all_workers_or_for_one(loom: Command, lived: Project) -> None:
    status = ("status", "--project", lived.root)
    seen = loom(*status, "--json").json()
    workers = {worker["id"]: worker for worker in seen["workers"]}
    failing, good = workers["media-distribution"], workers["media-youtube-comments"]
    assert failing["recent"][-1] == {
        "slot": "2026-11-20T10:00:00-06:00",
        "slot_last": None,
        "count": 1,
        "outcome": "failed",
        "final": True,
        "run_id": failing["last_run"]["run_id"],
    }
    assert (failing["streak"], failing["description"]) == (-1, "Looks after the feed")
    assert (good["streak"], good["description"], good["pause"]) == (1, None, None)
    assert (seen["alerts"], seen["undelivered"], seen["troubles"]) == ({"undelivered": 0}, [], [])

    one = loom(*status, "--worker", "SENTINEL", "--json").json()["worker"]
    assert (one["id"], one["health"], len(one["coming"])) == ("relationship-sentinel", "down", 3)
    assert [ticket["reason"] for ticket in one["open"]] == ["requirement"]
    opened = loom.in_terminal(*status, "--worker", "media-distribution", columns=80, rows=80).stdout
    for part in ("Looks after the feed", "down", "PermanentError: the feed isn't there any more"):
        assert part in opened
    for part in ("0 10 * * *", "Last slots", "Next slots", "an old title", "loom why media-distribution"):
        assert part in opened
    both = loom(*status, "--worker", "broadcast")
    assert both.exit_code == 2
    assert "media-distribution and media-youtube-comments" in both.stderr

    asked = ("next", "--worker", "sentinel", "--days", "3", "--at", "2026-11-21T00:00:00Z", "--json")
    slots = loom(*asked, "--project", lived.root).json()["slots"]
    assert [slot["worker"] for slot in slots] == ["relationship-sentinel"] * 3

    history = ("history", "--json", "--project", lived.root)
    first_day = loom(*history, "--since", "2026-11-19", "--until", "2026-11-20T00:00:00Z").json()["runs"]
    assert {run["slot"][:10] for run in first_day} == {"2026-11-19"}
    bad = loom(*history, "--bad", "--since", "2026-11-20").json()["runs"]
    assert [(run["worker"], run["outcome"]) for run in bad] == [("media-distribution", "failed")]
    refused = loom(*history, "--since", "yesterday")
    assert refused.exit_code == 2
    assert "36h or 7d" in refused.stderr


@contextmanager
def watching(loom: Command, project: Project, rows: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`loom status --watch` in a terminal of 80 columns; and our side of that terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, "status", "--watch", "--project", str(project.root)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**loom.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def written(terminal: int, until: str, patience_s: float = 120.0) -> str:
    """What comes from the terminal up to `until`, and a moment after. AssertionError if it never comes."""
    text = b""
    deadline = time.monotonic() + patience_s
    while until.encode() not in text:
        assert time.monotonic() < deadline, text.decode("utf-8", "replace")
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 65536)
            except OSError:  # nobody holds the other side any more
                break
    return text.decode("utf-8", "replace")


@pytest.mark.own_clock
def test_the_watched_screen_goes_on_after_a_mistake_and_gives_the_terminal_back(
    loom: Command, project: Project
) -> None:
    registry = project.root / "worker-registry.yaml"
    good = registry.read_text(encoding="utf-8")
    with watching(loom, project, rows=60) as (process, terminal):
        first = written(terminal, "No tick has come yet")
        assert "\x1b[?1049h" in first
        assert "again every 5 s" in first
        registry.write_text("version: 1\nworkers: [", encoding="utf-8")
        broken = written(terminal, "can't be read now")
        registry.write_text(good, encoding="utf-8")
        broken += written(terminal, "No tick has come yet")
        shown = screen(broken)
        assert "worker-registry.yaml" in shown
        assert "echo" in shown  # what was read before still stands
        assert "\x1b[2J" not in first + broken  # drawn over in place: a screen that is cleared flickers
        process.send_signal(signal.SIGINT)
        last = written(terminal, "\x1b[?1049l")
        assert "\x1b[?25h" in last
        assert process.wait(timeout=120) == 130


@pytest.mark.own_clock
def test_a_screen_that_is_too_low_says_how_much_is_hidden(loom: Command, project: Project) -> None:
    with watching(loom, project, rows=6) as (process, terminal):
        shown = screen(written(terminal, "make the window taller"))
        assert len(shown.splitlines()) <= 6
        process.send_signal(signal.SIGTERM)
        assert "\x1b[?1049l" in written(terminal, "\x1b[?1049l")
        assert process.wait(timeout=120) == 143


@pytest.mark.own_clock
def test_each_look_is_one_document_for_a_program(loom: Command, project: Project) -> None:
    process = loom.start("status", "--watch", "--json", "--project", project.root)
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("\n}"):
            text += process.stdout.readline()
        assert len(json.loads(text)["workers"]) == 1
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.own_clock
def test_a_run_under_way_is_seen_while_its_process_lives_and_when_it_has_died(
    loom: Command, project: Project
) -> None:
    project.worker(
        "slowpoke",
        """
        from pathlib import Path
        from time import sleep

        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            Path("begun").touch()
            sleep(600)
            return WorkerOutput(summary="at last")
        """,
    )
    project.entries('slowpoke: {schedule: "0 6 1 1 *", entrypoint: "workers.slowpoke:run"}')
    status = ("status", "--project", project.root)
    running = loom.start("run", "--worker", "slowpoke", "--project", project.root, cwd=project.root)
    try:
        deadline = time.monotonic() + 120
        while not (project.root / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (worker,) = loom(*status, "--json").json()["workers"]
        assert worker["under_way"]["alive"] is True
        assert worker["under_way"]["by_hand"] is True
        assert worker["under_way"]["run_id"]
        shown = loom(*status).stdout
        assert "slowpoke is under way since" in shown
        assert "by hand  → loom logs slowpoke --follow" in shown
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert (
            "and its process died; the next tick records that" in loom(*status, "--worker", "slowpoke").stdout
        )
    finally:
        running.kill()
        running.communicate()
