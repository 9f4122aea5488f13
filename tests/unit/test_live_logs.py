"""Live logs: what a run says, to be read before it is recorded: bounded, masked, and never a trouble."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.enforcement.masking import mask
from loom.execution.capture import RunLog
from loom.execution.live.listening import Listener
from loom.execution.live.logs import LiveLogs
from loom.execution.live.pieces import PIECE
from loom.execution.live.writing import LiveLog

RUN = "01a21f9f-5311-764c-8b3d-697ebdd440ee"
SECRET = "sw0rdf1sh-4711-tr0ut"  # noqa: S105  (nobody's)
MASKED = partial(mask, secrets=[SECRET])


def _open(folder: Path, clean: Callable[[str], str] | None = None) -> tuple[RunLog, LiveLog]:
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


def test_the_folder_is_closed_to_others_even_if_it_was_there_before(tmp_path: Path) -> None:
    tmp_path.joinpath("live").mkdir(mode=0o755)
    log, live = _open(tmp_path / "live")
    log.write("a line\n")
    live.update()
    assert tmp_path.joinpath("live").stat().st_mode & 0o777 == 0o700
    assert LiveLogs(tmp_path / "live").last_words(RUN) == "a line\n"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    elsewhere.joinpath(f"{RUN}.0.log").write_text("somebody's\n")
    tmp_path.joinpath("live").symlink_to(elsewhere)
    log, live = _open(tmp_path / "live")
    log.write("a line\n")
    live.update()
    live.remove()
    LiveLogs(tmp_path / "live").forget({RUN})
    assert LiveLogs(tmp_path / "live").last_words(RUN) == ""
    assert [file.read_text() for file in elsewhere.iterdir()] == ["somebody's\n"]
    assert elsewhere.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "name",
    [
        "app-2026.1.log",
        "backend-log.0.log",
        "01a21f9f-5311-464c-8b3d-697ebdd440ee.0.log",
        "x" * 36 + ".0.log",
    ],
)
def test_a_file_that_loom_did_not_make_is_none_of_its_own(tmp_path: Path, name: str) -> None:
    tmp_path.joinpath(name).write_text("somebody's\n")
    assert LiveLogs(tmp_path).runs() == frozenset()


PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq8kJ2l0Xs9\nqJzQWERTYUIOPasdfghjkl123456\n"
    "-----END RSA PRIVATE KEY-----\n"
)
WRAPPED = "sw0rdf1sh-4711-tr0ut-abcdef-0123456789-zyxwvu"


def _whole_key_hidden(text: str) -> str:
    return re.sub(r"(?s)-----BEGIN RSA PRIVATE KEY-----.*?-----END RSA PRIVATE KEY-----", "***", text)


@pytest.mark.parametrize("size", [1, 7, 15, 60, 1000])
@pytest.mark.parametrize(
    ("secret", "clean"),
    [
        (PEM, _whole_key_hidden),
        ("\n".join(re.findall(".{1,10}", WRAPPED)) + "\n", partial(mask, secrets=[WRAPPED])),
        ("\n".join(re.findall(".{1,15}", WRAPPED)) + "\n", partial(mask, secrets=[WRAPPED])),
        ("abc123\ndef456\nghi789\njkl012\n", partial(mask, secrets=["abc123\ndef456\nghi789\njkl012"])),
    ],
    ids=["a key", "wrapped", "wrapped wider", "short lines"],
)
def test_what_only_several_lines_give_away_is_hidden_however_they_come(
    tmp_path: Path, secret: str, clean: Callable[[str], str], size: int
) -> None:
    log, live = _open(tmp_path, clean)
    text = f"all is well\n{secret}the end\n"
    for start in range(0, len(text), size):
        log.write(text[start : start + size])
        live.update()
    seen = LiveLogs(tmp_path).last_words(RUN)
    assert not [line for line in secret.splitlines() if line in seen]
    assert seen.startswith("all is well\n")
    assert seen.endswith("the end\n")
    assert seen == clean(text)


def test_a_key_that_was_begun_waits_for_its_end(tmp_path: Path) -> None:
    log, live = _open(tmp_path, _whole_key_hidden)
    for line in ("before\n", *PEM.splitlines(keepends=True)[:2]):
        log.write(line)
        live.update()
    assert LiveLogs(tmp_path).last_words(RUN) == "before\n"


def test_one_that_never_ends_does_not_silence_the_run(tmp_path: Path) -> None:
    log, live = _open(tmp_path, _whole_key_hidden)
    log.write("-----BEGIN RSA PRIVATE KEY-----\n")
    for number in range(1000):
        log.write(f"this is line {number} of the rest\n")
        live.update()
    assert LiveLogs(tmp_path).last_words(RUN).endswith("this is line 999 of the rest\n")


def test_a_rule_on_whole_lines_holds_for_the_first_and_the_last_of_a_batch(tmp_path: Path) -> None:
    log, live = _open(tmp_path, lambda text: re.sub(r"(?m)^EMP-\d{6}$", "***", text))
    for _ in range(3):
        log.write("EMP-123456\nEMP-123457\n")
        live.update()
    assert LiveLogs(tmp_path).last_words(RUN) == "***\n" * 6


def test_who_listens_hears_what_is_told_again_once_more_of_it_is_hidden(tmp_path: Path) -> None:
    log, live = _open(tmp_path, lambda text: re.sub(r"two\nthree", "***", text))
    listener = Listener(tmp_path, RUN)
    heard = []
    for line in ("one\n", "two\n", "three\n", "four\n"):
        log.write(line)
        live.update()
        heard.append(listener.more())
    listener.close()
    assert heard[:2] == ["one\n", "two\n"]
    assert heard[2].endswith("one\n***\n")
    assert "again" in heard[2]
    assert heard[3] == "four\n"
    assert LiveLogs(tmp_path).last_words(RUN) == "one\n***\nfour\n"


@pytest.mark.parametrize("lines_before", [154, 155, 156, 157, 158, 311, 312, 313])
def test_what_is_hidden_late_is_hidden_across_two_files_too(tmp_path: Path, lines_before: int) -> None:
    log, live = _open(tmp_path, lambda text: re.sub(r"two\nthree", "***", text))
    listener = Listener(tmp_path, RUN)
    said = "".join(f"{number:04} {'x' * 99}\n" for number in range(lines_before))
    heard = ""
    for text in (said, "two\n", "three\n", "four\n"):
        log.write(text)
        live.update()
        heard += listener.more()
    listener.close()
    assert LiveLogs(tmp_path).last_words(RUN) == f"{said}***\nfour\n"
    assert not any("two" in file.read_text() for file in tmp_path.iterdir())
    assert heard.endswith("***\nfour\n")


def test_cleaning_takes_a_tenth_of_the_time_at_most(tmp_path: Path) -> None:
    now, cleaned = 0.0, 0

    def slow(text: str) -> str:
        nonlocal now, cleaned
        now, cleaned = now + 1.0, cleaned + 1
        return text

    log = RunLog("x", lambda: 0.0)
    live = LiveLogs(tmp_path, monotonic=lambda: now).of(RUN, slow)
    live.attach(log)
    for _ in range(400):
        log.write("a line\n")
        live.update()
        now += 0.25
    assert 2 <= cleaned <= now / 8
    now += 100
    live.update()
    assert LiveLogs(tmp_path).last_words(RUN) == "a line\n" * 400


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
