"""Whoever looks at a worker's module isn't held up by it, nor are the process's streams."""

import sys
import threading
from collections.abc import Iterator

import pytest

from loom.execution.inspection import NotOver, inspected


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Until it is set, at the end of the test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def test_what_is_found_comes_back_and_what_is_raised_is_raised() -> None:
    def broken() -> None:
        raise SystemExit("no module")

    assert inspected(lambda: threading.current_thread().daemon, within_s=60)
    with pytest.raises(SystemExit, match="no module"):
        inspected(broken, within_s=60)


def test_a_look_that_nobody_waits_for_any_more_leaves_the_streams_alone(hanging: threading.Event) -> None:
    threads: list[threading.Thread] = []

    def look() -> None:
        threads.append(threading.current_thread())
        hanging.wait()

    before = sys.stdout, sys.stderr
    with pytest.raises(NotOver):
        inspected(look, within_s=0.01)
    assert (sys.stdout, sys.stderr) == before
    sys.stdout, sys.stderr = others = sys.stderr, sys.stdout
    try:
        hanging.set()
        threads[0].join()
        assert (sys.stdout, sys.stderr) == others
    finally:
        sys.stdout, sys.stderr = before


def test_what_is_printed_meanwhile_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    inspected(lambda: print("said by a module"), within_s=60)
    assert capsys.readouterr() == ("", "said by a module\n")


def test_a_look_is_given_up_when_somebody_says_so(hanging: threading.Event) -> None:
    with pytest.raises(NotOver):
        inspected(hanging.wait, within_s=600, given_up=lambda: True)
