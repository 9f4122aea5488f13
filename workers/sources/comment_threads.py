"""Reading what is new under a channel's videos, and what was still waiting last time, within a budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from workers.sources.youtube import NotThere, Spent, YouTube
from workers.sources.youtube_answers import Thread, Video


class Memory(BaseModel):
    """What one run leaves to the next. seen: by video, when the newest thread of those that were all read was
    written. waiting: threads that want something done, with their video. unread: videos the budget didn't
    reach; the next run begins with them."""

    model_config = ConfigDict(extra="ignore")

    seen: dict[str, AwareDatetime] = Field(default_factory=dict)
    waiting: dict[str, str] = Field(default_factory=dict)
    unread: list[str] = Field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """videos: those that are there, by id. missing: those that aren't. closed: videos whose comments can't be
    read, with YouTube's word for why. threads: by id, each with all its replies. seen: as in `Memory`, after
    this reading. checked: videos read to the end, or closed. unread: the others. unfollowed: waiting threads
    that couldn't be asked for. stopped: why the reading ended early, or empty."""

    videos: dict[str, Video] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    unfollowed: dict[str, str] = field(default_factory=dict)
    stopped: str = ""


def read_comments(
    youtube: YouTube,
    video_ids: Sequence[str],
    memory: Memory,
    *,
    first_since: datetime,
    overlap: timedelta,
    progress: Callable[[str], None],
) -> Reading:
    """first_since: how far back a video is read for which nothing is remembered. overlap: how far before what
    was seen the reading goes, for comments that were held back and let through later.

    A reading that stops early says so; what it remembers then passes nothing that wasn't read. Raises Spent
    when not even the videos could be asked for.
    """
    reading = Reading()
    wanted = list(dict.fromkeys(video_ids))
    known = youtube.videos(list(dict.fromkeys([*wanted, *memory.waiting.values()])))
    reading.videos = {video.id: video for video in known}
    reading.missing = [one for one in wanted if one not in reading.videos]
    there = [one for one in wanted if one in reading.videos]
    reading.seen = {one: memory.seen[one] for one in there if one in memory.seen}
    reading.unread = [
        *(one for one in memory.unread if one in there),
        *(one for one in there if one not in memory.unread),
    ]
    reading.unfollowed = dict(memory.waiting)
    try:
        _follow(youtube, reading)
        for count, video_id in enumerate(list(reading.unread), 1):
            progress(f"video {count} of {len(there)}")
            seen = reading.seen.get(video_id)
            _read_video(youtube, video_id, first_since if seen is None else seen - overlap, reading)
    except Spent as spent:
        reading.stopped = str(spent)
    return reading


def _follow(youtube: YouTube, reading: Reading) -> None:
    """The threads that waited last time; one that was deleted waits for nothing any more."""
    waiting = list(reading.unfollowed)
    found = {thread.id: thread for thread in youtube.threads_by_id(waiting)} if waiting else {}
    for one in waiting:
        if one in found:
            # Asked for by its id a thread may come without its video's.
            thread = replace(found[one], video_id=found[one].video_id or reading.unfollowed[one])
            reading.threads[one] = _whole(youtube, thread)
        del reading.unfollowed[one]


def _read_video(youtube: YouTube, video_id: str, since: datetime, reading: Reading) -> None:
    newest = reading.seen.get(video_id)
    try:
        for page in youtube.threads(video_id):
            fresh = [thread for thread in page if thread.comment.published >= since]
            for thread in fresh:
                if thread.id not in reading.threads:
                    reading.threads[thread.id] = _whole(youtube, replace(thread, video_id=video_id))
                newest = max(newest or thread.comment.published, thread.comment.published)
            if len(fresh) < len(page):
                break
    except NotThere as why:
        reading.closed[video_id] = why.reason
    else:
        if newest is not None:
            reading.seen[video_id] = newest
    reading.checked.append(video_id)
    reading.unread.remove(video_id)


def _whole(youtube: YouTube, thread: Thread) -> Thread:
    """With all its replies; YouTube shows only some with the thread."""
    if len(thread.replies) >= thread.reply_count:
        return thread
    try:
        replies = youtube.replies(thread.id)
    except NotThere:  # deleted meanwhile
        return replace(thread, replies=(), reply_count=0)
    return replace(thread, replies=tuple(sorted(replies, key=lambda reply: reply.published)))


def remembered(previous: Mapping[str, object] | None) -> Memory:
    """The memory in the last output's JSON form; an empty one where there is none that can be read."""
    kept = (previous or {}).get("memory")
    try:
        return Memory.model_validate(kept) if kept else Memory()
    except ValueError:
        return Memory()
