"""What RSS 2.0 (https://www.rssboard.org/rss-specification), Atom (RFC 4287) and Apple Podcasts
(https://podcasters.apple.com/support/823-podcast-requirements) ask of a feed, and a feed lacks."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workers.sources.durations import clock_seconds
from workers.sources.feed_xml import Elements
from workers.sources.feeds import Feed, FeedItem

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_EXPLICIT = frozenset({"true", "false", "yes", "no", "clean", "explicit"})
_Check = tuple[str, bool, Callable[[FeedItem], bool]]
"""Who asks for it, whether it is serious, and whether an item breaks it."""
_RSS, _APPLE, _ATOM = "RSS 2.0", "Apple Podcasts", "Atom"


@dataclass(frozen=True, slots=True)
class Mistake:
    """what: the mistake in words. asked_by: whose rule it breaks. items: which items have it, by title or
    number; empty when it is the channel's. serious: directories refuse the feed or the item for it."""

    what: str
    asked_by: str
    items: tuple[str, ...] = ()
    serious: bool = True


def mistakes_of(feed: Feed) -> Iterator[Mistake]:
    """Each mistake once, with all the items that have it."""
    if feed.bozo:
        yield Mistake(f"it is served or encoded oddly: {feed.bozo}", "XML", serious=False)
    if feed.outline.root == "feed":
        yield from _channel_lacks(feed.outline.channel, ("title", "id", "updated"), _ATOM)
        checks = {f"<{name}> is missing": _lacks(name, _ATOM) for name in ("title", "id", "updated")}
    else:
        channel = feed.outline.channel
        yield from _channel_lacks(channel, ("title", "link", "description"), _RSS)
        yield from _channel_lacks(
            channel, ("itunes:image", "language", "itunes:category", "itunes:explicit"), _APPLE
        )
        yield from _channel_values(channel)
        checks = _RSS_ITEMS
    for what, (asked_by, serious, test) in checks.items():
        having = tuple(_name(item, place) for place, item in enumerate(feed.items, 1) if test(item))
        if having:
            yield Mistake(what, asked_by, having, serious)
    yield from _duplicates(feed)


def _channel_lacks(channel: Elements, names: tuple[str, ...], asked_by: str) -> Iterator[Mistake]:
    for name in names:
        if not _said(channel, name):
            yield Mistake(f"the channel's <{name}> is missing or empty", asked_by)


def _channel_values(channel: Elements) -> Iterator[Mistake]:
    for one in channel.get("language", ())[:1]:
        if one.text and not _LANGUAGE.fullmatch(one.text):
            yield Mistake(f"the channel's <language> is no language code: {one.text[:40]}", _RSS)
    for one in channel.get("itunes:explicit", ())[:1]:
        if one.text and one.text.lower() not in _EXPLICIT:
            said = f"the channel's <itunes:explicit> is neither true nor false: {one.text[:40]}"
            yield Mistake(said, _APPLE)


def _said(elements: Elements, name: str) -> bool:
    """Whether the element is there with something in it: a text, or an address or a word as attribute."""
    return any(
        one.text or any(one.attributes.get(key, "").strip() for key in ("href", "url", "text"))
        for one in elements.get(name, ())
    )


def _lacks(name: str, asked_by: str) -> _Check:
    return asked_by, True, lambda item: not _said(item.elements, name)


def _no_enclosure(item: FeedItem) -> bool:
    return not any(one.attributes.get("url", "").strip() for one in item.elements.get("enclosure", ()))


def _bad_length(item: FeedItem) -> bool:
    return any(one.url and not one.length for one in item.enclosures)


def _bad_type(item: FeedItem) -> bool:
    return any(one.url and "/" not in one.type for one in item.enclosures)


def _bad_date(item: FeedItem) -> bool:
    return _said(item.elements, "pubDate") and item.published is None


def _bad_duration(item: FeedItem) -> bool:
    return any(
        one.text and clock_seconds(one.text) is None for one in item.elements.get("itunes:duration", ())
    )


def _bad_explicit(item: FeedItem) -> bool:
    return _said(item.elements, "itunes:explicit") and item.explicit is None


_RSS_ITEMS: dict[str, _Check] = {
    "<title> is missing": _lacks("title", _APPLE),
    "<enclosure> is missing": (_APPLE, True, _no_enclosure),
    "the enclosure's length is missing or no number": (_RSS, True, _bad_length),
    "the enclosure's type is missing or no media type": (_RSS, True, _bad_type),
    "<pubDate> is no date": (_RSS, True, _bad_date),
    "<itunes:duration> is no duration": (_APPLE, True, _bad_duration),
    "<itunes:explicit> is neither true nor false": (_APPLE, True, _bad_explicit),
    "<guid> is missing": (_APPLE, False, lambda item: not _said(item.elements, "guid")),
    "<pubDate> is missing": (_APPLE, False, lambda item: not _said(item.elements, "pubDate")),
}


def _duplicates(feed: Feed) -> Iterator[Mistake]:
    """Apps show one of two items with the same guid."""
    counts = Counter(item.guid for item in feed.items if item.guid)
    for guid, count in counts.items():
        if count > 1:
            having = (_name(item, place) for place, item in enumerate(feed.items, 1) if item.guid == guid)
            yield Mistake(f"the guid {guid[:100]} is given {count} times", _RSS, tuple(having))


def _name(item: FeedItem, place: int) -> str:
    return f"'{item.title[:80]}'" if item.title else f"item {place}"
