"""The ground every test stands on. What it promises is tested in tests/unit/test_ground.py."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.ground.branch import Remote
from tests.ground.command import Command
from tests.ground.needs import EVERY_TEST_MUST_RUN
from tests.ground.project import Project, build_project
from tests.ground.shut import keep_this_process_in, shut

# No deadline: a busy machine isn't a failure. No database: what a test found stays in its report. The same
# draws every time: what fails is the change, not the day; `python -m tests.endurance draws` draws anew.
settings.register_profile("loom", deadline=None, database=None, print_blob=True, derandomize=True)
settings.register_profile("drawn-anew", settings.get_profile("loom"), derandomize=False)
settings.load_profile("loom")

keep_this_process_in()

# A shell starts what runs in the background with Ctrl-C ignored, and so would be whatever a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every test's own home and environment, and walls round it; see `shut`."""
    home = tmp_path_factory.mktemp("home")
    own_clock = request.node.get_closest_marker("own_clock") is not None
    with shut(home=home, report=home.with_suffix(".report"), own_clock=own_clock):
        yield


@pytest.fixture
def loom(ground: None, request: pytest.FixtureRequest, tmp_path: Path) -> Command:
    """The real command, started in `tmp_path` unless told otherwise."""
    afresh = request.node.get_closest_marker("afresh") is not None
    return Command(tmp_path, dict(os.environ), afresh=afresh)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small real project in `tmp_path`/project."""
    return build_project(tmp_path / "project")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    """A bare repository in `tmp_path`; the ledgers on a branch of it are closed for whoever opened them."""
    made = Remote(tmp_path)
    yield made
    # One left to the collector would be warned of, from Python 3.13 on, in whatever test comes next.
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are processors: many a test waits until a time is up."""
    number = yield
    return number + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if EVERY_TEST_MUST_RUN and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"every test must run here (LOOM_TESTS_REQUIRE_ALL=1), but: {why}"
