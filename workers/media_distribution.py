"""Broadcast: whether what came out came out everywhere, and the same everywhere.

Reads the podcast feed, the YouTube playlist and the site's episode pages, those of them that the settings
name, and holds them against the project's episode files (see `workers/sources/episodes.py`). Finds episodes
that one channel has and another lacks; titles, days and lengths that disagree; audio files that don't answer
or aren't what the feed says; and what RSS, Atom and Apple Podcasts ask of a feed and it lacks.

Rules in `enforcement/rules` must allow GET and HEAD for the hosts (web-read-only and youtube-read-only do).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loom.worker import Skip, WorkerContext, WorkerOutput
from workers.sources.channels import (
    Reach,
    Unread,
    feed_channel,
    fetch_feed,
    page_address,
    playlist_channel,
    site_channel,
)
from workers.sources.distribution_rules import (
    Span,
    check_absence,
    check_agreement,
    check_enclosures,
    check_feed,
    check_files,
    check_pages,
    check_strangers,
    page_unasked,
)
from workers.sources.episodes import Episode, episode_files, read_episodes
from workers.sources.feeds import Feed
from workers.sources.fetching import Answer, Bounds, Fetcher, Pace
from workers.sources.findings import Note, note, report
from workers.sources.folder import Folder
from workers.sources.publications import Channel
from workers.sources.urls import normalise
from workers.sources.youtube import API, SECRET, NotThere, Spent, YouTube, is_api

KINDS = (
    "absent", "title", "date", "duration", "status", "unknown", "enclosure", "feed", "page", "channel",
    "episodes", "unchecked",
)  # fmt: skip


class Settings(BaseModel):
    """feed: the podcast feed's address. playlist: the id of the YouTube playlist that holds every episode;
    the worker then `requires: {env: [YOUTUBE_API_KEY]}`. page: the address of an episode's page, with {slug}
    or {number} in it. episodes: the files. show: only this show's, if the project has several.

    window_days: how many days of episodes to look back on. grace_hours: how long, after the end of the day it
    came out, an episode may be missing from a channel. days_apart, seconds_apart, similarity, size_apart: how
    far days, lengths, titles (0 to 100) and files' sizes (a share) may disagree.
    """

    model_config = ConfigDict(extra="forbid")

    feed: str | None = None
    playlist: str | None = Field(default=None, pattern=r"^[\w-]+$")
    page: str | None = None
    episodes: list[str] = ["episodes/*.yaml", "episodes/*.yml"]
    show: str | None = None
    api: str = API
    window_days: int = Field(default=30, ge=1)
    grace_hours: int = Field(default=24, ge=0)
    days_apart: int = Field(default=1, ge=0)
    seconds_apart: int = Field(default=60, ge=0)
    similarity: float = Field(default=85, ge=0, le=100)
    size_apart: float = Field(default=0.01, ge=0, le=1)
    budget_units: int = Field(default=100, ge=1, le=10_000)
    max_feed_bytes: int = Field(default=10_000_000, ge=1_000)
    max_page_bytes: int = Field(default=2_000_000, ge=1_000)
    max_enclosures: int = Field(default=50, ge=0)
    max_hops: int = Field(default=10, ge=1)
    max_seconds: float = Field(default=240, gt=0)
    max_wait: float = Field(default=15, ge=0)
    max_findings: int = Field(default=200, ge=1)
    timeout: float = Field(default=20, gt=0)
    delay: float = Field(default=0.1, ge=0)

    @field_validator("feed", "page")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None and normalise(value) is None:
            raise ValueError("expected a web address such as https://www.example.org/feed.xml")
        return value

    @field_validator("page")
    @classmethod
    def _has_a_place(cls, value: str | None) -> str | None:
        if value is not None and "{slug}" not in value and "{number}" not in value:
            raise ValueError("expected {slug} or {number} in it: https://www.example.org/episodes/{slug}")
        return value

    @field_validator("api")
    @classmethod
    def _is_api(cls, value: str) -> str:
        if not is_api(value):
            raise ValueError(f"expected the address of a service, such as {API}")
        return value


class Output(WorkerOutput):
    """channels_checked: how many channels were read. episodes_checked: how many episodes they were held
    against. metrics: findings of each kind (`KINDS`), `enclosures_checked`, `quota_units`."""

    channels_checked: int
    episodes_checked: int


def run(context: WorkerContext[Settings]) -> Output:
    settings = context.settings
    if not (settings.feed or settings.playlist or settings.page):
        raise Skip(
            "no channel to read: set `settings: {feed: https://...}`, `{playlist: ...}` or `{page: "
            "https://.../episodes/{slug}}` at worker 'media-distribution' in worker-registry.yaml; rules in "
            "enforcement/rules must allow their hosts"
        )
    return _Check(context).run()


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read."""
    files = episode_files(Folder(project), settings.episodes)
    yield f"{', '.join(settings.episodes)}: {len(files)} files"
    if settings.feed:
        yield f"GET {settings.feed}"
        yield f"HEAD of at most {settings.max_enclosures} audio files that it names"
    if settings.playlist:
        api = f"GET {settings.api.rstrip('/')}/youtube/v3"
        yield f"{api}/playlistItems?playlistId={settings.playlist}"
        yield f"{api}/videos, at most {settings.budget_units} quota units in all"
    if settings.page:
        yield f"GET {settings.page}"


class _Check:
    """One run: what was read so far, and what was noted."""

    def __init__(self, context: WorkerContext[Settings]) -> None:
        self._context, self._settings = context, context.settings
        self._pace = Pace(
            delay_s=self._settings.delay,
            max_seconds=self._settings.max_seconds,
            cancelled=lambda: context.cancelled,
        )
        own = [normalise(url) for url in (self._settings.feed, self._settings.page) if url]
        self._reach = Reach(url for url in own if url)
        self._channels: list[Channel] = []
        self._notes: list[Note] = []
        self._metrics = {"enclosures_checked": 0.0, "quota_units": 0.0}

    def run(self) -> Output:
        settings = self._settings
        episodes, troubles = read_episodes(
            self._context.project, settings.episodes, zone=self._context.now.tzinfo or UTC
        )
        mine = [one for one in episodes if settings.show is None or one.show == settings.show]
        self._notes += check_files(troubles, mine, settings.episodes)
        span = Span(
            self._context.now, timedelta(days=settings.window_days), timedelta(hours=settings.grace_hours)
        )
        recent = [one for one in mine if one.status == "published" and span.has_day(one.published)]
        if settings.feed:
            self._read_feed(settings.feed, mine, span)
        if settings.playlist:
            self._read_playlist(settings.playlist, mine)
        if settings.page and recent:
            self._read_site(settings.page, recent)
        read = [channel for channel in self._channels if channel.read]
        self._notes += check_absence(recent, read, span)
        for channel in read:
            self._notes += check_agreement(
                recent,
                channel,
                zone=span.zone,
                days_apart=settings.days_apart,
                seconds_apart=settings.seconds_apart,
                similarity=settings.similarity,
            )
            self._notes += check_strangers(mine, channel, span)
        return self._output(read, recent)

    def _read_feed(self, url: str, episodes: Sequence[Episode], span: Span) -> None:
        settings = self._settings
        self._context.progress("podcast feed")
        try:
            feed = fetch_feed(url, self._fetcher(settings.max_feed_bytes), self._reach)
        except Unread as why:
            self._unread("podcast feed", url, str(why), "Mend the feed: no app can read it either.")
            return
        self._channels.append(feed_channel(feed, episodes, similarity=settings.similarity))
        self._notes += check_feed(feed, url)
        self._probe(feed, span)

    def _probe(self, feed: Feed, span: Span) -> None:
        """Asks whether the files are there that the feed's recent items name."""
        fetcher = self._fetcher(self._settings.max_page_bytes)
        answers: dict[str, Answer] = {}
        named = [
            (item, enclosure)
            for item in feed.items
            for enclosure in item.enclosures
            if item.published is None or span.has(item.published)
        ]
        addresses = dict.fromkeys(normalise(enclosure.url) for _, enclosure in named if enclosure.url)
        for url in [one for one in addresses if one and self._reach.hindrance(one) is None]:
            if self._pace.over or len(answers) >= self._settings.max_enclosures:
                break
            self._context.progress(f"audio file {len(answers) + 1}")
            answers[url] = fetcher.probe(url, hindrance=self._reach.hindrance)
        self._metrics["enclosures_checked"] = len(answers)
        self._notes += check_enclosures(named, answers, self._reach, size_apart=self._settings.size_apart)

    def _read_playlist(self, playlist: str, episodes: Sequence[Episode]) -> None:
        settings = self._settings
        self._context.progress("YouTube playlist")
        youtube = YouTube(
            self._context.http,
            key=self._context.secret(SECRET),
            api=settings.api,
            budget=settings.budget_units,
            pace=self._pace,
            now=self._context.now,
            max_wait_s=settings.max_wait,
        )
        try:
            self._channels.append(
                playlist_channel(youtube, playlist, episodes, similarity=settings.similarity)
            )
        except NotThere as why:
            action = "Correct `playlist` in the worker's settings, or make the playlist public."
            self._unread("YouTube playlist", playlist, str(why), action)
        except Spent as why:
            action = "Raise `budget_units` or `max_seconds`, or run it when the key has quota again."
            self._unread("YouTube playlist", playlist, str(why), action)
        self._metrics["quota_units"] = youtube.units

    def _read_site(self, pattern: str, recent: Sequence[Episode]) -> None:
        self._context.progress("the site's pages")
        fetcher = self._fetcher(self._settings.max_page_bytes)
        channel, failed = site_channel(pattern, fetcher, self._reach, self._pace, recent)
        self._channels.append(channel)
        by_path = {episode.path: episode for episode in recent}
        self._notes += check_pages({by_path[path].name: answer for path, answer in failed.items()})
        for path in sorted(channel.unknown - failed.keys()):
            lacks = page_address(pattern, by_path[path]) is None
            self._notes.append(page_unasked(by_path[path], lacks=lacks))

    def _fetcher(self, max_bytes: int) -> Fetcher:
        settings = self._settings
        bounds = Bounds(
            timeout_s=settings.timeout,
            max_bytes=max_bytes,
            max_hops=settings.max_hops,
            max_wait_s=settings.max_wait,
        )
        return Fetcher(
            self._context.http,
            agent="LoomBroadcast/1.0 (distribution check)",
            bounds=bounds,
            pace=self._pace,
            now=self._context.now,
        )

    def _unread(self, name: str, subject: str, why: str, action: str) -> None:
        self._notes.append(
            note(
                "channel", "critical", f"The {name} can't be read", subject=subject, detail=why, action=action
            )
        )

    def _output(self, read: Sequence[Channel], recent: Sequence[Episode]) -> Output:
        settings = self._settings
        told = report(self._notes, kinds=KINDS, previous=self._context.previous, limit=settings.max_findings)
        names = {"podcast feed": settings.feed, "YouTube playlist": settings.playlist, "site": settings.page}
        absent = [name for name, value in names.items() if not value]
        without = f" (not configured: {', '.join(absent)})" if absent else ""
        return Output(
            summary=(f"{len(recent)} episodes held against {len(read)} channels{without}, {told.text}."),
            findings=told.findings,
            metrics={**told.metrics, **self._metrics},
            channels_checked=len(read),
            episodes_checked=len(recent),
        )
