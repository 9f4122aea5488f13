"""What a form asks for, read from the very bytes that are sent."""

import re
from collections.abc import Iterable, Iterator
from typing import cast
from urllib.parse import unquote, urlencode

import httpcore
import httpx

from loom.enforcement.judges.http import asks_for_a_method

_BODILESS = frozenset({b"GET", b"HEAD"})
_LINES, _PARTS = b"application/x-www-form-urlencoded", b"multipart/form-data"
_DISPOSITION = re.compile(rb"(?i)content-disposition[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)")
_NAME = re.compile(rb'(?i)(?<![\w*])name\*?[ \t]*=[ \t]*("(?:\\.|[^"\\])*"?|[^;\s]*)')
_VALUE = re.compile(rb"(?s)(?:\r\n\r\n|\n\n|\r\r)(.*?)(?:[\r\n]--|\Z)")


def form_of(request: httpcore.Request) -> str:
    """The fields by which a form may ask for another method, URL-encoded; empty if it is no form.

    Reads the body of a form whole, and leaves what was read in its place: a body that is read again may be
    another. Raises TypeError when it can only be awaited.
    """
    kind = _kind(request)
    if not kind:
        return ""
    body = b"".join(cast("Iterable[bytes]", request.stream))
    request.stream = httpx.ByteStream(body)
    fields = urlencode(list(_parts(body))) if _PARTS in kind else ""
    return "&".join(filter(None, [body.decode("latin-1") if _LINES in kind else "", fields]))


async def await_form(request: httpcore.Request) -> None:
    """Put the body of a form that can only be awaited into the request as one piece."""
    stream = request.stream
    if not isinstance(stream, Iterable) and _kind(request):
        request.stream = httpx.ByteStream(b"".join([piece async for piece in stream]))


def is_packed(request: httpcore.Request) -> bool:
    """Whether it is a form that only whoever unpacks it can read."""
    return bool(_kind(request) and _header(request, b"content-encoding") not in (b"", b"identity"))


def _kind(request: httpcore.Request) -> bytes:
    """The Content-Type, or several in a row, if a server may take one for that of a form."""
    if request.method in _BODILESS:
        return b""
    kind = _header(request, b"content-type")
    return kind if _LINES in kind or _PARTS in kind else b""


def _header(request: httpcore.Request, wanted: bytes) -> bytes:
    return b", ".join(value for name, value in request.headers if name.lower() == wanted).lower()


def _parts(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and values, whatever the boundary: which one counts, servers see differently."""
    for head in _DISPOSITION.finditer(body):
        for said in _NAME.findall(head[1]):
            name = _as_read(said.decode("latin-1"))
            if asks_for_a_method(name):
                value = _VALUE.search(body, head.end())
                yield name, value[1] if value else b""


def _as_read(name: str) -> str:
    text = re.sub(r"\\(.)", r"\1", name.strip('"'))
    return unquote(text.rpartition("''")[2])
