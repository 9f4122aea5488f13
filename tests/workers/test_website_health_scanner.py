"""website-health-scanner against a real local HTTP(S) server. Today is 15 June 2026."""

import gzip
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from loom.domain.enforcement import Refusal
from loom.worker import PermanentError, Refused, Skip, TransientError
from tests.workers.conftest import NOW, Contexts
from tests.workers.outputs import counted, only
from workers.website_health_scanner import KINDS, Output, Settings, reads, run

# Far enough off that no machine's clock refuses it.
CERTIFICATE_END = datetime(2099, 1, 1, tzinfo=UTC)


def html(title: str = "", body: str = "", *, head: str = "", lang: str = "en") -> str:
    """A page with nothing wrong with it, unless `body` or `head` says otherwise."""
    return (
        f"<!doctype html><html lang='{lang}'><head><title>{title}</title>"
        f"<meta name='viewport' content='width=device-width'>"
        f"<meta name='description' content='About {title}'>{head}</head><body>{body}</body></html>"
    )


class Site:
    """A real server, its pages, and what was asked of it."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        server.clear()
        server.no_handler_status_code = 404

    def url(self, path: str = "/") -> str:
        return self.server.url_for(path)

    def page(self, path: str, body: str = "", *, title: str | None = None, head: str = "") -> None:
        text = html(title or f"Page {path}", body, head=head)
        self.answer(path, text)

    def answer(
        self,
        path: str,
        body: str | bytes = "",
        *,
        status: int = 200,
        kind: str = "text/html; charset=utf-8",
        **headers: str,
    ) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.server.expect_request(path).respond_with_data(body, status, named, content_type=kind)

    def redirect(self, path: str, to: str, status: int = 301) -> None:
        self.answer(path, status=status, Location=to)

    def handle(self, path: str, handler: Callable[[Request], Response]) -> None:
        self.server.expect_request(path).respond_with_handler(handler)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request, _ in self.server.log]


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[HTTPServer]:
    server = HTTPServer(port=0, ssl_context=context, threaded=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# A server takes half a second to stop: each serves all the tests, emptied before each.


@pytest.fixture(scope="module")
def first_server() -> Iterator[HTTPServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def second_server() -> Iterator[HTTPServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def secure_server(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", not_after=CERTIFICATE_END).configure_cert(context)
    with serving(context) as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def site(first_server: HTTPServer) -> Site:
    return Site(first_server)


@pytest.fixture
def elsewhere(second_server: HTTPServer) -> Site:
    return Site(second_server)


@pytest.fixture
def secure(secure_server: HTTPServer) -> Site:
    return Site(secure_server)


class Scanner:
    """Runs the worker as Loom would, with a plain client that trusts the test's authority."""

    def __init__(self, contexts: Contexts, authority: trustme.CA) -> None:
        self.contexts = contexts
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        self.client = httpx.Client(verify=trust, trust_env=False)

    def __call__(
        self, site: Site | str, previous: Output | None = None, now: datetime = NOW, **settings: object
    ) -> Output:
        address = site if isinstance(site, str) else site.url()
        before = previous.model_dump(mode="json") if previous else None
        given = Settings.model_validate({"site": address, "delay": 0, "timeout": 2} | settings)
        return run(self.contexts(given, http=self.client, previous=before, now=now))


@pytest.fixture
def scan(contexts: Contexts, authority: trustme.CA) -> Iterator[Scanner]:
    scanner = Scanner(contexts, authority)
    with scanner.client:
        yield scanner


def slowly(_request: Request) -> Response:
    time.sleep(0.4)
    return Response(html("Slow"), content_type="text/html")


def very_slowly(request: Request) -> Response:
    time.sleep(2)
    return slowly(request)


def kinds(output: Output) -> dict[str, int]:
    return counted(output, KINDS)


# What is walked


def test_without_a_site_there_is_nothing_to_do_and_the_text_says_what_to_set(contexts: Contexts) -> None:
    with pytest.raises(Skip, match=r"set `settings: \{site: https://...\}`"):
        run(contexts(Settings()))


@pytest.mark.parametrize(
    "address", ["example.org", "ftp://example.org", "https://", "https://a:b@example.org", ""]
)
def test_a_site_that_isnt_a_web_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="expected a web address"):
        Settings(site=address)


def test_a_healthy_site_has_no_findings(site: Site, scan: Scanner) -> None:
    site.page("/", "<a href='/a'>A</a> <a href='b/'>B</a> <a href='mailto:x@example.org'>m</a> <a>no</a>")
    site.page("/a", "<a href='/#top'>home</a> <a href='/a?x=1#part'>x</a><h2 id='part'>Part</h2>")
    site.page("/b/", "<a href='../file.pdf'>file</a><img src='dot.png' srcset='dot.png 1x, dot2.png 2x'>")
    site.answer("/file.pdf", b"%PDF", kind="application/pdf")
    site.answer("/b/dot.png", b"png", kind="image/png")
    site.answer("/b/dot2.png", b"png", kind="image/png")
    output = scan(site)
    assert kinds(output) == {"title": 1}  # /a and /a?x=1 are two addresses with one title
    assert output.pages_checked == 5
    assert output.metrics["links_checked"] == 2
    assert 0 < output.metrics["latency_ms_median"] <= output.metrics["latency_ms_p95"]
    assert "certificate_days" not in output.metrics
    assert set(output.metrics) >= set(KINDS)


def test_pages_come_from_the_sitemaps_too(site: Site, scan: Scanner) -> None:
    site.page("/")
    site.page("/listed")
    site.page("/packed")
    site.answer("/robots.txt", f"Sitemap: {site.url('/maps/index.xml')}\n", kind="text/plain")
    index = (
        "<?xml version='1.0'?><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        f"<sitemap><loc>{site.url('/maps/one.xml')}</loc></sitemap>"
        f"<sitemap><loc> {site.url('/maps/two.xml.gz')} </loc></sitemap>"
        f"<sitemap><loc>{site.url('/maps/index.xml')}</loc></sitemap></sitemapindex>"
    )
    site.answer("/maps/index.xml", index, kind="text/xml")
    one = (
        f"<urlset><url><loc>{site.url('/listed')}</loc></url><url><loc>{site.url('/gone')}</loc></url>"
        "<url><loc>https://elsewhere.example.org/</loc></url></urlset>"
    )
    site.answer("/maps/one.xml", one, kind="application/xml")
    two = gzip.compress(f"<urlset><url><loc>{site.url('/packed')}</loc></url></urlset>".encode())
    site.answer("/maps/two.xml.gz", two, kind="application/gzip")
    output = scan(site)
    assert output.pages_checked == 4
    assert "GET /packed" in site.asked
    finding = only(output)
    assert (finding.title, finding.url) == ("Page answers 404", site.url("/gone"))
    assert finding.detail == "Listed in the sitemap."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<urlset><url>", "isn't well-formed XML"),
        (b"<html></html>", "root element is <html>"),
        (b"\x1f\x8bnonsense", "can't be unpacked"),
        (gzip.compress(b"<urlset>", mtime=0)[:-9], "cut off"),
        (gzip.compress(b"<urlset>" + b" " * 30_000_000, mtime=0), "larger than"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><urlset><url><loc>&b;</loc></url></urlset>", "document type"),
        (b"", "isn't well-formed XML"),
    ],
)
def test_a_sitemap_that_cant_be_read_is_a_finding(body: bytes, said: str, site: Site, scan: Scanner) -> None:
    site.page("/")
    site.answer("/sitemap.xml", body, kind="application/xml")
    finding = only(scan(site))
    assert (finding.severity, finding.url) == ("warning", site.url("/sitemap.xml"))
    assert said in finding.detail


def test_robots_txt_is_obeyed(site: Site, scan: Scanner) -> None:
    site.answer(
        "/robots.txt",
        "User-agent: Other\nDisallow: /\n\nUser-agent: *\nDisallow: /\n\n"
        "User-agent: loomlookout # me\nDisallow: /private\nDisallow: /*.pdf$\nAllow: /private/open\n",
        kind="text/plain",
    )
    for path in ("/private", "/private/x", "/x.pdf", "/private/open", "/x.pdf.html", "/hop"):
        site.page(path)
    site.redirect("/hop2", "/private")
    links = ["/private", "/private/x", "/x.pdf", "/private/open", "/x.pdf.html", "/hop2", "/%70rivate/y"]
    site.page("/", "".join(f"<a href='{link}'>x</a>" for link in links) + "<img src='/private/i.png'>")
    output = scan(site)
    assert output.findings == []
    asked = {line.split()[1] for line in site.asked}
    assert asked == {"/robots.txt", "/sitemap.xml", "/", "/private/open", "/x.pdf.html", "/hop2"}
    assert output.metrics["disallowed"] == 4


def test_a_site_that_forbids_its_start_page_ends_the_run_with_what_to_do(site: Site, scan: Scanner) -> None:
    site.answer("/robots.txt", "User-agent: *\nDisallow: /", kind="text/plain")
    with pytest.raises(PermanentError, match=r"robots\.txt forbids"):
        scan(site)
    assert site.asked == ["GET /robots.txt"]


def test_when_robots_txt_fails_only_the_start_page_is_read(site: Site, scan: Scanner) -> None:
    site.answer("/robots.txt", status=503)
    site.page("/", "<a href='/a'>a</a>")
    output = scan(site)
    assert kinds(output) == {"robots": 1, "unchecked": 1}
    assert site.asked == ["GET /robots.txt", "GET /"]


@pytest.mark.parametrize(
    ("limit", "pages"), [({"max_pages": 3}, 3), ({"max_depth": 2}, 3), ({"max_depth": 0}, 1)]
)
def test_the_walk_ends_at_its_limits_and_says_so(
    limit: dict[str, Any], pages: int, site: Site, scan: Scanner
) -> None:
    def endless(request: Request) -> Response:
        number = int(request.path.strip("/") or 0)
        return Response(html(f"Page {number}", f"<a href='/{number + 1}'>next</a>"), content_type="text/html")

    site.answer("/robots.txt", kind="text/plain")
    site.answer("/sitemap.xml", status=404)
    site.server.expect_request(re.compile(r"/\d*")).respond_with_handler(endless)
    output = scan(site, **limit)
    assert output.pages_checked == pages
    assert only(output).title == "Part of the site is unchecked"
    assert "1 pages" in only(output).detail


def test_the_walk_ends_when_its_time_is_up_or_it_is_cancelled(
    site: Site, scan: Scanner, contexts: Contexts
) -> None:
    site.page("/", "<a href='/slow'>x</a><a href='/next'>x</a>")
    # The first page is there in time on a busy machine as well; the next one never is.
    site.handle("/slow", very_slowly)
    assert scan(site, max_seconds=2).pages_checked == 2
    started = time.monotonic()
    settings = Settings(site=site.url(), delay=60)
    run(contexts(settings, http=scan.client, cancelled=lambda: time.monotonic() > started + 0.3))
    assert time.monotonic() < started + 50


def test_only_the_sites_own_host_is_asked_unless_external_is_set(
    site: Site, elsewhere: Site, scan: Scanner
) -> None:
    elsewhere.page("/")
    elsewhere.answer("/gone", status=410)
    elsewhere.answer("/shy", status=403)
    elsewhere.handle("/no-head", lambda r: Response(status=405 if r.method == "HEAD" else 200))
    elsewhere.handle("/lies", lambda r: Response(status=404 if r.method == "HEAD" else 200))
    elsewhere.redirect("/moved", "/")
    paths = ["/", "/gone", "/shy", "/no-head", "/lies", "/moved"]
    links = "".join(f"<a href='{elsewhere.url(path)}'>x</a>" for path in paths)
    site.page("/", f"{links}<a href='/a'>a</a><img src='{elsewhere.url('/')}'>")
    site.page("/a", f"<a href='{elsewhere.url('/gone')}'>x</a>")
    assert scan(site).findings == []
    assert elsewhere.asked == []
    finding = only(scan(site, external=True))
    assert (finding.severity, finding.url) == ("warning", elsewhere.url("/gone"))
    assert finding.detail == f"It answers 410. Linked from {site.url('/')}, {site.url('/a')}."
    assert elsewhere.asked.count("HEAD /") == 2
    assert {"HEAD /no-head", "GET /no-head", "GET /lies"} <= set(elsewhere.asked)
    limited = scan(site, external=True, max_external=1)
    assert "0 pages and 5 other addresses" in only(limited).detail


def test_another_site_that_cant_be_reached_is_a_broken_link(site: Site, scan: Scanner) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site.page("/", f"<a href='http://127.0.0.1:{port}/'>x</a>")
    output = scan(site, external=True)
    assert kinds(output) == {"broken_external": 1}
    assert "refused" in only(output).detail.lower()


class Elsewhere(httpx.HTTPTransport):
    """Takes every request to one local server, whatever host it names, as a public name would lead there."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.hosts = port, set[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        request.url = request.url.copy_with(host="127.0.0.1", port=self.port)
        return super().handle_request(request)


def test_a_public_sites_link_into_a_private_network_is_found_and_never_asked_for(
    site: Site, contexts: Contexts
) -> None:
    private = ["localhost", "localhost:3000", "192.168.0.1", "169.254.169.254", "[::1]", "build", "nas.local"]
    links = "".join(f"<a href='http://{host}/'>x</a>" for host in [*private, "trap.example.net"])
    transport = Elsewhere(site.server.port)

    def answer(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(status=302, headers={"Location": "http://10.0.0.1/"})
        return Response(html("Home", links), content_type="text/html")

    site.handle("/", answer)
    with httpx.Client(transport=transport) as client:
        settings = Settings(site="http://www.example.org/", external=True, delay=0)
        output = run(contexts(settings, http=client))
    assert kinds(output) == {"private": len(private), "broken_external": 1}
    assert transport.hosts == {"www.example.org", "trap.example.net"}


def test_what_the_enforcement_context_refuses_is_never_swallowed(site: Site, contexts: Contexts) -> None:
    site.page("/")

    def refuse(request: httpx.Request) -> None:
        if request.url.path != "/robots.txt":
            raise Refused(Refusal(rule="http", act=f"GET {request.url}", why="no rule allows it"))

    client = httpx.Client(trust_env=False, event_hooks={"request": [refuse]})
    with client, pytest.raises(Refused):
        run(contexts(Settings(site=site.url()), http=client))


# What is found


def test_a_broken_page_is_one_finding_that_names_who_links_there(site: Site, scan: Scanner) -> None:
    links = "<a href='/gone'>x</a><a href='/error#x'>x</a><a href='/members'>x</a>"
    site.page("/", f"{links}<a href='/a'>a</a>")
    site.page("/a", links)
    site.answer("/error", status=500)
    site.answer("/members", status=403)
    output = scan(site)
    assert kinds(output) == {"page": 3}
    found = [(finding.severity, finding.title, finding.url) for finding in output.findings]
    assert found == [
        ("critical", "Page answers 500", site.url("/error")),
        ("warning", "Page answers 404", site.url("/gone")),
        ("info", "Page answers 403", site.url("/members")),
    ]
    assert output.findings[1].detail == f"Linked from {site.url('/')}, {site.url('/a')}."


def test_missing_images_scripts_and_styles_are_found(site: Site, scan: Scanner) -> None:
    head = "<link rel=stylesheet href='/no.css'><link rel=canonical href='/'>"
    site.page("/", "<img src='no.png'><script src='/yes.js'></script>", head=head)
    site.answer("/yes.js", "", kind="text/javascript")
    output = scan(site)
    assert kinds(output) == {"broken_asset": 2}
    assert {finding.url for finding in output.findings} == {site.url("/no.css"), site.url("/no.png")}


def test_redirect_chains_loops_and_dead_ends_are_found_and_a_single_redirect_isnt(
    site: Site, elsewhere: Site, scan: Scanner
) -> None:
    paths = ["/one", "/two", "/self", "/ping", "/long0", "/bad", "/out", "/empty"]
    site.page("/", "".join(f"<a href='{path}'>x</a>" for path in paths))
    site.page("/end")
    site.redirect("/one", "/end")
    site.redirect("/two", "/one", 302)
    site.redirect("/self", "/self#x")
    site.redirect("/ping", "/pong")
    site.redirect("/pong", "/ping")
    for number in range(8):
        site.redirect(f"/long{number}", f"/long{number + 1}", 307)
    site.redirect("/bad", "gopher://example.org/")
    site.redirect("/out", elsewhere.url("/"))
    site.answer("/empty", status=302)
    output = scan(site)
    found = {(finding.url, finding.title): finding for finding in output.findings}
    assert {(key[0].removeprefix(site.url("/")[:-1]), key[1]) for key in found if key[0]} == {
        ("/two", "Redirect chain of 2 steps"),
        ("/self", "Page: redirect loop"),
        ("/ping", "Page: redirect loop"),
        ("/long0", "Page: too many redirects"),
        ("/bad", "Page: redirect to no address"),
    }
    assert kinds(output) == {"redirect": 5}
    assert elsewhere.asked == []
    assert [finding.severity for finding in output.findings] == ["critical"] * 3 + ["warning"] * 2


def test_a_redirect_that_waits_for_its_cookie_is_no_loop(site: Site, scan: Scanner) -> None:
    def gate(request: Request) -> Response:
        if "seen" in request.cookies:
            return Response(html("In"), content_type="text/html")
        return Response(status=302, headers={"Location": "/", "Set-Cookie": "seen=1; Path=/"})

    site.handle("/", gate)
    assert scan(site).findings == []


def test_a_redirect_out_of_encryption_is_critical(secure: Site, site: Site, scan: Scanner) -> None:
    secure.page("/", "<a href='/down'>x</a>")
    secure.redirect("/down", site.url("/"))
    finding = only(scan(secure))
    assert (finding.severity, finding.title) == ("critical", "Redirect from https to http")
    assert finding.url == secure.url("/down")


@pytest.mark.parametrize(
    ("before", "severity"),
    [(31, None), (29, "warning"), (8, "warning"), (6, "critical"), (0, "critical")],
)
def test_a_certificate_about_to_end_is_found(
    before: int, severity: str | None, secure: Site, scan: Scanner
) -> None:
    secure.page("/")
    output = scan(secure, now=CERTIFICATE_END - timedelta(days=before))
    assert output.metrics["certificate_days"] == pytest.approx(before, abs=1)
    if severity is None:
        assert output.findings == []
    else:
        finding = only(output)
        assert (finding.severity, finding.title) == (severity, "Certificate ends on 2099-01-01")


def test_a_certificate_that_browsers_refuse_is_a_critical_finding_not_a_failure(
    contexts: Contexts, secure: Site
) -> None:
    secure.page("/")
    with httpx.Client(trust_env=False) as client:  # knows nothing of the test's authority
        output = run(contexts(Settings(site=secure.url(), delay=0), http=client))
    assert kinds(output) == {"start_page": 1, "robots": 1}
    assert output.findings[0].severity == "critical"
    assert "certificate" in output.findings[0].title
    assert output.pages_checked == 1


def test_what_a_secure_page_loads_or_sends_over_http_is_found(secure: Site, scan: Scanner) -> None:
    away = "http://cdn.example.org"
    head = f"<link rel=stylesheet href='{away}/a.css'><link rel=canonical href='{away}/x'>"
    secure.page(
        "/",
        f"<img src='{away}/a.png'><script src=//cdn.example.org/a.js></script><a href='{away}/a'>link</a>"
        f"<form action='{away}/form'></form><form action='/form'></form><a href='/b'>b</a>",
        head=head,
    )
    secure.page("/b", f"<img src='{away}/a.png'>")
    output = scan(secure)
    assert kinds(output) == {"mixed_content": 3}
    found = {(finding.severity, finding.url) for finding in output.findings}
    assert found == {
        ("critical", f"{away}/a.css"),
        ("warning", f"{away}/a.png"),
        ("warning", f"{away}/form"),
    }
    image = next(finding for finding in output.findings if finding.url == f"{away}/a.png")
    assert f"{secure.url('/')}, {secure.url('/b')}" in image.detail


def test_a_plain_http_page_has_no_mixed_content(site: Site, scan: Scanner) -> None:
    site.page("/", "<script src='http://cdn.example.org/a.js'></script>")
    assert scan(site).findings == []


def test_pages_that_say_too_little_of_themselves_are_gathered(site: Site, scan: Scanner) -> None:
    site.page("/", "".join(f"<a href='/{name}'>x</a>" for name in ["bare1", "bare2", "d1", "d2", "c", "n"]))
    site.answer("/bare1", "<p>No head at all<svg><title>Not mine</title></svg>")
    site.answer("/bare2", "<html lang=en><title>  </title><meta name=viewport content=x>")
    site.page("/d1", title="Twice")
    site.page("/d2", title="Twice")
    site.page("/c", title="Twice", head="<link rel=canonical href='/d1'>")
    site.page("/n", title="Twice", head="<meta name=robots content='noindex, follow'>")
    output = scan(site)
    assert kinds(output) == {"title": 2, "description": 1, "language": 1, "viewport": 1}
    details = {finding.title: finding.detail for finding in output.findings}
    assert details["Pages without a title"] == f"{site.url('/bare1')}, {site.url('/bare2')}."
    assert details["Several pages have the title 'Twice'"] == f"{site.url('/d1')}, {site.url('/d2')}."
    assert details["Pages that don't name their language"] == f"{site.url('/bare1')}."


def test_a_link_to_a_part_that_isnt_there_is_found(site: Site, scan: Scanner) -> None:
    fragments = ["here", "named", "gr%C3%BCn", "top", "", ":~:text=x", "!route", "/route"]
    links = "".join(f"<a href='/a#{fragment}'>x</a>" for fragment in [*fragments, "missing"])
    site.page("/", links)
    site.page("/a", "<p id=here></p><a name=named></a><p id='grün'></p>")
    finding = only(scan(site))
    assert (finding.severity, finding.url) == ("info", site.url("/a#missing"))


def test_slow_pages_are_found(site: Site, scan: Scanner) -> None:
    site.page("/", "<a href='/slow'>x</a>")
    site.handle("/slow", slowly)
    output = scan(site, slow_ms=300)
    finding = only(output)
    assert (finding.severity, finding.url) == ("warning", site.url("/slow"))
    assert output.metrics["latency_ms_p95"] > 300


# The start page


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_start_page_that_fails_is_the_result_not_a_failure(status: int, site: Site, scan: Scanner) -> None:
    site.answer("/", status=status)
    output = scan(site)
    assert (only(output).severity, only(output).title) == ("critical", f"Start page answers {status}")
    assert output.pages_checked == 1


def test_a_start_page_that_leads_to_another_site_is_found(site: Site, elsewhere: Site, scan: Scanner) -> None:
    site.redirect("/", elsewhere.url("/"))
    finding = only(scan(site))
    assert (finding.severity, finding.url) == ("critical", elsewhere.url("/"))
    assert elsewhere.asked == []


def test_a_start_page_that_isnt_html_is_found(site: Site, scan: Scanner) -> None:
    site.answer("/", b"%PDF", kind="application/pdf")
    assert only(scan(site)).title == "Start page isn't HTML"


def test_a_site_that_cant_be_reached_is_worth_another_try(scan: Scanner) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(TransientError, match="can't be reached: no connection"):
        scan(address)


@pytest.mark.parametrize(
    ("answer", "said"), [(b"", "not HTTP"), (b"SSH-2.0-x\r\n", "not HTTP"), (None, "in time")]
)
def test_a_server_that_doesnt_speak_http_is_worth_another_try(
    answer: bytes | None, said: str, scan: Scanner
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            # On a busy machine whoever came may have gone, or not come again.
            with suppress(OSError):
                for _ in range(2):
                    connection, _ = listener.accept()
                    held.append(connection)
                    if answer is not None:
                        connection.recv(65_536)
                        connection.sendall(answer)
                        connection.close()

        listener.settimeout(30)
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(TransientError, match=said):
            scan(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3 if answer is None else 60)
        thread.join()
        for connection in held:
            connection.close()


def test_a_start_page_that_asks_us_to_wait_says_how_long(site: Site, scan: Scanner) -> None:
    site.answer("/", status=429, Retry_After="600")
    with pytest.raises(TransientError, match="429") as raised:
        scan(site)
    assert raised.value.retry_after == timedelta(seconds=600)
    assert site.asked.count("GET /") == 1


# Being a polite and careful visitor


def test_a_short_retry_after_is_waited_for(site: Site, scan: Scanner) -> None:
    answers = iter(
        [Response(status=429, headers={"Retry-After": "0"}), Response(html("In"), content_type="text/html")]
    )
    site.handle("/", lambda _: next(answers))
    assert scan(site).findings == []


def test_a_site_that_goes_on_asking_us_to_slow_down_is_left_alone(site: Site, scan: Scanner) -> None:
    site.page("/", "<a href='/a'>x</a><a href='/b'>x</a>")
    date = f"{NOW + timedelta(hours=1):%a, %d %b %Y %H:%M:%S} GMT"
    site.answer("/a", status=429, Retry_After=date)
    output = scan(site)
    assert kinds(output) == {"unchecked": 2}
    assert site.asked == ["GET /robots.txt", "GET /", "GET /sitemap.xml", "GET /a"]


def test_requests_keep_their_distance(site: Site, scan: Scanner) -> None:
    site.page("/")
    started = time.monotonic()
    scan(site, delay=0.2)  # robots.txt, the page, sitemap.xml
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("kind", ["endless", "slow", "bomb", "damaged"])
def test_a_body_without_end_is_cut(kind: str, site: Site, scan: Scanner) -> None:
    def drip(pause: float) -> Iterator[bytes]:
        yield html("In").encode()
        while True:
            time.sleep(pause)
            yield b" " * 1_000

    # Made before anybody waits for it.
    bomb = gzip.compress(html("In").encode() + b" " * 50_000_000) if kind == "bomb" else b""

    def answer(_request: Request) -> Response:
        if kind == "bomb":
            return Response(bomb, content_type="text/html", headers={"Content-Encoding": "gzip"})
        if kind == "damaged":
            packed = gzip.compress(html("In").encode() * 99)
            return Response(
                packed[:60] + b"!" * 60, content_type="text/html", headers={"Content-Encoding": "gzip"}
            )
        return Response(drip(0.0 if kind == "endless" else 0.1), content_type="text/html")

    site.handle("/", answer)
    output = scan(site, timeout=2, max_bytes=100_000)
    finding = only(output)
    assert (finding.severity, finding.title) == ("info", "Pages read only in part")


def test_packed_pages_are_read(site: Site, scan: Scanner) -> None:
    body = gzip.compress(html("In", "<a href='/gone'>x</a>").encode())
    site.answer("/", body, Content_Encoding="gzip")
    assert kinds(scan(site)) == {"page": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"<a " * 300_000,
        b"<!--" * 200_000,
        b"<![nonsense",
        b"<div>" * 100_000,
        b"\xff\xfe\x00" * 1_000,
        b"<a href='http://[::1'>x</a><a href='http://h:99999/'>x</a><a href='//'>x</a><base href='http://['>",
        b"<meta charset=nonsense><meta charset=hex>",
        b"<a href=/" + b"x" * 100_000 + b">x</a>",
        zlib.compress(b"not html"),
    ],
)
def test_a_page_of_any_bytes_is_survived_in_time(body: bytes, site: Site, scan: Scanner) -> None:
    site.answer("/", body, kind="text/html")
    started = time.process_time()
    output = scan(site)
    assert time.process_time() - started < 60
    assert output.pages_checked == 1
    assert Output.model_validate_json(output.model_dump_json()) == output


def test_a_page_with_countless_links_is_read_in_part(site: Site, scan: Scanner) -> None:
    site.page("/", "".join(f"<a href='http://x{number}.example.org/'>x</a>" for number in range(5_000)))
    output = scan(site, max_pages=1)
    assert only(output).title == "Pages read only in part"


def test_what_pages_say_is_shown_short_and_without_control_characters(site: Site, scan: Scanner) -> None:
    title = "\x1b[31mEvil\n" + "x" * 5_000
    site.page("/", "<a href='/b'>x</a>", title=title)
    site.page("/b", title=title)
    finding = only(scan(site))
    assert "\x1b" not in finding.title
    assert len(finding.title) < 200


# The output


def test_a_second_run_tells_new_from_resolved(site: Site, scan: Scanner) -> None:
    site.page("/", "<a href='/one'>x</a><a href='/two'>x</a>")
    first = scan(site)
    assert "new" not in first.metrics
    site.page("/one", "<a href='/three'>x</a>")
    second = scan(site, previous=first)
    assert (second.metrics["new"], second.metrics["resolved"]) == (1, 1)
    assert "2 findings, 1 new and 1 resolved since the last run" in second.summary


def test_a_retry_after_date_is_measured_from_the_ticks_time(site: Site, scan: Scanner) -> None:
    date = f"{datetime(2026, 6, 15, 9, 10, tzinfo=UTC):%a, %d %b %Y %H:%M:%S} GMT"
    site.answer("/", status=429, Retry_After=date)
    with pytest.raises(TransientError) as raised:
        scan(site)
    assert raised.value.retry_after == timedelta(minutes=10)


def test_what_a_run_would_ask_for_is_told_without_asking(tmp_path: Path) -> None:
    assert list(reads(Settings(), tmp_path)) == ["nothing: `site` isn't set"]
    told = list(reads(Settings(site="https://www.example.org/", max_pages=7, external=True), tmp_path))
    assert told[0].startswith("GET https://www.example.org/: at most 7 pages")
    assert [line.partition(" ")[0] for line in told] == ["GET", "HEAD", "HEAD"]
