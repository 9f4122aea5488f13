"""How episodes appear on a channel, and which appearance is whose."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workers.sources.episodes import Episode
from workers.sources.extras import extra

_TAG = re.compile(r"<[^<>]{0,300}>")
_NUMBER = re.compile(r"^\W*(?:episode|ep|folge|show)?\W{0,3}\d{1,5}\W+", re.IGNORECASE)
_SHOW = re.compile(r"\s[|–—-]\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """key: what the channel knows it by (a video's id, a page's address, a feed item's guid). titles: what it
    is called there; one is enough to agree. published: aware. whole_day: the channel gives a day, and
    `published` is its midnight in UTC. number: the episode's, if the channel says. url: where a person can
    look at it."""

    key: str
    titles: tuple[str, ...]
    published: datetime | None
    duration_s: int | None
    number: int | None = None
    url: str | None = None
    whole_day: bool = False


@dataclass(slots=True)
class Channel:
    """name: in words. of: by the episode's path, its appearance. lone: appearances that are no episode's.
    read: whether it could be read at all. complete: whether all of it was, so that what isn't found is
    absent. unknown: episodes, by their path, of which the channel can't tell whether it has them."""

    name: str
    of: dict[str, Publication] = field(default_factory=dict)
    lone: list[Publication] = field(default_factory=list)
    read: bool = False
    complete: bool = False
    unknown: set[str] = field(default_factory=set)


def assign(
    channel: Channel,
    episodes: Sequence[Episode],
    publications: Sequence[Publication],
    *,
    same: Callable[[Episode, Publication], bool],
    similarity: float,
) -> None:
    """Gives each episode its appearance: first by what is certain (`same`), then by title. What is left over,
    a second appearance of the same episode too, is lone."""
    left = list(publications)
    for certain in (True, False):
        for episode in episodes:
            if episode.path in channel.of:
                continue
            fitting = (
                one
                for one in left
                if (same(episode, one) if certain else alike(episode.title, one.titles) >= similarity)
            )
            found = next(fitting, None)
            if found is not None:
                channel.of[episode.path] = found
                left.remove(found)
    channel.lone = left


def alike(title: str | None, titles: Sequence[str]) -> float:
    """How alike the title is to the best of the others, from 0 to 100: capitals, punctuation, markup, an
    episode number before it and a show's name behind a dash or bar make no difference."""
    fuzz = extra("rapidfuzz.fuzz")
    mine = _told(title or "")
    forms = {form for one in titles for form in (_told(one), _told(_SHOW.split(one)[0]), *_parts(one))}
    return max((float(fuzz.ratio(mine, form)) for form in forms if form), default=0.0) if mine else 0.0


def _parts(title: str) -> tuple[str, ...]:
    return tuple(_told(part) for part in _SHOW.split(title)[1:4])


def _told(title: str) -> str:
    plain = _TAG.sub("", html.unescape(title[:500])).casefold()
    words = re.findall(r"\w+", _NUMBER.sub("", plain).replace("'", "").replace("’", ""))
    return " ".join(words)
