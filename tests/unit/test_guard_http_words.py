"""What the guarded client judged is what it sends, whatever the worker's values say when they are asked."""

import gzip
from collections.abc import Iterable, Iterator
from typing import Any, cast

import httpcore
import httpx
import pytest

from loom.domain.enforcement import EnforcementContext
from loom.domain.rules import HttpAllowance, HttpRule
from loom.enforcement.guarding.client import Admission
from loom.enforcement.guarding.gate import Gate
from loom.worker import Refused
from tests.ground.rules import NOWHERE

RULE = HttpRule(
    id="the-rule",
    why="because",
    hosts=("example.org",),
    allow=(HttpAllowance(("GET",), ("/pages/**",)), HttpAllowance(("POST",), ("/search",))),
)
EVERYTHING = HttpRule(
    id="everything", why="because", hosts=("example.org",), allow=(HttpAllowance(("GET",), ("/**",)),)
)
LINES = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
PART = b"--b\r\nContent-Disposition: form-data; %s\r\nX: y\r\n\r\nDELETE\r\n--b--\r\n"


class Bytes(bytes):
    """Says of itself what it is not."""

    def __bytes__(self) -> bytes:
        return b"DELETE"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(b"GET")

    def lower(self) -> bytes:
        return b"x-note"

    def decode(self, *_: str, **__: str) -> str:
        return "GET"


class Number(int):
    def __bool__(self) -> bool:
        return False


def admission(rule: HttpRule = RULE) -> Admission:
    context = EnforcementContext(digest="none", rules=(rule,))
    return Admission(Gate(context, "echo", places=NOWHERE, alone=False))


def page(
    method: bytes = b"GET",
    target: bytes = b"/pages/1",
    *headers: tuple[bytes, bytes],
    port: int | None = None,
    **more: Any,
) -> httpcore.Request:
    url = httpcore.URL(scheme=b"https", host=b"example.org", port=port, target=target)
    return httpcore.Request(method, url, headers=[(b"Host", b"example.org"), *headers], **more)


def form(kind: str, body: bytes | Iterable[bytes], *headers: tuple[bytes, bytes]) -> httpcore.Request:
    return page(b"POST", b"/search", (b"Content-Type", kind.encode()), *headers, content=body)


def said(request: httpcore.Request) -> bytes:
    return b"".join(cast("Iterable[bytes]", request.stream))


@pytest.mark.parametrize(
    "request_",
    [
        page(Bytes(b"DELETE")),
        page(b"GET", Bytes(b"/closed")),
        page(b"GET", b"/pages/1", (Bytes(b"X-HTTP-Method-Override"), b"DELETE")),
        page(b"GET", b"/pages/1", (Bytes(b"Host"), b"other.org")),
        page(b"GET", b"/pages/1", (b"X-HTTP-Method", Bytes(b"DELETE"))),
        page(port=Number(8080)),
    ],
    ids=["method", "target", "name", "host", "value", "port"],
)
def test_a_value_of_a_class_of_its_own_is_judged_by_what_it_holds(request_: httpcore.Request) -> None:
    to = admission()
    to.admit(page())
    with pytest.raises(Refused):
        to.admit(request_)


def test_what_was_admitted_holds_plain_values_only() -> None:
    request = page(Bytes(b"GET"), Bytes(b"/pages/1"), (Bytes(b"X-Note"), Bytes(b"x")), port=Number(443))
    admission().admit(request)
    assert {type(word) for header in request.headers for word in header} == {bytes}
    assert [type(each) for each in (request.method, request.url.target, request.url.port)] == [
        bytes,
        bytes,
        int,
    ]
    assert request.headers[1] == (b"X-Note", b"x")


class Hiding(dict[str, Any]):
    """Holds nothing, and gives out a trace."""

    def get(self, key: str, default: Any = None) -> Any:
        return print if key == "trace" else default


@pytest.mark.parametrize("kind", [dict, Hiding])
def test_nobody_else_has_hold_of_the_extensions_of_what_was_admitted(kind: type[dict[str, Any]]) -> None:
    to = admission()
    for _ in ("judged", "known again"):
        given = kind(timeout=Hiding(read=5.0))
        request = page(extensions=given)
        to.admit(request)
        given["trace"] = print
        assert request.extensions == {"timeout": {"read": 5.0}}
        assert (type(request.extensions), type(request.extensions["timeout"])) == (dict, dict)


def test_the_name_of_an_extension_doesnt_turn_into_another_once_it_was_judged() -> None:
    class Turning(str):
        __slots__ = ()
        asked: list[object] = []  # noqa: RUF012  (of all of them)

        def __hash__(self) -> int:
            return hash("trace")

        def __eq__(self, other: object) -> bool:
            self.asked.append(other)
            return len(self.asked) > 1 and other == "trace"

    to = admission()
    to.admit(page())
    given: dict[str, Any] = {Turning("x"): print}
    Turning.asked.clear()
    request = page(extensions=given)
    # By how the hashes fall, one look into a dict may ask the name twice: then it is "trace", and refused.
    told = None
    try:
        to.admit(request)
    except Refused as refused:
        told = str(refused)
    if told is None:
        assert request.extensions.get("trace") is None
    else:
        assert "its extensions may make httpx send something else" in told


def test_the_name_for_the_certificate_that_was_judged_is_the_one_that_is_asked_for() -> None:
    class Name(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "example.org"

    request = page(extensions={"sni_hostname": Name("other.org")})
    admission().admit(request)
    assert request.extensions["sni_hostname"] == "example.org"


def test_a_target_that_is_an_address_may_name_another_host_whatever_the_paths_of_the_rule() -> None:
    admission(EVERYTHING).admit(page(target=b"/pages//1"))
    for target in (b"http://other.org/", b"other.org:443", b"*"):
        with pytest.raises(Refused, match="may name another host"):
            admission(EVERYTHING).admit(page(target=target))


class Changing(httpx.ByteStream):
    def __init__(self, *bodies: bytes) -> None:
        self._bodies = list(bodies)

    def __iter__(self) -> Iterator[bytes]:
        yield self._bodies.pop(0)


@pytest.mark.parametrize(
    "request_",
    [
        form(LINES, b"_method=DELETE"),
        form(LINES, iter([b"_met", b"hod=DELETE"])),
        form(LINES.upper(), b"a=b&%5Fmethod=delete"),
        form(LINES, b".method=DELETE"),
        form(LINES, b"+_method=DELETE"),
        form(LINES, b"[method=DELETE"),
        form(LINES, b"_method%00=DELETE"),
        form("text/plain", b"_method=DELETE", (b"content-type", LINES.encode())),
        form(PARTS, PART % b'name="_method"'),
        form(PARTS, PART % b"name=_method"),
        form(PARTS, PART % b'filename="x.txt"; name="_method"'),
        form(PARTS, PART % b'\r\n\tNAME = "\\_method"'),
        form(PARTS, PART % b"name*=utf-8''%5fmethod"),
        form(PARTS, (PART % b"name=_method").replace(b"\r\n", b"\n")),
        form(PARTS, (PART % b"name=_method").replace(b"DELETE", b"\r\ndelete")),
        form(PARTS, b"".join([b"x" * 100_000, b"\r\n", PART % b"name=_method"])),
        form(PARTS, Changing(PART % b"name=_method", b"")),
    ],
)
def test_a_form_asks_for_another_method_in_many_ways(request_: httpcore.Request) -> None:
    with pytest.raises(Refused, match=r"refused by the-rule: .*asks to be treated as DELETE"):
        admission().admit(request_)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (LINES, b"method=DELETE&_method=post"),
        (PARTS, PART % b'name="method"'),
        (PARTS, PART % b'name="file"; filename="_method"'),
        (PARTS, (PART % b"name=_method").replace(b"DELETE", b"post")),
        (PARTS, (PART % b"name=a").replace(b"DELETE", b'<input name="_method" value="put">\r\n\r\nx')),
        ("application/json", b'{"_method": "DELETE"}'),
    ],
)
def test_any_other_form_is_sent_as_it_was_read(kind: str, body: bytes) -> None:
    request = form(kind, iter([body[:9], body[9:]]))
    admission().admit(request)
    assert said(request) == body


def test_a_form_is_read_once() -> None:
    request = form(LINES, Changing(b"a=b", b"_method=DELETE"))
    admission().admit(request)
    assert said(request) == said(request) == b"a=b"


@pytest.mark.parametrize("kind", [LINES, PARTS])
def test_a_packed_form_is_refused_with_what_to_do(kind: str) -> None:
    with pytest.raises(Refused, match=r"refused by guard: .*send it without a Content-Encoding"):
        admission().admit(form(kind, gzip.compress(b"_method=DELETE"), (b"content-encoding", b"gzip")))
    admission().admit(form("text/plain", gzip.compress(b"x"), (b"content-encoding", b"gzip")))


def test_a_form_that_can_only_be_awaited_is_never_taken_for_none() -> None:
    async def pieces() -> Any:
        yield b"_method=DELETE"

    with pytest.raises(TypeError):
        admission().admit(form(LINES, cast("Iterable[bytes]", pieces())))
