"""Captions, in WebVTT or SubRip (SRT): who says what from when to when, and what a player can't read of them.

webvtt-py reads the cues. It passes over what it doesn't understand, as players do; so every line that is
meant as a time is looked at here too, and one that no cue came of is a mistake with its line.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workers.sources.extras import extra
from workers.sources.findings import plain
from workers.sources.markdown import Mistake

# What is meant as a time line, however badly: two times with some arrow between them, or the arrow itself.
_MEANT = re.compile(r"\s*\d+:\d[^\n]{0,20}?[-–—]{1,3}>|.*-->")
_VTT = re.compile(
    r"\s*((?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})\s*-->\s*((?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})(?:\s.*)?"
)
_SRT = re.compile(
    r"\s*(\d{2,4}:[0-5]\d:[0-5]\d[,.]\d{3})\s*-->\s*(\d{2,4}:[0-5]\d:[0-5]\d[,.]\d{3})(?:\s.*)?"
)
_LONGEST_TEXT, _LONGEST_SPEAKER = 1_000, 60


@dataclass(frozen=True, slots=True)
class Cue:
    """start, end: milliseconds from the start of the audio. text: plain, without markup. line: of its
    times."""

    start: int
    end: int
    text: str
    speaker: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Captions:
    """cues: in the order of the file."""

    cues: tuple[Cue, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def read_captions(text: str, *, srt: bool, max_cues: int) -> Captions:
    """srt: it is SubRip. Never raises: what can't be read is a mistake. Beyond `max_cues` nothing is."""
    lines = text.splitlines()
    times = list(_time_lines(lines, srt=srt))
    if len(times) > max_cues:
        return Captions(mistakes=(Mistake(f"it has {len(times):,} cues, more than {max_cues:,}", 1),))
    mistakes = [each for each in times if isinstance(each, Mistake)]
    spans: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in times:
        if not isinstance(each, Mistake):
            spans[each[:2]].append(each[2])
    webvtt = extra("webvtt")
    try:
        read = webvtt.WebVTT.from_buffer(io.StringIO(text.lstrip("\ufeff")), format="srt" if srt else "vtt")
    except webvtt.errors.MalformedFileError:
        expected = "the number 1 and a time line" if srt else "the word WEBVTT"
        first = next((line for line in lines if line.strip()), "")
        return Captions(
            mistakes=(Mistake(f"it doesn't begin with {expected} but with {plain(first, limit=60)!r}", 1),)
        )
    except webvtt.errors.MalformedCaptionError as error:
        mistakes = mistakes or [Mistake(plain(str(error)), 1)]
        return Captions(mistakes=tuple(mistakes))
    cues = tuple(_cues(read, spans))
    left = sorted(line for span in spans.values() for line in span)
    mistakes += [
        Mistake("no cue begins here: an empty line or its number is missing before it", line) for line in left
    ]
    if not cues and not mistakes:
        mistakes = [Mistake("it has no cues", 1)]
    return Captions(cues, tuple(sorted(mistakes, key=lambda mistake: mistake.line)))


def clock(milliseconds: int) -> str:
    """``01:02:03.450``"""
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def _time_lines(lines: list[str], *, srt: bool) -> Iterator[tuple[int, int, int] | Mistake]:
    """Start, end and line of each, or what is wrong with it."""
    form = _SRT if srt else _VTT
    for number, line in enumerate(lines, 1):
        if not _MEANT.match(line):
            continue
        match = form.fullmatch(line)
        if match is None:
            yield Mistake(f"{plain(line, limit=80)!r} isn't read as the times of a cue", number)
            continue
        start, end = _milliseconds(match[1]), _milliseconds(match[2])
        if end <= start:
            yield Mistake(f"the cue ends at {match[2]}, not after {match[1]} where it begins", number)
        yield start, end, number


def _milliseconds(time: str) -> int:
    *hours, minutes, seconds, rest = map(int, re.split("[:,.]", time))
    return ((sum(hours) * 60 + minutes) * 60 + seconds) * 1_000 + rest


def _cues(read: object, spans: Mapping[tuple[int, int], list[int]]) -> Iterator[Cue]:
    """The cues whose times are sound, each taking its line away from `spans`."""
    for caption in read:  # type: ignore[attr-defined]
        start, end = caption.start_time.in_milliseconds(), caption.end_time.in_milliseconds()
        lines = spans.get((start, end))
        if lines:
            speaker = plain(caption.voice, limit=_LONGEST_SPEAKER) if caption.voice else None
            yield Cue(start, end, plain(caption.text, limit=_LONGEST_TEXT), speaker, lines.pop(0))
