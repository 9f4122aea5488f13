"""The guarded HTTP clients. The only module of the room that needs httpx; imported when one is asked for."""

import os
import ssl
from functools import lru_cache
from operator import index
from typing import Any

import httpcore
import httpx

from loom import __version__
from loom.domain.enforcement import GUARD, Refusal
from loom.enforcement.guarding.forms import await_form, form_of, is_packed
from loom.enforcement.guarding.gate import Gate
from loom.enforcement.guarding.network import AsyncNetwork, Network
from loom.enforcement.judges.http import TELLING, Asked, plain_host

_HEADERS = {"User-Agent": f"loom/{__version__}"}
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_TELLING = frozenset(name.encode() for name in TELLING)
_BODILESS = frozenset({b"GET", b"HEAD"})
# A trace is handed the request, and the connection, after the rules have had their say.
_SWERVING = frozenset({"target", "trace"})
_ADDRESSING = _SWERVING | {"sni_hostname"}
_KNOWN = ("timeout", *_ADDRESSING)
_APART = b"\0"
_MOST_KEPT = 1_000
# As httpx has them.
_KEPT: Any = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}


def client(gate: Gate) -> httpx.Client:
    """A client whose every request, redirects included, passes the gate before it leaves.

    Waits at most 10 s for a connection and 30 s for an answer, unless the request says otherwise.
    Proxies and passwords from the environment aren't used: they would lead round the gate.
    """
    transport = httpx.HTTPTransport(verify=_certificates(), trust_env=False)
    _swap_pool(transport, httpcore.ConnectionPool, _Pool(gate))
    return httpx.Client(transport=transport, trust_env=False, timeout=_TIMEOUT, headers=_HEADERS)


def async_client(gate: Gate) -> httpx.AsyncClient:
    """As `client`, for coroutines."""
    transport = httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False)
    _swap_pool(transport, httpcore.AsyncConnectionPool, _AsyncPool(gate))
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=_TIMEOUT, headers=_HEADERS)


def asked_by(request: httpx.Request) -> Asked:
    """What `request` would put on the wire."""
    url = request.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return _asked(
        httpcore.Request(request.method, target, headers=request.headers.raw, content=request.stream)
    )


def _asked(request: httpcore.Request) -> Asked:
    url = request.url
    scheme = url.scheme.decode("ascii")
    return Asked(
        request.method.decode("ascii"),
        scheme,
        url.host.decode("ascii"),
        url.port or _PORTS.get(scheme, 0),
        url.target.decode("ascii"),
        tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.headers
            if _is_telling(name)
        ),
        form_of(request),
    )


def _is_telling(name: bytes) -> bool:
    return name.lower().replace(b"_", b"-") in _TELLING


def _make_plain(request: httpcore.Request) -> None:
    """Of plain values that nobody else has hold of: what is judged is what is sent."""
    given = request.extensions
    request.extensions = extensions = {name: given[name] for name in _KNOWN if name in given}
    if "timeout" in extensions:
        extensions["timeout"] = {**extensions["timeout"]}
    if _is_plain(request):
        return
    url = request.url
    request.method = _plain(request.method)
    request.url = httpcore.URL(
        scheme=_plain(url.scheme),
        host=_plain(url.host),
        port=None if url.port is None else index(url.port),
        target=_plain(url.target),
    )
    request.headers = [(_plain(name), _plain(value)) for name, value in request.headers]


def _is_plain(request: httpcore.Request) -> bool:
    """To httpcore a value of a class derived from these is as good, whatever it says when it is asked."""
    url = request.url
    if not (type(request.method) is type(url.scheme) is type(url.host) is type(url.target) is bytes):
        return False
    for name, value in request.headers:
        if type(name) is not bytes or type(value) is not bytes:
            return False
    return url.port is None or type(url.port) is int


def _plain(words: bytes) -> bytes:
    return b"".join((words,))


class Admission:
    """Before a gate: knows again what the rules allowed before, as a worker that turns pages asks for it.

    Safe for several threads."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._allowed: set[tuple[int | None, bytes]] = set()
        self._hosts: dict[bytes, int | None] = {}

    def admit(self, request: httpcore.Request) -> None:
        """Raises Refused when the gate doesn't let it pass. Makes it one that can't change any more."""
        _make_plain(request)
        kind = self._kind(request)
        if kind is not None and kind in self._allowed and self._gate.admit_another():
            return
        self._look(request)
        if kind is not None and len(self._allowed) < _MOST_KEPT:
            self._allowed.add(kind)

    def _kind(self, request: httpcore.Request) -> tuple[int | None, bytes] | None:
        """All that makes a difference to the rules, of a request without a body: neither its query does, nor
        the value of a header that isn't among `TELLING`. None where the Host isn't the only one of those."""
        if request.method not in _BODILESS or not _ADDRESSING.isdisjoint(request.extensions):
            return None
        headers = request.headers
        form = _APART.join([request.method, *[name for name, _ in headers]])
        # An address has no zero byte in it; with none in these either, it tells the parts from each other.
        if form.count(_APART) != len(headers):
            return None
        place = self._hosts[form] if form in self._hosts else self._host_in(form, headers)
        if place is None:
            return None
        url = request.url
        path = url.target.partition(b"?")[0]
        return url.port, _APART.join((url.scheme, url.host, path, headers[place][1], form))

    def _host_in(self, form: bytes, headers: list[tuple[bytes, bytes]]) -> int | None:
        """Where the Host stands, if it is the only one of these headers that tells."""
        telling = [place for place, (name, _) in enumerate(headers) if _is_telling(name)]
        alone = len(telling) == 1 and headers[telling[0]][0] == b"Host"
        place = telling[0] if alone else None
        if len(self._hosts) < _MOST_KEPT:
            self._hosts[form] = place
        return place

    def _look(self, request: httpcore.Request) -> None:
        asked = _asked(request)
        if asked.scheme not in _PORTS:
            raise httpcore.UnsupportedProtocol(f"expected http or https, got {asked.act}")
        self._gate.admit(asked)
        sni = request.extensions.get("sni_hostname")
        if sni is not None:
            sni = request.extensions["sni_hostname"] = "".join((str(sni),))
        other_host = sni is not None and plain_host(sni) != plain_host(asked.host)
        if other_host or not _SWERVING.isdisjoint(request.extensions):
            why = "its extensions may make httpx send something else than the address says"
            raise self._gate.refused(Refusal(GUARD, asked.act, why))
        if is_packed(request):
            why = "what a packed form asks for can't be told; send it without a Content-Encoding"
            raise self._gate.refused(Refusal(GUARD, asked.act, why))


class _Pool(httpcore.ConnectionPool):
    """The last place that a request passes as a whole, in the words in which it is sent."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(ssl_context=_certificates(), network_backend=Network(gate), **_KEPT)
        self._admit = Admission(gate).admit

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        self._admit(request)
        response = super().handle_request(request)
        # The way to the bare connection, handed out beside the answer.
        response.extensions.pop("network_stream", None)
        return response


class _AsyncPool(httpcore.AsyncConnectionPool):
    """As `_Pool`, for coroutines."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(ssl_context=_certificates(), network_backend=AsyncNetwork(gate), **_KEPT)
        self._admit = Admission(gate).admit

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        await await_form(request)
        self._admit(request)
        response = await super().handle_async_request(request)
        response.extensions.pop("network_stream", None)
        return response


def _swap_pool(transport: Any, kind: Any, pool: Any) -> None:
    """httpx has no argument for httpcore's pool, nor for its network backend, where names are looked up."""
    if type(transport._pool) is not kind:
        raise RuntimeError(f"this httpx ({httpx.__version__}) keeps its connections elsewhere; unguarded")
    transport._pool = pool


def _certificates() -> ssl.SSLContext:
    return _certificates_of(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _certificates_of(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001  (the key)
    # Reading the authorities takes 20 ms, and every run has clients of its own.
    return httpx.create_ssl_context(trust_env=True)
