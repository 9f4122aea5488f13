"""What GitHub's runner makes of a step's output: which lines it obeys, in what order, and which lines the
problem matcher of setup-python turns into annotations. After ActionCommand.cs, ActionCommandManager.cs and
OutputManager.cs of github.com/actions/runner, and python.json of github.com/actions/setup-python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NAMES = frozenset(
    {"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice"}
    | {"remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"}
)
# A comparison by culture passes over what has no width.
_PASSED_OVER = re.compile(r"[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00]")
_TRACEBACK_LINE = re.compile(r'^\s*File\s"(.*)",\sline\s(\d+),\sin\s(.*)$')


@dataclass(frozen=True, slots=True)
class Obeyed:
    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """obeyed: the commands, in order. shown: every other line. matched: lines a problem matcher knows."""

    obeyed: list[Obeyed]
    shown: list[str]
    matched: list[str]
    stopped: bool

    def named(self, name: str) -> list[Obeyed]:
        return [each for each in self.obeyed if each.name == name]


def read(lines: Iterable[str]) -> Reading:
    """What the runner makes of these lines, printed one after another."""
    token: str | None = None
    reading = Reading([], [], [], stopped=False)
    for line in re.split(r"\r\n|\r|\n", "".join(f"{line}\n" for line in lines))[:-1]:
        known = _NAMES | ({token} if token else set())
        command = _new_form(line, known) or _old_form(line, known)
        if command is None or (token is not None and command.name != token):
            reading.shown.append(line)
            if _TRACEBACK_LINE.search(line):
                reading.matched.append(line)
        elif token is not None:
            token = None
            reading.obeyed.append(Obeyed("resume", command.name))
        else:
            token = command.data.lower() if command.name == "stop-commands" else None
            reading.obeyed.append(command)
    return Reading(reading.obeyed, reading.shown, reading.matched, stopped=token is not None)


def _new_form(line: str, known: set[str] | frozenset[str]) -> Obeyed | None:
    text = line.lstrip()
    if not text.startswith("::"):
        text = _PASSED_OVER.sub("", line).lstrip()
    end = text.find("::", 2)
    if not text.startswith("::") or end < 0:
        return None
    name, _, listed = text[2:end].partition(" ")
    if name.lower() not in known:
        return None
    properties = {
        key: _unescape(value, ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
        for key, _, value in (pair.partition("=") for pair in listed.strip().split(",") if pair)
    }
    return Obeyed(
        name.lower(), _unescape(text[end + 2 :], ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")), properties
    )


def _old_form(line: str, known: set[str] | frozenset[str]) -> Obeyed | None:
    _, found, rest = _PASSED_OVER.sub("", line).partition("##[")
    info, closed, data = rest.partition("]")
    name = info.split(" ")[0].lower()
    return Obeyed(name, data) if found and closed and name in known else None


def _unescape(text: str, *pairs: tuple[str, str]) -> str:
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text
