"""Broadcast: which comments on YouTube need a person.

Reads the comments under the show's videos through YouTube's Data API, read-only: what is new since the last
run, and what was still waiting then. Finds questions, complaints and leads that the channel hasn't answered,
spam, and praise, by lists of words that the settings hold (see `workers/sources/comments.py`); no model
judges, and what a comment says is never followed.

Every call costs quota units; at the budget the reading stops, says so, and goes on from there next time. A
thread waits until the channel answers, the comment is gone, or `follow_days` have passed. A question that is
asked in an old thread that was already answered is not seen.

A rule in `enforcement/rules` must allow GET for the API's host (youtube-read-only does).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loom.worker import PermanentError, Skip, TransientError, WorkerContext, WorkerOutput
from workers.sources.comment_threads import Memory, Reading, read_comments, remembered
from workers.sources.comments import Kind, Rules
from workers.sources.episodes import episode_files, read_episodes
from workers.sources.fetching import Pace
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.folder import Folder
from workers.sources.judged_threads import WANTING, Judged, judge
from workers.sources.youtube import API, SECRET, NotThere, Spent, YouTube, is_api
from workers.sources.youtube_answers import Comment, Thread

KINDS = ("question", "complaint", "lead", "spam", "praise", "closed", "video", "unread")

_MOST_FOLLOWED = 1_000
_ACTIONS: Mapping[Kind, str] = {
    "complaint": "Answer under the video, and mend what is wrong.",
    "lead": "Pass it on to whoever speaks with new customers, and answer under the video.",
    "question": "Answer under the video.",
}


class Settings(BaseModel):
    """videos, playlist: which videos to read (ids; the id of a playlist, such as a channel's uploads);
    with neither, those that the `episodes` files name. team: channels, beside the video's own, whose replies
    count as answers. rules: the words by which comments are told apart.

    window_days: how many days of comments to look back on, for a video not read before. follow_days: how long
    what isn't answered is followed. answer_within_hours: how long a question may wait before it is a warning.
    budget_units: quota units that a run may spend, of the 10,000 that YouTube gives a key each day.
    """

    model_config = ConfigDict(extra="forbid")

    videos: list[str] = Field(default_factory=list, max_length=1_000)
    playlist: str | None = Field(default=None, pattern=r"^[\w-]+$")
    episodes: list[str] = ["episodes/*.yaml", "episodes/*.yml"]
    team: list[str] = Field(default_factory=list)
    rules: Rules = Rules()
    api: str = API
    window_days: int = Field(default=7, ge=1)
    overlap_hours: int = Field(default=24, ge=0)
    follow_days: int = Field(default=30, ge=1)
    answer_within_hours: int = Field(default=48, ge=0)
    budget_units: int = Field(default=500, ge=1, le=10_000)
    max_videos: int = Field(default=50, ge=1, le=1_000)
    max_seconds: float = Field(default=240, gt=0)
    max_wait: float = Field(default=15, ge=0)
    max_findings: int = Field(default=200, ge=1)

    @field_validator("api")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not is_api(value):
            raise ValueError(f"expected the address of a service, such as {API}")
        return value


class Output(WorkerOutput):
    """videos_checked: how many videos' comments were read to the end, or are switched off. comments_read:
    with replies. memory: what the next run goes on from. metrics: findings of each kind (`KINDS`),
    `quota_units`, `videos_unread`, `threads_waiting`."""

    videos_checked: int
    comments_read: int
    memory: Memory


def run(context: WorkerContext[Settings]) -> Output:
    settings = context.settings
    pace = Pace(delay_s=0, max_seconds=settings.max_seconds, cancelled=lambda: context.cancelled)
    own = _own_videos(context) if not (settings.videos or settings.playlist) else settings.videos
    youtube = YouTube(
        context.http,
        key=context.secret(SECRET),
        api=settings.api,
        budget=settings.budget_units,
        pace=pace,
        now=context.now,
        max_wait_s=settings.max_wait,
    )
    memory = remembered(context.previous)
    try:
        reading = read_comments(
            youtube,
            _listed(youtube, own, settings),
            memory,
            first_since=context.now - timedelta(days=settings.window_days),
            overlap=timedelta(hours=settings.overlap_hours),
            progress=context.progress,
        )
    except Spent as spent:
        raise TransientError(f"no comments could be read: {spent}") from None
    judged = judge(
        list(reading.threads.values()),
        settings.rules,
        team=settings.team,
        since=context.now - timedelta(days=settings.follow_days),
    )
    notes = [*check_comments(judged, reading, memory, settings, context.now), *check_videos(reading)]
    waiting = {**reading.unfollowed, **still_waiting(judged)}
    told = report(notes, kinds=KINDS, previous=context.previous, limit=settings.max_findings)
    comments = sum(1 + len(thread.replies) for thread in reading.threads.values())
    unread = f", {len(reading.unread)} not: {reading.stopped}" if reading.stopped else ""
    return Output(
        summary=f"{comments} comments under {len(reading.checked)} videos read{unread}, {told.text}.",
        findings=told.findings,
        metrics={
            **told.metrics,
            "quota_units": youtube.units,
            "videos_unread": len(reading.unread),
            "threads_waiting": len(waiting),
        },
        videos_checked=len(reading.checked),
        comments_read=comments,
        memory=Memory(seen=reading.seen, waiting=waiting, unread=reading.unread if reading.stopped else []),
    )


def reads(settings: Settings, project: Path) -> Iterable[str]:
    """What a run would read."""
    api = f"GET {settings.api.rstrip('/')}/youtube/v3"
    if settings.playlist:
        yield f"{api}/playlistItems?playlistId={settings.playlist}"
    if settings.videos:
        yield f"{api}/videos: {len(settings.videos)} videos named in the settings"
    elif not settings.playlist:
        files = episode_files(Folder(project), settings.episodes)
        yield f"{', '.join(settings.episodes)}: {len(files)} files"
        yield f"{api}/videos"
    yield f"{api}/commentThreads, at most {settings.budget_units} quota units in all"
    yield f"{api}/comments"


def check_comments(
    judged: Sequence[Judged], reading: Reading, memory: Memory, settings: Settings, now: datetime
) -> Iterator[Note]:
    """One finding for each thread that wants an answer, each piece of spam, and each video that new comments
    praise."""
    praise: dict[str, list[Comment]] = defaultdict(list)
    for one in judged:
        thread = one.thread
        for comment in one.spam:
            action = "Remove it, and block its author."
            yield _note("spam", "warning", "Spam", comment, thread, reading, action)
        pressing = next((kind for kind in WANTING if kind in one.open), None)
        if pressing is not None:
            comment = one.open[pressing]
            late = now - comment.published > timedelta(hours=settings.answer_within_hours)
            severity: Severity = "info" if pressing == "question" and not late else "warning"
            title = f"{pressing.capitalize()} unanswered"
            yield _note(pressing, severity, title, comment, thread, reading, _ACTIONS[pressing])
        seen = memory.seen.get(thread.video_id)
        if one.praise and (seen is None or thread.comment.published > seen):
            praise[thread.video_id].append(thread.comment)
    for video_id, comments in praise.items():
        yield _praised(video_id, comments, reading)


def check_videos(reading: Reading) -> Iterator[Note]:
    """Videos that are gone or closed, and those that weren't reached."""
    for video_id in reading.missing:
        yield note(
            "video", "warning", "Video isn't there for everyone", subject=video_id,
            detail="YouTube doesn't show it to a visitor: it is private, deleted, or its id is mistyped.",
            action="Correct its id in the episode file, playlist or settings, or publish it.",
            url=_watch(video_id),
        )  # fmt: skip
    for video_id, reason in reading.closed.items():
        off = reason == "commentsDisabled"
        yield note(
            "closed", "info" if off else "warning",
            "Comments are switched off" if off else "Comments can't be read",
            subject=_title(video_id, reading), detail=f"YouTube says {reason}.",
            action="Switch them on if viewers should be heard." if off else "Look at it in YouTube Studio.",
            url=_watch(video_id),
        )  # fmt: skip
    if reading.stopped:
        titles = listing([_title(one, reading) for one in reading.unread]) or "none"
        yield note(
            "unread", "warning", "Comments were read only in part", subject=f"{len(reading.unread)} videos",
            detail=f"The reading stopped: {reading.stopped}. Not read to the end: {titles}. Waiting threads "
            f"not asked for: {len(reading.unfollowed)}. The next run begins with them.",
            action="Raise `budget_units` or `max_seconds`, or read fewer videos, if this comes again.",
        )  # fmt: skip


def still_waiting(judged: Sequence[Judged]) -> dict[str, str]:
    """The threads to ask for again next time, with their videos; the first 1,000, so that they never cost
    more than 20 units."""
    waiting = (one.thread for one in judged if one.spam or one.open)
    return {thread.id: thread.video_id for thread in islice(waiting, _MOST_FOLLOWED)}


def _own_videos(context: WorkerContext[Settings]) -> list[str]:
    """The videos of the newest episodes that the project's files name."""
    settings = context.settings
    episodes, _ = read_episodes(context.project, settings.episodes)
    named = [one for one in episodes if one.status == "published" and one.youtube_id]
    if not named:
        raise Skip(
            "no videos to read: set `settings: {playlist: ...}` or `{videos: [...]}` at worker "
            "'media-youtube-comments' in worker-registry.yaml, or give published episodes a `youtube` "
            f"({', '.join(settings.episodes)})"
        )
    named.sort(key=lambda one: (one.published is not None, one.published or 0, one.number), reverse=True)
    return [one.youtube_id for one in named[: settings.max_videos] if one.youtube_id]


def _listed(youtube: YouTube, own: list[str], settings: Settings) -> list[str]:
    ids = list(own)
    if settings.playlist:
        try:
            for page in youtube.playlist(settings.playlist):
                ids += [one.video_id for one in page]
                if len(set(ids)) >= settings.max_videos:
                    break
        except NotThere as why:
            raise PermanentError(
                f"the playlist {settings.playlist} can't be read: {why}; correct `playlist` at worker "
                "'media-youtube-comments' in worker-registry.yaml"
            ) from None
    return list(dict.fromkeys(ids))[: settings.max_videos]


def _note(
    kind: Kind, severity: Severity, title: str, one: Comment, thread: Thread, reading: Reading, action: str
) -> Note:
    said = plain(one.text, limit=80)
    return note(
        kind,
        severity,
        f"{title}: {said}",
        subject=f"{plain(one.author, limit=60)} under {_title(thread.video_id, reading)}",
        detail=f"Written {one.published:%Y-%m-%d %H:%M} UTC: {plain(one.text, limit=400)}",
        action=action,
        url=_watch(thread.video_id, one.id),
    )


def _praised(video_id: str, comments: list[Comment], reading: Reading) -> Note:
    said = [f"{plain(one.author, limit=60)}: {plain(one.text, limit=120)}" for one in comments]
    number = "A viewer praises" if len(said) == 1 else f"{len(said)} viewers praise"
    return note(
        "praise",
        "info",
        f"{number} the video",
        subject=_title(video_id, reading),
        detail=listing(said, limit=5),
        action="Thank them, and ask whether you may quote them.",
        url=_watch(video_id),
    )


def _title(video_id: str, reading: Reading) -> str:
    video = reading.videos.get(video_id)
    return plain(video.title, limit=100) if video else video_id


def _watch(video_id: str, comment_id: str = "") -> str:
    query = {"v": video_id[:50], **({"lc": comment_id[:150]} if comment_id else {})}
    return f"https://www.youtube.com/watch?{urlencode(query)}"
