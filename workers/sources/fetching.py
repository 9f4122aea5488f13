"""Asking for one address over HTTP, read-only and bounded: hops, bytes (packed and unpacked), seconds.

The client is the one the worker's context gives, so every request passes the enforcement context. What it
refuses is never caught here.
"""

import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

import httpx

from workers.sources.urls import normalise

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NAP = 0.1


class Trouble(StrEnum):
    """Why an address gave no answer of its own."""

    CONNECTION = "no connection"
    TIMEOUT = "no answer in time"
    CERTIFICATE = "invalid certificate"
    PROTOCOL = "not HTTP"
    LOOP = "redirect loop"
    TOO_MANY_HOPS = "too many redirects"
    BAD_REDIRECT = "redirect to no address"
    LEFT_SITE = "redirect to another site"
    PRIVATE = "redirect to a private address"
    DISALLOWED = "redirect to where robots.txt forbids"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of asking for `asked`.

    url: where the answer came from, after `hops` (the addresses that redirected, in order); with a trouble
        that concerns a redirect, where it would have led.
    status: None when there was a trouble; `detail` then says what, in words.
    latency_s: from asking to the header lines of the last answer. cut: `body` isn't all there was.
    length: how many bytes the answer says it has, None when it doesn't say or has them packed.
    retry_after_s: what a 429 asked for. certificate_until: when the site's certificate ends, UTC.
    """

    asked: str
    url: str
    hops: tuple[str, ...] = ()
    status: int | None = None
    trouble: Trouble | None = None
    detail: str = ""
    latency_s: float = 0.0
    content_type: str = ""
    charset: str | None = None
    body: bytes = b""
    cut: bool = False
    length: int | None = None
    retry_after_s: float | None = None
    certificate_until: datetime | None = None


class Pace:
    """How long the work may take, and how quickly it may ask."""

    def __init__(self, *, delay_s: float, max_seconds: float, cancelled: Callable[[], bool]) -> None:
        self.delay_s = delay_s
        self._cancelled = cancelled
        self._deadline = time.monotonic() + max_seconds
        self._next = 0.0

    @property
    def over(self) -> bool:
        return self._cancelled() or time.monotonic() >= self._deadline

    def take_turn(self) -> None:
        self.wait(self._next - time.monotonic())
        self._next = time.monotonic() + self.delay_s

    def wait(self, seconds: float) -> None:
        """Waits, in naps, so that a cancelled run doesn't."""
        until = time.monotonic() + seconds
        while not self.over and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """timeout_s: for each step of an answer, and for its whole body. max_wait_s: the longest wait that a 429
    may ask of us."""

    timeout_s: float
    max_bytes: int
    max_hops: int
    max_wait_s: float


class Fetcher:
    """now: the tick's time, against which a Retry-After given as a date is measured. headers: sent with every
    request, redirects included: give a key only with a `hindrance` that follows none."""

    def __init__(
        self,
        client: httpx.Client,
        *,
        agent: str,
        bounds: Bounds,
        pace: Pace,
        now: datetime,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._client, self._bounds, self._pace, self._now = client, bounds, pace, now
        self._headers = {"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "gzip", **(headers or {})}

    def get(
        self, url: str, *, hindrance: Callable[[str], Trouble | None], body_of: Callable[[str], bool]
    ) -> Answer:
        """hindrance: why a redirect to this address isn't followed, or None. body_of: whether a body with
        this content type is wanted."""
        return self._follow("GET", url, hindrance, body_of)

    def probe(self, url: str, *, hindrance: Callable[[str], Trouble | None]) -> Answer:
        """Asks whether the address is there: HEAD, then GET without its body, because many servers answer
        HEAD wrongly."""
        answer = self._follow("HEAD", url, hindrance, _nothing)
        if (
            answer.status is not None
            and answer.status >= 400
            and answer.status != 429
            and not self._pace.over
        ):
            return self._follow("GET", url, hindrance, _nothing)
        return answer

    def _follow(
        self,
        method: str,
        url: str,
        hindrance: Callable[[str], Trouble | None],
        body_of: Callable[[str], bool],
    ) -> Answer:
        hops: list[str] = []
        current = url
        while True:
            answer, location, sets_cookie = self._patiently(method, current, body_of)
            answer = replace(answer, asked=url, hops=tuple(hops))
            if location is None:
                return answer
            hops.append(current)
            target = normalise(location, current)
            trouble = (
                Trouble.BAD_REDIRECT
                if target is None
                # A site may send a visitor back once to see whether the cookie came with it.
                else Trouble.LOOP
                if target in hops and not sets_cookie
                else Trouble.TOO_MANY_HOPS
                if len(hops) > self._bounds.max_hops
                else hindrance(target)
            )
            if trouble is not None or target is None:
                return replace(
                    answer,
                    hops=tuple(hops),
                    url=target or current,
                    status=None,
                    trouble=trouble,
                    detail=f"{trouble}: {(target or location)[:200]}",
                )
            current = target

    def _patiently(
        self, method: str, url: str, body_of: Callable[[str], bool]
    ) -> tuple[Answer, str | None, bool]:
        """Asks, and asks once more after a 429 whose Retry-After is short enough to wait for."""
        self._pace.take_turn()
        result = self._once(method, url, body_of)
        wait = result[0].retry_after_s
        if result[0].status == 429 and wait is not None and wait <= self._bounds.max_wait_s:
            self._pace.wait(wait)
            if not self._pace.over:
                return self._once(method, url, body_of)
        return result

    def _once(self, method: str, url: str, body_of: Callable[[str], bool]) -> tuple[Answer, str | None, bool]:
        """The answer, where it redirects to, and whether it set a cookie."""
        answer = Answer(asked=url, url=url)
        started = time.perf_counter()
        try:
            with self._client.stream(
                method, url, headers=self._headers, timeout=self._bounds.timeout_s, follow_redirects=False
            ) as response:
                latency = time.perf_counter() - started
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                answer = replace(
                    answer,
                    status=response.status_code,
                    latency_s=latency,
                    content_type=kind[:100],
                    charset=response.charset_encoding,
                    length=_length(response.headers),
                    retry_after_s=_retry_after(response.headers, self._now),
                    certificate_until=_certificate_end(response),
                )
                location = response.headers.get("location") if response.status_code in _REDIRECTS else None
                if method == "GET" and location is None and body_of(kind):
                    answer = self._with_body(answer, response)
                return answer, location, "set-cookie" in response.headers
        except httpx.TimeoutException:
            answer = replace(
                answer, trouble=Trouble.TIMEOUT, detail=f"no answer in {self._bounds.timeout_s:g} s"
            )
        except (httpx.ProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            answer = replace(answer, trouble=Trouble.PROTOCOL, detail=str(error)[:300])
        except httpx.TransportError as error:
            refused = _refused_certificate(error)
            answer = replace(
                answer,
                trouble=Trouble.CERTIFICATE if refused else Trouble.CONNECTION,
                detail=refused or str(error)[:300] or type(error).__name__,
            )
        return replace(answer, status=None, latency_s=time.perf_counter() - started), None, False

    def _with_body(self, answer: Answer, response: httpx.Response) -> Answer:
        """The body, unpacked here rather than by the client, whose unpacking has no limit."""
        packed = response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
        unpacker = zlib.decompressobj(wbits=31) if packed else None
        body = bytearray()
        deadline = time.monotonic() + self._bounds.timeout_s
        for piece in response.iter_raw():
            room = self._bounds.max_bytes + 1 - len(body)
            try:
                body += unpacker.decompress(piece, room) if unpacker else piece[:room]
            except zlib.error:
                return replace(answer, body=bytes(body), cut=True, detail="the packed body is damaged")
            if len(body) > self._bounds.max_bytes:
                del body[self._bounds.max_bytes :]
                return replace(answer, body=bytes(body), cut=True, detail="too large")
            if time.monotonic() > deadline or self._pace.over:
                return replace(answer, body=bytes(body), cut=True, detail="too slow")
        return replace(answer, body=bytes(body))


def _nothing(_content_type: str) -> bool:
    return False


def _length(headers: Mapping[str, str]) -> int | None:
    value = headers.get("content-length", "").strip()
    packed = headers.get("content-encoding", "").strip().lower() not in ("", "identity")
    return int(value[:18]) if value.isascii() and value.isdigit() and not packed else None


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max((parsedate_to_datetime(value).astimezone(UTC) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _certificate_end(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    ssl_object = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = ssl_object.getpeercert() if ssl_object is not None else None
    until = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None


def _refused_certificate(error: BaseException) -> str | None:
    """Why the certificate was refused, when that is why the connection failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or str(cause)
        cause = cause.__cause__ or cause.__context__
    return None
