"""Under the clients: look a name up, have its addresses judged, connect to what was judged."""

import contextlib
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import anyio
import httpcore

from loom.enforcement.guarding.audit import LOOM, kept
from loom.enforcement.guarding.gate import Gate

_SocketOptions = Iterable[Any] | None


class Network(httpcore.NetworkBackend):
    """For blocking clients. There is no second look-up that could give another answer."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _SocketOptions = None,
    ) -> httpcore.NetworkStream:
        with kept(LOOM), _lookup_errors():
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = _addresses(found)
        self._gate.admit_addresses(host, port, addresses)
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                with kept(LOOM):
                    stream = self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return Stream(self._gate, stream)
        raise last


class Stream(httpcore.NetworkStream):
    """A connection that ends with the run."""

    def __init__(self, gate: Gate, stream: httpcore.NetworkStream) -> None:
        self._gate = gate
        self._stream = stream
        gate.hold(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, timeout)
        if not self._gate.free:
            self._gate.pass_bytes("bytes_in", len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not self._gate.free:
            self._gate.pass_bytes("bytes_out", len(buffer))
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._gate.release(self)
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._gate.release(self)
        return Stream(self._gate, self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def cut(self) -> None:
        _cut(self._stream.get_extra_info("socket"))


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """As `Network`, for coroutines."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        with kept(LOOM), _lookup_errors(), anyio.fail_after(timeout):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = _addresses(found)
        self._gate.admit_addresses(host, port, addresses)
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                with kept(LOOM):
                    stream = await self._network.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return AsyncStream(self._gate, stream)
        raise last

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class AsyncStream(httpcore.AsyncNetworkStream):
    """As `Stream`, for coroutines."""

    def __init__(self, gate: Gate, stream: httpcore.AsyncNetworkStream) -> None:
        self._gate = gate
        self._stream = stream
        gate.hold(self)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        if not self._gate.free:
            self._gate.pass_bytes("bytes_in", len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not self._gate.free:
            self._gate.pass_bytes("bytes_out", len(buffer))
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        self._gate.release(self)
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self._gate.release(self)
        return AsyncStream(self._gate, await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def cut(self) -> None:
        _cut(self._stream.get_extra_info("socket"))


@contextlib.contextmanager
def _lookup_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout("looking the name up took too long") from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error


def _addresses(found: Iterable[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _cut(connection: Any) -> None:
    """Wakes whoever reads from it; closing it alone would not."""
    with contextlib.suppress(OSError, AttributeError):
        if isinstance(connection, ssl.SSLSocket):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        else:
            connection.shutdown(socket.SHUT_RDWR)
