"""Whatever becomes of stdin, stdout and stderr, a tick does its work, and its exit code says how it went."""

import json
import os
import sqlite3
from dataclasses import replace

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T12:50:00Z")

HEARD_IN_A_FILE = """
    version: 1
    timezone: America/Chicago
    alerts: [{kind: file, path: heard.jsonl}]
    workers:
      good: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
      bad: {schedule: "0 * * * *", entrypoint: "workers.bad:run"}
"""
FAILING = """
    import os, sys
    from loom.worker import WorkerContext, WorkerOutput

    print("while it is imported")

    def run(context: WorkerContext) -> WorkerOutput:
        print("a print")
        print("a complaint", file=sys.stderr)
        os.write(1, b"a write\\n")
        os.write(2, b"a write to stderr\\n")
        raise ValueError("broken")
"""
CLOSED = ("<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-")


def recorded(project: Project, loom: Command) -> list[tuple[str, str]]:
    # A question, whose own streams are whole.
    runs = replace(loom, afresh=False)("history", "--json", "--project", project.root).json()["runs"]
    return sorted((run["worker"], run["outcome"]) for run in runs)


@pytest.mark.parametrize("mode", [(), ("--json",)])
@pytest.mark.parametrize("closed", CLOSED)
def test_a_tick_with_closed_streams_runs_records_and_alerts_as_always(
    loom: Command, project: Project, closed: str, mode: tuple[str, ...]
) -> None:
    project.registry(HEARD_IN_A_FILE)
    project.worker("bad", FAILING)
    tick = loom("run", *AT, *mode, "--project", project.root, redirect=closed)
    assert tick.exit_code == 1, tick
    assert "Traceback" not in tick.stdout + tick.stderr
    assert recorded(project, loom) == [("bad", "failed"), ("good", "succeeded")]
    (alert,) = map(json.loads, (project.root / "heard.jsonl").read_text().splitlines())
    assert (alert["event"], alert["worker"]) == ("worker.down", "bad")
    if mode and ">&-" not in closed.replace("2>&-", ""):
        assert tick.json()["exit_code"] == 1


@pytest.mark.parametrize("closed", CLOSED)
def test_with_closed_streams_nothing_that_is_printed_gets_into_the_ledger(
    loom: Command, project: Project, closed: str
) -> None:
    project.registry(HEARD_IN_A_FILE)
    project.worker("bad", FAILING)
    assert loom("run", *AT, "--project", project.root, redirect=closed).exit_code == 1
    for file in project.root.glob(".loom/**/*"):
        # What is printed goes to the run's log, which is in the ledger; what is written past it must not.
        assert not file.is_file() or b"a write" not in file.read_bytes(), file
    with sqlite3.connect(project.ledger) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("command", ["status", "check", "schema", "--help"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_question_with_closed_streams_ends_as_always(
    loom: Command, project: Project, command: str, closed: str
) -> None:
    asked = loom(command, cwd=project.root, redirect=closed)
    assert asked.exit_code == 0, asked
    assert asked.stderr == ""


def test_a_mistake_with_closed_streams_has_its_exit_code(loom: Command, project: Project) -> None:
    for closed in CLOSED:
        refused = loom("run", "--worker", "nosuch", cwd=project.root, redirect=closed)
        assert refused.exit_code == 2, refused
        assert loom("nonsense", cwd=project.root, redirect=closed).exit_code == 2
        assert loom("status", cwd=project.root.parent, redirect=closed).exit_code == 3
        assert "Traceback" not in refused.stdout + refused.stderr


def test_an_alert_for_a_closed_stderr_counts_as_undelivered_until_somebody_can_hear_it(
    loom: Command, project: Project
) -> None:
    project.worker("echo", FAILING)
    deaf = loom("run", *AT, "--json", "--project", project.root, redirect="2>&-")
    assert deaf.exit_code == 4, deaf
    (alert,) = deaf.json()["alerts"]
    assert alert["delivered"] is False
    assert "stderr" in alert["error"]
    heard = loom("run", *LATER, "--json", "--project", project.root)
    assert heard.exit_code == 0, heard
    assert "ALERT worker.down" in heard.stderr


MISCHIEF = (
    "sys.stdout = None",
    "sys.stderr = None",
    "sys.stdout = sys.stderr = None",
    "sys.stdout = sys.stderr = io.StringIO()",
    "sys.stdout = sys.stderr = open(os.devnull, 'w'); sys.stdout.close()",
    "sys.stdout.close(); sys.stderr.close()",
    "sys.__stdout__.close(); sys.__stderr__.close()",
    "sys.stdout.detach()",
    "sys.stdout.reconfigure(encoding='ascii', errors='strict')",
    "os.close(1); os.close(2)",
    "[os.close(n) for n in (0, 1, 2)]",
    "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)",
)


@pytest.mark.parametrize(
    ("mischief", "where", "mode"),
    [
        *((each, "in its run", ()) for each in MISCHIEF),
        *((each, "in a thread that goes on", ("--json",)) for each in MISCHIEF[:4]),
    ],
)
def test_what_a_worker_does_to_the_streams_spoils_neither_answer_alert_nor_exit_code(
    loom: Command, project: Project, mischief: str, where: str, mode: tuple[str, ...]
) -> None:
    project.entries(
        """
        first: {schedule: "0 * * * *", entrypoint: "workers.first:run"}
        good: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        bad: {schedule: "0 * * * *", entrypoint: "workers.bad:run"}
    """,
        top="max_parallel: 1",
    )
    project.worker("bad", FAILING)
    project.worker(
        "first",
        f"""
        import io, os, sys, threading, time
        from loom.worker import WorkerContext, WorkerOutput

        def mischief():
            try:
                {mischief}
            except io.UnsupportedOperation:
                pass

        def go_on():
            mischief()
            time.sleep(60)

        def run(context: WorkerContext) -> WorkerOutput:
            if {where!r} == "in its run":
                mischief()
            else:
                threading.Thread(target=go_on, daemon=True).start()
                time.sleep(0.1)
            return WorkerOutput(summary="done — ✓")
        """,
    )
    tick = loom("run", *AT, *mode, "--project", project.root)
    assert tick.exit_code == 1, tick
    assert "ALERT worker.down" in tick.stderr
    assert "Traceback" not in tick.stdout + tick.stderr
    assert "Exception ignored" not in tick.stderr
    if mode:
        runs = tick.json()["runs"]
        assert {run["worker"]: run["outcome"] for run in runs} == {
            "first": "succeeded",
            "good": "succeeded",
            "bad": "failed",
        }
    else:
        assert "✓ succeeded  first" in tick.stdout
        assert "✗ failed     bad" in tick.stdout


@pytest.mark.parametrize(
    "mischief", ["sys.stdout = sys.stderr = None", "sys.__stderr__.close()", "os.close(1)"]
)
@pytest.mark.parametrize("asked", [("check",), ("run", "--worker", "echo", "--param", "word=ahoy")])
def test_a_module_that_spoils_the_streams_as_it_is_imported_spoils_no_answer(
    loom: Command, project: Project, mischief: str, asked: tuple[str, ...]
) -> None:
    source = (project.root / "workers" / "echo.py").read_text()
    project.write("workers/echo.py", f"import os, sys\n{mischief}\n{source}")
    for mode in ((), ("--json",)):
        answered = loom(*asked, *mode, cwd=project.root)
        assert answered.exit_code == 0, answered
        assert answered.json()["exit_code"] == 0 if mode else "echo" in answered.stdout


NO_ROOM = "No space left on device"


@pytest.mark.parametrize(
    "asked",
    [
        ("status",),
        ("history", "--json"),
        ("next", "--days", "60"),
        ("check",),
        ("schema",),
        ("run", *LATER),
        ("run", *LATER, "--json"),
        ("run", *LATER, "--worker", "echo"),
        ("--help",),
    ],
)
def test_an_answer_that_cannot_be_written_is_one_clear_line_and_exit_4(
    loom: Command, project: Project, asked: tuple[str, ...]
) -> None:
    assert loom("run", *AT, cwd=project.root).exit_code == 0
    full = loom(*asked, cwd=project.root, redirect=">/dev/full")
    assert full.exit_code == 4, full
    (line,) = full.stderr.splitlines()
    assert line.startswith("loom: ")
    assert "stdout" in line
    assert NO_ROOM in line


def test_a_tick_whose_answer_cannot_be_written_is_recorded_and_alerted_all_the_same(
    loom: Command, project: Project
) -> None:
    project.registry(HEARD_IN_A_FILE)
    project.worker("bad", FAILING)
    for mode in ((), ("--json",)):
        full = loom("run", "--worker", "bad", *mode, *AT, cwd=project.root, redirect=">/dev/full")
        assert full.exit_code == 4, full
        assert NO_ROOM in full.stderr
    assert recorded(project, loom) == [("bad", "failed"), ("bad", "failed")]
    assert (project.root / "heard.jsonl").exists()


def test_a_worse_exit_code_stands_though_the_answer_cannot_be_written(
    loom: Command, project: Project
) -> None:
    project.entries("""
        good: {schedule: "*/10 * * * *", entrypoint: "workers.echo:run"}
        typo: {shedule: "0 3 * *", entrypoint: "workers.echo:run"}
    """)
    for asked in (("check",), ("run", *AT), ("run", *LATER, "--json")):
        full = loom(*asked, cwd=project.root, redirect=">/dev/full")
        assert full.exit_code == 3, full
        assert NO_ROOM in full.stderr


def test_talk_that_cannot_be_written_keeps_nothing_from_its_place(loom: Command, project: Project) -> None:
    project.entries("""
        good: {schedule: "0 * * * *", entrypoint: "workers.echo:run"}
        typo: {shedule: "0 3 * *", entrypoint: "workers.echo:run"}
    """)
    tick = loom("run", *AT, "--json", cwd=project.root, redirect="2>/dev/full")
    assert tick.exit_code == 3, tick
    assert [run["outcome"] for run in tick.json()["runs"]] == ["succeeded"]
    (alert,) = tick.json()["alerts"]
    assert alert["delivered"] is False
    assert NO_ROOM in alert["error"]
    assert loom("run", "--worker", "nosuch", cwd=project.root, redirect="2>/dev/full").exit_code == 2
    assert loom("nonsense", cwd=project.root, redirect="2>/dev/full").exit_code == 2
    assert loom("status", cwd=project.root, redirect=">/dev/full 2>/dev/full").exit_code == 4


def test_a_reader_that_has_had_enough_changes_no_exit_code(loom: Command, project: Project) -> None:
    project.worker("echo", FAILING)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        for mode in ((), ("--json",)):
            tick = loom.start("run", "--worker", "echo", *AT, *mode, "--project", project.root, stdout=writer)
            _, talk = tick.communicate(timeout=120)
            assert tick.returncode == 1, talk
            assert "ALERT worker.down" in talk
            assert "Exception ignored" not in talk
        for asked in (("history",), ("status", "--json"), ("status", "--watch"), ("next", "--days", "60")):
            question = loom.start(*asked, "--project", project.root, stdout=writer)
            _, talk = question.communicate(timeout=120)
            assert (question.returncode, talk) == (0, ""), asked
    finally:
        os.close(writer)


def test_an_answer_in_letters_the_terminal_lacks_is_still_an_answer(loom: Command, project: Project) -> None:
    project.worker("echo", FAILING)
    env = {"PYTHONIOENCODING": "ascii"}
    tick = loom("run", "--worker", "echo", *AT, cwd=project.root, env=env)
    assert tick.exit_code == 1, tick
    assert "? failed     echo (Echo)" in tick.stdout
    assert loom("status", cwd=project.root, env=env).exit_code == 0


def test_an_answer_waits_for_a_pipe_that_is_full(loom: Command, project: Project) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        asked = loom.start("next", "--days", "366", "--json", "--project", project.root, stdout=writer)
    finally:
        os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        answer = json.load(pipe)
    _, talk = asked.communicate(timeout=120)
    assert (asked.returncode, talk) == (0, "")
    assert len(answer["slots"]) == 366 * 24


@pytest.mark.parametrize("redirects", [False, True], ids=["runs begin and end", "a run redirects its output"])
def test_what_becomes_of_the_streams_while_a_worker_prints_breaks_nothing(
    loom: Command, project: Project, redirects: bool
) -> None:
    """Python itself prints to a stream that it doesn't hold on to (python/cpython#130163)."""
    names = [f"short-{number}" for number in range(1 if redirects else 40)]
    project.entries(
        'talker: {schedule: "0 * * * *", entrypoint: "workers.talker:run"}\n'
        + "\n".join(f'{name}: {{schedule: "0 * * * *", entrypoint: "workers.short:run"}}' for name in names),
        top="max_parallel: 4",
    )
    project.worker(
        "talker",
        """
        import sys, time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            sys.setswitchinterval(1e-5)
            end = time.monotonic() + 2
            while time.monotonic() < end:
                print("one", "two", "three", "four", "five")
            return WorkerOutput(summary="said")
        """,
    )
    project.worker(
        "short",
        f"""
        import contextlib, io, time
        from loom.worker import WorkerContext, WorkerOutput

        def run(context: WorkerContext) -> WorkerOutput:
            end = time.monotonic() + {2 if redirects else 0.02}
            while {redirects} and time.monotonic() < end:
                with contextlib.redirect_stdout(io.StringIO()):
                    pass
            return WorkerOutput(summary="short")
        """,
    )
    done = loom("run", "--at", "2026-11-20T12:10:00Z", "--json", "--project", project.root)
    assert done.exit_code == 0, done
    assert {run["outcome"] for run in done.json()["runs"]} == {"succeeded"}
