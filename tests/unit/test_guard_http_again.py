"""What the guarded client knows again, it judges as if it were the first time."""

from collections.abc import Iterable

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom.domain.enforcement import EnforcementContext
from loom.domain.rules import HttpAllowance, HttpRule, LimitsRule, Rule
from loom.enforcement.guarding.client import Admission
from loom.enforcement.guarding.gate import Gate
from loom.worker import Refused
from tests.ground.rules import NOWHERE

RULE = HttpRule(
    id="the-rule",
    why="because",
    hosts=("example.org", "example.org:8080"),
    allow=(
        HttpAllowance(("GET", "HEAD"), ("/pages/*",)),
        HttpAllowance(("GET",), ("/secure",), https_only=True),
        HttpAllowance(("POST",), ("/pages/search",)),
    ),
)
Headers = list[tuple[bytes, bytes]]
HOST = (b"Host", b"example.org")


def admission(*rules: Rule) -> tuple[Admission, Gate]:
    gate = Gate(EnforcementContext(digest="none", rules=(RULE, *rules)), "echo", places=NOWHERE, alone=False)
    return Admission(gate), gate


def page(
    target: bytes = b"/pages/1",
    *headers: tuple[bytes, bytes],
    method: bytes = b"GET",
    scheme: bytes = b"https",
    host: bytes = b"example.org",
    port: int | None = None,
    extensions: dict[str, object] | None = None,
) -> httpcore.Request:
    url = httpcore.URL(scheme=scheme, host=host, port=port, target=target)
    return httpcore.Request(method, url, headers=list(headers or (HOST,)), extensions=extensions)


requests = st.builds(
    page,
    st.sampled_from([b"/pages/1", b"/pages/1?a=b", b"/pages/1?_method=DELETE", b"/pages/..", b"/secure"]),
    st.sampled_from(
        [HOST, (b"Host", b"other.org"), (b"Host", b"example.org:8080"), (b"host", b"example.org")]
    ),
    st.sampled_from(
        [
            (b"Accept", b"*/*"),
            (b"Accept", b"text/html"),
            HOST,
            (b"X-HTTP-Method-Override", b"DELETE"),
            (b"X_HTTP_Method_Override", b"PUT"),
            (b"X-Original-URL", b"/secure"),
            (b"Accept\0Host", b"*/*"),
        ]
    ),
    method=st.sampled_from([b"GET", b"HEAD", b"POST", b"DELETE"]),
    scheme=st.sampled_from([b"https", b"http", b"wss", b"ftp"]),
    host=st.sampled_from([b"example.org", b"other.org"]),
    port=st.sampled_from([None, 80, 443, 8080]),
)


def told(to: Admission, request: httpcore.Request) -> str:
    try:
        to.admit(request)
    except (Refused, httpcore.UnsupportedProtocol) as error:
        return str(error)
    return "admitted"


@given(st.lists(requests, max_size=12))
def test_what_was_admitted_before_makes_no_difference(asked: list[httpcore.Request]) -> None:
    long_used, gate = admission()
    for request in (page(), page(port=8080), *asked, *asked):
        assert told(long_used, request) == told(admission()[0], request)
    assert gate.checks == 2 + 2 * sum(request.url.scheme != b"ftp" for request in asked)


@pytest.mark.parametrize(
    "other",
    [
        page(method=b"POST"),
        page(b"/page"),
        page(scheme=b"wss"),
        page(host=b"other.org"),
        page(port=8080),
        page(b"/pages/1", (b"Host", b"other.org")),
        page(b"/pages/1", HOST, HOST),
        page(b"/pages/1", HOST, (b"X-Method-Override", b"DELETE")),
        page(extensions={"target": b"/pages/2"}),
        page(extensions={"sni_hostname": "other.org"}),
        page(extensions={"trace": print}),
    ],
    ids=repr,
)
def test_a_page_that_was_admitted_opens_no_way_to_another(other: httpcore.Request) -> None:
    to, gate = admission()
    for _ in range(3):
        to.admit(page())
    with pytest.raises(Refused):
        to.admit(other)
    assert (gate.checks, gate.refused_count) == (4, 1)


@pytest.mark.parametrize(
    ("before", "other"),
    [
        ([page(b"/secure")], page(b"/secure", method=b"HEAD")),
        (
            [page(b"/pages/1", HOST, (b"X-HTTP-Method", b"GET"))],
            page(b"/pages/1", HOST, (b"X-HTTP-Method", b"DELETE")),
        ),
        (
            # Two names in one, which nobody would send, aren't taken for two.
            [
                page(b"/pages/1", (b"A\0B", b""), HOST),
                page(b"/pages/1", (b"A", b""), (b"B", b""), HOST),
            ],
            page(b"/pages/1", (b"A", b""), (b"B", b""), (b"Host", b"other.org")),
        ),
    ],
    ids=["method", "override", "zero"],
)
def test_what_was_admitted_opens_no_way_to_what_looks_much_like_it(
    before: list[httpcore.Request], other: httpcore.Request
) -> None:
    to, _ = admission()
    for request in before:
        to.admit(request)
    with pytest.raises(Refused):
        to.admit(other)


def test_each_page_counts_towards_the_limit_and_is_refused_beyond_it() -> None:
    to, gate = admission(LimitsRule(id="few", why="enough", requests=3))
    turned(to, (b"/pages/1?after=%d" % number for number in range(3)))
    with pytest.raises(Refused, match="refused by few"):
        to.admit(page())
    assert gate.checks == 4


def test_once_the_run_is_over_no_page_is_turned() -> None:
    to, gate = admission()
    turned(to, [b"/pages/1", b"/pages/1"])
    gate.revoke("the run is over")
    with pytest.raises(Refused, match="the run is over"):
        to.admit(page())


def turned(to: Admission, targets: Iterable[bytes]) -> None:
    for target in targets:
        to.admit(page(target))
