"""The guarded HTTP clients. The only module of the room that needs httpx; imported when one is asked for."""

import os
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpcore
import httpx

from loom import __version__
from loom.domain.enforcement import GUARD, Refusal
from loom.enforcement.guarding.gate import Gate
from loom.enforcement.guarding.network import AsyncNetwork, Network
from loom.enforcement.judges.http import TELLING, Asked, plain_host

_HEADERS = {"User-Agent": f"loom/{__version__}"}
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_TELLING = frozenset(name.encode() for name in TELLING)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


def client(gate: Gate) -> httpx.Client:
    """A client whose every request, redirects included, passes the gate before it leaves.

    Waits at most 10 s for a connection and 30 s for an answer, unless the request says otherwise.
    Proxies and passwords from the environment aren't used: they would lead round the gate.
    """
    return httpx.Client(transport=_Transport(gate), trust_env=False, timeout=_TIMEOUT, headers=_HEADERS)


def async_client(gate: Gate) -> httpx.AsyncClient:
    """As `client`, for coroutines."""
    return httpx.AsyncClient(
        transport=_AsyncTransport(gate), trust_env=False, timeout=_TIMEOUT, headers=_HEADERS
    )


def asked_by(request: httpx.Request) -> Asked:
    """What `request` would put on the wire."""
    url = request.url
    scheme = url.scheme
    return Asked(
        request.method,
        scheme,
        url.raw_host.decode("ascii"),
        url.port or _PORTS.get(scheme, 0),
        url.raw_path.decode("ascii"),
        _telling(request.headers.raw),
        _form(request),
    )


def _telling(raw: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    places = _telling_places(tuple([name for name, _ in raw]))
    return tuple([(raw[place][0].decode("latin-1"), raw[place][1].decode("latin-1")) for place in places])


@lru_cache(maxsize=256)
def _telling_places(names: tuple[bytes, ...]) -> tuple[int, ...]:
    # A worker's requests have much the same headers.
    return tuple(place for place, name in enumerate(names) if name.lower().replace(b"_", b"-") in _TELLING)


def _form(request: httpx.Request) -> str:
    """The body of a form that is sent as one piece; of one in several parts, the fields that aren't files."""
    if request.method in ("GET", "HEAD"):
        return ""
    kind = request.headers.get("Content-Type", "").lower()
    if kind.startswith("multipart/form-data"):
        fields = getattr(request.stream, "fields", ())
        return urlencode([(each.name, each.value) for each in fields if hasattr(each, "value")])
    if not kind.startswith("application/x-www-form-urlencoded"):
        return ""
    return request.read().decode("latin-1") if isinstance(request.stream, httpx.ByteStream) else ""


def _admit(gate: Gate, request: httpx.Request) -> None:
    if request.url.scheme not in _PORTS:
        raise httpx.UnsupportedProtocol(f"expected http or https, got {request.url}", request=request)
    asked = asked_by(request)
    gate.admit(asked)
    extensions = request.extensions
    sni = extensions.get("sni_hostname")
    other_host = sni is not None and plain_host(str(sni)) != plain_host(asked.host)
    # A trace is handed the request, and the connection, after the rules have had their say.
    if other_host or "target" in extensions or "trace" in extensions:
        why = "its extensions may make httpx send something else than the address says"
        raise gate.refused(Refusal(GUARD, asked.act, why))


def _closed(response: httpx.Response) -> httpx.Response:
    """Without the way to the bare connection that httpx hands out beside the answer."""
    response.extensions.pop("network_stream", None)
    return response


class _Transport(httpx.HTTPTransport):
    def __init__(self, gate: Gate) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._gate = gate
        _swap_pool(self, httpcore.ConnectionPool, Network(gate))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _admit(self._gate, request)
        return _closed(super().handle_request(request))


class _AsyncTransport(httpx.AsyncHTTPTransport):
    def __init__(self, gate: Gate) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._gate = gate
        _swap_pool(self, httpcore.AsyncConnectionPool, AsyncNetwork(gate))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _admit(self._gate, request)
        return _closed(await super().handle_async_request(request))


def _swap_pool(transport: Any, kind: Any, network: Any) -> None:
    """httpx has no argument for httpcore's network backend, where names are looked up."""
    if type(transport._pool) is not kind:
        raise RuntimeError(f"this httpx ({httpx.__version__}) keeps its connections elsewhere; unguarded")
    transport._pool = kind(
        ssl_context=_certificates(),
        max_connections=_LIMITS.max_connections,
        max_keepalive_connections=_LIMITS.max_keepalive_connections,
        keepalive_expiry=_LIMITS.keepalive_expiry,
        network_backend=network,
    )


def _certificates() -> ssl.SSLContext:
    return _certificates_of(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _certificates_of(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001  (the key)
    # Reading the authorities takes 20 ms, and every run has clients of its own.
    return httpx.create_ssl_context(trust_env=True)
