"""Reading the channels on which episodes appear: a podcast feed, a playlist on YouTube, the site's pages.

Addresses that a feed or page names are data: asked for only where visitors from anywhere could, or at the
very host and port that the settings name.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from loom.worker import TransientError
from workers.sources.episode_pages import read_episode_page
from workers.sources.episodes import Episode
from workers.sources.feeds import Feed, FeedError, FeedItem, read_feed
from workers.sources.fetching import Answer, Fetcher, Pace, Trouble
from workers.sources.findings import plain
from workers.sources.publications import Channel, Publication, assign
from workers.sources.urls import is_private, normalise, same_site
from workers.sources.youtube import YouTube

_LATER = frozenset({Trouble.CONNECTION, Trouble.TIMEOUT})
_NUMERIC = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)
_EXTRAS = frozenset({"trailer", "bonus"})


class Unread(Exception):
    """The channel can't be read, and asking again won't help; the text says why."""


class Reach:
    """Which addresses may be asked for. own: those that the settings name."""

    def __init__(self, own: Iterable[str]) -> None:
        self._own = tuple(own)

    def hindrance(self, url: str) -> Trouble | None:
        """Why the normalised address isn't asked for, or None."""
        if any(same_site(url, one) for one in self._own):
            return None
        host = (urlsplit(url).hostname or "").rstrip(".")
        # '127.1' and '0x7f.1' are addresses to a resolver; in dotted form `is_private` judges them.
        odd = bool(_NUMERIC.fullmatch(host.rpartition(".")[2])) and not _is_dotted(host)
        return Trouble.PRIVATE if odd or is_private(url) else None


def fetch_feed(url: str, fetcher: Fetcher, reach: Reach) -> Feed:
    """Raises Unread, TransientError."""
    answer = fetcher.get(url, hindrance=reach.hindrance, body_of=lambda _: True)
    if answer.trouble in _LATER or (answer.status is not None and _is_later(answer.status)):
        raise TransientError(f"the podcast feed {url} can't be read: {_said(answer)}")
    if answer.trouble or answer.status != 200 or answer.cut:
        raise Unread(_said(answer))
    try:
        return read_feed(answer.body, content_type=answer.content_type)
    except FeedError as error:
        raise Unread(str(error)) from None


def feed_channel(feed: Feed, episodes: Sequence[Episode], *, similarity: float) -> Channel:
    """Trailers and bonus items are no episodes."""
    channel = Channel("podcast feed", read=True, complete=True)
    items = [_of_item(item) for item in feed.items if _kind(item) not in _EXTRAS]
    assign(channel, episodes, items, same=_is_item_of, similarity=similarity)
    return channel


def playlist_channel(
    youtube: YouTube, playlist: str, episodes: Sequence[Episode], *, similarity: float
) -> Channel:
    """Private and deleted videos of the playlist aren't there for anyone. Raises NotThere, Spent."""
    channel = Channel("YouTube playlist", read=True, complete=True)
    items = [item for page in youtube.playlist(playlist) for item in page if item.published is not None]
    lengths = {
        video.id: video.duration_s
        for video in youtube.videos(list(dict.fromkeys(item.video_id for item in items)))
    }
    publications = [
        Publication(
            key=item.video_id,
            titles=(item.title,),
            published=item.published,
            duration_s=lengths[item.video_id],
            url=f"https://www.youtube.com/watch?v={item.video_id}",
        )
        for item in items
        if item.video_id in lengths
    ]
    assign(
        channel,
        episodes,
        publications,
        same=lambda episode, one: episode.youtube_id == one.key,
        similarity=similarity,
    )
    return channel


def site_channel(
    pattern: str, fetcher: Fetcher, reach: Reach, pace: Pace, episodes: Sequence[Episode]
) -> tuple[Channel, dict[str, Answer]]:
    """pattern: the address of an episode's page, with {slug} or {number}. Also the answers of the pages that
    fail, by the episode's path; a page that isn't there is no failure, it is absent. Raises TransientError
    when no page could be reached."""
    channel = Channel("site", complete=True)
    failed: dict[str, Answer] = {}
    for episode in episodes:
        url = page_address(pattern, episode)
        if url is None or pace.over:
            channel.unknown.add(episode.path)
            continue
        answer = fetcher.get(url, hindrance=reach.hindrance, body_of=lambda kind: "html" in kind)
        channel.read = channel.read or answer.status is not None or answer.trouble not in _LATER
        if answer.status == 200 and "html" in answer.content_type:
            page = read_episode_page(answer.body)
            channel.of[episode.path] = Publication(
                key=answer.url,
                titles=page.titles,
                published=page.published,
                duration_s=page.duration_s,
                url=url,
                whole_day=page.published is not None and page.published.strftime("%H%M%S") == "000000",
            )
        elif answer.status not in (404, 410):
            failed[episode.path] = answer
            channel.unknown.add(episode.path)
    if failed and not channel.read:
        raise TransientError(f"the site can't be reached: {_said(next(iter(failed.values())))}")
    return channel, failed


def page_address(pattern: str, episode: Episode) -> str | None:
    """None when the episode's file lacks what the address is made of."""
    if "{slug}" in pattern and not episode.slug:
        return None
    return normalise(pattern.replace("{slug}", episode.slug or "").replace("{number}", str(episode.number)))


def _of_item(item: FeedItem) -> Publication:
    link = normalise(item.link) if item.link else None
    return Publication(
        key=item.guid or item.link,
        titles=(item.title,),
        published=item.published,
        duration_s=item.duration_s,
        number=item.episode,
        url=link,
    )


def _is_item_of(episode: Episode, one: Publication) -> bool:
    if one.number is not None:
        return one.number == episode.number
    return bool(episode.slug) and one.url is not None and _last_part(one.url) == episode.slug


def _last_part(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".html")


def _kind(item: FeedItem) -> str:
    found = item.elements.get("itunes:episodeType")
    return found[0].text.lower() if found else ""


def _is_dotted(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(re.fullmatch(r"0|[1-9]\d{0,2}", part) for part in parts)


def _is_later(status: int) -> bool:
    return status >= 500 or status == 429


def _said(answer: Answer) -> str:
    if answer.trouble or answer.cut:
        return plain(answer.detail or str(answer.trouble or "cut off"))
    return f"it answers {answer.status}"
