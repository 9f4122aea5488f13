"""The asset folder of an episode: which of its parts are there, and what can be read of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.sources.captions import Captions, read_captions
from workers.sources.chapters import Chapters, read_chapters
from workers.sources.episodes import Episode
from workers.sources.folder import Folder, Unreadable, matches
from workers.sources.markdown import Mistake
from workers.sources.transcripts import Transcript, read_transcript

PARTS = ("transcript", "chapters", "notes", "thumbnail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Patterns of file names, for each part."""

    transcript: Sequence[str]
    chapters: Sequence[str]
    notes: Sequence[str]
    thumbnail: Sequence[str]
    captions: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    max_bytes: int
    max_cues: int
    max_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Paths are relative to the project.

    folder: None when the episode names none, or none that is there. parts: the files of each of `PARTS` that
    hold something; empty: those that hold nothing. transcript, transcript_path: of the first that could be
    read. unreadable: files with why. left_out: files beyond the limit.
    """

    episode: Episode
    folder: str | None = None
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    empty: Mapping[str, Sequence[str]] = field(default_factory=dict)
    captions: Mapping[str, Captions] = field(default_factory=dict)
    chapters: Mapping[str, Chapters] = field(default_factory=dict)
    transcript: Transcript | None = None
    transcript_path: str = ""
    unreadable: Mapping[str, Mistake] = field(default_factory=dict)
    left_out: int = 0


def read_assets(episode: Episode, folder: Folder, names: Names, limits: Limits) -> Assets:
    """What lies in the folder that the episode names, which must be one of the project's own."""
    found = folder.find(episode.assets) if episode.assets else None
    place = folder.root / found.path if found else folder.root
    if found is None or not place.is_dir() or not place.resolve().is_relative_to(folder.root.resolve()):
        return Assets(episode=episode)
    inside = [f"{found.path}/{name}" for name in Folder(place).files(["*"], [])]
    paths = inside[: limits.max_files]
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    empty: dict[str, list[str]] = {part: [] for part in PARTS}
    for path in paths:
        for part in PARTS:
            if matches(path, getattr(names, part)):
                (parts if (folder.root / path).stat().st_size else empty)[part].append(path)
    reading = _Reading(folder, limits)
    captions = [path for path in paths if matches(path, names.captions) and path not in parts["chapters"]]
    reading.captions_of(captions)
    reading.chapters_of(parts["chapters"])
    # Captions are words with times: where there is no transcript they stand in for it.
    reading.transcript_of([*parts["transcript"], *captions])
    if reading.transcript_path not in parts["transcript"] and not set(parts["transcript"]) & set(
        reading.unreadable
    ):
        empty["transcript"] += parts["transcript"]
        parts["transcript"] = []
    return Assets(
        episode=episode,
        folder=found.path,
        parts=parts,
        empty=empty,
        captions=reading.captions,
        chapters=reading.chapters,
        transcript=reading.transcript,
        transcript_path=reading.transcript_path,
        unreadable=reading.unreadable,
        left_out=len(inside) - len(paths),
    )


class _Reading:
    """Reads files of one folder, gathering what can't be read."""

    def __init__(self, folder: Folder, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self.captions: dict[str, Captions] = {}
        self.chapters: dict[str, Chapters] = {}
        self.transcript: Transcript | None = None
        self.transcript_path = ""
        self.unreadable: dict[str, Mistake] = {}

    def captions_of(self, paths: Sequence[str]) -> None:
        for path in paths:
            text = self._text(path)
            if text is not None:
                srt = path.lower().endswith(".srt")
                self.captions[path] = read_captions(text, srt=srt, max_cues=self._limits.max_cues)

    def chapters_of(self, paths: Sequence[str]) -> None:
        for path in paths:
            text = self._text(path)
            if text is not None:
                self.chapters[path] = read_chapters(text, path=path)

    def transcript_of(self, paths: Sequence[str]) -> None:
        for path in paths:
            text = self._text(path) if self.transcript is None else None
            transcript = read_transcript(text, path=path) if text else Transcript()
            if transcript.turns:
                self.transcript, self.transcript_path = transcript, path

    def _text(self, path: str) -> str | None:
        try:
            return self._folder.read(path, max_bytes=self._limits.max_bytes)
        except Unreadable as error:
            self.unreadable[path] = Mistake(f"It {error}", 1)
            return None
