"""Servers on this machine that keep what reached them: HTTP, TCP, UDP and a unix socket."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

_HARMLESS = re.compile(r"(GET|HEAD) /open/[a-z0-9/-]*(\?[^ ]*)? HTTP/1.1|POST /search/[a-z0-9-]+ HTTP/1.1")
_OVERRIDE = re.compile(
    r'(?i)^(x[-_]http[-_]method|x[-_]method|x-original-url|x-rewrite-url)|_method=|name="_method"',
    re.MULTILINE,
)


HandlerT = TypeVar("HandlerT", bound=socketserver.BaseRequestHandler)


class Reached:
    """What came in, as text, each with whether the rules of the ground allow it. Safe with threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: list[tuple[bool, str]] = []

    def note(self, text: str, *, allowed: bool = False) -> None:
        with self._lock:
            self._told.append((allowed, text))

    @property
    def forbidden(self) -> list[str]:
        with self._lock:
            return [text for allowed, text in self._told if not allowed]

    @property
    def allowed(self) -> list[str]:
        with self._lock:
            return [text for allowed, text in self._told if allowed]


@contextmanager
def listening(folder: Path) -> Iterator[tuple[Reached, dict[str, int]]]:
    """Everything that listens, and the ports by name. The unix socket is `folder`/s."""
    reached = Reached()
    with ExitStack() as stack:
        ports = {}
        for name, http in (("site", _Site), ("elsewhere", _Http)):
            ports[name] = _serve(stack, ThreadingHTTPServer(("127.0.0.1", 0), _noting(http, reached)))
        for name, tcp in (("tcp", _Tcp), ("database", _Granted)):
            ports[name] = _serve(stack, _TcpServer(("127.0.0.1", 0), _noting(tcp, reached)))
        ports["udp"] = _serve(stack, socketserver.UDPServer(("127.0.0.1", 0), _noting(_Udp, reached)))
        _serve(stack, _UnixServer(str(folder / "s"), _noting(_Tcp, reached)))
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports["free"] = free.getsockname()[1]
        yield reached, ports


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _noting(handler: type[HandlerT], reached: Reached) -> type[HandlerT]:
    return type(handler.__name__, (handler,), {"reached": reached})


def _serve(stack: ExitStack, server: socketserver.BaseServer) -> int:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    address: Any = server.server_address
    return address[1] if isinstance(address, tuple) else 0


class _Http(BaseHTTPRequestHandler):
    """Answers 200 to everything, and keeps each request whole."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    reached: ClassVar[Reached]

    def handle(self) -> None:
        with suppress(OSError):  # cut off by whoever asked
            super().handle()

    def _any(self) -> None:
        body = self._body()
        whole = f"{self.requestline}\n{self.headers}\n{body.decode('latin-1')}"
        self.reached.note(whole, allowed=self.allowed(whole))
        query = parse_qs(urlsplit(self.path).query)
        answer = b"x" * int(query.get("size", ["4"])[0])
        self.send_response(int(query.get("status", ["200"])[0]))
        for key in ("location", "etag"):
            if key in query:
                self.send_header(key, query[key][0])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def __getattr__(self, name: str) -> Any:
        """Whatever the method: `http.server` looks for one of that name."""
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def allowed(self, whole: str) -> bool:
        return False

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.reached.note(f"{getattr(self, 'raw_requestline', b'')!r}")
        super().send_error(code, message, explain)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Site(_Http):
    """The site that workers may read: GET and HEAD below /open, POST to /search/*."""

    def allowed(self, whole: str) -> bool:
        host = self.headers.get_all("Host", [])
        here = {f"{name}:{self.connection.getsockname()[1]}" for name in ("127.0.0.1", "localhost")}
        return (
            _HARMLESS.fullmatch(self.requestline) is not None
            and not _OVERRIDE.search(whole.partition("\n")[2])
            and len(host) == 1
            and host[0] in here
        )


class _Tcp(socketserver.BaseRequestHandler):
    """Greets, as a mail or file server would, and keeps what is said to it."""

    reached: ClassVar[Reached]
    granted = False

    def handle(self) -> None:
        self.request.settimeout(10)
        said = b""
        with suppress(OSError):  # who has gone already may have said something before
            self.request.sendall(b"220 ready\r\n")
        with suppress(OSError):
            while piece := self.request.recv(65536):
                said += piece
                self.reached.note(said.decode("latin-1"), allowed=self.granted)
                if said.endswith(b"\n"):
                    self.request.sendall(b"250 fine\r\n")


class _Granted(_Tcp):
    granted = True


class _Udp(socketserver.BaseRequestHandler):
    reached: ClassVar[Reached]

    def handle(self) -> None:
        self.reached.note(self.request[0].decode("latin-1"))
