"""The chapters of an episode: where each begins, and its title. Three forms, told apart by the file's ending:

- JSON (https://github.com/Podcastindex-org/podcast-namespace, chapters): `{"chapters": [{"startTime": 0,
  "title": ...}]}`, seconds;
- WebVTT, each chapter a cue;
- anything else is lines such as `1:02:30 What came of it`, as YouTube reads them in a description.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workers.sources.captions import read_captions
from workers.sources.findings import plain
from workers.sources.markdown import Mistake

_LINE = re.compile(
    r"\s*[-*•]?\s*[\[(]?(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)(?:[.,]\d{1,3})?[\])]?(?:\s*[-–—:]\s*|\s+|$)(.*)"
)
_LONGEST_LINE = 500
_START = re.compile(r'"startTime"\s*:')


@dataclass(frozen=True, slots=True)
class Chapter:
    """start_s: seconds from the start of the audio. line: where the file has it."""

    start_s: float
    title: str
    line: int


@dataclass(frozen=True, slots=True)
class Chapters:
    """chapters: in the order of the file."""

    chapters: tuple[Chapter, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def read_chapters(text: str, *, path: str, max_chapters: int = 1_000) -> Chapters:
    """Never raises: what can't be read is a mistake."""
    ending = path.rpartition(".")[2].lower()
    found: list[Chapter | Mistake]
    if ending == "json":
        found = list(_of_json(text))
    elif ending == "vtt":
        captions = read_captions(text, srt=False, max_cues=max_chapters)
        found = [Chapter(cue.start / 1_000, cue.text, cue.line) for cue in captions.cues]
        found += captions.mistakes
    else:
        found = list(_of_lines(text))
    chapters = tuple(each for each in found if isinstance(each, Chapter))
    mistakes = [each for each in found if isinstance(each, Mistake)]
    if len(chapters) > max_chapters:
        mistakes = [Mistake(f"it has {len(chapters):,} chapters, more than {max_chapters:,}", 1)]
    elif not chapters and not mistakes:
        mistakes = [Mistake("it has no chapters", 1)]
    return Chapters(chapters[:max_chapters], tuple(mistakes))


def stamp(seconds: float) -> str:
    """``1:02:30`` or ``2:30``"""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02}"
    return f"{whole // 3_600}:{minutes:0>5}" if whole >= 3_600 else minutes


def _of_lines(text: str) -> Iterator[Chapter | Mistake]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line[:_LONGEST_LINE])
        if match is None:
            yield Mistake(f"{plain(line, limit=60)!r} doesn't begin with a time such as 12:30", number)
        else:
            start = int(match[1] or 0) * 3_600 + int(match[2]) * 60 + int(match[3])
            yield Chapter(start, plain(match[4]), number)


def _of_json(text: str) -> Iterator[Chapter | Mistake]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        yield Mistake(f"it isn't JSON: {error.msg}", error.lineno)
        return
    except (RecursionError, ValueError):
        yield Mistake("it can't be read as JSON", 1)
        return
    entries = value.get("chapters") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        yield Mistake("it has no list `chapters`", 1)
        return
    lines = [text.count("\n", 0, match.start()) + 1 for match in _START.finditer(text)]
    for number, entry in enumerate(entries):
        line = lines[number] if len(lines) == len(entries) else 1
        start: Any = entry.get("startTime") if isinstance(entry, dict) else None
        if isinstance(start, bool) or not isinstance(start, int | float) or not 0 <= start < math.inf:
            yield Mistake(f"chapter {number + 1} has no `startTime` in seconds", line)
            continue
        title = entry.get("title")
        yield Chapter(float(start), plain(title) if isinstance(title, str) else "", line)
