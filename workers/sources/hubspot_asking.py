"""Asking HubSpot one thing: patient with its rate limits, clear about refusals, bounded in all it takes."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from loom.worker import PermanentError, TransientError
from workers.sources.fetching import Pace
from workers.sources.findings import listing, plain
from workers.sources.hubspot_records import expect

SECRET = "HUBSPOT_ACCESS_TOKEN"  # noqa: S105  (its name)
_FAILURES = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may take. timeout_s: for each step of an answer. max_bytes: of one answer, unpacked.
    max_wait_s: of waiting for rate limits and passing failures, all in all. pause_s: before asking again
    when HubSpot doesn't say how long. tries: at most, at failures (5xx) of one request."""

    timeout_s: float = 30
    max_bytes: int = 20_000_000
    max_requests: int = 5_000
    max_wait_s: float = 60
    pause_s: float = 1
    tries: int = 3


class Asking:
    """One run's conversation. requests: how many were sent so far. waited_s: for rate limits and failures."""

    def __init__(self, client: httpx.Client, *, token: str, api: str, limits: Limits, pace: Pace) -> None:
        self._client, self._limits, self._pace = client, limits, pace
        self._api = api.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.requests, self.waited_s = 0, 0.0

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """The answer's JSON object."""
        return self._ask("GET", path, query, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, {}, body)

    def _ask(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        failures = 0
        while True:
            self._take_turn(method, path)
            response, content = self._once(method, path, query, body)
            status, where = response.status_code, f"{method} {path}"
            if status in (200, 207):
                return _json(content, f"answer to {where}")
            told = _Told.of(content)
            if status == 429:
                self._wait_for_turn(response.headers, told, where)
            elif status in _FAILURES:
                failures += 1
                if failures >= self._limits.tries or not self._may_wait(self._limits.pause_s):
                    raise TransientError(f"HubSpot answers {status} to {where}: {told.message}")
                self._wait(self._limits.pause_s)
            else:
                raise PermanentError(_refusal(status, where, told))

    def _take_turn(self, method: str, path: str) -> None:
        if self.requests >= self._limits.max_requests:
            raise PermanentError(
                f"{self.requests} requests weren't enough for HubSpot's records (next: {method} {path}): "
                "raise `max_requests`, or lower how much is to be read"
            )
        self._pace.take_turn()
        if self._pace.over:
            raise TransientError(
                f"the time for reading HubSpot was over after {self.requests} requests: raise `max_seconds`"
            )
        self.requests += 1

    def _once(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[httpx.Response, bytes]:
        try:
            with self._client.stream(
                method,
                self._api + path,
                params=query or None,
                json=body,
                headers=self._headers,
                timeout=self._limits.timeout_s,
                follow_redirects=False,  # the token goes to the API's own address and nowhere else
            ) as response:
                return response, self._content(response, f"{method} {path}")
        except httpx.TimeoutException:
            raise TransientError(
                f"HubSpot didn't answer {method} {path} in {self._limits.timeout_s:g} s"
            ) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise PermanentError(f"the setting `api` is no address of an API: {plain(str(error))}") from None
        except httpx.DecodingError:
            raise PermanentError(f"HubSpot's answer to {method} {path} is packed and damaged") from None
        except httpx.TransportError as error:
            raise TransientError(f"HubSpot can't be reached: {plain(str(error) or repr(error))}") from None

    def _content(self, response: httpx.Response, where: str) -> bytes:
        content = bytearray()
        deadline = time.monotonic() + self._limits.timeout_s
        for piece in response.iter_bytes():
            content += piece
            if len(content) > self._limits.max_bytes:
                raise PermanentError(
                    f"HubSpot's answer to {where} has more than {self._limits.max_bytes:,} bytes"
                )
            if time.monotonic() > deadline:
                raise TransientError(
                    f"HubSpot's answer to {where} took more than {self._limits.timeout_s:g} s"
                )
        return bytes(content)

    def _wait_for_turn(self, headers: Mapping[str, str], told: "_Told", where: str) -> None:
        """After a 429. Raises TransientError when the wait would be too long, as the daily limit's is."""
        asked = _seconds(headers.get("retry-after", ""))
        seconds = self._limits.pause_s if asked is None else asked
        if told.policy == "DAILY" or not self._may_wait(seconds):
            limit = "daily limit" if told.policy == "DAILY" else "rate limit"
            later = None if asked is None else timedelta(seconds=asked)
            raise TransientError(
                f"HubSpot's {limit} is reached at {where}: {told.message}", retry_after=later
            )
        self._wait(seconds)

    def _may_wait(self, seconds: float) -> bool:
        return self.waited_s + seconds <= self._limits.max_wait_s

    def _wait(self, seconds: float) -> None:
        # A wait of no length counts too: otherwise a service that asks for none would be asked for ever.
        self.waited_s += max(seconds, 0.01)
        self._pace.wait(seconds)


@dataclass(frozen=True, slots=True)
class _Told:
    """What HubSpot's error envelope says. scopes: those that the token lacks."""

    message: str = "it says no more"
    category: str = ""
    policy: str = ""
    correlation: str = ""
    scopes: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: bytes) -> "_Told":
        try:
            envelope = json.loads(content)
        except (ValueError, RecursionError):
            envelope = None
        if not isinstance(envelope, dict):
            return cls()
        errors = envelope.get("errors")
        holders = [envelope, *(one for one in errors if isinstance(one, dict))] if errors else [envelope]
        return cls(
            plain(str(envelope.get("message") or "it says no more")),
            plain(str(envelope.get("category") or envelope.get("errorType") or ""), limit=60),
            str(envelope.get("policyName") or ""),
            plain(str(envelope.get("correlationId") or ""), limit=60),
            tuple(dict.fromkeys(scope for holder in holders for scope in _scopes(holder.get("context")))),
        )


def _scopes(context: Any) -> list[str]:
    if not isinstance(context, dict):
        return []
    named = [context.get(name) for name in ("requiredGranularScopes", "missingScopes", "requiredScopes")]
    return [plain(str(scope), limit=80) for scopes in named if isinstance(scopes, list) for scope in scopes]


def _refusal(status: int, where: str, told: _Told) -> str:
    said = f"{status} {told.category}".strip()
    if status == 401:
        return (
            f"HubSpot refuses the token in {SECRET} ({said}: {told.message}): make a new one in HubSpot at "
            f"Settings > Integrations > Private Apps, and set {SECRET} to it"
        )
    if status == 403:
        lacking = listing(list(told.scopes)) or "the right to read this"
        return (
            f"the token in {SECRET} lacks {lacking} ({said} at {where}: {told.message}): add the scope to "
            "the private app in HubSpot"
        )
    if 300 <= status < 400:
        return f"HubSpot answers {where} with a redirect ({status}), which isn't followed: look at `api`"
    reference = f", HubSpot's reference {told.correlation}" if told.correlation else ""
    return f"HubSpot refuses {where} ({said}: {told.message}{reference})"


def _json(content: bytes, where: str) -> Any:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        start = plain(content[:60].decode("utf-8", "replace"))
        raise PermanentError(
            f"HubSpot's {where} is no JSON ({plain(str(error))}); it begins {start!r}"
        ) from None
    return expect(found, dict, where)


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, min(float(text.strip()), 1e6))
    except ValueError:
        return None
