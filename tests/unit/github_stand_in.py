"""A stand-in for GitHub's REST API, as far as issues go: a real server that keeps what it is told.

It is strict where GitHub is: headers, methods, paths, fields, page sizes. What reached it is in `requests`.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "ghs_s3cretT0ken"  # noqa: S105  made up
_BY_NUMBER = "/repositories/4711"
_ISSUE_FIELDS = {"title", "body", "labels"}
_CHANGES = {"state", "state_reason"}
_LIST_FIELDS = {"state", "labels", "since", "sort", "direction", "per_page", "page"}


@dataclass(frozen=True)
class Call:
    """One request as it arrived. body: what its JSON says, None without one."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def line(self) -> str:
        """'POST /issues/3/comments', from the repository on."""
        return f"{self.method} {re.sub(r'^/repos/[^/]+/[^/]+', '', self.path)}"


@dataclass
class Fault:
    """What goes wrong once. done: whether the request takes effect before it goes wrong."""

    line: str
    response: Response
    done: bool = False


@dataclass
class GithubStandIn:
    """now: what time GitHub thinks it is. page: issues and comments in a page, at most what is asked for.
    may_label: whether the token may set labels; GitHub leaves them out in silence if it may not."""

    server: HTTPServer
    now: datetime
    repository: str = "acme/robots"
    page: int = 100
    may_label: bool = True
    hangs: float = 0.0
    released: threading.Event = field(default_factory=threading.Event)
    requests: list[Call] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    limits: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.expect_request(re.compile("^/api/v3/")).respond_with_handler(self._answer)

    @property
    def url(self) -> str:
        return self.server.url_for("/api/v3")

    @property
    def lines(self) -> list[str]:
        return [call.line for call in self.requests]

    @property
    def writes(self) -> list[str]:
        return [line for line in self.lines if not line.startswith("GET")]

    def later(self, by: timedelta) -> None:
        self.now += by

    def forget_requests(self) -> None:
        self.requests.clear()

    def said(self, number: int) -> list[str]:
        """What a person reads in an issue: its body, then its comments."""
        bodies = [each["body"] for each in self.comments if each["issue"] == number]
        return [str(self.issues[number - 1]["body"]), *bodies]

    def open_by_hand(self, **fields: Any) -> dict[str, Any]:
        """An issue (or, with `pull_request`, a pull request) that somebody else opened."""
        issue = {
            "number": len(self.issues) + 1,
            "title": "something else",
            "body": None,
            "state": "open",
            "state_reason": None,
            "labels": [],
            "created_at": _stamp(self.now),
            "updated_at": _stamp(self.now),
            **fields,
        }
        self.issues.append(issue)
        return issue

    def fail(
        self,
        line: str,
        status: int,
        message: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        done: bool = False,
    ) -> None:
        """The next such request is answered so."""
        body = json.dumps({"message": message, "documentation_url": "https://docs.github.com/rest"})
        response = Response(body, status=status, headers=headers, content_type="application/json")
        self.faults.append(Fault(line, response, done))

    def _answer(self, request: Request) -> Response:
        if self.hangs:
            self.released.wait(self.hangs)
        text = request.get_data(as_text=True)
        path = request.path.removeprefix("/api/v3").replace(_BY_NUMBER, f"/repos/{self.repository}", 1)
        body = json.loads(text) if text else None
        call = Call(request.method, path, dict(request.args), dict(request.headers), body)
        self.requests.append(call)
        fault = next((each for each in self.faults if each.line == call.line), None)
        if fault is None:
            return self._limited(self._route(call))
        self.faults.remove(fault)
        if fault.done:
            self._route(call)
        return fault.response

    def _limited(self, response: Response) -> Response:
        response.headers.update({"X-RateLimit-Remaining": "4999", **self.limits})
        return response

    def _route(self, call: Call) -> Response:
        headers = call.headers
        if not headers.get("User-Agent", "").startswith("loom/"):
            return _refused(403, "Request forbidden by administrative rules. Please name a User-Agent.")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return _refused(401, "Bad credentials")
        if headers.get("X-Github-Api-Version") != "2022-11-28":
            return _refused(400, "no such API version")
        if headers.get("Accept") != "application/vnd.github+json":
            return _refused(415, "Unsupported 'Accept' header")
        root = f"/repos/{self.repository}/issues"
        routes: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", root, self._list_issues),
            ("POST", root, self._create_issue),
            ("PATCH", rf"{root}/(\d+)", self._change_issue),
            ("GET", rf"{root}/(\d+)/comments", self._list_comments),
            ("POST", rf"{root}/(\d+)/comments", self._create_comment),
        ]
        for method, pattern, handle in routes:
            match = re.fullmatch(pattern, call.path)
            if match and method == call.method:
                numbers = [int(number) for number in match.groups()]
                if any(not 1 <= number <= len(self.issues) for number in numbers):
                    return _refused(404, "Not Found")
                return handle(call, *numbers)
        return _refused(404, "Not Found")

    def _list_issues(self, call: Call) -> Response:
        query = call.query
        assert set(query) <= _LIST_FIELDS, query
        wanted = set(query.get("labels", "").split(",")) - {""}
        found = [
            each
            for each in self.issues
            if query.get("state", "open") in ("all", each["state"])
            and wanted <= {label["name"] for label in each["labels"]}
            and each["updated_at"] >= query.get("since", "")
        ]
        assert query.get("sort", "created") == "created"
        newest_first = query.get("direction", "desc") == "desc"
        found.sort(key=lambda each: (each["created_at"], each["number"]), reverse=newest_first)
        return self._paged(call, found)

    def _list_comments(self, call: Call, number: int) -> Response:
        assert set(call.query) <= {"since", "per_page", "page"}, call.query
        since = call.query.get("since", "")
        mine = [each for each in self.comments if each["issue"] == number and each["updated_at"] >= since]
        return self._paged(call, mine)

    def _paged(self, call: Call, found: list[dict[str, Any]]) -> Response:
        size = min(self.page, int(call.query.get("per_page", "30")), 100)
        page = int(call.query.get("page", "1"))
        response = _json(200, found[(page - 1) * size : page * size])
        if page * size < len(found):
            # GitHub's next page has another path: it goes by the repository's number.
            path = call.path.replace(f"/repos/{self.repository}", _BY_NUMBER, 1)
            address = f"{self.url}{path}?{urlencode(call.query | {'page': str(page + 1)})}"
            response.headers["Link"] = f'<{address}>; rel="next", <{address}>; rel="last"'
        return response

    def _create_issue(self, call: Call) -> Response:
        assert set(call.body) <= _ISSUE_FIELDS, call.body
        if problem := _problem(call.body, "title", 256) or _problem(call.body, "body", 65_536):
            return _refused(422, problem)
        labels = [{"name": name} for name in call.body.get("labels", [])] if self.may_label else []
        issue = self.open_by_hand(title=call.body["title"], body=call.body["body"], labels=labels)
        return _json(201, issue)

    def _create_comment(self, call: Call, number: int) -> Response:
        assert set(call.body) == {"body"}, call.body
        if problem := _problem(call.body, "body", 65_536):
            return _refused(422, problem)
        stamp = _stamp(self.now)
        comment = {"issue": number, "body": call.body["body"], "created_at": stamp, "updated_at": stamp}
        self.comments.append(comment)
        self.issues[number - 1]["updated_at"] = stamp
        return _json(201, comment)

    def _change_issue(self, call: Call, number: int) -> Response:
        assert set(call.body) <= _CHANGES, call.body
        if call.body["state"] not in ("open", "closed"):
            return _refused(422, "Validation Failed")
        self.issues[number - 1].update(call.body, updated_at=_stamp(self.now))
        return _json(200, self.issues[number - 1])


def _problem(body: dict[str, Any], name: str, longest: int) -> str | None:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        return f"{name} is missing"
    return f"{name} is too long (maximum is {longest} characters)" if len(value) > longest else None


def _refused(status: int, message: str) -> Response:
    return _json(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def _json(status: int, value: Any) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json; charset=utf-8")


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
