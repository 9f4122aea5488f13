"""Foreign text in an Actions log: shown as it is meant, obeyed by nobody.

The runner reads every line of a step's stdout and stderr and obeys one that begins, after white space, with
``::name ...::``, and one that has ``##[name ...]`` anywhere in it; problem matchers (setup-python brings one
for tracebacks) make annotations of lines that look right to them, and matchers aren't stopped by
``stop-commands`` (ActionCommand.cs and OutputManager.cs of https://github.com/actions/runner).
"""

import re
from collections.abc import Iterator

# What a terminal acts on and never shows: colours, cursor movements, window titles.
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
# Printable, yet nothing is seen of them, and a comparison by culture, such as the runner's, passes over them.
_UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_OLD_COMMAND = re.compile(r"##(?=\[)")
_COMMAND = re.compile(r"\A(\s*):(?=:)")


def harmless(text: str) -> str:
    """`text` with no line left that the runner takes for a command. Lines end with a newline alone."""
    lines = [_COMMAND.sub(r"\1: ", line) for line in _lines(text)]
    return "\n".join(lines) + ("\n" if lines and text[-1:] in ("\n", "\r") else "")


def quoted(text: str, longest: int = 2_000) -> Iterator[str]:
    """The lines of a log, each behind a bar: no command, and nothing a problem matcher knows, begins so.
    longest: characters of a line; what is longer is cut."""
    for line in _lines(text):
        cut = line if len(line) <= longest else f"{line[: longest - 1]}…"
        yield f"| {cut}".rstrip()


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        seen = _UNSEEN.sub("", _ANSI.sub("", line)).expandtabs(4)
        shown = "".join(each if each.isprintable() else " " if each.isspace() else "�" for each in seen)
        yield _OLD_COMMAND.sub("## ", shown)
