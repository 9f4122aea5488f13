"""The events that a company invites to, in one YAML file.

    events:
      - title: Live from the archive
        starts: 2026-06-25 17:00        # local time, or with an offset
        ends: 2026-06-25 18:30
        status: open                    # needed: draft | open | closed | cancelled
        where: Studio A, 12 Mill Street # a place,
        link: https://example.org/live  # or an address to join at, or both
        host: Mara Ellison
        image: assets/live.png          # a file, from the project's folder; or an address
        description: An hour among the boxes.
        posts:                          # those that are ready, by how many days before they go out
          - days_before: 14
            text: posts/live-14.md      # a file, or the text itself

An event that can't be read is a `Trouble` with its line, and hides no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
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

Status = Literal["draft", "open", "closed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Post:
    """text: itself, or the file that holds it; None when the entry has none."""

    days_before: int
    text: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicEvent:
    """starts, ends: aware. path, line: where its entry begins. lines: of each of its keys."""

    title: str | None
    status: Status
    path: str
    line: int
    starts: datetime | None = None
    ends: datetime | None = None
    where: str | None = None
    link: str | None = None
    host: str | None = None
    image: str | None = None
    description: str | None = None
    posts: tuple[Post, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return f"the event {self.title!r}" if self.title else f"the event at line {self.line}"

    def at(self, key: str = "") -> str:
        """``events.yaml:4``: where the key stands, or the entry when it has no such key."""
        return f"{self.path}:{self.lines.get(key, self.line)}"


def read_events(
    folder: Folder, path: str, *, zone: tzinfo, max_events: int, max_bytes: int
) -> tuple[tuple[PublicEvent, ...], tuple[Trouble, ...]]:
    """The events, in the order of the file, and what couldn't be read. zone: of times without an offset."""
    try:
        file = read_yaml(folder, path, max_bytes=max_bytes)
    except NotYaml as error:
        return (), (error.trouble,)
    entries = file.value.get("events") if isinstance(file.value, dict) else None
    if not isinstance(entries, list):
        return (), (Trouble(path, file.line(("events",)), "Expected `events:` and a list below it"),)
    events: list[PublicEvent] = []
    troubles: list[Trouble] = []
    for number in range(min(len(entries), max_events)):
        form, mistakes = fitted(file, _Form, at=("events", number))
        troubles += mistakes
        if form is not None:
            try:
                events.append(_event(form, file, number, zone))
            except ValueError as error:
                place = ("events", number, "starts")
                troubles.append(Trouble(path, file.line(place), f"`starts` or `ends`: {error}"))
    if len(entries) > max_events:
        text = f"From here on {len(entries) - max_events} events lie beyond the limit of {max_events}"
        troubles.append(Trouble(path, file.line(("events", max_events)), text))
    return tuple(events), tuple(troubles)


def _posts(value: Any) -> Any:
    return [] if value is None else value


_Text = Annotated[str | None, BeforeValidator(text_or_none)]
_Moment = Annotated[datetime | None, BeforeValidator(moment)]


class _PostForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days_before: Annotated[int, Field(ge=0, le=366)]
    text: _Text = None


class _Form(BaseModel):
    """The keys of an event."""

    title: _Text = None
    starts: _Moment = None
    ends: _Moment = None
    status: Status
    where: _Text = None
    link: _Text = None
    host: _Text = None
    image: _Text = None
    description: _Text = None
    posts: Annotated[list[_PostForm], BeforeValidator(_posts)] = []


def _event(form: _Form, file: YamlFile, number: int, zone: tzinfo) -> PublicEvent:
    place = ("events", number)

    return PublicEvent(
        title=form.title,
        status=form.status,
        path=file.path,
        line=file.line(place),
        starts=None if form.starts is None else in_zone(form.starts, zone),
        ends=None if form.ends is None else in_zone(form.ends, zone),
        where=form.where,
        link=form.link,
        host=form.host,
        image=form.image,
        description=form.description,
        posts=tuple(
            Post(post.days_before, post.text, file.line((*place, "posts", position)))
            for position, post in enumerate(form.posts)
        ),
        lines={str(at[2]): line for at, line in file.lines.items() if len(at) == 3 and at[:2] == place},
    )
