"""Podcast feeds as values: RSS 2.0 and Atom, with the tags of Apple Podcasts.

The body is read by feedparser from bytes, which are never an address or a file's name to it, and only once
it is known to be well-formed XML without a document type. What a feed says is data, kept as it is written and
bounded.
"""

import calendar
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workers.sources.durations import clock_seconds
from workers.sources.extras import extra
from workers.sources.feed_xml import Elements, FeedError, Outline, read_outline

__all__ = ["Enclosure", "Feed", "FeedError", "FeedItem", "read_feed"]

_MAX_TEXT = 1_000
_YES, _NO = frozenset({"true", "yes", "explicit"}), frozenset({"false", "no", "clean"})
_TAG = re.compile(r"<[^<>]{0,300}>")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """url and type as written. length: in bytes; None when the feed gives none, or no number."""

    url: str
    length: int | None
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """Empty strings and None for what the item doesn't say. title: without markup. published: UTC.
    elements: its XML as written."""

    guid: str
    title: str
    link: str
    published: datetime | None
    duration_s: int | None
    enclosures: tuple[Enclosure, ...]
    explicit: bool | None
    episode: int | None
    elements: Elements


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """outline: its XML as written. bozo: what feedparser found odd about the whole, or empty."""

    title: str
    link: str
    items: tuple[FeedItem, ...]
    outline: Outline
    bozo: str


def read_feed(body: bytes, *, content_type: str = "") -> Feed:
    """Reads a whole body. content_type: what the server said it is. Raises FeedError, and Skip without
    feedparser."""
    feedparser = extra("feedparser")
    outline = read_outline(body)
    # A stream: a bytes object would be tried as the name of a file. What it says is made plain where it is
    # shown, so there is nothing to sanitise.
    parsed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": content_type} if content_type else None,
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    entries: Sequence[Any] = parsed["entries"]
    if len(entries) < len(outline.items):
        raise FeedError(f"{len(outline.items)} items are written, and only {len(entries)} can be read")
    odd = parsed.get("bozo_exception") if parsed.get("bozo") else None
    return Feed(
        title=_text(parsed["feed"].get("title")),
        link=_address(parsed["feed"].get("link")),
        items=tuple(_item(entry, elements) for entry, elements in zip(entries, outline.items, strict=False)),
        outline=outline,
        bozo=str(odd)[:300] if odd is not None else "",
    )


def _item(entry: Any, elements: Elements) -> FeedItem:
    explicit = _first(elements, "itunes:explicit").lower()
    episode = _first(elements, "itunes:episode")
    return FeedItem(
        guid=_address(entry.get("id")),
        title=_text(entry.get("title")),
        link=_address(entry.get("link")),
        published=_moment(_own(entry, "published_parsed") or _own(entry, "updated_parsed")),
        duration_s=clock_seconds(_first(elements, "itunes:duration")),
        enclosures=tuple(
            Enclosure(_address(one.get("href")), _count(one.get("length")), str(one.get("type") or "")[:100])
            for one in entry.get("enclosures", [])[:20]
        ),
        explicit=True if explicit in _YES else False if explicit in _NO else None,
        episode=_count(episode),
        elements=elements,
    )


def _own(entry: Any, name: str) -> Any:
    """Without feedparser's substitutes, which warn."""
    return dict.get(entry, name)


def _first(elements: Elements, name: str) -> str:
    found = elements.get(name)
    return found[0].text if found else ""


def _text(value: object) -> str:
    """Many feeds hold titles with markup or with entities written twice."""
    text = html.unescape(str(value or "")[:_MAX_TEXT])
    return " ".join(_TAG.sub("", text).split())


def _address(value: object) -> str:
    return str(value or "").strip()[: _MAX_TEXT * 2]


def _count(value: object) -> int | None:
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _moment(parsed: Any) -> datetime | None:
    """feedparser's nine numbers, in UTC."""
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, TypeError, OverflowError):
        return None
