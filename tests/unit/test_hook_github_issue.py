"""One issue per episode: opened, commented on, closed; nothing twice, nobody mentioned, no limit run into."""

import itertools
import logging
import re
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pytest_httpserver import HTTPServer

from loom import __version__
from loom.alerts import github_issue_text as text
from loom.alerts.github_issue import GithubIssueHook
from loom.alerts.github_issue_repository import Repository
from loom.alerts.memory import MemoryHook
from loom.alerts.outbox import prepare, send
from loom.alerts.policy import consider
from loom.clock import ManualClock
from loom.domain.alert import RECOVERIES, Alert, Delivery, Event
from loom.domain.run import Outcome, Run, RunError, Trigger
from loom.errors import DeliveryFailed
from tests.unit.github_stand_in import TOKEN, GithubStandIn

AT = datetime(2026, 11, 21, 13, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = "GITHUB_TOKEN"
DOWN = Alert(
    event=Event.WORKER_DOWN,
    summary="Sentinel (relationship-sentinel): the run of Sat 21 Nov 06:00 CST failed; gave up",
    at=AT,
    worker="relationship-sentinel",
    agent="Sentinel",
    slot=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    outcome=Outcome.FAILED,
    error=RunError("ConnectError", "refused", "workers/relationship_sentinel.py:40"),
    run_id="0193-run",
    run_url="https://github.com/acme/robots/actions/runs/7",
    consecutive_failures=2,
    episode="01935000-0000-7000-8000-000000000001",
    opened_at=AT,
)
REMINDER = replace(DOWN, summary="still down", at=AT + 24 * HOUR, consecutive_failures=4)
RECOVERED = replace(
    DOWN, event=Event.WORKER_RECOVERED, summary="works again", at=AT + 30 * HOUR, error=None, outcome=None
)


class Waits:
    """Stands for the waits: notes them and moves the clock instead of sleeping."""

    def __init__(self) -> None:
        self.clock = ManualClock(AT)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def github(httpserver: HTTPServer) -> Iterator[GithubStandIn]:
    yield GithubStandIn(httpserver, AT)
    httpserver.check()


def hook(
    github: GithubStandIn,
    waits: Waits | None = None,
    *,
    token: str = TOKEN,
    name: str = "",
    api: str = "",
    labels: Sequence[str] = (),
    timeout: float = 20.0,
) -> GithubIssueHook:
    waits = waits or Waits()
    repository = Repository(
        api=api or github.url, name=name or github.repository, token=token, token_env=NAME
    )
    return GithubIssueHook(repository, labels=labels, timeout=timeout, clock=waits.clock, sleep=waits.sleep)


def tell(github: GithubStandIn, *alerts: Alert) -> None:
    """Deliver each at its own time, by a hook that remembers nothing of the ones before."""
    for alert in alerts:
        github.now = max(github.now, alert.at)
        hook(github).deliver(alert)


def test_bad_news_opens_an_issue_that_says_all_of_it(github: GithubStandIn) -> None:
    hook(github, labels=["ops", "Loom"]).deliver(DOWN)
    (issue,) = github.issues
    assert issue["title"] == "Loom: Sentinel (relationship-sentinel) is failing"
    assert [label["name"] for label in issue["labels"]] == ["loom", "ops"]
    assert issue["state"] == "open"
    body = issue["body"]
    for part in (
        "**worker.down** at 2026-11-21 13:07 UTC",
        DOWN.summary,
        "`relationship-sentinel`, agent `Sentinel`",
        "Slot: 2026-11-21 12:00 UTC",
        "Outcome: `failed`",
        "Bad outcomes in a row: 2",
        "Run: `0193-run`",
        "Log: <https://github.com/acme/robots/actions/runs/7>",
        "Error: `ConnectError` at `workers/relationship_sentinel.py:40`",
        "```text\nrefused\n```",
        "closes it on recovery",
    ):
        assert part in body
    assert body.splitlines()[-2] == "<!-- loom:episode:01935000-0000-7000-8000-000000000001 -->"


def test_every_request_says_who_asks_and_for_which_version_of_the_api(github: GithubStandIn) -> None:
    sender = hook(github)
    for alert in (DOWN, REMINDER, RECOVERED):
        sender.deliver(alert)
    assert {call.method for call in github.requests} == {"GET", "POST", "PATCH"}
    for call in github.requests:
        assert call.path.startswith("/repos/acme/robots/issues")
        assert call.headers["Authorization"] == f"Bearer {TOKEN}"
        assert call.headers["Accept"] == "application/vnd.github+json"
        assert call.headers["X-Github-Api-Version"] == "2022-11-28"
        assert call.headers["User-Agent"] == f"loom/{__version__}"


def test_an_episode_is_one_issue_from_its_first_alert_to_its_recovery(github: GithubStandIn) -> None:
    sender = hook(github)
    sender.deliver(DOWN)
    assert github.writes == ["POST /issues"]
    github.later(24 * HOUR)
    sender.deliver(REMINDER)
    assert github.writes[1:] == ["POST /issues/1/comments"]
    assert github.issues[0]["state"] == "open"
    github.later(6 * HOUR)
    sender.deliver(RECOVERED)
    assert github.writes[2:] == ["POST /issues/1/comments", "PATCH /issues/1"]
    assert github.requests[-1].body == {"state": "closed", "state_reason": "completed"}
    (issue,) = github.issues
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    first, second, third = github.said(1)
    assert "gave up" in first
    assert "still down" in second
    assert "works again" in third
    assert "Loom opened this issue" not in second + third


def test_the_next_episode_of_the_same_worker_is_an_issue_of_its_own(github: GithubStandIn) -> None:
    sender = hook(github)
    sender.deliver(DOWN)
    sender.deliver(RECOVERED)
    github.later(48 * HOUR)
    again = replace(DOWN, at=github.now, opened_at=github.now, episode="another")
    sender.deliver(again)
    assert [issue["state"] for issue in github.issues] == ["closed", "open"]


def test_what_was_said_is_never_said_again(github: GithubStandIn) -> None:
    tell(github, DOWN, DOWN, REMINDER, REMINDER, RECOVERED, RECOVERED, RECOVERED)
    assert github.writes == [
        "POST /issues",
        "POST /issues/1/comments",
        "POST /issues/1/comments",
        "PATCH /issues/1",
    ]


STEPS = {
    "the issue": (0, "POST /issues"),
    "the comment": (1, "POST /issues/1/comments"),
    "the last comment": (2, "POST /issues/1/comments"),
    "the closing": (2, "PATCH /issues/1"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("done", [True, False], ids=["took effect", "took no effect"])
def test_a_delivery_cut_off_anywhere_is_taken_up_where_it_ended(
    github: GithubStandIn, step: str, done: bool
) -> None:
    which, line = STEPS[step]
    alerts = [DOWN, REMINDER, RECOVERED]
    tell(github, *alerts[:which])
    github.now = alerts[which].at
    # Not a passing trouble, so this delivery ends here, as it would if the process died.
    github.fail(line, 418, "cut off", done=done)
    with pytest.raises(DeliveryFailed, match="cut off"):
        hook(github).deliver(alerts[which])
    github.later(HOUR)
    tell(github, *alerts[which:])
    assert len(github.issues) == 1
    assert github.issues[0]["state"] == "closed"
    assert [
        bool(re.search(word, body))
        for word, body in zip(("gave up", "still down", "works again"), github.said(1), strict=True)
    ] == [True] * 3


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_unclear_answer_is_cleared_up_by_looking_again(
    github: GithubStandIn, status: int, done: bool
) -> None:
    waits = Waits()
    github.fail("POST /issues", status, "Server Error", done=done)
    hook(github, waits).deliver(DOWN)
    assert len(github.issues) == 1
    assert waits.slept[0] == 1.0


def test_an_issue_closed_by_hand_is_opened_again_by_the_next_bad_news(github: GithubStandIn) -> None:
    hook(github).deliver(DOWN)
    github.issues[0].update(state="closed", state_reason="not_planned")
    hook(github).deliver(REMINDER)
    assert github.writes[1:] == ["POST /issues/1/comments", "PATCH /issues/1"]
    assert (github.issues[0]["state"], github.issues[0]["state_reason"]) == ("open", "reopened")


def test_an_issue_closed_by_hand_hears_of_the_recovery_and_stays_closed(github: GithubStandIn) -> None:
    hook(github).deliver(DOWN)
    github.issues[0].update(state="closed", state_reason="not_planned")
    hook(github).deliver(RECOVERED)
    assert github.writes[1:] == ["POST /issues/1/comments"]
    assert github.issues[0]["state_reason"] == "not_planned"


def test_a_recovery_whose_issue_is_gone_is_still_heard(github: GithubStandIn) -> None:
    hook(github).deliver(RECOVERED)
    (issue,) = github.issues
    assert issue["state"] == "closed"
    assert issue["title"] == "Loom: Sentinel (relationship-sentinel) failed and works again"
    assert "works again" in issue["body"]


def test_its_issue_is_found_on_any_page_and_so_is_its_comment(github: GithubStandIn) -> None:
    github.page = 2
    hook(github).deliver(DOWN)
    for number in range(7):
        at = AT + timedelta(minutes=number)
        tell(github, replace(DOWN, episode=f"other-{number}"))
        tell(github, replace(REMINDER, summary=f"number {number}", at=at))
    github.forget_requests()
    tell(github, replace(REMINDER, summary="number 6", at=AT + timedelta(minutes=6)))
    assert github.writes == []
    issues = [call.query for call in github.requests if call.line == "GET /issues"]
    assert [query.get("page") for query in issues] == [None, "2", "3", "4"]
    assert issues[0] == {
        "state": "all",
        "labels": "loom",
        "since": "2026-11-21T12:07:00Z",
        "sort": "created",
        "direction": "desc",
        "per_page": "100",
    }
    assert len(github.issues) == 8
    assert len(github.said(1)) == 8


def test_older_issues_are_not_read_through(github: GithubStandIn) -> None:
    github.page = 2
    label = [{"name": "loom"}]
    for age in range(30, 0, -1):
        created = f"{AT - age * 24 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
        github.open_by_hand(created_at=created, labels=label)
    hook(github).deliver(DOWN)
    assert github.lines == ["GET /issues", "GET /issues", "POST /issues"]


@pytest.mark.parametrize("may_label", [True, False], ids=["taken off by a person", "never there"])
def test_its_issue_is_found_without_the_label_too(github: GithubStandIn, may_label: bool) -> None:
    github.may_label = may_label
    hook(github).deliver(DOWN)
    github.issues[0]["labels"] = []
    hook(github).deliver(REMINDER)
    hook(github).deliver(RECOVERED)
    assert len(github.issues) == 1
    assert github.issues[0]["state"] == "closed"


def test_of_two_issues_with_its_marker_the_older_is_taken(github: GithubStandIn) -> None:
    hook(github).deliver(DOWN)
    github.open_by_hand(body=github.issues[0]["body"], labels=[{"name": "loom"}])
    hook(github).deliver(REMINDER)
    assert github.writes[-1] == "POST /issues/1/comments"


def test_a_pull_request_or_a_quotation_with_its_marker_is_not_its_issue(github: GithubStandIn) -> None:
    marker = text.thread_marker(DOWN)
    label = [{"name": "loom"}]
    github.open_by_hand(body=marker, labels=label, pull_request={"url": "https://api.example/pulls/1"})
    github.open_by_hand(body=f"> quoted {marker}", labels=label)
    hook(github).deliver(DOWN)
    assert len(github.issues) == 3


def test_outside_any_episode_there_is_one_open_issue_and_one_comment_a_day(github: GithubStandIn) -> None:
    broken = Alert(
        event=Event.LEDGER_BROKEN, summary="the disk is full", at=AT, run_url="https://a.example/1"
    )
    for hour in range(5):
        github.later(HOUR)
        hook(github).deliver(replace(broken, at=AT + hour * HOUR, run_url=f"https://a.example/{hour}"))
    hook(github).deliver(replace(broken, summary="the file is damaged", at=AT + 5 * HOUR))
    github.later(24 * HOUR)
    for hour in (24, 25):
        hook(github).deliver(replace(broken, at=AT + hour * HOUR))
    assert len(github.issues) == 1
    assert [re.findall(r"the disk is full|the file is damaged", body) for body in github.said(1)] == [
        ["the disk is full"],
        ["the file is damaged"],
        ["the disk is full"],
    ]
    github.issues[0]["state"] = "closed"
    hook(github).deliver(replace(broken, at=AT + 26 * HOUR))
    assert len(github.issues) == 2


def test_outside_any_episode_a_stranger_can_not_plant_the_issue(github: GithubStandIn) -> None:
    broken = Alert(event=Event.LEDGER_BROKEN, summary="the disk is full", at=AT)
    github.open_by_hand(body=text.thread_marker(broken))
    hook(github).deliver(broken)
    assert github.writes == ["POST /issues"]


def test_writes_are_a_second_apart_as_github_asks(github: GithubStandIn) -> None:
    waits = Waits()
    sender = hook(github, waits)
    for number in range(3):
        sender.deliver(replace(DOWN, episode=f"episode-{number}"))
    assert waits.slept == [1.0, 1.0]


def test_it_waits_as_long_as_github_asks_and_no_request_goes_out_meanwhile(github: GithubStandIn) -> None:
    waits = Waits()
    github.fail("GET /issues", 429, "slow down", headers={"Retry-After": "7"})
    hook(github, waits).deliver(DOWN)
    assert waits.slept == [7.0]
    assert len(github.issues) == 1


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({"Retry-After": "3600"}, "You have exceeded a secondary rate limit.", 3600),
        (
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(AT.timestamp()) + 900)},
            "API rate limit exceeded for installation.",
            900,
        ),
        ({}, "You have exceeded a secondary rate limit. Please wait a few minutes.", 60),
    ],
)
def test_a_rate_limit_too_long_to_wait_out_ends_the_delivery_and_silences_the_next(
    github: GithubStandIn, headers: dict[str, str], message: str, wait: int
) -> None:
    waits = Waits()
    sender = hook(github, waits)
    github.fail("POST /issues", 403, message, headers=headers)
    with pytest.raises(DeliveryFailed, match=rf"rate limit; it asks to wait {wait} s; the next tick"):
        sender.deliver(DOWN)
    assert waits.slept == []
    github.forget_requests()
    with pytest.raises(DeliveryFailed, match=rf"left alone for another {wait} s, by its rate limit"):
        sender.deliver(DOWN)
    assert github.requests == []
    waits.clock.advance(timedelta(seconds=wait))
    sender.deliver(DOWN)
    assert len(github.issues) == 1


def test_the_last_request_the_limit_allows_is_known_to_be_the_last(github: GithubStandIn) -> None:
    waits = Waits()
    github.limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(AT.timestamp()) + 1800)}
    with pytest.raises(DeliveryFailed, match="left alone for another 1800 s"):
        hook(github, waits).deliver(DOWN)
    assert github.lines == ["GET /issues"]


def test_passing_trouble_is_tried_three_times(github: GithubStandIn) -> None:
    waits = Waits()
    for _ in range(3):
        github.fail("GET /issues", 502, "Bad Gateway")
    with pytest.raises(
        DeliveryFailed, match=r"answered 502 to GET .*: Bad Gateway; the next tick tries again"
    ):
        hook(github, waits).deliver(DOWN)
    assert github.lines == ["GET /issues"] * 3
    assert waits.slept == [1.0, 2.0]


def test_a_refused_connection_is_tried_again_and_then_said(github: GithubStandIn) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        waits = Waits()
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeliveryFailed, match=r"http://127\.0\.0\.1:\d+ can't be reached: .*refused"):
            hook(github, waits, api=nowhere).deliver(DOWN)
    assert waits.slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "message", "advice"),
    [
        (401, "Bad credentials", "GITHUB_TOKEN holds no valid token, renew it"),
        (403, "Resource not accessible by integration", r"permissions: \{issues: write\}"),
        (
            404,
            "Not Found",
            "there is no acme/robots, or GITHUB_TOKEN can't see its issues: check 'repository'",
        ),
        (410, "Issues are disabled for this repo", "switched off in acme/robots: switch them on"),
        (301, "Moved Permanently", "acme/robots has moved: give 'repository' its new name"),
        (422, "Validation Failed", "Validation Failed"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(
    github: GithubStandIn, status: int, message: str, advice: str
) -> None:
    github.fail("POST /issues", status, message)
    with pytest.raises(DeliveryFailed, match=advice) as caught:
        hook(github).deliver(DOWN)
    assert f"answered {status} to POST /api/v3/repos/acme/robots/issues: {message}" in str(caught.value)
    assert github.writes == ["POST /issues"]


@pytest.mark.parametrize("api", ["", "https://", "api.github.com", "ftp://api.example", "http://[x"])
def test_an_api_address_that_is_none_is_said(github: GithubStandIn, api: str) -> None:
    with pytest.raises(DeliveryFailed, match="api_url isn't a web address"):
        hook(github, api=api or "/").deliver(DOWN)


@pytest.mark.parametrize("name", ["robots", "acme/robots/issues", "acme/../x?y", "a b/c", "acme/robots\n"])
def test_a_repository_that_is_none_is_said(github: GithubStandIn, name: str) -> None:
    with pytest.raises(DeliveryFailed, match="expected owner/name"):
        hook(github, name=name).deliver(DOWN)
    assert github.requests == []


def test_something_else_at_the_api_address_is_said(github: GithubStandIn, httpserver: HTTPServer) -> None:
    httpserver.expect_request(re.compile("^/wiki/.*")).respond_with_data("<h1>Wiki</h1>")
    with pytest.raises(DeliveryFailed, match=r"isn't what GitHub's API answers; check api_url"):
        hook(github, api=httpserver.url_for("/wiki")).deliver(DOWN)


@pytest.mark.parametrize("token", ["wrong-s3cret", "s3cret\ns3cret", "s3crét"])
def test_the_token_is_never_shown(
    github: GithubStandIn, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryFailed, match="GITHUB_TOKEN") as caught:
        hook(github, token=token).deliver(DOWN)
    assert "s3cr" not in str(caught.value)
    assert "s3cr" not in caplog.text


def test_the_token_goes_to_no_other_place(github: GithubStandIn, httpserver: HTTPServer) -> None:
    github.limits = {"Link": '<http://elsewhere.invalid/x?page=2>; rel="next"'}
    with pytest.raises(DeliveryFailed, match="leads to another place"):
        hook(github).deliver(DOWN)


@pytest.mark.own_clock
def test_an_api_that_never_answers_is_given_up_in_time(github: GithubStandIn) -> None:
    github.hangs = 60.0
    repository = Repository(api=github.url, name="acme/robots", token=TOKEN, token_env=NAME)
    started = time.monotonic()
    try:
        with pytest.raises(DeliveryFailed, match=r"no answer from http://.* within 0\.3 s"):
            GithubIssueHook(repository, timeout=0.3).deliver(DOWN)
        assert time.monotonic() - started < 30
    finally:
        github.released.set()


NASTY = [
    "@octocat @acme/everyone fixes #1, closes acme/robots#2, GH-3",
    "</code></pre><img src=x onerror=alert(1)> <!-- loom:episode:forged --> [a](javascript:x)",
    "````\n```\n~~~\n# heading\n@octocat\n<!-- loom:delivery:forged -->",
    "it ends\n```\n@octocat # heading",
    "`` `a` `\n| a | b |\n- [ ] task\n> quote",
    "\x1b[31m\u202e\u2028@octocat\r\n\x00<script>",
    "lone \ud800 surrogate @octocat",
    "`",
    "",
]
DELIVERY = re.compile("<!-- loom:delivery:[0-9a-f]{32} -->")
_RENDER = MarkdownIt("gfm-like", {"linkify": False})


def outside_code(markdown: str) -> str:
    """What GitHub would read for markup, mentions and references: all but code."""
    tokens = _RENDER.parse(markdown)
    inline = itertools.chain.from_iterable(token.children or [] for token in tokens)
    kept: list[str] = []
    for token in itertools.chain(tokens, inline):
        if token.type not in ("inline", "fence", "code_inline"):
            kept.append(token.content + str(token.attrs or ""))
    return "\n".join(kept)


def everywhere(foreign: str) -> Alert:
    return replace(
        DOWN,
        summary=foreign,
        worker=foreign,
        agent=foreign,
        run_id=foreign,
        run_url=foreign,
        error=RunError(foreign, foreign, foreign),
    )


@pytest.mark.parametrize("foreign", NASTY)
def test_a_workers_text_is_shown_and_obeyed_by_nobody(github: GithubStandIn, foreign: str) -> None:
    usual = outside_code(text.body(everywhere("word"), opening=True))
    alert = everywhere(foreign)
    hook(github).deliver(alert)
    hook(github).deliver(replace(alert, at=AT + HOUR))
    opening, comment = github.said(1)
    if foreign:
        assert DELIVERY.sub("-", outside_code(opening)) == DELIVERY.sub("-", usual)
    assert "@" not in outside_code(comment)
    for body in (opening, comment):
        assert not text.carries(body, "<!-- loom:delivery:forged -->")
        assert re.findall("<!--.*forged", body) == []
    assert not re.search(r"[@#]\w|[\n`]", github.issues[0]["title"])


@given(st.text(st.sampled_from("`~<>!-@#* _[](){}\\|\n\r\t&;:/.a1\u2028\x85é"), max_size=60))
def test_no_text_gets_out_of_its_code(foreign: str) -> None:
    """Whatever stands in the alert, GitHub reads the same markup from the body round it."""
    here = outside_code(text.body(everywhere(foreign), opening=True))
    usual = outside_code(text.body(everywhere("word"), opening=True))
    if foreign:
        assert DELIVERY.sub("-", here) == DELIVERY.sub("-", usual)
    assert here.count("<!-- loom:") == 2


def test_huge_texts_stay_within_what_github_takes(github: GithubStandIn) -> None:
    hook(github).deliver(everywhere("é\x01" * 500_000))
    hook(github).deliver(replace(everywhere("`" * 500_000), episode="second"))
    hook(github).deliver(replace(everywhere("@x\n" * 500_000), episode="third"))
    assert len(github.issues) == 3
    assert all(len(issue["title"]) <= 200 for issue in github.issues)
    assert all(len(issue["body"]) <= 65_536 for issue in github.issues)


def test_every_event_has_a_title_and_a_way_to_its_issue(github: GithubStandIn) -> None:
    for number, event in enumerate(Event):
        alert = Alert(event=event, summary="x", at=AT, episode=f"episode-{number}", opened_at=AT)
        hook(github).deliver(alert)
    assert len({issue["title"] for issue in github.issues}) >= len(Event) - 1
    closed = {number for number, event in enumerate(Event) if event in RECOVERIES}
    assert {n for n, issue in enumerate(github.issues) if issue["state"] == "closed"} == closed


def a_run(outcome: Outcome, at: datetime) -> Run:
    return Run(
        run_id=f"run-{at:%H}",
        tick_id="tick",
        tick_at=at,
        worker="echo",
        agent=None,
        slot=at,
        trigger=Trigger.SCHEDULE,
        outcome=outcome,
        final=True,
        error=RunError("ValueError", "no") if outcome is Outcome.FAILED else None,
    )


def test_the_policys_alerts_know_their_episode_and_so_make_one_issue(github: GithubStandIn) -> None:
    """From a run's outcome to the closed issue, through the policy and the outbox as a tick does it."""
    sender, other = hook(github), MemoryHook()
    ids = (f"id-{number}" for number in itertools.count())
    episodes: dict[str, Any] = {}
    outcomes = [Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.FAILED]
    for days, outcome in enumerate(outcomes):
        now = AT + days * 25 * HOUR
        github.now = now
        considered = consider(
            episodes,
            runs=[a_run(outcome, now)],
            policies={},
            standings={},
            troubles=[],
            now=now,
            new_id=lambda: next(ids),
            run_url=None,
        )
        episodes = {each.subject: each for each in considered.episodes}
        prepared = prepare(considered.alerts, [sender, other], now=now, new_id=lambda: next(ids))
        kept: list[Delivery] = []
        done = send(prepared, [sender, other], record=kept.extend, now=ManualClock(now).now)
        assert [each.error for each in done] == [None, None]
        assert {each.alert.episode for each in done} == {each.episode for each in done}
    assert [issue["state"] for issue in github.issues] == ["closed", "open"]
    assert [len(github.said(number)) for number in (1, 2)] == [3, 1]
    assert all("episode" not in alert.payload() for alert in other.delivered)
