"""The rules that the shared sources keep: addresses, robots.txt, anchors, patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.sources.folder import matches
from workers.sources.markdown import read_document, slug
from workers.sources.pages import read_page
from workers.sources.robots import read_robots
from workers.sources.urls import is_private, normalise, same_site


@given(st.text(max_size=60), st.text(alphabet="/.?#%:@[]aé ", max_size=30))
def test_normalising_an_address_twice_changes_nothing(start: str, rest: str) -> None:
    for text in (start, f"http://example.org/{rest}", f"HTTP://Example.org{rest}"):
        once = normalise(text)
        assert once is None or normalise(once) == once


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("HTTPS://Example.ORG:443", "https://example.org/"),
        ("http://example.org:8080/a b", "http://example.org:8080/a%20b"),
        ("../b?x=ü#part", "https://example.org/b?x=%C3%BC"),
        ("//other.org/x", "https://other.org/x"),
        (" /a\n/b\t ", "https://example.org/a/b"),
        ("?page=2", "https://example.org/a/?page=2"),
        ("", "https://example.org/a/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("mailto:a@example.org", None),
        ("javascript:void(0)", None),
        ("data:image/png;base64,AAAA", None),
        ("https://user:secret@example.org/", None),
        ("https://example.org:port/", None),
        ("https://example.org/" + "x" * 3_000, None),
    ],
)
def test_an_address_has_one_spelling_or_is_refused(written: str, address: str | None) -> None:
    assert normalise(written, "https://example.org/a/") == address


def test_a_site_is_one_host_over_http_and_https_and_one_port() -> None:
    assert same_site("http://example.org/", "https://example.org/a")
    assert not same_site("https://example.org:8443/", "https://example.org/")
    assert not same_site("https://www.example.org/", "https://example.org/")


def test_public_names_and_numbers_are_not_private() -> None:
    assert not any(is_private(f"https://{host}/") for host in ("example.org", "8.8.8.8", "[2606:4700::1111]"))
    assert all(
        is_private(f"https://{host}/") for host in ("127.0.0.1", "10.1.2.3", "[fe80::1]", "db.internal")
    )


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Disallow: /a", "/a", False),
        ("Disallow: /a", "/ab/c", False),
        ("Disallow: /a", "/A", True),
        ("Disallow: /a/", "/a", True),
        ("Disallow:", "/a", True),
        ("Disallow: /\nAllow: /open", "/open/x", True),
        ("Allow: /open\nDisallow: /", "/open/x", True),
        ("Allow: /x\nDisallow: /x", "/x", True),
        ("Disallow: /*.gif$", "/a/b.gif", False),
        ("Disallow: /*.gif$", "/a/b.gif?x", True),
        ("Disallow: /a$", "/a", False),
        ("Disallow: /a$", "/ab", True),
        ("Disallow: /*?session=", "/a?session=1", False),
        ("Disallow: *x*y*", "/1x2y3", False),
        ("Disallow: *x*y*", "/1y2x3", True),
        ("Disallow: /%C3%BC", "/%c3%bc", False),
        ("Disallow: /ü", "/%C3%BC", False),
        ("nonsense\n: :\nDisallow /a\nCrawl-delay: soon", "/a", True),
    ],
)
def test_robots_txt_is_read_as_rfc_9309_says(rules: str, path: str, allowed: bool) -> None:
    robots = read_robots(f"User-agent: *\n{rules}\n", agent="LoomLookout")
    assert robots.allows(f"https://example.org{path}") is allowed


def test_robots_txt_rules_belong_to_the_groups_that_name_us() -> None:
    text = (
        "Disallow: /before\nUser-agent: a\nUser-agent: loomlookout\nDisallow: /both\nCrawl-delay: 2\n"
        "User-agent: *\nDisallow: /all\nUser-agent: LoomLookout\nDisallow: /again\nSitemap: https://e.org/s.xml\n"
    )
    ours = read_robots(text, agent="LoomLookout")
    assert [rule for _, rule in ours.rules] == ["/both", "/again"]
    assert (ours.delay_s, ours.sitemaps) == (2.0, ("https://e.org/s.xml",))
    assert [rule for _, rule in read_robots(text, agent="Other").rules] == ["/all"]


def test_a_robots_txt_pattern_of_many_stars_is_matched_in_time() -> None:
    robots = read_robots("User-agent: *\nDisallow: " + "*a" * 500 + "b$", agent="x")
    assert robots.allows("https://example.org/" + "a" * 1_900)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Hello, World!", "hello-world"),
        ("A  double  space", "a--double--space"),
        ("snake_case & kebab-case", "snake_case--kebab-case"),
        ("Größe 2.0", "größe-20"),
        ("日本語 の 見出し", "日本語-の-見出し"),
        ("x² (squared)", "x-squared"),
        ("", ""),
    ],
)
def test_headings_get_the_anchors_github_gives(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@given(st.text(max_size=300))
def test_any_text_can_be_read_as_a_document(text: str) -> None:
    lines = text.count("\n") + 1
    document = read_document(text)
    assert all(1 <= link.line <= lines for link in document.links)
    assert all(1 <= code.line <= lines for code in document.code)


@given(st.text(alphabet="<>!-/=\"' ahrefsctitl&;[]?", max_size=200))
def test_any_text_can_be_read_as_a_page(text: str) -> None:
    page = read_page(text.encode(), url="https://example.org/", charset=None, cut=False)
    assert all(normalise(link.url) == link.url for link in page.links)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**/*.md", "a.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("*.md", "a/b/c.md", True),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/x/a.md", False),
        ("docs/**", "docs/x/a.md", True),
        ("build/", "build", True),
        ("a+b.md", "a+b.md", True),
        ("a?.md", "ab.md", True),
        ("*.md", "a.mdx", False),
    ],
)
def test_patterns_fit_as_in_gitignore(pattern: str, path: str, fits: bool) -> None:
    assert matches(path, [pattern]) is fits
