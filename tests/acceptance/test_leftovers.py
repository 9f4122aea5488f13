"""What an inline worker leaves behind in the process spoils neither the tick's end nor its exit code."""

import pytest

from tests.ground.command import Command
from tests.ground.project import Project

pytestmark = pytest.mark.afresh

AT = ("--at", "2026-11-20T12:10:00Z")
LEAVING = """
    import atexit, builtins, json, sys, time
    from loom.worker import WorkerContext, WorkerOutput

    def run(context: WorkerContext) -> WorkerOutput:
        output = WorkerOutput(summary="done")
        {}
        return output
"""


def ticked(loom: Command, project: Project, left: str, *mode: str) -> tuple[int, str, str]:
    project.worker("leaving", LEAVING.format(left))
    project.entries('leaving: {schedule: "0 * * * *", entrypoint: "workers.leaving:run"}')
    tick = loom("run", *AT, *mode, "--project", project.root, timeout_s=60)
    assert "Traceback" not in tick.stdout + tick.stderr, tick
    if "--json" in mode:
        assert tick.json()["exit_code"] == tick.exit_code
    return tick.exit_code, tick.stdout, tick.stderr


@pytest.mark.parametrize("mode", [(), ("--json",)])
def test_a_tick_waits_no_longer_than_a_moment_for_what_a_worker_left_for_its_end(
    loom: Command, project: Project, mode: tuple[str, ...]
) -> None:
    code, out, err = ticked(loom, project, "atexit.register(time.sleep, 600)", *mode)
    assert code == 0
    assert "succeeded" in out
    assert "wasn't over after 2 s and was cut off" in err


def test_what_a_worker_left_for_the_end_and_what_of_it_is_refused_is_told_in_a_line(
    loom: Command, project: Project
) -> None:
    code, _, err = ticked(loom, project, "atexit.register(lambda: 1 / 0)")
    assert code == 0
    assert "loom: what a worker or a library left for the end of the process (`atexit`) raised Zero" in err

    late = "atexit.register(lambda: open('late.txt', 'w'))"
    code, _, err = ticked(loom, project, late, "--worker", "leaving")
    assert code == 0
    assert "late.txt refused by guard: the run is over" in err
    assert not (project.root / "late.txt").exists()


@pytest.mark.parametrize("mode", [(), ("--json",)])
@pytest.mark.parametrize("left", ["json.dumps = None", "sys.modules.clear()", "builtins.isinstance = None"])
def test_a_worker_that_spoils_python_itself_ends_its_tick_as_a_bug_and_never_as_a_run_that_was_told(
    loom: Command, project: Project, left: str, mode: tuple[str, ...]
) -> None:
    code, _, err = ticked(loom, project, left, *mode)
    assert code == 70
    assert "a bug in Loom" in err
    assert "the next tick goes on from there" in err

    project.worker("leaving", LEAVING.format("pass"))
    mended = loom("run", "--at", "2026-11-20T12:50:00Z", "--project", project.root)
    assert mended.exit_code == 1, mended
    assert "ALERT" in mended.stderr  # of the run that ended with the process
    history = loom("history", "--json", "--project", project.root).json()["runs"]
    assert [(run["slot"], run["outcome"], run["final"]) for run in history if run["final"]] == [
        ("2026-11-20T06:00:00-06:00", "succeeded", True)
    ]
