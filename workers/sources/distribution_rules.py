"""What is wrong with how episodes came out: pure functions of what was read, each gives notes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from workers.sources.channels import Reach
from workers.sources.durations import clock
from workers.sources.episodes import Episode
from workers.sources.episodes import Trouble as Mistake
from workers.sources.feed_rules import mistakes_of
from workers.sources.feeds import Enclosure, Feed, FeedItem
from workers.sources.fetching import Answer, Trouble
from workers.sources.findings import Note, Severity, listing, note, plain
from workers.sources.publications import Channel, Publication, alike
from workers.sources.urls import normalise

_SAME_TYPES = ({"audio/mp4", "audio/x-m4a", "audio/m4a"}, {"audio/mpeg", "audio/mp3", "audio/x-mp3"})
_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})
# What the file's servers may answer to programs although an app would get it.
_UNSURE = frozenset({401, 403, 405, 429})


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are looked at. now: aware, in the project's zone."""

    now: datetime
    window: timedelta
    grace: timedelta

    @property
    def zone(self) -> tzinfo | None:
        return self.now.tzinfo

    def has(self, moment: datetime) -> bool:
        return self.now - self.window <= moment <= self.now

    def has_day(self, day: date | None) -> bool:
        return day is not None and (self.now - self.window).date() <= day <= self.now.date()

    def is_due(self, day: date | None) -> bool:
        """Whether what came out on that day should be everywhere by now."""
        if day is None:
            return False
        end = datetime.combine(day + timedelta(days=1), time(), tzinfo=self.zone)
        return self.now >= end + self.grace


def check_absence(episodes: Sequence[Episode], channels: Sequence[Channel], span: Span) -> Iterator[Note]:
    """Episodes that are out and that a channel lacks, once their grace is over."""
    for episode in episodes:
        if not span.is_due(episode.published):
            continue
        has = [one.name for one in channels if episode.path in one.of]
        lacks = [
            one.name
            for one in channels
            if one.complete and episode.path not in one.of and episode.path not in one.unknown
        ]
        if lacks:
            there = (
                f"It is on the {' and the '.join(has)}. " if has else "It is on no channel that was read. "
            )
            yield note(
                "absent",
                "warning" if has else "critical",
                f"Episode isn't on the {' or the '.join(lacks)}",
                subject=episode.name,
                detail=f"{there}{episode.where('published')} says that it came out on {episode.published}.",
                action="Publish it there, or correct its number, slug or video id in its file.",
                url=next((one.of[episode.path].url for one in channels if episode.path in one.of), None),
            )


def check_agreement(
    episodes: Sequence[Episode],
    channel: Channel,
    *,
    zone: tzinfo | None,
    days_apart: int,
    seconds_apart: int,
    similarity: float,
) -> Iterator[Note]:
    """Titles, days and lengths that the channel and the episode's file disagree about."""
    for episode in episodes:
        one = channel.of.get(episode.path)
        if one is None:
            continue
        if episode.title and any(one.titles) and alike(episode.title, one.titles) < similarity:
            said = plain(next(title for title in one.titles if title), limit=150)
            yield _differs(
                "title", "Title differs", episode, channel, one, said, plain(episode.title, limit=150)
            )
        day = _day(one, zone)
        if episode.published and day and abs((day - episode.published).days) > days_apart:
            yield _differs("date", "Day differs", episode, channel, one, str(day), str(episode.published))
        if (
            episode.duration_s is not None
            and one.duration_s is not None
            and abs(episode.duration_s - one.duration_s) > seconds_apart
        ):
            said, mine = clock(one.duration_s), clock(episode.duration_s)
            yield _differs("duration", "Length differs", episode, channel, one, said, mine)


def check_strangers(episodes: Sequence[Episode], channel: Channel, span: Span) -> Iterator[Note]:
    """What is out although its file says otherwise, and what is out without a file."""
    for episode in episodes:
        one = channel.of.get(episode.path)
        if one is not None and episode.status != "published":
            yield note(
                "status",
                "warning",
                f"Out on the {channel.name}, and its file says {episode.status}",
                subject=episode.name,
                detail=f"{episode.where('status')}; on the {channel.name}: {_shown(one)}.",
                action="Correct the file's status, or take the episode off the channel until it is ready.",
                url=one.url,
            )
    if not episodes:
        return
    for one in channel.lone:
        if one.published is not None and span.has(one.published):
            yield note(
                "unknown",
                "info",
                f"On the {channel.name}, and no episode's file speaks of it",
                subject=_shown(one),
                detail=f"It came out on {one.published:%Y-%m-%d} (UTC). It may be there twice.",
                action="Write its episode file, give that file its number or video id, or take it off.",
                url=one.url,
            )


def check_enclosures(
    named: Sequence[tuple[FeedItem, Enclosure]],
    answers: Mapping[str, Answer],
    reach: Reach,
    *,
    size_apart: float,
) -> Iterator[Note]:
    """answers: by normalised address, of the files that were asked for."""
    unasked: list[str] = []
    for item, enclosure in named:
        if not enclosure.url:
            continue  # the feed's own mistake
        url = normalise(enclosure.url)
        if url is None or reach.hindrance(url) is not None:
            why = "it is no web address" if url is None else "it is a private address, and wasn't asked for"
            title = "Audio file lies where listeners can't get it"
            yield _file("critical", title, item, None, f"{plain(enclosure.url, limit=200)}: {why}.")
        elif url not in answers:
            unasked.append(item.title or url)
        else:
            yield from _check_file(item, enclosure, url, answers[url], size_apart)
    if unasked:
        yield note(
            "unchecked",
            "info",
            "Audio files weren't all asked for",
            subject=f"{len(unasked)} files",
            detail=f"{listing(unasked)}.",
            action="Raise `max_enclosures` or `max_seconds`.",
        )


def _check_file(
    item: FeedItem, enclosure: Enclosure, url: str, answer: Answer, size_apart: float
) -> Iterator[Note]:
    if answer.trouble or answer.status is None or answer.status >= 300:
        said = answer.detail if answer.trouble else f"it answers {answer.status}"
        unsure = answer.status in _UNSURE or answer.trouble is Trouble.TIMEOUT
        yield _file(
            "warning" if unsure else "critical", "Audio file doesn't answer", item, url, f"{url}: {said}."
        )
        return
    if not _same_type(enclosure.type, answer.content_type):
        detail = f"The feed says {plain(enclosure.type, limit=60)}, the server {answer.content_type}: {url}."
        yield _file("warning", "Audio file has another type than the feed says", item, url, detail)
    said_length = enclosure.length
    if (
        answer.length is not None
        and said_length
        and abs(answer.length - said_length) > said_length * size_apart
    ):
        detail = f"The feed says {said_length:,} bytes, the server {answer.length:,}: {url}."
        yield _file("warning", "Audio file has another length than the feed says", item, url, detail)


def check_feed(feed: Feed, url: str) -> Iterator[Note]:
    for one in mistakes_of(feed):
        items = f" In {listing(one.items)}." if one.items else ""
        yield note(
            "feed",
            "warning" if one.serious else "info",
            f"Podcast feed: {one.what}",
            subject=url,
            detail=f"{one.asked_by} asks for it.{items}",
            action="Correct it where the feed is made; then have it validated.",
            url=url,
        )


def check_pages(failed: Mapping[str, Answer]) -> Iterator[Note]:
    """failed: by the episode's name, what came of asking for its page."""
    for name, answer in failed.items():
        said = answer.detail or str(answer.trouble or f"it answers {answer.status}")
        if answer.status == 200:
            said = f"its content type is {answer.content_type!r}"
        severity: Severity = "warning" if answer.status in _UNSURE else "critical"
        yield note(
            "page",
            severity,
            "Episode's page can't be read",
            subject=name,
            detail=f"{answer.asked}: {said}.",
            action="Open the address, and mend the page or its redirect.",
            url=answer.asked,
        )


def check_files(
    mistakes: Sequence[Mistake], episodes: Sequence[Episode], globs: Sequence[str]
) -> Iterator[Note]:
    """The files that the channels are held against."""
    for one in mistakes:
        yield note(
            "episodes",
            "warning",
            "Episode file can't be read",
            subject=one.where,
            detail=one.text,
            action="Mend the file; until then its episode may be left out.",
        )
    if not episodes and not mistakes:
        yield note(
            "episodes",
            "warning",
            "No episode files to hold the channels against",
            subject=", ".join(globs),
            detail="Only the channels themselves were checked.",
            action="Write a file for each episode (see workers/sources/episodes.py), or set `episodes`.",
        )


def page_unasked(episode: Episode, *, lacks: bool) -> Note:
    """lacks: whether the file lacks what the page's address is made of; otherwise the time was up."""
    return note(
        "unchecked",
        "info",
        "Episode's page wasn't asked for",
        subject=episode.name,
        detail="Its file has no `slug`, of which the address is made." if lacks else "The time was up.",
        action=f"Add `slug` to {episode.path}." if lacks else "Raise `max_seconds`.",
    )


def _differs(
    kind: str, title: str, episode: Episode, channel: Channel, one: Publication, theirs: str, mine: str
) -> Note:
    key = {"title": "title", "date": "published", "duration": "duration"}[kind]
    return note(
        kind,
        "warning",
        f"{title} on the {channel.name}",
        subject=episode.name,
        detail=f"There: {theirs}. In {episode.where(key)}: {mine}.",
        action="Correct whichever is wrong.",
        url=one.url,
    )


def _file(severity: Severity, title: str, item: FeedItem, url: str | None, detail: str) -> Note:
    action = "Put the file there, or correct the feed's <enclosure>."
    name = item.title or item.guid or "an item without a title"
    return note("enclosure", severity, title, subject=name, detail=detail, action=action, url=url)


def _same_type(one: str, other: str) -> bool:
    one, other = one.partition(";")[0].strip().lower(), other.lower()
    if "/" not in one or one == other or other in _UNKNOWN_TYPES:
        return True
    return any({one, other} <= same for same in _SAME_TYPES)


def _day(one: Publication, zone: tzinfo | None) -> date | None:
    if one.published is None:
        return None
    return one.published.date() if one.whole_day else one.published.astimezone(zone).date()


def _shown(one: Publication) -> str:
    return plain(next((title for title in one.titles if title), one.key), limit=150)
