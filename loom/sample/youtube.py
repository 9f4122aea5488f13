"""A stand-in for YouTube's Data API v3: answers the four list methods that workers use, from records.

The records are resources as YouTube writes them (`loom/sample/tube/`); paging, parts, counts and refusals are
made here. It holds no fault of its own: a video whose statistics lack `commentCount` has its comments
switched off, as with YouTube.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from loom.sample.dates import moved
from loom.sample.exchange import Answered, Asked

TUBE = Path(__file__).with_name("tube")

Resource = Mapping[str, Any]
_SHOWN_REPLIES = 5
_FILTERS = {
    "videos": ("id",),
    "playlistItems": ("playlistId", "id"),
    "commentThreads": ("videoId", "id"),
    "comments": ("parentId", "id"),
}
_MOST = {"videos": 50, "playlistItems": 50, "commentThreads": 100, "comments": 100}
_USUAL = {"videos": 5, "playlistItems": 5, "commentThreads": 20, "comments": 20}


@dataclass(frozen=True, slots=True)
class Records:
    """threads: without their replies, which stand in `comments`, each with its `parentId`."""

    videos: tuple[Resource, ...] = ()
    playlist_items: tuple[Resource, ...] = ()
    threads: tuple[Resource, ...] = ()
    comments: tuple[Resource, ...] = ()


def read_records(folder: Path = TUBE, *, moved_by: timedelta = timedelta()) -> Records:
    """Those in the folder's files, their days moved. Raises OSError or ValueError."""

    def read(name: str) -> tuple[Resource, ...]:
        return tuple(json.loads(moved((folder / name).read_bytes(), moved_by)))

    return Records(
        videos=read("videos.json"),
        playlist_items=read("playlist-items.json"),
        threads=read("comment-threads.json"),
        comments=read("comments.json"),
    )


@dataclass(slots=True, kw_only=True)
class YouTube:
    """key: the only one it takes; any, if None. quota: the units after which it answers `quotaExceeded`.
    page_size: the most a page holds, whatever is asked. too_many: how many requests it answers with 429
    first, with this `retry_after` (none, if empty). broken: what it answers to a method instead, by name."""

    records: Records
    key: str | None = None
    quota: int | None = None
    page_size: int = 100
    too_many: int = 0
    retry_after: str = "0"
    broken: Mapping[str, Answered] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        return self._refusal(asked) or self._answer(asked)

    def _refusal(self, asked: Asked) -> Answered | None:
        key = asked.headers.get("x-goog-api-key") or asked.one("key")
        if not key:
            return _refused(403, "forbidden", "The request is missing a valid API key.", "PERMISSION_DENIED")
        if self.key is not None and key != self.key:
            message = "API key not valid. Please pass a valid API key."
            return _refused(400, "badRequest", message, "INVALID_ARGUMENT", detail="API_KEY_INVALID")
        if len(self.asked) <= self.too_many:
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            message = "Resource has been exhausted (e.g. check quota)."
            return _refused(429, "rateLimitExceeded", message, "RESOURCE_EXHAUSTED", headers=headers)
        if self.quota is not None and len(self.asked) - self.too_many > self.quota:
            message = "The request cannot be completed because you have exceeded your quota."
            return _refused(403, "quotaExceeded", message, domain="youtube.quota")
        return None

    def _answer(self, asked: Asked) -> Answered:
        method = asked.path.removeprefix("/youtube/v3/")
        if asked.method != "GET" or method not in _FILTERS:
            return _refused(404, "notFound", f"{asked.method} {asked.path} isn't known here.")
        if method in self.broken:
            return self.broken[method]
        chosen = [name for name in _FILTERS[method] if asked.one(name)]
        if not asked.one("part") or len(chosen) != 1:
            message = "Required parameters are missing, or more than one filter is set."
            return _refused(400, "missingRequiredParameter", message)
        wanted = ",".join(asked.query[chosen[0]]).split(",")
        refused, found = self._find(method, chosen[0], wanted)
        return refused or self._page(method, asked, found, whole=chosen[0] == "id")

    def _find(self, method: str, by: str, wanted: list[str]) -> tuple[Answered | None, list[Resource]]:
        records = self.records
        if method == "videos":
            return None, [one for one in records.videos if one["id"] in wanted]
        if method == "playlistItems":
            found = [one for one in records.playlist_items if _place(one, by) in wanted]
            message = "The playlist identified with the request's playlistId parameter cannot be found."
            return (None, found) if found else (_refused(404, "playlistNotFound", message), [])
        if method == "comments":
            return None, [one for one in records.comments if _place(one, by) in wanted]
        threads = [self._with_replies(one) for one in records.threads if _place(one, by) in wanted]
        threads.sort(key=_written, reverse=True)
        if by == "id":
            message = "One or more of the specified comment threads cannot be found."
            gone = len(threads) < len(set(wanted))
            return (_refused(404, "commentThreadNotFound", message) if gone else None), threads
        return self._closed(wanted[0]), threads

    def _closed(self, video_id: str) -> Answered | None:
        video = next((one for one in self.records.videos if one["id"] == video_id), None)
        if video is None:
            message = "The video identified by the videoId parameter could not be found."
            return _refused(404, "videoNotFound", message, domain="youtube.commentThread")
        if "commentCount" not in video["statistics"]:
            message = "The video identified by the videoId parameter has disabled comments."
            return _refused(403, "commentsDisabled", message, domain="youtube.commentThread")
        return None

    def _with_replies(self, thread: Resource) -> Resource:
        """YouTube shows the newest few replies of a thread with it."""
        replies = [one for one in self.records.comments if one["snippet"]["parentId"] == thread["id"]]
        replies.sort(key=lambda one: str(one["snippet"]["publishedAt"]), reverse=True)
        snippet = {**thread["snippet"], "totalReplyCount": len(replies)}
        shown = {"replies": {"comments": replies[:_SHOWN_REPLIES]}} if replies else {}
        return {**thread, "snippet": snippet, **shown}

    def _page(self, method: str, asked: Asked, found: list[Resource], *, whole: bool) -> Answered:
        size = min(int(asked.one("maxResults") or _USUAL[method]), _MOST[method], self.page_size)
        start = 0 if not asked.one("pageToken") else _read_token(asked.one("pageToken"))
        if start is None:
            return _refused(400, "invalidPageToken", "The request specifies an invalid page token.")
        shown = found if whole else found[start : start + size]
        parts = set(",".join(asked.query["part"]).split(","))
        kind = method.removesuffix("s")
        page: dict[str, Any] = {
            "kind": f"youtube#{kind}ListResponse",
            "etag": f"{method}-{start}",
            "items": [_only(one, parts) for one in shown],
            "pageInfo": {"totalResults": len(found), "resultsPerPage": len(shown) if whole else size},
        }
        if start + len(shown) < len(found):
            page["nextPageToken"] = base64.urlsafe_b64encode(f"from:{start + size}".encode()).decode()
        return Answered.of_json(200, page)


def _only(resource: Resource, parts: set[str]) -> Resource:
    """A resource holds the parts that were asked for, and what names it."""
    return {key: value for key, value in resource.items() if key in parts or key in ("kind", "etag", "id")}


def _place(resource: Resource, by: str) -> str:
    return str(resource["id"] if by == "id" else resource["snippet"].get(by, ""))


def _written(thread: Resource) -> str:
    return str(thread["snippet"]["topLevelComment"]["snippet"]["publishedAt"])


def _read_token(token: str) -> int | None:
    try:
        word, _, place = base64.urlsafe_b64decode(token).decode().partition(":")
        return int(place) if word == "from" else None
    except ValueError:
        return None


def _refused(
    code: int,
    reason: str,
    message: str,
    status: str = "",
    *,
    domain: str = "global",
    detail: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Google's error envelope."""
    error: dict[str, Any] = {
        "code": code,
        "message": message,
        "errors": [{"message": message, "domain": domain, "reason": reason}],
    }
    if status:
        error["status"] = status
    if detail:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": detail, "domain": "googleapis.com"}]
    return Answered.of_json(code, {"error": error}, headers)
