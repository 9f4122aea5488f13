"""What a person sees: runs a program in a pseudo-terminal and plays its output onto a screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PIECE = re.compile(
    r"\x1b\[(?P<number>[0-9;?]*)(?P<action>[A-Za-z])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b."
    r"|(?P<control>[\r\n\b])"
    r"|(?P<text>[^\x1b\r\n\b]+)"
)


def run_in_terminal(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int, rows: int, timeout_s: float
) -> tuple[int, str]:
    """Run `command` with a terminal as stdin, stdout and stderr: its exit code and all it wrote, escape
    sequences included. Raises TimeoutError, with what was written so far, after `timeout_s` seconds."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True
        )
    finally:
        os.close(theirs)
    try:
        written = _read_all(ours, until=time.monotonic() + timeout_s)
        code = process.wait(timeout=60)
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()
    return code, written


def _read_all(terminal: int, *, until: float) -> str:
    written = b""
    while (left := until - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            # Linux says EIO, not end of file, once nobody holds the other side any more.
            part = b""
        if not part:
            return written.decode("utf-8", "replace")
        written += part
    raise TimeoutError(f"still running; so far it wrote: {written.decode('utf-8', 'replace')!r}")


def screen(written: str) -> str:
    """The lines that stand on an endless screen after `written` was played on it, colours left out.

    Knows what live displays use: carriage return, the cursor's moves, erase line, erase below.
    """
    shown = _Screen()
    for piece in _PIECE.finditer(written):
        if text := piece["text"]:
            shown.write(text)
        elif control := piece["control"]:
            shown.move(control, 1)
        elif action := piece["action"]:
            number = piece["number"]
            shown.erase(action, number)
            shown.move(action, int(number) if number.isdigit() else 1)
    return "\n".join("".join(line).rstrip() for line in shown.lines).rstrip("\n") + "\n"


class _Screen:
    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0

    def write(self, text: str) -> None:
        while len(self.lines) <= self.row:
            self.lines.append([])
        line = self.lines[self.row]
        line.extend(" " * (self.column - len(line)))
        line[self.column : self.column + len(text)] = text
        self.column += len(text)

    def move(self, how: str, count: int) -> None:
        down = {"A": -count, "B": count, "\n": 1}.get(how, 0)
        right = {"C": count, "D": -count, "\b": -1, "\r": -self.column, "G": count - 1 - self.column}.get(
            how, 0
        )
        self.row = max(0, self.row + down)
        self.column = max(0, self.column + right)

    def erase(self, how: str, number: str) -> None:
        if how == "K" and self.row < len(self.lines):
            line = self.lines[self.row]
            self.lines[self.row] = [] if number == "2" else line[: self.column]
        elif how == "J":
            del self.lines[self.row + 1 :]
