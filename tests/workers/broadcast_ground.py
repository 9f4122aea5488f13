"""The sample company's show as Broadcast sees it: its list of faults, and its services on loopback."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

import loom.sample
from loom.sample.exchange import Heard, serving
from loom.sample.site import Site
from loom.sample.youtube import Records, YouTube, read_records

COMPANY = Path(loom.sample.__file__).with_name("company")
SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=ZoneInfo("America/Chicago"))
SECRETS = {"YOUTUBE_API_KEY": "a-key-of-nobody"}


@contextmanager
def company_serving(heard: Heard | None = None) -> Iterator[str]:
    """The company's website and YouTube; yields the address under which they answer."""
    with serving({"": Site(), "/youtube": YouTube(records=read_records())}, heard=heard) as base:
        yield base


@contextmanager
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as made:
        yield made


def video(
    id: str, title: str = "A video", *, channel: str = "UCown", comments: int | None = 1
) -> dict[str, Any]:
    """A video as YouTube writes it; comments None: they are switched off."""
    statistics = {"viewCount": "10"} | ({} if comments is None else {"commentCount": str(comments)})
    return {
        "kind": "youtube#video",
        "etag": id,
        "id": id,
        "snippet": {"publishedAt": "2026-06-01T10:00:00Z", "channelId": channel, "title": title},
        "contentDetails": {"duration": "PT30M"},
        "statistics": statistics,
    }


def comment(
    id: str,
    text: str,
    *,
    author: str = "@viewer",
    at: str = "2026-06-14T10:00:00Z",
    parent: str = "",
    channel: str = "",
) -> dict[str, Any]:
    snippet: dict[str, Any] = {
        "textDisplay": text,
        "authorDisplayName": author,
        "authorChannelId": {"value": channel or f"UC{author}"},
        "publishedAt": at,
        "updatedAt": at,
    }
    if parent:
        snippet["parentId"] = parent
    return {"kind": "youtube#comment", "etag": id, "id": id, "snippet": snippet}


def thread(
    id: str, text: str, *, video: str = "video01", author: str = "@viewer", at: str = "2026-06-14T10:00:00Z"
) -> dict[str, Any]:
    return {
        "kind": "youtube#commentThread",
        "etag": id,
        "id": id,
        "snippet": {
            "channelId": "UCown",
            "videoId": video,
            "topLevelComment": comment(id, text, author=author, at=at),
            "canReply": True,
            "totalReplyCount": 0,
            "isPublic": True,
        },
    }


def records(
    *threads: dict[str, Any], replies: Sequence[dict[str, Any]] = (), videos: Sequence[str] = ()
) -> Records:
    ids = videos or sorted({str(one["snippet"]["videoId"]) for one in threads})
    return Records(
        videos=tuple(video(one, f"Title of {one}") for one in ids), threads=threads, comments=tuple(replies)
    )
