"""A show's episodes, one YAML file each.

    show: Brightwater Sessions        # needed
    number: 12                        # needed; no two files of a show have the same
    title: The long tail of radio
    status: planned                   # needed: planned | recorded | published
    recording: 2026-06-18 10:00       # local time, or with an offset: 2026-06-18T10:00-05:00
    recording_minutes: 90             # how long the studio is booked
    published: 2026-06-25             # the day it came out or, until then, is to come out
    duration: 42:10                   # of the finished audio, [hours:]minutes:seconds
    solo: no                          # yes: no guest is wanted
    guest:
      name: Ada Marsh
      contact: hubspot:1201           # where to find them; no mail address, so that it may be shown
      consent: 2026-06-01             # the day they agreed to be recorded; yes or no where no day is known
    outline: assets/012/outline.md    # a file, from the project's folder; or the outline itself, in lines
    artwork: assets/012/cover.png     # a file, or an address
    assets: assets/012                # the folder of transcript, captions, chapters, notes
    description: What it is about, in a sentence.
    slug: the-long-tail-of-radio      # the last part of its page's address on the site
    youtube: dQw4w9WgXcQ              # its video's id

An unquoted value is text, so a number, a day and a title need no quotes; a title with `: ` in it does.
Whatever can't be read is a `Trouble` with file and line, and never hides another file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from workers.sources.folder import Folder
from workers.sources.yaml_files import (
    NotYaml,
    Trouble,
    YamlFile,
    fitted,
    in_zone,
    moment,
    read_yaml,
    text_or_none,
)

__all__ = ["EXCLUDED", "Episode", "Guest", "Status", "Trouble", "episode_files", "read_episodes"]

Status = Literal["planned", "recorded", "published"]

# Folders of tools, which hold nobody's episodes.
EXCLUDED = (".git", ".loom", ".venv", "venv", "node_modules", "__pycache__", "site-packages")

_DURATION = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)")
_VIDEO = re.compile(r"[\w-]{6,20}")
_SLUG = re.compile(r"[\w.~-]{1,200}")


@dataclass(frozen=True, slots=True)
class Guest:
    """consent: the day they agreed; True or False where the file says only whether; None: it doesn't say."""

    name: str | None = None
    contact: str | None = None
    consent: date | bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One file as read.

    id: the file's name without its ending. recording: aware. published: the day it came out, for a `status`
    of published; otherwise the day it is meant to. duration_s: of the finished audio, seconds.
    outline, artwork, assets: as written. path: relative to the project. lines: of each key of the file.
    """

    id: str
    show: str
    number: int
    title: str | None
    status: Status
    path: str
    recording: datetime | None = None
    recording_minutes: int | None = None
    published: date | None = None
    duration_s: int | None = None
    solo: bool = False
    guest: Guest | None = None
    outline: str | None = None
    artwork: str | None = None
    assets: str | None = None
    description: str | None = None
    slug: str | None = None
    youtube_id: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``12 (The long tail of radio)``: what to call it in a sentence."""
        return f"{self.number} ({self.title})" if self.title else str(self.number)

    def where(self, key: str = "") -> str:
        """``episodes/012.yaml:4``: where the key stands; the file alone when it has no such key."""
        return f"{self.path}:{self.lines[key]}" if key in self.lines else self.path


def episode_files(folder: Folder, globs: Sequence[str]) -> list[str]:
    """The files that fit the patterns (see `Folder.files`), in order of name."""
    return folder.files(globs, EXCLUDED)


def read_episodes(
    folder: Path | Folder,
    globs: Sequence[str] = ("episodes/*.yaml", "episodes/*.yml"),
    *,
    zone: tzinfo = UTC,
    max_files: int = 2_000,
    max_bytes: int = 100_000,
) -> tuple[tuple[Episode, ...], tuple[Trouble, ...]]:
    """The episodes, in order of file name, and what couldn't be read of them.

    zone: of times written without an offset; a worker gives `context.now.tzinfo`. A time that occurs twice
    there, when clocks go back, is the first of the two. Two files of the same show and number are both
    given, and trouble. No file at all is neither: ask `episode_files`.
    """
    place = folder if isinstance(folder, Folder) else Folder(folder)
    episodes: list[Episode] = []
    troubles: list[Trouble] = []
    paths = episode_files(place, globs)
    for path in paths[:max_files]:
        try:
            file = read_yaml(place, path, max_bytes=max_bytes)
        except NotYaml as error:
            troubles.append(error.trouble)
            continue
        form, mistakes = fitted(file, _Form)
        troubles += mistakes
        if form is not None:
            episode, mistake = _episode(form, file, zone)
            episodes += [episode] if episode else []
            troubles += [mistake] if mistake else []
    for path in paths[max_files : max_files + 1]:
        text = f"From this file on {len(paths) - max_files} files lie beyond the limit of {max_files}"
        troubles.append(Trouble(path, None, text))
    return tuple(episodes), (*troubles, *_twice(episodes))


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("expected a day such as 2026-01-31") from None


def _flag(value: Any) -> Any:
    known = {"yes": True, "true": True, "no": False, "false": False}
    if isinstance(value, str) and value.strip().lower() not in known:
        raise ValueError("expected yes or no")
    return known[value.strip().lower()] if isinstance(value, str) else value


def _consent(value: Any) -> Any:
    try:
        return _flag(value)
    except ValueError:
        try:
            return _day(value)
        except ValueError:
            raise ValueError("expected the day they agreed, such as 2026-01-31, or yes or no") from None


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and match is None:
        raise ValueError("expected [hours:]minutes:seconds such as 42:10 or 1:05:00")
    return int(match[1] or 0) * 3_600 + int(match[2]) * 60 + int(match[3]) if match else value


def _guest(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _like(pattern: re.Pattern[str], expected: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value.strip()):
            raise ValueError(f"expected {expected}")
        return text_or_none(value)

    return BeforeValidator(check)


_Text = Annotated[str | None, BeforeValidator(text_or_none)]
_Day = Annotated[date | None, BeforeValidator(_day)]
_Whole = Annotated[int, Field(ge=0, le=100_000)]


class _GuestForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: _Text = None
    contact: _Text = None
    consent: Annotated[date | bool | None, BeforeValidator(_consent)] = None


class _Form(BaseModel):
    """The keys of a file."""

    show: Annotated[str, BeforeValidator(text_or_none)]
    number: _Whole
    title: _Text = None
    status: Status
    recording: Annotated[datetime | None, BeforeValidator(moment)] = None
    recording_minutes: Annotated[int | None, Field(ge=1, le=1_440)] = None
    published: _Day = None
    duration: Annotated[int | None, BeforeValidator(_duration)] = None
    solo: Annotated[bool | None, BeforeValidator(_flag)] = None
    guest: Annotated[_GuestForm | None, BeforeValidator(_guest)] = None
    outline: _Text = None
    artwork: _Text = None
    assets: _Text = None
    description: _Text = None
    slug: Annotated[str | None, _like(_SLUG, "the last part of an address such as the-long-tail")] = None
    youtube: Annotated[str | None, _like(_VIDEO, "a video's id such as dQw4w9WgXcQ")] = None


def _episode(form: _Form, file: YamlFile, zone: tzinfo) -> tuple[Episode | None, Trouble | None]:
    try:
        recording = None if form.recording is None else in_zone(form.recording, zone)
    except ValueError as error:
        return None, Trouble(file.path, file.line(("recording",)), f"`recording`: {error}")
    guest = Guest(form.guest.name, form.guest.contact, form.guest.consent) if form.guest else None
    episode = Episode(
        id=file.path.rpartition("/")[2].rpartition(".")[0],
        show=form.show,
        number=form.number,
        title=form.title,
        status=form.status,
        path=file.path,
        recording=recording,
        recording_minutes=form.recording_minutes,
        published=form.published,
        duration_s=form.duration,
        solo=bool(form.solo),
        guest=guest,
        outline=form.outline,
        artwork=form.artwork,
        assets=form.assets,
        description=form.description,
        slug=form.slug,
        youtube_id=form.youtube,
        lines={str(place[0]): line for place, line in file.lines.items() if len(place) == 1},
    )
    if form.status == "published" and form.published is None:
        text = "`status` is published, and `published` doesn't say since which day"
        return episode, Trouble(file.path, file.line(("status",)), text)
    return episode, None


def _twice(episodes: Sequence[Episode]) -> Iterator[Trouble]:
    first: dict[tuple[str, int], Episode] = {}
    for episode in episodes:
        other = first.setdefault((episode.show.casefold(), episode.number), episode)
        if other is not episode:
            text = f"`number` has {episode.number}, which {other.where('number')} has too"
            yield Trouble(episode.path, episode.lines.get("number"), text)
