"""GitHub's REST API as far as issues need it: one request after another, within its limits.

https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loom import __version__
from loom.alerts.github_issue_repository import Repository, place
from loom.alerts.plain import plain
from loom.clock import Clock
from loom.errors import DeliveryFailed

if TYPE_CHECKING:
    import httpx

_BETWEEN_WRITES = 1.0
_SECONDARY_LIMIT = 60.0
_SHOWN = 200
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})


class Passing(Exception):
    """Trouble that another try may not meet; the text says what it was."""


@dataclass(slots=True)
class Pace:
    """How fast GitHub lets us go, remembered from one delivery to the next. Both in monotonic seconds."""

    not_before: float = 0.0
    no_write_before: float = 0.0


class GithubApi:
    """The issues of one repository, for the length of one delivery.

    deadline: monotonic seconds after which nothing is sent any more; late: what is said then.
    Every call raises Passing for what another try may not meet, else DeliveryFailed.
    """

    def __init__(
        self,
        client: "httpx.Client",
        repository: Repository,
        *,
        pace: Pace,
        clock: Clock,
        sleep: Callable[[float], None],
        deadline: float,
        late: str,
    ) -> None:
        self._client = client
        self._repository = repository
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._deadline = deadline
        self._late = late

    def listed(
        self, path: str, query: Mapping[str, str], *, pages: int | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Whatever is listed under `path`, page after page; at most `pages` of them."""
        url = self._address(path)
        params: Mapping[str, str] | None = {**query, "per_page": "100"}
        read = 0
        while pages is None or read < pages:
            answer = self._send("GET", url, params=params)
            for each in _json(answer, list):
                if isinstance(each, Mapping):
                    yield each
            read += 1
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            if place(following) != self._repository.host:
                raise DeliveryFailed(f"{self._repository.host} leads to another place for its next page")
            url, params = following, None

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = _json(self._send("POST", self._address(path), json=body), dict)
        return answer

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self._send("PATCH", self._address(path), json=body)

    def _address(self, path: str) -> str:
        return f"{self._repository.api.rstrip('/')}/repos/{self._repository.name}{path}"

    def _send(self, method: str, url: str, **content: Any) -> "httpx.Response":
        import httpx

        self._take_turn(writing=method != "GET")
        try:
            answer = self._client.request(
                method, url, headers=self._headers(), timeout=self._left(), **content
            )
        except httpx.TimeoutException:
            raise DeliveryFailed(self._late) from None
        except (httpx.InvalidURL, UnicodeError):
            raise DeliveryFailed("api_url can't be used; check how it is written") from None
        except httpx.HTTPError as error:
            why = plain(str(error), _SHOWN) or type(error).__name__
            raise Passing(f"{self._repository.host} can't be reached: {why}") from None
        finally:
            if method != "GET":
                self._pace.no_write_before = self._clock.monotonic() + _BETWEEN_WRITES
        asked = self._asked_to_wait(answer)
        if asked is not None:
            self._pace.not_before = self._clock.monotonic() + asked
        if answer.is_success:
            return answer
        if asked is not None:
            raise Passing(f"{self._answered(answer)}: GitHub's rate limit; it asks to wait {asked:.0f} s")
        if answer.status_code in _PASSING:
            raise Passing(f"{self._answered(answer)}{_said(answer)}")
        raise DeliveryFailed(
            f"{self._answered(answer)}{_said(answer)}{self._repository.advice(answer.status_code)}"
        )

    def _take_turn(self, *, writing: bool) -> None:
        turn = max(self._pace.not_before, self._pace.no_write_before if writing else 0.0)
        wait = turn - self._clock.monotonic()
        if wait <= 0:
            return
        if wait >= self._left():
            raise DeliveryFailed(
                f"{self._repository.host} has to be left alone for another {wait:.0f} s, by its rate limit; "
                "the next tick tries again"
            )
        self._sleep(wait)

    def _left(self) -> float:
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise DeliveryFailed(self._late)
        return left

    def _asked_to_wait(self, answer: "httpx.Response") -> float | None:
        """Seconds, or None if we may go on."""
        headers = answer.headers
        refused = answer.status_code in (403, 429)
        after = _number(headers.get("Retry-After"))
        if after is not None and (refused or answer.status_code in _PASSING):
            return after
        if headers.get("X-RateLimit-Remaining") == "0":
            reset = _number(headers.get("X-RateLimit-Reset"))
            if reset is not None:
                return max(0.0, reset - self._clock.real().timestamp())
        if answer.status_code == 429 or (refused and "rate limit" in _said(answer).lower()):
            return _SECONDARY_LIMIT
        return None

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._repository.token}",
            "User-Agent": f"loom/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _answered(self, answer: "httpx.Response") -> str:
        request = answer.request
        return f"{self._repository.host} answered {answer.status_code} to {request.method} {request.url.path}"


def _json(answer: "httpx.Response", kind: type[Any]) -> Any:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise DeliveryFailed(
            f"what {answer.request.url.host} answered isn't what GitHub's API answers; check api_url"
        )
    return value


def _said(answer: "httpx.Response") -> str:
    """GitHub's own words, as the end of a sentence."""
    try:
        value = answer.json()
    except ValueError:
        return ""
    message = value.get("message") if isinstance(value, dict) else None
    return f": {plain(message, _SHOWN)}" if isinstance(message, str) and message else ""


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
