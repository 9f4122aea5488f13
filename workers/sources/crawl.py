"""Walking a site: from its start page and sitemaps, breadth first, within limits, one host only."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from workers.sources.fetching import Answer, Fetcher, Pace, Trouble
from workers.sources.pages import Page, read_page
from workers.sources.robots import Robots, read_robots
from workers.sources.sitemap import SitemapError, read_sitemap
from workers.sources.urls import is_private, normalise, same_site

_HTML = frozenset({"", "text/html", "application/xhtml+xml"})
_MAX_TARGETS = 20_000
_MAX_SITEMAPS = 20
_MAX_CRAWL_DELAY = 5.0
_KEPT_SOURCES = 50


class Links:
    """Who points at what: targets in the order met, each with the pages that point there. Bounded."""

    def __init__(self) -> None:
        self.pages: dict[str, list[str]] = {}

    def add(self, target: str, page: str) -> None:
        if target in self.pages:
            if page not in self.pages[target] and len(self.pages[target]) < _KEPT_SOURCES:
                self.pages[target].append(page)
        elif len(self.pages) < _MAX_TARGETS:
            self.pages[target] = [page]


@dataclass(slots=True, kw_only=True)
class Scan:
    """What a walk found.

    answers: by the address asked for, the start page first. pages: the HTML read, by its own address.
    links, external, assets: who points at what. fragments: targets written 'page#fragment'.
    probes: answers to addresses only asked whether they are there.
    listed: addresses the sitemaps name. sitemap_mistakes: by the sitemap's address, what is wrong.
    robots_trouble: why robots.txt can't be known, empty when it can; then only the start page is read.
    unchecked: pages known but not asked for. unprobed: external addresses and assets likewise.
    slowed: the site answered 429 and went on doing so, and the walk stopped.
    """

    start: str
    answers: dict[str, Answer] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    external: Links = field(default_factory=Links)
    assets: Links = field(default_factory=Links)
    fragments: Links = field(default_factory=Links)
    probes: dict[str, Answer] = field(default_factory=dict)
    listed: dict[str, None] = field(default_factory=dict)
    sitemap_mistakes: dict[str, str] = field(default_factory=dict)
    robots_trouble: str = ""
    disallowed: int = 0
    unchecked: int = 0
    unprobed: int = 0
    slowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a walk goes. external: whether other sites' addresses are probed."""

    max_pages: int
    max_depth: int
    max_assets: int
    max_external: int
    external: bool
    max_bytes: int


class StartDisallowed(Exception):
    """robots.txt forbids the start page itself."""


def crawl(
    start: str, *, agent: str, fetcher: Fetcher, pace: Pace, reach: Reach, progress: Callable[[str], None]
) -> Scan:
    """Walks the site of `start` (a normalised address). `agent`: the name robots.txt may speak to.

    Raises StartDisallowed. Trouble with any address is an answer, not an exception.
    """
    return _Walk(start, agent, fetcher, pace, reach, progress).walk()


class _Walk:
    def __init__(
        self,
        start: str,
        agent: str,
        fetcher: Fetcher,
        pace: Pace,
        reach: Reach,
        progress: Callable[[str], None],
    ) -> None:
        self._agent, self._fetcher, self._pace = agent, fetcher, pace
        self._reach, self._progress = reach, progress
        self._robots = Robots()
        self._scan = Scan(start=start)
        self._depths: dict[str, int] = {start: 0}
        self._queue = deque([start])

    def walk(self) -> Scan:
        scan = self._scan
        self._read_robots()
        if not self._robots.allows(scan.start):
            raise StartDisallowed
        self._visit(scan.start)
        answer = scan.answers[scan.start]
        if answer.status is not None and not scan.robots_trouble and not scan.slowed:
            self._read_sitemaps()
            self._visit_all()
            self._probe_all()
        known = [url for url in (*scan.listed, *scan.links.pages) if url not in scan.answers]
        forbidden = {url for url in known if not self._robots.allows(url)}
        scan.disallowed = len(forbidden)
        scan.unchecked = len(set(known) - forbidden)
        return scan

    def _read_robots(self) -> None:
        """RFC 9309: a robots.txt that isn't there allows everything, one that can't be had forbids it."""
        url = normalise("/robots.txt", self._scan.start) or ""
        answer = self._fetcher.get(url, hindrance=self._outside, body_of=_anything)
        if answer.status is not None and answer.status < 300:
            self._robots = read_robots(answer.body.decode("utf-8", "replace"), agent=self._agent)
            self._pace.delay_s = max(self._pace.delay_s, min(self._robots.delay_s, _MAX_CRAWL_DELAY))
        elif answer.status is None and answer.trouble not in (Trouble.LEFT_SITE, Trouble.LOOP):
            self._scan.robots_trouble = answer.detail or str(answer.trouble)
        elif answer.status is not None and (answer.status >= 500 or answer.status == 429):
            self._scan.robots_trouble = f"it answers {answer.status}"

    def _read_sitemaps(self) -> None:
        scan = self._scan
        named = [normalise(url, scan.start) for url in self._robots.sitemaps]
        default = normalise("/sitemap.xml", scan.start)
        queue = deque(url for url in dict.fromkeys(named or [default]) if url and same_site(url, scan.start))
        seen = set(queue)
        read = 0
        while queue and read < _MAX_SITEMAPS and not self._pace.over:
            url = queue.popleft()
            read += 1
            answer = self._fetcher.get(url, hindrance=self._outside, body_of=_anything)
            if answer.status is None or answer.status >= 300:
                if named or read > 1:
                    scan.sitemap_mistakes[url] = answer.detail or f"it answers {answer.status}"
                continue
            if not named and answer.content_type in _HTML:
                continue  # a site that answers every address with a page has no sitemap
            try:
                if answer.cut:
                    raise SitemapError(f"it is {answer.detail}: only its beginning was read")
                sitemap = read_sitemap(answer.body, max_bytes=self._reach.max_bytes)
            except SitemapError as error:
                scan.sitemap_mistakes[url] = str(error)
                continue
            further = (normalise(address, url) for address in sitemap.sitemaps)
            fresh = [one for one in further if one and one not in seen and same_site(one, scan.start)]
            seen.update(fresh)
            queue.extend(fresh)
            self._list(sitemap.pages)

    def _list(self, addresses: tuple[str, ...]) -> None:
        for address in addresses:
            url = normalise(address)
            if url and same_site(url, self._scan.start) and len(self._scan.listed) < _MAX_TARGETS:
                self._scan.listed[url] = None
                self._enqueue(url, 1)

    def _visit_all(self) -> None:
        while self._queue and not self._pace.over and not self._scan.slowed:
            if len(self._scan.answers) >= self._reach.max_pages:
                break
            url = self._queue.popleft()
            if url not in self._scan.answers and self._robots.allows(url):
                self._visit(url)

    def _visit(self, url: str) -> None:
        scan = self._scan
        self._progress(f"page {len(scan.answers) + 1}: {url[:100]}")
        answer = self._fetcher.get(url, hindrance=self._hindrance, body_of=_HTML.__contains__)
        scan.slowed = answer.status == 429
        scan.answers[url] = answer
        if answer.status is None or answer.status >= 300 or answer.content_type not in _HTML:
            return
        if answer.url in scan.pages:
            return
        page = read_page(answer.body, url=answer.url, charset=answer.charset, cut=answer.cut)
        scan.pages[answer.url] = page
        self._gather(page, self._depths[url] + 1)

    def _gather(self, page: Page, depth: int) -> None:
        scan = self._scan
        for link in page.links:
            if not same_site(link.url, scan.start):
                scan.external.add(link.url, page.url)
                continue
            scan.links.add(link.url, page.url)
            if link.fragment:
                scan.fragments.add(f"{link.url}#{link.fragment}", page.url)
            self._enqueue(link.url, depth)
        for asset in page.assets:
            (scan.assets if same_site(asset.url, scan.start) else scan.external).add(asset.url, page.url)

    def _enqueue(self, url: str, depth: int) -> None:
        if url not in self._depths and depth <= self._reach.max_depth and len(self._depths) < _MAX_TARGETS:
            self._depths[url] = depth
            self._queue.append(url)

    def _probe_all(self) -> None:
        scan, reach = self._scan, self._reach
        assets = [url for url in scan.assets.pages if url not in scan.answers and self._robots.allows(url)]
        external = [url for url in scan.external.pages if reach.external and not self._unreachable(url)]
        for url in assets[: reach.max_assets]:
            self._probe(url, self._hindrance)
        for url in external[: reach.max_external]:
            self._probe(url, self._unreachable)
        scan.unprobed = len(assets) + len(external) - len(scan.probes)

    def _probe(self, url: str, hindrance: Callable[[str], Trouble | None]) -> None:
        if not self._pace.over:
            self._progress(f"link {len(self._scan.probes) + 1}: {url[:100]}")
            self._scan.probes[url] = self._fetcher.probe(url, hindrance=hindrance)

    def _unreachable(self, url: str) -> Trouble | None:
        """A public site's visitors can't follow a link into our network, and neither should we."""
        return Trouble.PRIVATE if is_private(url) and not is_private(self._scan.start) else None

    def _outside(self, url: str) -> Trouble | None:
        return None if same_site(url, self._scan.start) else Trouble.LEFT_SITE

    def _hindrance(self, url: str) -> Trouble | None:
        if not same_site(url, self._scan.start):
            return Trouble.LEFT_SITE
        return None if self._robots.allows(url) else Trouble.DISALLOWED


def _anything(_content_type: str) -> bool:
    return True
