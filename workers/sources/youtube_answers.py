"""What YouTube's Data API answers, read into values: strict about what the workers use, blind to the rest."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.sources.durations import iso_seconds

_MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """channel_id: whose it is. comments: how many; None when they are switched off. duration_s: None for a
    live stream that hasn't ended."""

    id: str
    title: str
    channel_id: str
    published: datetime
    duration_s: int | None
    comments: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistItem:
    """published: when the video came out; None for one that is private or gone."""

    video_id: str
    title: str
    published: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """author: the name shown. author_channel: who wrote it, '' when YouTube doesn't say. text: as written, at
    most 10,000 characters."""

    id: str
    author: str
    author_channel: str
    text: str
    published: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """channel_id: whose video it is. replies: oldest first; all there are when there are `reply_count`."""

    id: str
    video_id: str
    channel_id: str
    comment: Comment
    reply_count: int
    replies: tuple[Comment, ...] = field(default=())


class _Form(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Page(_Form):
    """next_page_token: '' on the last page."""

    next_page_token: str = ""


class _AuthorChannel(_Form):
    value: str = ""


class _CommentSnippet(_Form):
    author_display_name: str = ""
    author_channel_id: _AuthorChannel = _AuthorChannel()
    text_display: str
    published_at: AwareDatetime


class _Comment(_Form):
    id: str
    snippet: _CommentSnippet

    def value(self) -> Comment:
        said = self.snippet
        return Comment(
            id=self.id,
            author=said.author_display_name,
            author_channel=said.author_channel_id.value,
            text=said.text_display[:_MAX_TEXT],
            published=said.published_at,
        )


class _ThreadSnippet(_Form):
    video_id: str = ""
    channel_id: str = ""
    top_level_comment: _Comment
    total_reply_count: int = 0


class _Replies(_Form):
    comments: list[_Comment] = Field(default_factory=list)


class _Thread(_Form):
    id: str
    snippet: _ThreadSnippet
    replies: _Replies = _Replies()


class ThreadPage(Page):
    items: list[_Thread]

    def values(self) -> list[Thread]:
        return [
            Thread(
                id=one.id,
                video_id=one.snippet.video_id,
                channel_id=one.snippet.channel_id,
                comment=one.snippet.top_level_comment.value(),
                reply_count=one.snippet.total_reply_count,
                replies=tuple(
                    sorted(
                        (reply.value() for reply in one.replies.comments), key=lambda reply: reply.published
                    )
                ),
            )
            for one in self.items
        ]


class CommentPage(Page):
    items: list[_Comment]

    def values(self) -> list[Comment]:
        return [one.value() for one in self.items]


class _VideoSnippet(_Form):
    title: str
    channel_id: str
    published_at: AwareDatetime


class _VideoDetails(_Form):
    duration: str = ""


class _Statistics(_Form):
    comment_count: str | None = None


class _Video(_Form):
    id: str
    snippet: _VideoSnippet
    content_details: _VideoDetails = _VideoDetails()
    statistics: _Statistics = _Statistics()


class VideoPage(Page):
    items: list[_Video]

    def values(self) -> list[Video]:
        return [
            Video(
                id=one.id,
                title=one.snippet.title,
                channel_id=one.snippet.channel_id,
                published=one.snippet.published_at,
                duration_s=iso_seconds(one.content_details.duration) or None,
                comments=_count(one.statistics.comment_count),
            )
            for one in self.items
        ]


class _ItemSnippet(_Form):
    title: str


class _ItemDetails(_Form):
    video_id: str
    video_published_at: AwareDatetime | None = None


class _PlaylistItem(_Form):
    snippet: _ItemSnippet
    content_details: _ItemDetails


class PlaylistPage(Page):
    items: list[_PlaylistItem]

    def values(self) -> list[PlaylistItem]:
        return [
            PlaylistItem(
                video_id=one.content_details.video_id,
                title=one.snippet.title,
                published=one.content_details.video_published_at,
            )
            for one in self.items
        ]


def read_refusal(body: bytes) -> tuple[frozenset[str], str]:
    """Google's error envelope: the words that name the reason, and the message. Empty for any other body."""
    try:
        error = json.loads(body)["error"]
        listed: list[Any] = [*error.get("errors", []), *error.get("details", [])]
        reasons = {str(one["reason"]) for one in listed if isinstance(one, dict) and "reason" in one}
        return frozenset(reasons), str(error.get("message", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return frozenset(), ""


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
