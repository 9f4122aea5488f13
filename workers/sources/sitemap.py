"""Sitemaps (https://www.sitemaps.org/protocol.html): the addresses a site lists of itself."""

import zlib
from dataclasses import dataclass
from xml.parsers import expat

_GZIP = b"\x1f\x8b"
_MAX_URLS = 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """pages: the addresses listed. sitemaps: further sitemaps, when it is an index."""

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()


class SitemapError(ValueError):
    """The body isn't a sitemap; the text says why."""


def read_sitemap(body: bytes, *, max_bytes: int) -> Sitemap:
    """Reads a sitemap, an index of sitemaps, or a plain list of addresses, gzipped or not.

    max_bytes: the size it may have once unpacked. Raises SitemapError.
    """
    if body.startswith(_GZIP):
        body = _unpack(body, max_bytes)
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"http://", b"https://")):
        return Sitemap(pages=tuple(body.decode("utf-8-sig", "replace").split()[:_MAX_URLS]))
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise SitemapError(f"it isn't well-formed XML: {error}") from None
    if reader.root not in ("urlset", "sitemapindex"):
        raise SitemapError(f"its root element is <{reader.root[:40]}>; expected <urlset> or <sitemapindex>")
    found = tuple(reader.found)
    return Sitemap(sitemaps=found) if reader.root == "sitemapindex" else Sitemap(pages=found)


def _unpack(body: bytes, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, max_bytes)
    except zlib.error as error:
        raise SitemapError(f"it can't be unpacked: {error}") from None
    if not unpacker.eof:
        raise SitemapError(f"it is cut off, or larger than {max_bytes:,} bytes once unpacked")
    return unpacked


class _Reader:
    """Gathers each <loc> of a <url> or <sitemap>; a document type, which could define entities that grow
    without end, is refused."""

    def __init__(self) -> None:
        self.root = ""
        self.found: list[str] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, name: str, _attributes: object) -> None:
        local = name.rpartition(":")[2]
        self.root = self.root or local
        self._path.append(local)
        self._text.clear()

    def _end(self, _name: str) -> None:
        if self._path[-2:] in (["url", "loc"], ["sitemap", "loc"]) and len(self.found) < _MAX_URLS:
            self.found.append("".join(self._text).strip())
        self._path.pop()
        self._text.clear()

    def _refuse(self, *_declaration: object) -> None:
        raise SitemapError("it has a document type, which no sitemap needs")
