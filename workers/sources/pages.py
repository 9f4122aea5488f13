"""A web page as values: title, description, links, subresources, ids. Tolerant of any HTML, bounded in time
and size; what a page says is data and is kept short."""

import codecs
import re
import time
from dataclasses import dataclass
from html.parser import HTMLParser

from workers.sources.urls import fragment_of, normalise

_PIECE = 4_096
_SECONDS = 2.0
_MAX_LINKS = 3_000
_MAX_IDS = 10_000
_MAX_TEXT = 300
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
# What runs in the page or restyles it; browsers refuse these over http in an https page.
_ACTIVE = {"script": "src", "iframe": "src", "frame": "src", "embed": "src", "object": "data"}
_PASSIVE = {"img": "src", "audio": "src", "video": "src", "source": "src", "track": "src", "input": "src"}
_LINK_ASSETS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "apple-touch-icon"}


@dataclass(frozen=True, slots=True)
class Link:
    """url: normalised, without fragment. fragment: as written."""

    url: str
    fragment: str


@dataclass(frozen=True, slots=True)
class Asset:
    """Something the page loads. active: it could change the page (script, frame, stylesheet)."""

    url: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """url: where it was found, after redirects. Empty strings for what the page doesn't say.

    canonical: the address the page names as its own, normalised. noindex: it asks not to be listed.
    insecure_forms: targets of forms that would be sent over http.
    complete: False when the page was cut, was too large, or took too long to read; then what seems to be
    missing may only not have been read.
    """

    url: str
    title: str
    description: str
    language: str
    canonical: str
    viewport: bool
    noindex: bool
    links: tuple[Link, ...]
    assets: tuple[Asset, ...]
    insecure_forms: tuple[str, ...]
    ids: frozenset[str]
    complete: bool


def read_page(body: bytes, *, url: str, charset: str | None, cut: bool) -> Page:
    """Reads HTML. charset: what the Content-Type header says. cut: the body isn't whole. Never raises."""
    reader = _Reader(url)
    text = _decode(body, charset)
    deadline = time.monotonic() + _SECONDS
    complete = not cut
    # html.parser is quadratic on some broken HTML: small pieces, a deadline, and no `close`, which would
    # read the broken rest once more for each '<' in it.
    for start in range(0, len(text), _PIECE):
        try:
            reader.feed(text[start : start + _PIECE])
        except (AssertionError, ValueError):  # a declaration or reference it can't read
            complete = False
            break
        if time.monotonic() > deadline or reader.full:
            complete = False
            break
    return Page(
        url=url,
        title=reader.title,
        description=reader.metas.get("description", ""),
        language=reader.language,
        canonical=reader.canonical,
        viewport="viewport" in reader.metas,
        noindex="noindex" in reader.metas.get("robots", "").lower(),
        links=tuple(dict.fromkeys(reader.links)),
        assets=tuple(dict.fromkeys(reader.assets)),
        insecure_forms=tuple(dict.fromkeys(reader.insecure_forms)),
        ids=frozenset(reader.ids),
        complete=complete,
    )


def _decode(body: bytes, charset: str | None) -> str:
    if body.startswith(codecs.BOM_UTF8):
        return body.decode("utf-8-sig", "replace")
    if charset is None:
        match = _CHARSET.search(body[:2_048])
        charset = match[1].decode("ascii") if match else "utf-8"
    try:
        return body.decode(charset, "replace")
    except (LookupError, UnicodeError):  # unknown, or not a text encoding at all
        return body.decode("utf-8", "replace")


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = self.language = self.canonical = ""
        self.metas: dict[str, str] = {}
        self.links: list[Link] = []
        self.assets: list[Asset] = []
        self.insecure_forms: list[str] = []
        self.ids: set[str] = set()
        self._url = self._base = url
        self._title_state = "before"
        self._in_svg = 0

    @property
    def full(self) -> bool:
        return len(self.links) + len(self.assets) > _MAX_LINKS or len(self.ids) > _MAX_IDS

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: (value or "")[:4_000] for name, value in reversed(attrs)}
        self.ids |= {values[key] for key in ("id", "name") if values.get(key) and (key == "id" or tag == "a")}
        if tag == "html":
            self.language = self.language or values.get("lang", "").strip()[:_MAX_TEXT]
        elif tag == "base" and self._base == self._url and values.get("href"):
            self._base = normalise(values["href"], self._url) or self._url
        elif tag == "svg":
            self._in_svg += 1
        elif tag == "title" and self._title_state == "before" and not self._in_svg:
            self._title_state = "inside"
        elif tag == "meta":
            name = values.get("name", "").strip().lower()[:50]
            if name in ("description", "viewport", "robots"):
                self.metas.setdefault(name, " ".join(values.get("content", "").split())[:_MAX_TEXT])
        elif tag in ("a", "area"):
            self._link(values.get("href"))
        elif tag == "form":
            target = normalise(values.get("action", ""), self._base)
            if target and target.startswith("http:") and self._url.startswith("https:"):
                self.insecure_forms.append(target)
        else:
            self._subresources(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title_state == "inside":
            self._title_state = "after"
            self.title = " ".join(self.title.split())
        elif tag == "svg":
            self._in_svg = max(self._in_svg - 1, 0)

    def handle_data(self, data: str) -> None:
        if self._title_state == "inside":
            self.title = (self.title + data)[:_MAX_TEXT]

    def _link(self, href: str | None) -> None:
        if href is None:
            return
        url = normalise(href, self._base)
        if url:
            self.links.append(Link(url, fragment_of(href.strip())[:_MAX_TEXT]))

    def _subresources(self, tag: str, values: dict[str, str]) -> None:
        if tag == "link":
            kinds = set(values.get("rel", "").lower().split())
            if "canonical" in kinds:
                self.canonical = self.canonical or normalise(values.get("href", ""), self._base) or ""
            elif kinds & _LINK_ASSETS and values.get("href"):
                self._asset(values["href"], active="stylesheet" in kinds)
        elif tag in _ACTIVE:
            self._asset(values.get(_ACTIVE[tag]), active=True)
        elif tag in _PASSIVE:
            self._asset(values.get(_PASSIVE[tag]), active=False)
            self._asset(values.get("poster"), active=False)
            for candidate in values.get("srcset", "").split(", "):
                self._asset(candidate.strip().partition(" ")[0], active=False)

    def _asset(self, address: str | None, *, active: bool) -> None:
        url = normalise(address, self._base) if address else None
        if url:
            self.assets.append(Asset(url, active))
