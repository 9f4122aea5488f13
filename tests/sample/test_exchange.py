"""What carries the stand-ins' questions and answers."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from loom.sample.exchange import Answered, Asked, serving


def echo(asked: Asked) -> Answered:
    return Answered.of_json(200, [asked.method, asked.path, asked.one("q"), len(asked.body)])


def nothing(asked: Asked) -> Answered:
    return Answered(204)


@pytest.fixture
def base() -> Iterator[str]:
    with serving({"/a": echo, "/a/b": nothing}) as base:
        yield base


def asked(base: str, method: str, path: str, body: bytes | None = None, size: str = "") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)) as connection:
        connection.request(method, path, body, {"Content-Length": size} if size else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_the_longest_prefix_answers_and_is_told_the_path_below_it(base: str) -> None:
    assert asked(base, "GET", "/a/x?q=1") == (200, b'["GET", "/x", "1", 0]')
    assert asked(base, "POST", "/a", b"12345") == (200, b'["POST", "/", "", 5]')
    assert asked(base, "GET", "/a/b/c") == (204, b"")
    assert asked(base, "GET", "/ab") == (404, b"")
    assert asked(base, "HEAD", "/a/x") == (200, b"")


@pytest.mark.parametrize("length", ["x", "-1", "10000001", "9" * 5_000])
def test_a_request_of_unknown_or_unbounded_size_is_refused_and_ends_the_connection(
    base: str, length: str
) -> None:
    assert asked(base, "POST", "/a", size=length) == (413, b"")


def test_who_goes_before_the_answer_comes_makes_no_noise(
    base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = urlsplit(base)
    for _ in range(20):
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            connection.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert asked(base, "GET", "/a")[0] == 200
    assert capsys.readouterr().err == ""
