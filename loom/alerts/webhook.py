"""Alerts as JSON posted to a URL."""

import time
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from loom import __version__
from loom.alerts.bounded import within
from loom.alerts.payload import encode
from loom.alerts.plain import plain
from loom.clock import Clock, SystemClock
from loom.domain.alert import EVERY_EVENT, Alert, Event
from loom.errors import DeliveryFailed

if TYPE_CHECKING:
    import httpx

_TRIES = 3
_BACKOFF = 0.5
_SHOWN = 200
_NO_ADDRESS = "the URL isn't a web address; expected https://host/path"
_SHORTEST_SECRET = 4
_MACHINE: Final[Clock] = SystemClock()


class WebhookHook:
    """url: where to post; a secret, of which only scheme and host are ever shown.
    secret: signs the body, as hex HMAC-SHA256 in ``X-Loom-Signature-256: sha256=...``.
    timeout: seconds for a delivery as a whole: up to three tries and the waits between them.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        timeout: float = 10.0,
        name: str = "webhook",
        events: Container[Event] = EVERY_EVENT,
        clock: Clock = _MACHINE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._url = url
        self._secret = secret
        self._timeout = timeout
        self._events = events
        self._clock = clock
        self._sleep = sleep

    @property
    def mistake(self) -> str | None:
        """What keeps every alert from being sent, and what to do; None if nothing does."""
        return _NO_ADDRESS if self._place() is None else None

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """Post it. Trouble with the connection, 429 and 5xx are tried again; redirects aren't followed.

        Raises DeliveryFailed. ``X-Loom-Delivery`` is the same for every try of the same alert, so that a
        receiver can drop what it has already had.
        """
        if self.mistake is not None:
            raise DeliveryFailed(self.mistake)
        late = f"no answer from {self._shown()} within {self._timeout:g} s"
        within(self._timeout, lambda: self._try_to_post(encode(alert), late), late)

    def _try_to_post(self, body: bytes, late: str) -> None:
        import httpx

        from loom.alerts.unlogged import unlogged

        deadline = self._clock.monotonic() + self._timeout
        headers = self._headers(body)
        wait = _BACKOFF
        with unlogged(), httpx.Client(follow_redirects=False) as client:
            for last in (*[False] * (_TRIES - 1), True):
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise DeliveryFailed(late)
                problem, asked = self._post(client, body, headers, left, late)
                if problem is None:
                    return
                pause = wait if asked is None else asked
                if last or self._clock.monotonic() + pause >= deadline:
                    raise DeliveryFailed(problem)
                self._sleep(pause)
                wait *= 2

    def _post(
        self, client: "httpx.Client", body: bytes, headers: dict[str, str], left: float, late: str
    ) -> tuple[str | None, float | None]:
        """One try: (None, None) when delivered, else what went wrong and how long we were asked to wait.
        Raises DeliveryFailed for what another try can't help."""
        import httpx

        try:
            with client.stream("POST", self._url, content=body, headers=headers, timeout=left) as answer:
                if answer.is_success:
                    return None, None
                problem = self._refusal(answer)
                if answer.status_code == 429 or answer.status_code >= 500:
                    return problem, _retry_after(answer)
                raise DeliveryFailed(problem)
        except httpx.TimeoutException:
            raise DeliveryFailed(late) from None
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
            raise DeliveryFailed(_NO_ADDRESS) from None
        except httpx.HTTPError as error:
            why = self._without_secrets(str(error)) or type(error).__name__
            return f"{self._shown()} can't be reached: {why}", None

    def _headers(self, body: bytes) -> dict[str, str]:
        import hashlib
        import hmac

        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"loom/{__version__}",
            "X-Loom-Delivery": hashlib.sha256(body).hexdigest()[:32],
        }
        if self._secret is not None:
            digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Loom-Signature-256"] = f"sha256={digest}"
        return headers

    def _refusal(self, answer: "httpx.Response") -> str:
        if answer.is_redirect:
            return (
                f"{self._shown()} answered {answer.status_code}, a redirect, which isn't followed; "
                "give the address it leads to"
            )
        said = self._without_secrets(_beginning(answer))
        return f"{self._shown()} answered {answer.status_code}" + (f": {said}" if said else "")

    def _shown(self) -> str:
        return f"{self._place()}/…"

    def _place(self) -> str | None:
        """Scheme, host and port; None for what is no web address."""
        try:
            parts = urlsplit(self._url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not host:
            return None
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}"

    def _without_secrets(self, text: str) -> str:
        """What the other side said, as one short line without any part of the URL that it may echo."""
        parts = urlsplit(self._url)
        secrets = {self._url, parts.path, parts.query, parts.username, parts.password, self._secret}
        secrets |= {*parts.path.split("/"), *parts.query.replace("=", "&").split("&")}
        known = {form for secret in secrets if secret for form in (secret, unquote(secret))}
        for secret in sorted(known, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "…")
        return plain(text, _SHOWN)


def _beginning(answer: "httpx.Response") -> str:
    said = b""
    for chunk in answer.iter_bytes(1024):
        said += chunk
        if len(said) >= 1024:
            break
    return said.decode("utf-8", errors="replace")


def _retry_after(answer: "httpx.Response") -> float | None:
    """Seconds, or None when it isn't said in seconds; a date would need the other side's clock."""
    said = answer.headers.get("Retry-After", "").strip()
    return float(said) if said.isascii() and said.isdigit() else None
