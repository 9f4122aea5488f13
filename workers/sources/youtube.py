"""YouTube's Data API v3, read with a key and nothing else: videos, playlists, comments.

Every list call costs one unit of the key's daily quota; the units are counted, and a budget stops the
reading. The key goes in a header, so that no address and no log holds it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import ValidationError

from loom.worker import PermanentError, TransientError
from workers.sources import youtube_answers as answers
from workers.sources.fetching import Answer, Bounds, Fetcher, Pace, Trouble
from workers.sources.findings import plain
from workers.sources.youtube_answers import Comment, PlaylistItem, Thread, Video

API = "https://youtube.googleapis.com"
SECRET = "YOUTUBE_API_KEY"  # noqa: S105  (its name)

_PAGE = 100
_BATCH = 50
_TRIES = 3
_GIVEN_UP = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_SLOW_DOWN = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_ABOUT_ONE_THING = frozenset(
    {
        "commentsDisabled", "videoNotFound", "playlistNotFound", "commentNotFound", "commentThreadNotFound",
        "playlistItemsNotAccessible", "processingFailure",
    }
)  # fmt: skip
_BAD_KEY = frozenset({"keyInvalid", "keyExpired", "API_KEY_INVALID", "API_KEY_EXPIRED"})
_ValueT = TypeVar("_ValueT", bound=answers.Page)


class Spent(Exception):
    """No more may be asked for now: the budget, the key's daily quota, or the time is used up."""


class NotThere(Exception):
    """One video, playlist or comment can't be read; the rest can. reason: YouTube's word for why, such as
    'commentsDisabled'."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class YouTube:
    """client: the worker's guarded one. api: the service's address. budget: the units that may be spent.
    now: the tick's time. max_wait_s: the longest wait that YouTube may ask of us.

    Raises from every method: Spent, NotThere, TransientError, PermanentError.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        key: str,
        api: str,
        budget: int,
        pace: Pace,
        now: datetime,
        timeout_s: float = 20,
        max_bytes: int = 5_000_000,
        max_wait_s: float = 15,
    ) -> None:
        # Its own repetition is switched off: each call costs a unit, and is counted here.
        bounds = Bounds(timeout_s=timeout_s, max_bytes=max_bytes, max_hops=1, max_wait_s=-1)
        self._fetcher = Fetcher(
            client,
            agent="LoomBroadcast/1.0",
            bounds=bounds,
            pace=pace,
            now=now,
            headers={"X-Goog-Api-Key": key},
        )
        self._api, self._budget, self._pace, self._max_wait_s = api.rstrip("/"), budget, pace, max_wait_s
        self.units = 0

    def videos(self, ids: Sequence[str]) -> Iterator[Video]:
        """Those of the videos that are there for everyone, in no certain order."""
        for some in _batches(ids):
            page = self._page(
                "videos", answers.VideoPage, part="snippet,contentDetails,statistics", id=",".join(some)
            )
            yield from page.values()

    def playlist(self, playlist_id: str) -> Iterator[list[PlaylistItem]]:
        """Its items in its order, page by page."""
        for page in self._pages(
            "playlistItems",
            answers.PlaylistPage,
            part="snippet,contentDetails",
            playlistId=playlist_id,
            maxResults=str(_BATCH),
        ):
            yield page.values()

    def threads(self, video_id: str) -> Iterator[list[Thread]]:
        """The video's comment threads, page by page, newest first. Each holds some of its replies."""
        for page in self._pages(
            "commentThreads",
            answers.ThreadPage,
            part="snippet,replies",
            videoId=video_id,
            order="time",
            textFormat="plainText",
            maxResults=str(_PAGE),
        ):
            yield page.values()

    def threads_by_id(self, ids: Sequence[str]) -> Iterator[Thread]:
        """Those of the threads that still are there."""
        for some in _batches(ids):
            yield from self._threads_of(some)

    def _threads_of(self, ids: Sequence[str]) -> Iterator[Thread]:
        """YouTube refuses them all when one is gone: then each half is asked for by itself."""
        try:
            page = self._page(
                "commentThreads",
                answers.ThreadPage,
                part="snippet,replies",
                id=",".join(ids),
                textFormat="plainText",
            )
        except NotThere:
            if len(ids) > 1:
                yield from self._threads_of(ids[: len(ids) // 2])
                yield from self._threads_of(ids[len(ids) // 2 :])
        else:
            yield from page.values()

    def replies(self, thread_id: str) -> list[Comment]:
        """All replies to a thread."""
        pages = self._pages(
            "comments",
            answers.CommentPage,
            part="snippet",
            parentId=thread_id,
            textFormat="plainText",
            maxResults=str(_PAGE),
        )
        return [comment for page in pages for comment in page.values()]

    def _pages(self, method: str, form: type[_ValueT], **query: str) -> Iterator[_ValueT]:
        seen: set[str] = set()
        token = ""
        while True:
            page = self._page(method, form, **query, **({"pageToken": token} if token else {}))
            yield page
            token = page.next_page_token
            if not token:
                return
            if token in seen:
                raise PermanentError(f"YouTube's {method} gives the same next page again: {plain(token)}")
            seen.add(token)

    def _page(self, method: str, form: type[_ValueT], **query: str) -> _ValueT:
        answer = self._ask(method, f"{self._api}/youtube/v3/{method}?{urlencode(query)}")
        try:
            return form.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise PermanentError(
                f"YouTube's answer to {method} has an unknown shape, at {plain(place)}: {plain(first['msg'])}"
            ) from None

    def _ask(self, method: str, url: str) -> Answer:
        for tries_left in reversed(range(_TRIES)):
            if self.units >= self._budget:
                raise Spent(f"the budget of {self._budget} quota units is spent")
            if self._pace.over:
                raise Spent("the time is up")
            self.units += 1
            answer = self._fetcher.get(url, hindrance=lambda _: Trouble.LEFT_SITE, body_of=lambda _: True)
            if answer.status == 200 and not answer.cut:
                return answer
            wait = _judge(method, answer)
            if tries_left == 0 or wait is None or wait > self._max_wait_s:
                raise TransientError(
                    f"YouTube asks us to slow down ({method})",
                    retry_after=None if wait is None else timedelta(seconds=wait),
                )
            self._pace.wait(wait)
        raise AssertionError("the last try ends in an answer or an error")


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def is_api(url: str) -> bool:
    """Whether it can be the service's address: http or https, a host, neither user nor query."""
    parts = urlsplit(url)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not (parts.query or parts.fragment)
        and parts.username is None
    )


def _judge(method: str, answer: Answer) -> float | None:
    """How many seconds to wait before asking again, None if YouTube doesn't say; raises for all else that an
    answer other than a whole 200 means."""
    if answer.trouble in (Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.PROTOCOL):
        raise TransientError(f"YouTube can't be reached ({method}): {plain(answer.detail)}")
    if answer.cut and answer.detail == "too slow":
        raise TransientError(f"YouTube's answer to {method} didn't come to its end in time")
    if answer.cut or answer.trouble or answer.status is None:
        raise PermanentError(f"YouTube's answer to {method} can't be read: {plain(answer.detail)}")
    if answer.status >= 500:
        raise TransientError(f"YouTube answers {answer.status} to {method}")
    reasons, message = answers.read_refusal(answer.body)
    said = f"YouTube answers {answer.status} to {method}: {plain(message) or 'without a reason'}"
    if reasons & _GIVEN_UP:
        raise Spent("the key's daily quota is used up: YouTube gives a new one at midnight, Pacific time")
    if answer.status == 429 or reasons & _SLOW_DOWN:
        return answer.retry_after_s
    if one := reasons & _ABOUT_ONE_THING:
        raise NotThere(min(one), said)
    if answer.status in (401, 403) or reasons & _BAD_KEY:
        raise PermanentError(
            f"{said}. Check the secret {SECRET}: a key of a Google Cloud project in which the YouTube Data "
            "API v3 is enabled, and which may be used from here"
        )
    if answer.status == 404:
        raise NotThere("notFound", said)
    raise PermanentError(said)
