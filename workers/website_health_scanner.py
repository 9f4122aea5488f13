"""Lookout: how a website's visitors fare.

Reads one site over HTTP, from its start page and sitemaps, within limits and as its robots.txt allows;
sends nothing. Finds pages that fail or redirect badly, slow answers, a certificate about to end, broken
links and images, insecure parts in secure pages, and pages without title or description.

A rule in `enforcement/rules` must allow GET and HEAD for the site's host, and for every host if
`external` is set: a request that no rule allows ends the run as blocked.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loom.worker import PermanentError, Skip, TransientError, WorkerContext, WorkerOutput
from workers.sources.crawl import Reach, Scan, StartDisallowed, crawl
from workers.sources.fetching import Answer, Bounds, Fetcher, Pace, Trouble
from workers.sources.findings import Note, Severity, listing, note, plain, report
from workers.sources.urls import is_downgrade, is_private, normalise

KINDS = (
    "start_page", "page", "redirect", "downgrade", "certificate", "mixed_content", "broken_asset",
    "broken_external", "private", "fragment", "title", "description", "language", "viewport", "slow",
    "sitemap", "robots", "unchecked",
)  # fmt: skip

_UNREACHED = (Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.PROTOCOL)
_CERTIFICATE_WARNING, _CERTIFICATE_CRITICAL = timedelta(days=30), timedelta(days=7)
# What other sites answer to programs although a visitor would see the page.
_UNSURE_OUTSIDE = frozenset({401, 402, 403, 405, 406, 429, 451, 503, 999})


class Settings(BaseModel):
    """site: the start page's address. agent: the name robots.txt may speak to. external: also ask whether
    what other sites hold is there. Times in seconds unless named otherwise."""

    model_config = ConfigDict(extra="forbid")

    site: str | None = None
    agent: str = Field(default="LoomLookout", pattern=r"^[A-Za-z_-]+$")
    external: bool = False
    max_pages: int = Field(default=100, ge=1, le=5_000)
    max_depth: int = Field(default=10, ge=0)
    max_assets: int = Field(default=200, ge=0)
    max_external: int = Field(default=100, ge=0)
    max_seconds: float = Field(default=300, gt=0)
    max_bytes: int = Field(default=2_000_000, ge=1_000)
    max_hops: int = Field(default=5, ge=1)
    max_wait: float = Field(default=15, ge=0)
    max_findings: int = Field(default=200, ge=1)
    timeout: float = Field(default=10, gt=0)
    delay: float = Field(default=0.2, ge=0)
    slow_ms: float = Field(default=2_000, gt=0)

    @field_validator("site")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        url = None if value is None else normalise(value)
        if value is not None and url is None:
            raise ValueError("expected a web address such as https://www.example.org/")
        return url


class Output(WorkerOutput):
    """pages_checked: addresses of the site asked for, whatever they answered. metrics: how many findings of
    each kind (`KINDS`), `links_checked`, `latency_ms_median`, `latency_ms_p95`, `certificate_days`, and,
    once there is a last time to compare with, `new` and `resolved`."""

    pages_checked: int


def reads(settings: Settings, _project: Path) -> Iterator[str]:
    """What a run would ask for, in short lines."""
    if settings.site is None:
        yield "nothing: `site` isn't set"
        return
    yield f"GET {settings.site}: at most {settings.max_pages:,} pages of that site, as its robots.txt allows"
    yield f"HEAD at most {settings.max_assets:,} images, scripts and styles of those pages"
    if settings.external:
        yield f"HEAD at most {settings.max_external:,} addresses of other sites"


def run(context: WorkerContext[Settings]) -> Output:
    settings = context.settings
    if settings.site is None:
        raise Skip(
            "no site to scan: set `settings: {site: https://...}` at worker 'website-health-scanner' in "
            "worker-registry.yaml; a rule in enforcement/rules must allow its host"
        )
    pace = Pace(delay_s=settings.delay, max_seconds=settings.max_seconds, cancelled=lambda: context.cancelled)
    bounds = Bounds(
        timeout_s=settings.timeout,
        max_bytes=settings.max_bytes,
        max_hops=settings.max_hops,
        max_wait_s=settings.max_wait,
    )
    agent = f"{settings.agent}/1.0 (site health check)"
    fetcher = Fetcher(context.http, agent=agent, bounds=bounds, pace=pace, now=context.now)
    reach = Reach(
        max_pages=settings.max_pages,
        max_depth=settings.max_depth,
        max_assets=settings.max_assets,
        max_external=settings.max_external,
        external=settings.external,
        max_bytes=settings.max_bytes * 10,
    )
    try:
        scan = crawl(
            settings.site,
            agent=settings.agent,
            fetcher=fetcher,
            pace=pace,
            reach=reach,
            progress=context.progress,
        )
    except StartDisallowed:
        raise PermanentError(
            f"robots.txt forbids {settings.site} to {settings.agent}: allow it there, or set `site` to "
            "a page that it may read"
        ) from None
    start = scan.answers[scan.start]
    if start.trouble in _UNREACHED:
        raise TransientError(f"{scan.start} can't be reached: {start.trouble}: {plain(start.detail)}")
    if start.status == 429:
        wait = None if start.retry_after_s is None else timedelta(seconds=start.retry_after_s)
        raise TransientError(f"{scan.start} answers 429: it asks us to come back later", retry_after=wait)
    notes = [
        *check_start(scan),
        *check_pages(scan),
        *check_redirects(scan),
        *check_certificate(scan, context.now),
        *check_insecure_parts(scan),
        *check_probes(scan),
        *check_private(scan),
        *check_fragments(scan),
        *check_contents(scan),
        *check_latency(scan, settings.slow_ms),
        *check_coverage(scan),
    ]
    return _output(notes, scan, context)


def check_start(scan: Scan) -> Iterator[Note]:
    """The start page: whatever keeps visitors from it is critical."""
    answer = scan.answers[scan.start]
    if answer.trouble is Trouble.LEFT_SITE:
        detail = (
            f"{scan.start} redirects there. It isn't scanned: if the site lives there now, set `site` to it."
        )
        yield _note("start_page", "critical", "Start page leads to another site", answer.url, detail)
    elif answer.trouble:
        yield _note("start_page", "critical", f"Start page: {answer.trouble}", scan.start, answer.detail)
    elif answer.status is not None and answer.status >= 300:
        detail = "No visitor gets in by it."
        yield _note("start_page", "critical", f"Start page answers {answer.status}", answer.url, detail)
    elif answer.url not in scan.pages:
        detail = f"Its content type is {answer.content_type!r}."
        yield _note("start_page", "warning", "Start page isn't HTML", answer.url, detail)


def check_pages(scan: Scan) -> Iterator[Note]:
    """Addresses of the site that fail: one finding each, naming the pages that link there."""
    for url, answer in scan.answers.items():
        if url == scan.start or answer.trouble in (Trouble.LEFT_SITE, Trouble.DISALLOWED):
            continue
        severity: Severity = "warning"
        if answer.trouble:
            if answer.trouble in (Trouble.LOOP, Trouble.TOO_MANY_HOPS, Trouble.CERTIFICATE):
                severity = "critical"
            kind, title = "redirect" if answer.hops else "page", f"Page: {answer.trouble}"
            yield _note(kind, severity, title, url, f"{answer.detail}. {_told_by(url, scan)}")
        elif answer.status is not None and answer.status >= 400 and answer.status != 429:
            severity = (
                "critical" if answer.status >= 500 else "info" if answer.status in (401, 403) else severity
            )
            yield _note("page", severity, f"Page answers {answer.status}", url, _told_by(url, scan))


def check_redirects(scan: Scan) -> Iterator[Note]:
    """Steps out of encryption, and detours of more than one step."""
    for url, answer in scan.answers.items():
        steps = [*answer.hops, answer.url]
        way = " -> ".join(_shown(step) for step in steps)
        if any(is_downgrade(one, next_one) for one, next_one in pairwise(steps)):
            detail = f"{way}. What is sent there can be read. {_told_by(url, scan)}"
            yield _note("downgrade", "critical", "Redirect from https to http", url, detail)
        elif answer.trouble is None and len(answer.hops) > 1:
            detail = f"{way}. Lead there in one step. {_told_by(url, scan)}"
            yield _note("redirect", "warning", f"Redirect chain of {len(answer.hops)} steps", url, detail)


def check_certificate(scan: Scan, now: datetime) -> Iterator[Note]:
    until = _certificate_until(scan)
    if until is None or until - now >= _CERTIFICATE_WARNING:
        return
    left = until - now
    severity: Severity = "critical" if left < _CERTIFICATE_CRITICAL else "warning"
    detail = "It has ended." if left < timedelta(0) else f"{left.days} days are left: renew it."
    yield _note("certificate", severity, f"Certificate ends on {until:%Y-%m-%d}", scan.start, detail)


def check_insecure_parts(scan: Scan) -> Iterator[Note]:
    """What https pages load, or send forms to, over http."""
    active: dict[str, list[str]] = defaultdict(list)
    passive: dict[str, list[str]] = defaultdict(list)
    forms: dict[str, list[str]] = defaultdict(list)
    for page in scan.pages.values():
        if page.url.startswith("https:"):
            for asset in page.assets:
                if asset.url.startswith("http:"):
                    (active if asset.active else passive)[asset.url].append(page.url)
            for target in page.insecure_forms:
                forms[target].append(page.url)
    for url, pages in active.items():
        detail = f"Browsers refuse it, so the page lacks it. In {_pages(pages)}."
        yield _note("mixed_content", "critical", "Active content loaded over http", url, detail)
    for url, pages in passive.items():
        detail = f"Browsers warn of it or refuse it. In {_pages(pages)}."
        yield _note("mixed_content", "warning", "Image or media loaded over http", url, detail)
    for url, pages in forms.items():
        detail = f"What visitors type can be read on the way. In {_pages(pages)}."
        yield _note("mixed_content", "warning", "Form sent over http", url, detail)


def check_probes(scan: Scan) -> Iterator[Note]:
    """Images, scripts and styles of the site, and what it links to elsewhere."""
    for url, answer in scan.probes.items():
        if answer.trouble in (Trouble.LEFT_SITE, Trouble.DISALLOWED):
            continue
        said = answer.detail if answer.trouble else f"It answers {answer.status}"
        fails = answer.trouble is not None or (answer.status is not None and answer.status >= 400)
        outside = scan.external.pages.get(url)
        if fails and outside and answer.status not in _UNSURE_OUTSIDE:
            severity: Severity = "info" if answer.trouble is Trouble.TIMEOUT else "warning"
            detail = f"{said}. Linked from {_pages(outside)}."
            yield _note("broken_external", severity, "Link to another site is broken", url, detail)
        elif fails and not outside:
            detail = f"{said}. Used by {_pages(scan.assets.pages[url])}."
            yield _note("broken_asset", "warning", "Image, script or style is missing", url, detail)


def check_private(scan: Scan) -> Iterator[Note]:
    """A public site's links to addresses that only its makers' machines or network know; never asked for."""
    for url, pages in scan.external.pages.items():
        if is_private(url) and not is_private(scan.start):
            detail = f"Visitors can't follow it. Linked from {_pages(pages)}."
            yield _note("private", "warning", "Link to a private address", url, detail)


def check_fragments(scan: Scan) -> Iterator[Note]:
    """Links to a part of a page that the page doesn't have."""
    for target, pages in scan.fragments.pages.items():
        url, _, fragment = target.partition("#")
        page = scan.pages.get(scan.answers[url].url) if url in scan.answers else None
        # '!' and '/' belong to pages that a script makes, ':~:' to the browser.
        if page is None or not page.complete or fragment.startswith(("!", "/", ":~:")):
            continue
        if fragment.lower() != "top" and not {fragment, unquote(fragment)} & page.ids:
            detail = f"Linked from {_pages(pages)}."
            yield _note("fragment", "info", "Link to a part that isn't there", target, detail)


def check_contents(scan: Scan) -> Iterator[Note]:
    """What each page should say of itself; one finding for each thing missing, naming the pages."""
    pages = [page for page in scan.pages.values() if page.complete]
    own = [page for page in pages if not page.noindex and page.canonical in ("", page.url)]
    cut = [page.url for page in scan.pages.values() if not page.complete]
    nameless = [page.url for page in pages if not page.title]
    undescribed = [page.url for page in own if not page.description]
    unspoken = [page.url for page in pages if not page.language]
    unfitted = [page.url for page in pages if not page.viewport]
    yield from _gathered("title", "warning", "Pages without a title", nameless)
    yield from _gathered("description", "info", "Pages without a description", undescribed)
    yield from _gathered("language", "info", "Pages that don't name their language", unspoken)
    yield from _gathered("viewport", "info", "Pages without a viewport for phones", unfitted)
    yield from _gathered("unchecked", "info", "Pages read only in part", cut)
    titles: dict[str, list[str]] = defaultdict(list)
    for page in own:
        titles[page.title].append(page.url)
    for title, urls in titles.items():
        if title and len(urls) > 1:
            shown = plain(title, limit=80)
            yield from _gathered("title", "warning", f"Several pages have the title {shown!r}", urls)


def check_latency(scan: Scan, slow_ms: float) -> Iterator[Note]:
    latencies = {url: answer.latency_s * 1000 for url, answer in _answered(scan).items()}
    slow = sorted(
        (url for url in latencies if latencies[url] > slow_ms), key=latencies.__getitem__, reverse=True
    )
    if slow:
        detail = f"{listing([f'{_shown(url)} ({latencies[url]:,.0f} ms)' for url in slow])}."
        yield _note("slow", "warning", f"Pages slower than {slow_ms:g} ms", slow[0], detail)


def check_coverage(scan: Scan) -> Iterator[Note]:
    """What kept the scan from seeing the whole site."""
    if scan.robots_trouble:
        url = normalise("/robots.txt", scan.start) or scan.start
        detail = (
            f"{scan.robots_trouble}. Until it can be read programs must leave the site alone: only the start "
            "page was."
        )
        yield _note("robots", "warning", "robots.txt can't be read", url, detail)
    for url, mistake in scan.sitemap_mistakes.items():
        yield _note("sitemap", "warning", "Sitemap can't be read", url, f"{mistake}.")
    if scan.slowed:
        title = "The site asked us to slow down"
        yield _note("unchecked", "warning", title, scan.start, "It answers 429. Raise `delay`.")
    if scan.unchecked or scan.unprobed:
        detail = (
            f"{scan.unchecked} pages and {scan.unprobed} other addresses lie beyond the limits. Raise "
            "`max_pages`, `max_depth`, `max_assets`, `max_external` or `max_seconds`."
        )
        yield _note("unchecked", "info", "Part of the site is unchecked", scan.start, detail)


def _output(notes: list[Note], scan: Scan, context: WorkerContext[Settings]) -> Output:
    told = report(notes, kinds=KINDS, previous=context.previous, limit=context.settings.max_findings)
    metrics = told.metrics | {"links_checked": len(scan.probes), "disallowed": scan.disallowed}
    latencies = sorted(answer.latency_s * 1000 for answer in _answered(scan).values())
    if latencies:
        metrics["latency_ms_median"] = round(median(latencies), 1)
        metrics["latency_ms_p95"] = round(latencies[-(-95 * len(latencies) // 100) - 1], 1)
    until = _certificate_until(scan)
    if until is not None:
        metrics["certificate_days"] = (until - context.now).days
    checked = len(scan.answers)
    return Output(
        summary=f"{checked} pages of {_shown(scan.start)} checked, {told.text}.",
        findings=told.findings,
        metrics=metrics,
        pages_checked=checked,
    )


def _answered(scan: Scan) -> Mapping[str, Answer]:
    return {url: answer for url, answer in scan.answers.items() if answer.status and answer.status < 300}


def _certificate_until(scan: Scan) -> datetime | None:
    return next((one.certificate_until for one in scan.answers.values() if one.certificate_until), None)


def _told_by(url: str, scan: Scan) -> str:
    pages = scan.links.pages.get(url)
    listed = "Listed in the sitemap." if url in scan.listed else ""
    return f"Linked from {_pages(pages)}. {listed}".rstrip() if pages else listed


def _pages(urls: list[str]) -> str:
    return listing([_shown(url) for url in urls])


def _shown(url: str) -> str:
    return plain(url, limit=200)


def _note(kind: str, severity: Severity, title: str, url: str, detail: str) -> Note:
    return note(kind, severity, title, subject=url, detail=detail, url=url)


def _gathered(kind: str, severity: Severity, title: str, urls: list[str]) -> Iterator[Note]:
    if urls:
        yield _note(kind, severity, title, urls[0], f"{_pages(urls)}.")
