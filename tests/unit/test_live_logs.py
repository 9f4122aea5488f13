"""Live logs: what a run says, to be read before it is recorded: bounded, masked, and never a trouble."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.enforcement.masking import mask
from loom.execution.capture import RunLog
from loom.execution.live import PIECE, Listener, LiveLog, LiveLogs

RUN = "01a21f9f-5311-764c-8b3d-697ebdd440ee"
SECRET = "sw0rdf1sh-4711-tr0ut"  # noqa: S105  (nobody's)
MASKED = partial(mask, secrets=[SECRET])


def _open(folder: Path, clean: "partial[str] | None" = None) -> tuple[RunLog, LiveLog]:
    log, live = RunLog("x", lambda: 0.0), LiveLogs(folder).of(RUN, clean or str)
    live.attach(log)
    return log, live


def test_a_run_that_says_nothing_makes_no_folder_and_one_that_is_recorded_leaves_nothing(
    tmp_path: Path,
) -> None:
    log, live = _open(tmp_path / "logs")
    live.update()
    assert not (tmp_path / "logs").exists()
    log.write("a line\n")
    live.update()
    assert LiveLogs(tmp_path / "logs").last_words(RUN) == "a line\n"
    live.remove()
    log.write("too late\n")
    live.update()
    assert list((tmp_path / "logs").iterdir()) == []


def test_lines_are_shown_once_they_are_finished_and_as_they_come(tmp_path: Path) -> None:
    log, live = _open(tmp_path)
    listener = Listener(tmp_path, RUN)
    heard = []
    for text in ("one\ntw", "o\n", "thr", "ee\nfour"):
        log.write(text)
        live.update()
        heard.append(listener.more())
    listener.close()
    assert heard == ["one\n", "two\n", "", "three\n"]
    assert not listener.missed


def test_however_much_it_says_the_files_stay_small_and_keep_both_ends(tmp_path: Path) -> None:
    log, live = _open(tmp_path)
    listener = Listener(tmp_path, RUN)
    heard = ""
    for number in range(40):
        log.write("".join(f"line {number}.{each} {'x' * 100}\n" for each in range(60)))
        live.update()
        heard += listener.more()
    listener.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 4 * PIECE
    words = LiveLogs(tmp_path).last_words(RUN)
    assert words.startswith("line 0.0 ")
    assert "... more was said in between ..." in words
    assert words.rstrip("x\n ").endswith("line 39.59")
    assert heard == log_of(40, 60), "whoever listens misses nothing"


def log_of(times: int, lines: int) -> str:
    return "".join(f"line {n}.{each} {'x' * 100}\n" for n in range(times) for each in range(lines))


def test_what_comes_faster_than_it_is_read_says_how_much_is_left_out(tmp_path: Path) -> None:
    log, live = _open(tmp_path)
    log.write("".join(f"line {each}\n" for each in range(60_000)))
    live.update()
    words = LiveLogs(tmp_path).last_words(RUN)
    assert "bytes left out ..." in words
    assert words.endswith("line 59999\n")


def test_a_line_without_an_end_is_not_kept_for_ever(tmp_path: Path) -> None:
    log, live = _open(tmp_path)
    for _ in range(300):
        log.write("." * 100)
        live.update()
    log.write(f"{SECRET}\nafter\n")
    live.update()
    assert LiveLogs(tmp_path).last_words(RUN) == "... a line of more than 8192 bytes ...\nafter\n"


@given(
    st.lists(st.sampled_from(["all is well ", "\n", SECRET, "é", "x" * 40]), max_size=12),
    st.integers(4, len(SECRET) - 4),
    st.lists(st.integers(1, 30), min_size=1, max_size=10),
)
def test_no_secret_and_no_half_of_one_is_ever_there(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], cut: int, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("live")
    log, live = _open(folder, MASKED)
    head, tail = SECRET[:cut], SECRET[cut:]
    text = "".join((*parts, " ", head, "\n", tail, " the end\n"))
    seen = ""
    while text:
        size, sizes = sizes[0], [*sizes[1:], sizes[0]]
        log.write(text[:size])
        text = text[size:]
        live.update()
        seen = LiveLogs(folder).last_words(RUN)
        assert SECRET not in seen
        assert f"{head}\n" not in seen
        assert f"\n{tail}" not in seen
    assert seen.endswith(" the end\n")


@pytest.mark.parametrize("trouble", ["a file in the way", "no such id", "it breaks while it cleans"])
def test_where_nothing_can_be_written_the_run_goes_on_without(tmp_path: Path, trouble: str) -> None:
    folder = tmp_path / "logs"

    def clean(text: str) -> str:
        return str(1 // (trouble != "it breaks while it cleans")) + text

    if trouble == "a file in the way":
        folder.write_text("in the way")
    log = RunLog("x", lambda: 0.0)
    live = LiveLogs(folder).of("../../etc/passwd" if trouble == "no such id" else RUN, clean)
    live.attach(log)
    for _ in range(3):
        log.write("a line\n")
        live.update()
    live.remove()
    assert log.text() == "a line\n" * 3
    assert LiveLogs(folder).last_words(RUN) == ""
