"""The hooks that stay on this machine: a stream, a program, a file."""

import fcntl
import io
import json
import multiprocessing
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loom.alerts.command import CommandHook
from loom.alerts.file import FileHook
from loom.alerts.stderr import StderrHook
from loom.domain.alert import Alert, Event
from loom.domain.run import RunError
from loom.errors import DeliveryFailed
from tests.ground.processes import left_alive

ALERT = Alert(
    event=Event.WORKER_DOWN,
    summary="echo failed",
    at=datetime(2026, 11, 21, 13, 7, tzinfo=UTC),
    worker="echo",
)


def line_of(alert: Alert) -> str:
    stream = io.StringIO()
    StderrHook(stream).deliver(alert)
    return stream.getvalue()


def test_a_workers_text_can_neither_move_the_cursor_nor_forge_a_line() -> None:
    line = line_of(
        replace(ALERT, summary="bad\x1b[2J\x9b31m\u202e\r\nALERT forged\u2028::error::x ##[add-mask]y")
    )
    assert line == ("ALERT worker.down: bad\\x1b[2J\\x9b31m\\u202e ALERT forged ::error::x ## [add-mask]y\n")


def test_where_it_went_wrong_and_where_to_look_are_in_the_line() -> None:
    full = replace(
        ALERT, error=RunError("E", "m", "echo.py:3"), run_id="0193", run_url="https://ci.example/run/7"
    )
    assert line_of(full).endswith("echo failed at echo.py:3 [run 0193] https://ci.example/run/7\n")


def test_a_terminal_that_knows_ascii_only_still_shows_the_alert() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    StderrHook(stream).deliver(replace(ALERT, summary="échec"))
    assert raw.getvalue() == b"ALERT worker.down: \\xe9chec\n"


def test_a_broken_pipe_is_a_failed_delivery() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with pytest.raises(DeliveryFailed, match="Broken pipe"):
        StderrHook(stream).deliver(ALERT)
    with pytest.raises(BrokenPipeError):
        stream.close()


def command(
    tmp_path: Path, script: str, *, env: dict[str, str] | None = None, timeout: float = 10
) -> CommandHook:
    program = tmp_path / "program.sh"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return CommandHook(
        [str(program)], cwd=tmp_path, env={"PATH": os.environ["PATH"], **(env or {})}, timeout=timeout
    )


def test_the_program_sees_only_the_environment_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "do not pass on")
    command(tmp_path, "env > seen", env={"CHANNEL": "ops"}).deliver(ALERT)
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "CHANNEL=ops" in seen
    assert "SOME_TOKEN" not in seen


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"]}
    CommandHook(["touch", "a; touch b", "$(touch c)"], cwd=tmp_path, env=env).deliver(ALERT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["$(touch c)", "a; touch b"]


def test_a_program_that_fails_is_quoted_from_the_end(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        command(tmp_path, "seq 10000 >&2; echo 'token \x1b[1mexpired' >&2; exit 7").deliver(ALERT)
    assert "program.sh ended with 7: " in str(caught.value)
    assert str(caught.value).endswith("9999 10000 token \\x1b[1mexpired")
    assert len(str(caught.value)) < 700 + len(str(tmp_path))


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed, match="no-such-program can't be started: No such file"):
        CommandHook(["no-such-program"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}).deliver(ALERT)


def test_a_program_may_ignore_its_input_and_leave_a_child_behind(tmp_path: Path) -> None:
    started = time.monotonic()
    command(tmp_path, "exec 3<&0; sleep 60 & exit 0").deliver(replace(ALERT, summary="x" * 1_000_000))
    assert time.monotonic() - started < 30


def test_a_program_that_overruns_is_killed_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    for seconds in (1, 10, 60):  # more, if a busy machine hadn't come so far
        with pytest.raises(DeliveryFailed, match=f"still running after {seconds} s and was killed") as caught:
            command(
                tmp_path, "echo half way >&2; sleep 600 & echo $! > child; wait", timeout=seconds
            ).deliver(ALERT)
        if child.exists() and child.read_text(encoding="utf-8"):
            break
    assert str(caught.value).endswith("was killed: half way")
    assert left_alive([int(child.read_text(encoding="utf-8"))]) == []


def append_many(path: Path, who: int) -> None:
    for number in range(50):
        FileHook(path).deliver(replace(ALERT, summary=f"{who}-{number} " + "x" * 20_000))


def test_two_processes_never_interleave_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=[path, who]) for who in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    said = [json.loads(line)["summary"].split()[0] for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(said) == sorted(f"{who}-{number}" for who in range(2) for number in range(50))


def test_delivered_means_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "alerts.jsonl"
    forced: list[str] = []
    fsync = os.fsync

    def watch(handle: int) -> None:
        fsync(handle)
        forced.append(path.read_text(encoding="utf-8"))

    monkeypatch.setattr(os, "fsync", watch)
    FileHook(path).deliver(ALERT)
    assert forced == [path.read_text(encoding="utf-8")]


def test_half_a_line_left_by_a_full_disk_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"event": "worker.do', encoding="utf-8")
    FileHook(path).deliver(ALERT)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[1]) == ALERT.payload()


def test_a_file_that_another_process_keeps_locked_is_given_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    with path.open("w", encoding="utf-8") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DeliveryFailed, match="another process has been writing for 2 s"):
            FileHook(path).deliver(ALERT)


def test_a_device_is_no_place_for_alerts() -> None:
    with pytest.raises(DeliveryFailed, match=r"/dev/full can't be written: it isn't a regular file"):
        FileHook(Path("/dev/full")).deliver(ALERT)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(DeliveryFailed, match=r"alerts\.jsonl can't be written: .*change 'path'"):
        FileHook(tmp_path / "taken" / "alerts.jsonl").deliver(ALERT)
