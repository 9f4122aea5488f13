"""What a stand-in for a web service hears and says, and a server on loopback that lets it speak."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loom.values import dataclass, field

_LARGEST = 10_000_000
_DIGITS = len(str(_LARGEST))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. path: without the prefix that the stand-in is served under, never with a query. headers: by
    lower-case name."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        """The first value of a parameter of the query."""
        return self.query.get(name, [default])[0]

    def json(self) -> Any:
        """Raises ValueError when the body is no JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, whole. headers: without Content-Length, which the server adds."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> "Answered":
        body = json.dumps(value).encode()
        return cls(status, body, {"Content-Type": "application/json;charset=utf-8", **(headers or {})})


StandIn = Callable[[Asked], Answered]
Heard = Callable[[str, Asked, Answered], None]


@contextmanager
def serving(stand_ins: Mapping[str, StandIn], *, port: int = 0, heard: Heard | None = None) -> Iterator[str]:
    """Serve each stand-in under its prefix (`/hubspot`), on loopback; within, yields its base address.

    port: 0 is any that is free. heard: is told the prefix, the request and the answer of every exchange.
    Raises OSError when the port is taken.
    """
    server = _server(stand_ins, port, heard)
    thread = threading.Thread(target=server.serve_forever, name="loom sample", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _server(stand_ins: Mapping[str, StandIn], port: int, heard: Heard | None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go in two packets; the second would wait 40 ms

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  (http.server's names)

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _answer(self) -> None:
            body = self._body()
            if body is None:
                self.close_connection = True  # what is left of the request isn't the next one
                self._send(Answered(413))
                return
            target = urlsplit(self.path)
            prefix = max(
                (each for each in stand_ins if target.path == each or target.path.startswith(each + "/")),
                key=len,
                default="",
            )
            asked = Asked(
                self.command,
                target.path[len(prefix) :] or "/",
                parse_qs(target.query, keep_blank_values=True),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            answered = stand_ins[prefix](asked) if prefix in stand_ins else Answered(404)
            if heard is not None:
                heard(prefix, asked, answered)
            self._send(answered)

        def _body(self) -> bytes | None:
            """None for one that is too large, or of which it isn't said how large it is."""
            told = self.headers.get("Content-Length", "0")
            if "Transfer-Encoding" in self.headers or not told.isdecimal() or len(told) > _DIGITS:
                return None
            return self.rfile.read(int(told)) if int(told) <= _LARGEST else None

        def _send(self, answered: Answered) -> None:
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answered.body)

    return _Server(("127.0.0.1", port), Handler)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # who asks may go before the answer comes
            super().handle_error(request, client_address)
