"""A piece of the content queue: a Markdown file whose front matter says where it stands.

    ---
    title: How we record on the road
    status: draft
    owner: Nora Diaz
    due: 2026-06-30              # the day it is to be published
    channel: blog                # or a list: [blog, newsletter]
    since: 2026-06-01            # the day it came to this status; `updated` does too
    ---

python-frontmatter takes the front matter from the text. Every value in it is read as it is written, so that
an owner may be called No, and a day that isn't one spoils nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from workers.sources.extras import extra
from workers.sources.markdown import Entry, Mistake, read_document

_PLACEHOLDER = re.compile(r"\b(?:TODO|TBD|TBA|FIXME|XXX)\b|lorem ipsum", re.IGNORECASE)
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """title, status, owner: empty when not said; status is lower case. words: of the text below the front
    matter. unfinished: the lines in it with a placeholder such as TODO. parts: the names in the front matter
    that have a value, those of one line with it. lines: where each name stands. mistakes: what can't be
    read."""

    path: str
    title: str = ""
    status: str = ""
    owner: str = ""
    due: date | None = None
    since: date | None = None
    channels: tuple[str, ...] = ()
    words: int = 0
    unfinished: tuple[int, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()

    @property
    def name(self) -> str:
        """What to call it."""
        return self.title or self.path.rpartition("/")[2]

    def place(self, *names: str) -> str:
        """Its path, with the line of the first of these names that its front matter has."""
        line = next((self.lines[name] for name in names if name in self.lines), None)
        return f"{self.path}:{line}" if line else self.path


def read_piece(path: str, text: str) -> Piece | Mistake:
    """A Mistake when there is no front matter that can be read. Raises Skip without the library."""
    document = read_document(text)
    if document.mistake is not None:
        return document.mistake
    handler = extra("frontmatter").YAMLHandler()
    if not document.body or not handler.detect(text):
        return Mistake("there is no front matter: the first line isn't '---'", 1)
    try:
        front, body = handler.split(text)
        values = yaml.load(front, Loader=yaml.BaseLoader)  # noqa: S506 - makes text, lists and mappings only
    except (ValueError, yaml.YAMLError):  # where it ends isn't as clear as `read_document` found
        return Mistake("the front matter isn't closed by a line '---'", 1)
    if not isinstance(values, dict):
        return Mistake("the front matter is empty", 1)
    return _piece(path, values, body, text.split("\n"), document.body, document.front_matter)


def _piece(
    path: str, values: dict[Any, Any], body: str, lines: list[str], start: int, entries: Mapping[str, Entry]
) -> Piece:
    mistakes: list[Mistake] = []

    def line_of(name: str) -> int:
        return entries[name].line if name in entries else 1

    def line(name: str) -> str:
        value = values.get(name, "")
        if isinstance(value, str):
            return " ".join(value.split())[:_LONGEST]
        mistakes.append(Mistake(f"`{name}` isn't one line of text", line_of(name)))
        return ""

    def day(name: str) -> date | None:
        value = line(name)
        try:
            return datetime.fromisoformat(value).date() if value else None
        except ValueError:
            wrong = f"`{name}` has {value[:60]!r}; expected a day such as 2026-01-31"
            mistakes.append(Mistake(wrong, line_of(name)))
            return None

    channels = values.get("channel", values.get("channels", ""))
    return Piece(
        path=path,
        title=line("title"),
        status=line("status").lower(),
        owner=line("owner"),
        due=day("due"),
        since=day("since") or day("updated"),
        channels=tuple(
            each.strip().lower()[:_LONGEST]
            for each in (channels if isinstance(channels, list) else [channels])
            if isinstance(each, str) and each.strip()
        ),
        words=len(body.split()),
        unfinished=tuple(
            number for number, text in enumerate(lines[start:], start + 1) if _PLACEHOLDER.search(text)
        ),
        parts={
            name: value.strip() if isinstance(value, str) else ""
            for name, value in values.items()
            if isinstance(name, str) and (value.strip() if isinstance(value, str) else value)
        },
        lines={name: entry.line for name, entry in entries.items()},
        mistakes=tuple(mistakes),
    )
