"""SIGINT, SIGTERM and SIGHUP in the middle of a tick: it ends in order, and the next goes on from there."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from loom.cli.signals import obeying
from loom.runner.request import Stop
from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

AT = ("--at", "2026-11-20T12:10:00Z")
LATER = ("--at", "2026-11-20T12:30:00Z")
ASKED = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
EACH = pytest.mark.parametrize(("sent", "code"), [*ASKED, (signal.SIGHUP, 143)])
HEADER = """
    import time
    from loom.worker import WorkerContext, WorkerOutput

"""
POLITE = """
    def run(context: WorkerContext) -> WorkerOutput:
        (context.project / "started").touch()
        while not context.cancelled and not (context.project / "again").exists():
            time.sleep(0.02)
        return WorkerOutput(summary="as far as it got")
"""
STUBBORN = """
    def run(context: WorkerContext) -> WorkerOutput:
        (context.project / "started").touch()
        if not (context.project / "again").exists():
            time.sleep(600)
        return WorkerOutput(summary="done")
"""
FORBIDDEN = """
    from contextlib import suppress

    def run(context: WorkerContext) -> WorkerOutput:
        with suppress(Exception):
            context.http.post("https://api.hubapi.com/crm/v3/objects/contacts", json={})
        (context.project / "started").touch()
        time.sleep(600)
        return WorkerOutput(summary="as if nothing had been")
"""
ASYNC = """
    import asyncio

    async def run(context: WorkerContext) -> WorkerOutput:
        (context.project / "started").touch()
        if not (context.project / "again").exists():
            await asyncio.sleep(600)
        return WorkerOutput(summary="done")
"""
COPYING = """
    import os, signal

    def run(context: WorkerContext) -> WorkerOutput:
        copy = os.fork()
        if copy == 0:
            try:
                time.sleep(30)
            finally:
                os._exit(0)
        os.kill(copy, signal.SIGTERM)
        _, status = os.waitpid(copy, 0)
        return WorkerOutput(summary=f"ended by signal {os.WTERMSIG(status)}")
"""


def a_project_with(project: Project, body: str) -> Project:
    project.worker("first", HEADER + body)
    project.entries(
        """
        first: {schedule: "0 6 * * *", entrypoint: "workers.first:run", retry: {max_backoff: 0s}}
        second: {schedule: "0 6 * * *", entrypoint: "workers.echo:run"}
        """,
        top="max_parallel: 1",
    )
    return project


def stopped_in_the_middle(
    loom: Command, root: Path, sent: signal.Signals, *options: str
) -> "subprocess.Popen[str]":
    """A tick that got the signal once its first worker was at work."""
    # Where these tests themselves run under nohup, what they start would ignore SIGHUP too.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        tick = loom.start("run", *AT, "--json", "--project", root, *options)
    finally:
        signal.signal(signal.SIGHUP, before)
    for _ in range(2400):
        if (root / "started").exists():
            break
        time.sleep(0.05)
    tick.send_signal(sent)
    return tick


def runs(answer: str) -> list[tuple[str, str, bool]]:
    return [(run["worker"], run["outcome"], run["final"]) for run in json.loads(answer)["runs"]]


def next_tick(loom: Command, project: Project) -> list[tuple[str, str, bool]]:
    (project.root / "again").touch()
    return runs(loom("run", *LATER, "--json", "--project", project.root).stdout)


@EACH
def test_a_worker_that_looks_whether_it_should_stop_hands_in_what_it_has(
    loom: Command, project: Project, sent: signal.Signals, code: int
) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, POLITE).root, sent)
    answer, talk = tick.communicate(timeout=120)
    assert tick.returncode == code, talk
    assert f"{sent.name}: stopping" in talk
    assert runs(answer) == [("first", "succeeded", True), ("second", "skipped", False)]
    assert json.loads(answer)["exit_code"] == code
    assert next_tick(loom, project) == [("second", "succeeded", True)]


@EACH
def test_a_worker_that_goes_on_all_the_same_is_cut_off_alerted_and_started_again(
    loom: Command, project: Project, sent: signal.Signals, code: int
) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, STUBBORN).root, sent)
    answer, talk = tick.communicate(timeout=120)
    assert tick.returncode == code, talk
    assert runs(answer) == [("second", "skipped", False), ("first", "abandoned", False)]
    assert [alert["event"] for alert in json.loads(answer)["alerts"]] == ["worker.failing"]
    assert "Traceback" not in talk
    assert next_tick(loom, project) == [("second", "succeeded", True), ("first", "succeeded", True)]


def test_what_was_refused_an_act_is_blocked_for_good_though_its_tick_ends_before_it_does(
    loom: Command, project: Project
) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, FORBIDDEN).root, signal.SIGTERM)
    answer, talk = tick.communicate(timeout=120)
    assert tick.returncode == 143, talk
    assert runs(answer) == [("second", "skipped", False), ("first", "blocked", True)]
    error = json.loads(answer)["runs"][1]["error"]
    assert (error["kind"], "POST" in error["message"]) == ("hubspot-read-only", True), error
    assert error["where"].startswith("workers/first.py:"), error
    assert next_tick(loom, project) == [("second", "succeeded", True)]


def test_a_copy_of_the_process_that_a_worker_ends_is_not_the_tick(loom: Command, project: Project) -> None:
    a_project_with(project, COPYING)
    told = loom("run", *AT, "--json", "--project", project.root)
    assert runs(told.stdout) == [("first", "succeeded", True), ("second", "succeeded", True)], told.stderr
    assert json.loads(told.stdout)["runs"][0]["output"]["summary"] == "ended by signal 15"
    assert "stopping" not in told.stderr


def test_a_coroutine_is_cancelled_and_its_slot_is_tried_again(loom: Command, project: Project) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, ASYNC).root, signal.SIGTERM)
    answer, talk = tick.communicate(timeout=120)
    assert tick.returncode == 143, talk
    assert runs(answer) == [("first", "failed", False), ("second", "skipped", False)]
    assert "stopped by SIGTERM" in json.loads(answer)["runs"][0]["error"]["message"]
    assert next_tick(loom, project) == [("second", "succeeded", True), ("first", "succeeded", True)]


@pytest.mark.parametrize(("sent", "code"), ASKED)
def test_a_second_signal_ends_at_once_and_the_next_tick_finds_the_truth(
    loom: Command, project: Project, sent: signal.Signals, code: int
) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, STUBBORN).root, sent)
    assert tick.stderr is not None
    assert "stopping" in tick.stderr.readline()
    tick.send_signal(sent)
    answer, _ = tick.communicate(timeout=120)
    assert (tick.returncode, answer) == (code, ""), "nothing is told: the grace wasn't waited for"
    assert next_tick(loom, project) == [
        ("first", "abandoned", False),
        ("second", "succeeded", True),
        ("first", "succeeded", True),
    ]


def test_a_terminal_that_closes_may_say_so_twice(loom: Command, project: Project) -> None:
    tick = stopped_in_the_middle(loom, a_project_with(project, STUBBORN).root, signal.SIGHUP)
    assert tick.stderr is not None
    assert "SIGHUP: stopping" in tick.stderr.readline()
    tick.send_signal(signal.SIGHUP)
    answer, _ = tick.communicate(timeout=120)
    assert tick.returncode == 143
    assert runs(answer) == [("second", "skipped", False), ("first", "abandoned", False)]


def test_where_a_terminal_that_closes_is_ignored_the_tick_works_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    stop, said = Stop(), list[str]()
    try:
        with obeying(stop, said.append):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (stop.asked, said) == (False, [])


def test_what_a_person_asked_for_is_not_started_again(loom: Command, project: Project) -> None:
    root = a_project_with(project, STUBBORN).root
    tick = stopped_in_the_middle(loom, root, signal.SIGINT, "--worker", "first")
    answer, talk = tick.communicate(timeout=120)
    assert (tick.returncode, runs(answer)) == (130, [("first", "abandoned", True)]), talk
    project.entries('other: {schedule: "0 3 * * *", entrypoint: "workers.echo:run"}')
    assert next_tick(loom, project) == []
