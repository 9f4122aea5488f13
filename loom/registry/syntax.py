"""What a YAML parser says when it gives up -> where, what, and what to do."""

import re
from typing import Final

import yaml

from loom.registry.mistakes import Fault

_ADVICE: Final = (
    (
        "cannot start any token",
        "indent with spaces, never tabs, and put text that starts with @ % ` in quotes",
    ),
    ("mapping values are not allowed", "put text that contains ': ' in quotes, and check the indentation"),
    ("did not find expected key", "check the indentation: keys of one mapping start in the same column"),
    ("expected <block end>", "check the indentation: keys of one mapping start in the same column"),
    ("could not find expected ':'", "write 'key: value', with a space after the colon"),
    ("unexpected end of stream", "close the quotation mark or bracket that was opened"),
    ("expected ',' or", "close the bracket that was opened, with commas between its parts"),
    ("unknown escape character", "use single quotes for text with backslashes"),
    ("control characters", "remove it; only printable characters may stand in YAML"),
    ("special characters", "remove it; only printable characters may stand in YAML"),
)


def syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    line: int | None = None
    if isinstance(error, yaml.MarkedYAMLError):
        what = str(error.problem or error.context or "unreadable")
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line = min(mark.line, text.rstrip("\n").count("\n")) + 1
        if error.context and error.context not in what:
            opened = error.context_mark
            where = f" that starts on line {opened.line + 1}" if opened is not None else ""
            what = f"{what} ({error.context}{where})"
    else:
        what = str(getattr(error, "reason", error))
        # The position counts bytes in one parser and characters in the other; look for the culprit itself.
        found = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
        line = text.count("\n", 0, found.start()) + 1 if found else None
    advice = next((hint for sign, hint in _ADVICE if sign in what), "mend the line, or put text in quotes")
    return Fault(f"not readable as YAML: {what}; {advice}", (), line)
