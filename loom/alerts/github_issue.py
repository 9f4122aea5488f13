"""Alerts as GitHub issues: one per episode, commented on with each further alert, closed on recovery.

Loom finds its own by a hidden marker, before it writes anything: a delivery that was cut off is taken up
where it ended, and nothing is said twice.
"""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from loom.alerts import github_issue_text as text
from loom.alerts.bounded import within
from loom.alerts.github_issue_api import GithubApi, Pace, Passing
from loom.alerts.github_issue_repository import Repository
from loom.clock import Clock, SystemClock
from loom.domain.alert import EVERY_EVENT, RECOVERIES, Alert, Event
from loom.errors import DeliveryFailed

LABEL = "loom"
"""Every issue carries it; it keeps the listing that is searched short."""

_TRIES = 3
_BACKOFF = 1.0
_UNLABELLED_PAGES = 10
_SKEW = timedelta(hours=1)
_MACHINE: Final[Clock] = SystemClock()


class GithubIssueHook:
    """repository: where, and by which right. labels: what the issues carry beside 'loom'.
    timeout: seconds for a delivery as a whole: its requests, tries and waits.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        labels: Sequence[str] = (),
        timeout: float = 20.0,
        name: str = "github-issue",
        events: Container[Event] = EVERY_EVENT,
        clock: Clock = _MACHINE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._repository = repository
        self._labels = [LABEL, *(label for label in labels if label.casefold() != LABEL)]
        self._timeout = timeout
        self._events = events
        self._clock = clock
        self._sleep = sleep
        self._pace = Pace()

    def wants(self, event: Event) -> bool:
        return event in self._events

    def deliver(self, alert: Alert) -> None:
        """Say it in the episode's issue. Trouble with the connection, 5xx and rate limits are tried again
        from the start, the look for what is there already included.

        Bad news opens the issue, and opens it again if it is closed; a recovery closes it. A recovery
        without an issue gets one, closed at once. Raises DeliveryFailed.
        """
        mistake = self._repository.mistake
        if mistake is not None:
            raise DeliveryFailed(mistake)
        late = f"no answer from {self._repository.host} within {self._timeout:g} s"
        within(self._timeout, lambda: self._try_to_say(alert, late), late)

    def _try_to_say(self, alert: Alert, late: str) -> None:
        import httpx

        deadline = self._clock.monotonic() + self._timeout
        with httpx.Client(follow_redirects=False) as client:
            api = GithubApi(
                client,
                self._repository,
                pace=self._pace,
                clock=self._clock,
                sleep=self._sleep,
                deadline=deadline,
                late=late,
            )
            pause = _BACKOFF
            for last in (*[False] * (_TRIES - 1), True):
                try:
                    self._say(alert, api)
                except Passing as trouble:
                    until = max(self._clock.monotonic() + pause, self._pace.not_before)
                    if last or until >= deadline:
                        raise DeliveryFailed(f"{trouble}; the next tick tries again") from None
                else:
                    return
                self._sleep(until - self._clock.monotonic())
                pause *= 2

    def _say(self, alert: Alert, api: GithubApi) -> None:
        issue = self._find(alert, api)
        if issue is None:
            opening = {
                "title": text.title(alert),
                "body": text.body(alert, opening=True),
                "labels": self._labels,
            }
            issue = api.post("/issues", opening)
        elif not self._was_said(alert, issue, api):
            comment = {"body": text.body(alert, opening=False)}
            api.post(f"/issues/{issue['number']}/comments", comment)
        if alert.event in RECOVERIES:
            wanted = {"state": "closed", "state_reason": "completed"}
        else:
            wanted = {"state": "open", "state_reason": "reopened"}
        if issue.get("state") != wanted["state"]:
            api.patch(f"/issues/{issue['number']}", wanted)

    def _find(self, alert: Alert, api: GithubApi) -> Mapping[str, Any] | None:
        """The episode's issue; the oldest, should there be several."""
        marker = text.thread_marker(alert)
        query = {"state": "all", "sort": "created", "direction": "desc"}
        if alert.episode is None:
            # What is closed is over: no episode says that it goes on.
            query["state"] = "open"
        floor = None
        if alert.opened_at is not None:
            floor = _rfc3339(alert.opened_at - _SKEW)
            query["since"] = floor
        found = list(_marked(api.listed("/issues", query | {"labels": LABEL}), marker, floor))
        if not found and alert.episode is not None:
            # Somebody took the label off, or the token's owner may not set labels. Nobody else can know an
            # episode's id before its issue is there, so this finds no forgery.
            unlabelled = api.listed("/issues", query, pages=_UNLABELLED_PAGES)
            found = list(_marked(unlabelled, marker, floor))
        return min(found, key=lambda issue: int(issue["number"]), default=None)

    def _was_said(self, alert: Alert, issue: Mapping[str, Any], api: GithubApi) -> bool:
        marker = text.delivery_marker(alert)
        if text.carries(issue.get("body"), marker):
            return True
        since = alert.at - (_SKEW if alert.episode is not None else timedelta(days=1))
        comments = api.listed(f"/issues/{issue['number']}/comments", {"since": _rfc3339(since)})
        return any(text.carries(comment.get("body"), marker) for comment in comments)


def _marked(
    issues: Iterator[Mapping[str, Any]], marker: str, floor: str | None
) -> Iterator[Mapping[str, Any]]:
    """Those with the marker, newest first, down to what was there before the episode began."""
    for issue in issues:
        if floor is not None and str(issue.get("created_at", floor)) < floor:
            return
        if "pull_request" not in issue and text.carries(issue.get("body"), marker):
            yield issue


def _rfc3339(at: datetime) -> str:
    """As GitHub writes instants, so that the texts sort like the instants."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
