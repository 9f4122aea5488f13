"""Trouble: what an exception says of trying again. Pure; imports no HTTP library to recognise its errors."""

import errno
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from loom.values import dataclass
from loom.worker import PermanentError, TransientError

_CONNECTION_ERRNOS = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ETIMEDOUT,
    }
)
_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_LONGEST_WAIT = timedelta(days=30)  # nobody means more; and a date may not overflow
_CAUSES_READ = 10


@dataclass(frozen=True, slots=True)
class Trouble:
    """transient: whether trying again might help. retry_after: how long the other side asked us to wait."""

    transient: bool
    retry_after: timedelta | None = None


_PERMANENT = Trouble(transient=False)
_TRANSIENT = Trouble(transient=True)


def classify(error: BaseException, now: datetime) -> Trouble:
    """Whether trying again might help after `error`; whatever isn't known to be transient is permanent.

    now: the machine's time (aware), by which a Retry-After given as a date is turned into a wait.
    Transient are connection trouble, timeouts, `TransientError`, and HTTP 408, 425, 429 and 5xx
    (RFC 9110 section 15, RFC 8470, RFC 6585). A group is transient only if everything in it is.
    """
    troubles = [_classify_one(each, now) for each in _leaves(error)]
    if not all(trouble.transient for trouble in troubles):
        return _PERMANENT
    asked = [trouble.retry_after for trouble in troubles if trouble.retry_after is not None]
    return Trouble(transient=True, retry_after=max(asked, default=None))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, however deep they lie; any other one by itself."""
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        else:
            yield each


def _classify_one(error: BaseException, now: datetime) -> Trouble:
    if isinstance(error, PermanentError) or _bad_certificate(error):
        return _PERMANENT
    if isinstance(error, TransientError):
        return Trouble(transient=True, retry_after=_bounded(error.retry_after))
    if isinstance(error, OSError):
        return _TRANSIENT if _is_connection_trouble(error) else _PERMANENT
    return _classify_httpx(error, now)


def _is_connection_trouble(error: OSError) -> bool:
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, _known("ssl", "SSLEOFError", "SSLZeroReturnError")):
        return True
    # Whoever raises an OSError may give it anything for a number.
    return isinstance(error.errno, int) and error.errno in _CONNECTION_ERRNOS


def _bad_certificate(error: BaseException) -> bool:
    untrusted = _known("ssl", "SSLCertVerificationError")
    cause: BaseException | None = error
    for _ in range(_CAUSES_READ):
        if cause is None:
            return False
        if isinstance(cause, untrusted):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _classify_httpx(error: BaseException, now: datetime) -> Trouble:
    if isinstance(error, _known("httpx", "HTTPStatusError")):
        response: Any = error.response  # type: ignore[attr-defined]
        status = response.status_code
        if status not in _TRANSIENT_STATUSES and not 500 <= status < 600:
            return _PERMANENT
        return Trouble(transient=True, retry_after=retry_after(response.headers, now))
    if isinstance(error, _known("httpx", "UnsupportedProtocol", "LocalProtocolError")):
        return _PERMANENT  # our own mistake, though httpx counts it among the transport's
    return _TRANSIENT if isinstance(error, _known("httpx", "TransportError")) else _PERMANENT


def _known(module: str, *names: str) -> tuple[type[BaseException], ...]:
    """The exceptions of a module, as far as they are there: another worker may be importing it just now."""
    loaded = sys.modules.get(module)
    found = (getattr(loaded, name, None) for name in names)
    return tuple(each for each in found if isinstance(each, type) and issubclass(each, BaseException))


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for: seconds or an HTTP date (RFC 9110 section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text):
        return _bounded(timedelta(seconds=float(text)))
    try:
        from email.utils import parsedate_to_datetime

        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _bounded((at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - now)


def _bounded(wait: object) -> timedelta | None:
    if not isinstance(wait, timedelta):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)
