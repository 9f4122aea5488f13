"""A transcript: what was said, by whom and when, from plain text or from captions.

Of plain text each line is something said, and may begin with a time and a speaker, in this order:
`[00:12:30] Ada Marsh: And then it rained.` A name counts as a speaker's once two lines begin with it; a line
without one goes on with the last speaker.
"""

import re
from collections import Counter
from dataclasses import dataclass

from workers.sources.captions import read_captions
from workers.sources.findings import plain

_LINE = re.compile(
    r"\s*(?:[\[(]?(?:(\d{1,2}):)?(\d{1,2}):(\d{2})(?:[.,]\d{1,3})?[\])]?\s*)?"
    r"(?:\*{0,2}([^\W\d_][\w .'’-]{0,40}?)\*{0,2}\s*:\*{0,2}\s+)?(.*)"
)
_LONGEST_LINE = 5_000


@dataclass(frozen=True, slots=True)
class Turn:
    """speaker: None when it isn't told. start_s: seconds from the start of the audio, or None."""

    speaker: str | None
    start_s: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    turns: tuple[Turn, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """In the order in which they begin to speak."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns if turn.speaker))

    @property
    def words(self) -> int:
        return sum(len(turn.text.split()) for turn in self.turns)


def read_transcript(text: str, *, path: str, max_turns: int = 20_000) -> Transcript:
    """Captions by the file's ending (.vtt, .srt), otherwise plain text. Never raises; further turns than
    `max_turns` are left out."""
    ending = path.rpartition(".")[2].lower()
    if ending in ("vtt", "srt"):
        cues = read_captions(text, srt=ending == "srt", max_cues=max_turns).cues
        return Transcript(tuple(Turn(cue.speaker, cue.start // 1_000, cue.text) for cue in cues))
    rows = [_LINE.fullmatch(line[:_LONGEST_LINE]) for line in text.splitlines() if line.strip()][:max_turns]
    matches = [row for row in rows if row]
    named = Counter(match[4] for match in matches if match[4])
    turns: list[Turn] = []
    speaker: str | None = None
    for match in matches:
        hours, minutes, seconds, name, said = match.groups()
        if name and named[name] > 1:
            speaker = plain(name, limit=60)
        elif name:
            said = f"{name}: {said}"
        start = None if seconds is None else int(hours or 0) * 3_600 + int(minutes) * 60 + int(seconds)
        if said.strip():
            turns.append(Turn(speaker, start, plain(said, limit=_LONGEST_LINE)))
    return Transcript(tuple(turns))
