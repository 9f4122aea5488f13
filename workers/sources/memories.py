"""What agents noted down: JSON lines, or Markdown in which each paragraph and each item of a list is a note.

A line of JSON is an object. Of these names the first that is there counts::

    text, content, note, memory, lesson         what is noted
    subject, topic, about                       what it is about
    at, created_at, timestamp, date, time       when: an ISO 8601 date or instant, or seconds since 1970

In Markdown the front matter may name subject and date for all of the file. A note's own day is the first
ISO date at its start or in the heading above it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workers.sources.markdown import Mistake, read_document
from workers.sources.passages import Passage, read_body

_TEXTS = ("text", "content", "note", "memory", "lesson")
_SUBJECTS = ("subject", "topic", "about")
_TIMES = ("at", "created_at", "timestamp", "date", "time")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LEADING_DAY = re.compile(r"\W{0,3}(\d{4}-\d\d-\d\d)\W{0,3}\s*")
_MILLISECONDS = 100_000_000_000  # as seconds that is the year 5138
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Memory:
    """A note. line: 1-based. subject: empty when not said. at: UTC, None when not said."""

    path: str
    line: int
    text: str
    subject: str = ""
    at: datetime | None = None

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def read_memories(path: str, text: str) -> tuple[list[Memory], list[Mistake]]:
    """The notes of a file, each cut to 2,000 characters, and what of it can't be read. Never raises."""
    if path.endswith((".md", ".markdown")):
        return _from_markdown(path, text)
    memories: list[Memory] = []
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            memory, mistake = _from_line(path, number, line)
            memories += [memory] if memory else []
            mistakes += [Mistake(mistake, number)] if mistake else []
    return memories, mistakes


def _from_line(path: str, number: int, line: str) -> tuple[Memory | None, str]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated")
        return None, f"is {'cut off' if cut else 'no JSON'} ({error.msg}: column {error.colno})"
    except (RecursionError, ValueError):
        return None, "is nested too deeply, or has a number that is too long"
    if not isinstance(value, dict):
        return None, "is no JSON object"
    text = _first(value, _TEXTS)
    if not isinstance(text, str) or not text.strip():
        return None, f"has no text: expected one of {', '.join(_TEXTS)}"
    subject, when = _first(value, _SUBJECTS), _first(value, _TIMES)
    at = _instant(when)
    mistake = f"has a time that can't be read: {str(when)[:40]!r}" if when is not None and at is None else ""
    about = subject[:200] if isinstance(subject, str) else ""
    return Memory(path, number, text[:_LONGEST], about, at), mistake


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def _from_markdown(path: str, text: str) -> tuple[list[Memory], list[Mistake]]:
    document = read_document(text)
    front = {name: entry.value or "" for name, entry in document.front_matter.items()}
    subject = str(_first(front, _SUBJECTS) or "")[:200]
    at = _instant(_first(front, _TIMES))
    memories = [
        _from_passage(path, passage, subject, at)
        for passage in read_body(text, skip=document.body).passages
        if passage.level == 0 and passage.text.strip()
    ]
    return memories, [document.mistake] if document.mistake else []


def _from_passage(path: str, passage: Passage, subject: str, at: datetime | None) -> Memory:
    leading = _LEADING_DAY.match(passage.text)
    above = _DAY.search(passage.section)
    day = leading[1] if leading else above[0] if above else None
    said = passage.text[leading.end() :] if leading else passage.text
    return Memory(path, passage.line, " ".join(said.split())[:_LONGEST], subject, _instant(day) or at)


def _instant(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
