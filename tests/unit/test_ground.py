import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import pytest

from loom.clock import SystemClock
from tests.ground.command import Command
from tests.ground.needs import needs
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY, own_environment
from tests.ground.terminal import run_in_terminal, screen

PLANTED = """
    import socket
    import subprocess
    import sys
    from datetime import UTC, datetime

    import pytest

    from loom.clock import SetClock, SystemClock
    from tests.ground.needs import needs

    # An address that documentation may use and no network carries (RFC 5737).
    ELSEWHERE = ("192.0.2.1", 80)


    def test_reads_the_time():
        SystemClock().now()


    def test_reads_the_time_through_a_set_clock():
        SetClock(datetime(2026, 1, 1, tzinfo=UTC)).real()


    @pytest.mark.own_clock
    def test_reads_the_time_with_leave():
        assert SystemClock().now() <= SystemClock().real()


    def test_reads_the_stopwatch():
        assert SystemClock().monotonic() > 0


    def test_connects_elsewhere():
        socket.create_connection(ELSEWHERE, timeout=1)


    def test_connects_elsewhere_and_swallows_the_refusal():
        try:
            socket.create_connection(ELSEWHERE, timeout=1)
        except Exception:
            pass


    def test_asks_for_a_name():
        socket.getaddrinfo("example.org", 443)


    def test_has_a_child_that_connects_elsewhere():
        code = f"import socket; socket.create_connection({ELSEWHERE!r}, timeout=1)"
        child = subprocess.run([sys.executable, "-c", code], capture_output=True)
        assert child.returncode == 1


    def test_connects_on_loopback():
        with socket.create_server(("localhost", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=1).close()


    def test_asks_for_a_name_that_is_never_there():
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("nowhere.invalid", 443)


    @needs("a-program-nobody-has")
    def test_needs_a_program():
        raise AssertionError("it ran without its program")
"""

SKIPPED_WHOLE = "import pytest; pytest.importorskip('a_module_nobody_has')"

OUT_OF_BOUNDS = {
    "test_reads_the_time",
    "test_reads_the_time_through_a_set_clock",
    "test_connects_elsewhere",
    "test_connects_elsewhere_and_swallows_the_refusal",
    "test_asks_for_a_name",
    "test_has_a_child_that_connects_elsewhere",
}
ALLOWED = {
    "test_reads_the_time_with_leave",
    "test_reads_the_stopwatch",
    "test_connects_on_loopback",
    "test_asks_for_a_name_that_is_never_there",
}
CANT_RUN = {"test_needs_a_program", "test_skipped_whole"}


def outcomes(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Runs the planted tests on this ground in a pytest of their own: the outcome of each, by name."""
    (folder / "test_planted.py").write_text(textwrap.dedent(PLANTED), encoding="utf-8")
    (folder / "test_skipped_whole.py").write_text(SKIPPED_WHOLE, encoding="utf-8")
    report = folder / "report.xml"
    ground = ["-n0", "-c", "pyproject.toml", "-p", "tests.conftest", "--continue-on-collection-errors"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ground, f"--junitxml={report}", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  (pytest wrote it)
        found[case.attrib["name"].split(".")[-1]] = next(
            (part.tag for part in case if part.tag in ("failure", "error", "skipped")), "passed"
        )
    return found


def test_a_test_that_leaves_its_ground_fails_even_if_it_swallows_the_refusal(tmp_path: Path) -> None:
    found = outcomes(tmp_path, {})
    assert {name for name, outcome in found.items() if outcome in ("failure", "error")} == OUT_OF_BOUNDS
    assert {name for name, outcome in found.items() if outcome == "passed"} == ALLOWED
    assert {name for name, outcome in found.items() if outcome == "skipped"} == CANT_RUN


def test_a_skipped_test_is_a_failure_where_every_test_must_run(tmp_path: Path) -> None:
    found = outcomes(tmp_path, {"LOOM_TESTS_REQUIRE_ALL": "1"})
    assert {name for name in CANT_RUN if found[name] in ("failure", "error")} == CANT_RUN


@pytest.mark.own_clock
def test_with_leave_the_clock_is_the_machines_own() -> None:
    assert SystemClock().now().timestamp() == pytest.approx(time.time(), abs=60)


def test_home_is_a_folder_of_this_test_alone() -> None:
    home = Path.home()
    assert not any(home.iterdir())
    assert str(home).startswith(os.environ["XDG_CONFIG_HOME"].removesuffix("/.config"))
    assert home != Path("~root").expanduser()


def test_temporary_files_go_to_a_folder_of_this_test_alone() -> None:
    folder = Path(tempfile.gettempdir())
    assert not any(folder.iterdir())
    assert folder == Path(os.environ["TMPDIR"])
    assert folder.parent == Path.home().parent


def test_the_environment_says_nothing_of_where_the_tests_run(tmp_path: Path) -> None:
    given = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": "/summary",
        "HUBSPOT_ACCESS_TOKEN": "secret",
        "YOUTUBE_API_KEY": "secret",
        "LOOM_ALERT_WEBHOOK_URL": "http://example.invalid",
        "LOOM_TESTS_REQUIRE_ALL": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "20",
        "GIT_DIR": "/elsewhere/.git",
        "https_proxy": "http://example.invalid",
        "HTTPS_PROXY": "http://example.invalid",
        "PATH": "/bin",
        "LANG": "C.UTF-8",
    }
    kept = own_environment(given, home=tmp_path / "home", report=tmp_path / "report")
    assert {name: kept[name] for name in given if name in kept} == {"PATH": "/bin", "LANG": "C.UTF-8"}
    for name in given:
        assert name in ("PATH", "LANG") or name not in os.environ


def test_local_time_is_an_odd_zone_so_that_nobody_relies_on_it() -> None:
    assert time.strftime("%z", time.localtime(0)) == "+0530"
    assert time.strftime("%z", time.localtime(1_800_000_000)) == "+0545"


@needs("git")
def test_git_knows_nobody_but_the_tests_own_author(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        return subprocess.check_output(["git", *arguments], cwd=tmp_path, text=True).strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "one")
    assert git("log", "-1", "--format=%an <%ae> %cn") == "Test Author <author@example.invalid> Test Author"
    assert git("branch", "--show-current") == "main"
    assert "user." not in git("config", "--list")


def test_the_command_is_the_real_one(loom: Command) -> None:
    result = loom("--version")
    assert result.exit_code == 0, str(result)
    assert result.stdout.startswith("loom ")
    assert result.stderr == ""


def test_the_commands_answer_can_be_read_as_json(loom: Command, project: Project) -> None:
    result = loom("run", "--at", "2026-03-03T12:20:00Z", "--json", cwd=project.root)
    assert result.exit_code == 0, str(result)
    assert [run["worker"] for run in result.json()["runs"]] == ["echo"]


def test_an_answer_that_is_no_json_shows_what_came_instead(loom: Command) -> None:
    with pytest.raises(AssertionError, match=r"stdout isn't one JSON document(.|\n)*--- stdout\nloom "):
        loom("--version").json()


def test_the_commands_children_are_kept_on_loopback_too(loom: Command) -> None:
    code = "import socket; socket.getaddrinfo('nowhere.invalid', 80)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(loom.environ), capture_output=True, text=True, check=False
    )
    assert "gaierror" in done.stderr


def test_a_terminal_has_the_width_that_was_asked_for(tmp_path: Path) -> None:
    code = "import json, os, sys; print(json.dumps([*os.get_terminal_size(), sys.stdout.isatty()]))"
    exit_code, written = run_in_terminal(
        [sys.executable, "-c", code + "; sys.exit(7)"],
        env=os.environ,
        cwd=tmp_path,
        columns=61,
        rows=17,
        timeout_s=60,
    )
    assert exit_code == 7
    assert json.loads(written) == [61, 17, True]


def test_in_a_narrow_terminal_the_command_needs_more_lines(loom: Command) -> None:
    narrow, wide = (loom.in_terminal("--help", columns=columns) for columns in (50, 79))
    assert narrow.exit_code == wide.exit_code == 0
    assert narrow.stdout.startswith("Usage: loom ")
    assert len(narrow.stdout.splitlines()) > len(wide.stdout.splitlines())


def test_a_program_that_never_ends_is_ended_with_what_it_wrote(tmp_path: Path) -> None:
    code = "import time; print('so far', flush=True); time.sleep(600)"
    for seconds in (1, 10, 60):  # more, if a busy machine hadn't begun it
        with pytest.raises(TimeoutError, match="still running") as late:
            run_in_terminal(
                [sys.executable, "-c", code],
                env=os.environ,
                cwd=tmp_path,
                columns=80,
                rows=24,
                timeout_s=seconds,
            )
        if "so far\\" in str(late.value):
            break
    assert "so far\\r\\n" in str(late.value)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("plain\r\n", "plain\n"),
        ("\x1b[1;31mred\x1b[0m\r\n", "red\n"),
        ("50%\r100%\r\n", "100%\n"),
        ("first\r\nsecond\r\x1b[2K\x1b[1A\x1b[2Kthird\r\n", "third\n"),
        ("a long line\rshort\x1b[K\r\n", "short\n"),
        ("one\r\ntwo\r\nthree\x1b[2A\r\x1b[J\r\n", "one\n"),
        ("\x1b]0;a title\x07shown\r\n", "shown\n"),
        ("ab\x1b[3Cc\r\n", "ab   c\n"),
    ],
)
def test_a_screen_shows_what_is_left_when_all_was_written(written: str, seen: str) -> None:
    assert screen(written) == seen


def test_sockets_of_this_machine_work(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
