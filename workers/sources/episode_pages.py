"""An episode's page on the site: what it says of the episode, in its head, its JSON-LD and its <time>."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from workers.sources.durations import iso_seconds
from workers.sources.extras import extra

_MAX_TEXT = 300
_MAX_NODES = 2_000
_MAX_BLOCKS = 20
_EPISODES = frozenset({"PodcastEpisode", "Episode", "AudioObject", "VideoObject", "RadioEpisode", "Article"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodePage:
    """titles: what the page calls itself, without those that are empty: og:title, JSON-LD's name, first <h1>,
    <title>. published: UTC; a day without a time is its midnight. None for what it doesn't say."""

    titles: tuple[str, ...]
    published: datetime | None
    duration_s: int | None


def read_episode_page(body: bytes) -> EpisodePage:
    """Reads HTML, any HTML. Raises Skip without selectolax."""
    page = extra("selectolax.lexbor").LexborHTMLParser(body)
    facts = next(_linked_data(page), {})
    titles = (
        _attribute(page, "meta[property='og:title']", "content"),
        _text(facts.get("name") or facts.get("headline")),
        _inner(page, "h1"),
        _inner(page, "title"),
    )
    days = (
        facts.get("datePublished"),
        _attribute(page, "meta[property='article:published_time']", "content"),
        _attribute(page, "time[datetime]", "datetime"),
    )
    lengths = (facts.get("duration"), facts.get("timeRequired"))
    return EpisodePage(
        titles=tuple(dict.fromkeys(title for title in titles if title)),
        published=next((day for day in map(_moment, days) if day), None),
        duration_s=next((length for length in map(_seconds, lengths) if length is not None), None),
    )


def _linked_data(page: Any) -> Iterator[dict[str, Any]]:
    """The objects of the page's JSON-LD that speak of an episode. What can't be read is passed over."""
    for block in page.css("script[type='application/ld+json']")[:_MAX_BLOCKS]:
        try:
            whole = json.loads(block.text())
        except (ValueError, RecursionError):
            continue
        for one in islice(_objects(whole), _MAX_NODES):
            kinds = one.get("@type")
            if _EPISODES & {
                kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if _is_text(kind)
            }:
                yield one


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, the outer before the inner, without recursion."""
    open_ = [value]
    while open_:
        one = open_.pop(0) if len(open_) < _MAX_NODES else open_.pop()
        if isinstance(one, dict):
            yield one
            open_ += one.values()
        elif isinstance(one, list):
            open_ += one


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _attribute(page: Any, selector: str, name: str) -> str:
    found = page.css_first(selector)
    return _text(found.attributes.get(name)) if found is not None else ""


def _inner(page: Any, selector: str) -> str:
    found = page.css_first(selector)
    return _text(found.text()) if found is not None else ""


def _text(value: object) -> str:
    return " ".join(value[:_MAX_TEXT].split()) if isinstance(value, str) else ""


def _seconds(value: object) -> int | None:
    return iso_seconds(value) if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None
