"""What a worker writes can't become part of the page, and what isn't the page's own doesn't run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.dashboard.hostile import MARKUP, WORKERS
from tests.dashboard.sites import NOW
from tests.ground.browser import Visit, visit
from tests.ground.needs import needs

pytestmark = needs("chromium")

VIEWS = {
    "#/": "overview",
    f"#/worker/{WORKERS[0]}": "worker",
    f"#/worker/{WORKERS[1]}": "worker",
    "#/worker/broken": "worker",
    "#/findings": "findings",
    "#/alerts": "alerts",
    "#/trust": "trust",
}
# Before the page's own scripts, whatever its policy: what every planted script calls.
LISTEN = "window.hits = []; window.hit = name => { window.hits.push(name); };"


def go(page: Page, hash_: str) -> None:
    page.evaluate("hash => { location.hash = hash }", hash_)
    expect(page.locator("main#view")).to_have_attribute("data-view", VIEWS[hash_])


@pytest.fixture(params=[False, True], ids=["with its policy", "without its policy"])
def visited(request: pytest.FixtureRequest, browser: Browser, hostile: Path) -> Iterator[Visit]:
    """Without its policy, the escaping alone must hold. Either way the page ends without a complaint, a
    dialog or a request."""
    with visit(browser, hostile.as_uri(), at=NOW, ignore_policy=request.param, first=LISTEN) as found:
        yield found


def test_no_text_of_a_worker_becomes_an_element_an_attribute_or_a_script(visited: Visit) -> None:
    for view in VIEWS:
        go(visited.page, view)
        planted = visited.page.evaluate(
            """() => {
                const all = [...document.querySelectorAll("*")];
                const foreign = "img, svg, iframe, object, embed, b, i, .planted, #planted";
                return [
                    ...all.filter(each => each.matches(foreign)),
                    ...all.filter(each => [...each.attributes].some(({ name }) => name.startsWith("on"))),
                    ...all.filter(each => each.autofocus),
                ].map(each => each.outerHTML.slice(0, 200));
            }"""
        )
        assert planted == [], view
        assert visited.page.locator("script").count() == 3, "the data, the charts, the page"
        assert visited.page.locator("h1").count() == 1
        visited.page.mouse.move(200, 300)
        for link in visited.page.locator("main a").all()[:5]:
            link.focus()
    assert visited.page.evaluate("hits") == []


def test_what_a_worker_wrote_is_shown_as_it_was_written(browser: Browser, hostile: Path) -> None:
    with visit(browser, hostile.as_uri(), at=NOW) as visited:
        go(visited.page, "#/findings")
        text = visited.page.locator("main").inner_text()
        for markup in MARKUP:
            assert markup in text
        go(visited.page, f"#/worker/{WORKERS[0]}")
        assert " ".join(MARKUP) in visited.page.locator("main").inner_text()
        titles = visited.page.locator("figure figcaption").all_inner_texts()
        assert any("onerror" in title for title in titles)


def test_only_addresses_of_the_web_become_links(visited: Visit) -> None:
    seen = set()
    for view in VIEWS:
        go(visited.page, view)
        links = visited.page.locator("a[href]").evaluate_all("all => all.map(each => [each.href, each.rel])")
        for href, rel in links:
            scheme = href.partition(":")[0]
            assert scheme in ("file", "https", "http"), href
            if scheme == "file":
                assert href.partition("#")[0] == Path(visited.address.removeprefix("file://")).as_uri(), href
            else:
                assert "noreferrer" in rel
                seen.add(href)
    assert seen, "ordinary addresses are links"
    assert visited.page.evaluate("hits") == []


def test_text_from_right_to_left_and_control_characters_change_nothing_around_them(visited: Visit) -> None:
    for view in VIEWS:
        go(visited.page, view)
        astray = visited.page.evaluate(
            r"""() => {
                const main = document.querySelector("main");
                const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
                const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
                const astray = [];
                while (walker.nextNode()) {
                    const { data, parentElement } = walker.currentNode;
                    if (control.test(data)) astray.push(`control: ${data}`);
                    const turned = /[\u202a-\u202e\u2066-\u2069]/.test(data);
                    const kept = ["isolate", "plaintext", "isolate-override"];
                    if (turned && !kept.includes(getComputedStyle(parentElement).unicodeBidi)) {
                        astray.push(`turned: ${parentElement.outerHTML}`);
                    }
                }
                return astray.map(each => each.slice(0, 200));
            }"""
        )
        assert astray == [], view


def test_ids_and_metrics_named_like_parts_of_javascript_are_ordinary(browser: Browser, hostile: Path) -> None:
    with visit(browser, hostile.as_uri(), at=NOW) as visited:
        page = visited.page
        assert page.locator("#board tr[data-worker]").evaluate_all(
            "rows => rows.map(row => row.dataset.worker)"
        ) == [*WORKERS, "broken"]
        page.locator("#board a", has_text="constructor").first.click()
        expect(page.locator("main h1")).to_have_text("constructor")
        titles = page.locator("figure figcaption").all_inner_texts()
        assert any("proto" in title for title in titles), titles
        text = page.locator("main").inner_text()
        assert "1e+300" in text, "a number that nobody would read in full"
        for wrong in ("NaN", "undefined", "Infinity", "000,000,000,000,000", "0.0000000000"):
            assert wrong not in text


def test_what_is_not_the_pages_own_does_not_run_and_asks_for_nothing(
    browser: Browser, hostile: Path, tmp_path: Path
) -> None:
    planted = """
        <script>hit('inline')</script>
        <script src="data:text/javascript,hit('data')"></script>
        <script src="https://192.0.2.1/x.js"></script>
        <img src="https://192.0.2.1/x.png" onerror="hit('handler')">
        <iframe srcdoc="<script>parent.hit('frame')</script>"></iframe>
        <link rel="stylesheet" href="https://192.0.2.1/x.css">
        <base href="https://192.0.2.1/">
        <form action="https://192.0.2.1/" id="sent"><input name="x"></form>
        <a id="url" href="javascript:hit('url')">x</a>
    """
    text = hostile.read_text(encoding="utf-8")
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("<body>", f"<body>{planted}", 1), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != text
    context = browser.new_context()
    try:
        page = context.new_page()
        answered: list[str] = []
        page.on("response", lambda response: answered.append(response.url))
        # The policy stops a request before it is sent; a proxy that isn't there would stop it after.
        failed: dict[str, str | None] = {}
        page.on("requestfailed", lambda request: failed.update({request.url: request.failure}))
        page.add_init_script(
            LISTEN + "window.refused = new Set();"
            "addEventListener('securitypolicyviolation', e => refused.add(e.effectiveDirective));"
        )
        page.goto(changed.as_uri())
        page.locator("#url").click()
        page.evaluate("() => document.getElementById('sent').submit()")
        # Later, because what the test itself evaluates may.
        page.evaluate("() => { setTimeout(() => { try { eval('hit(1)') } catch { refused.add('eval') } }) }")
        for request in ("fetch('https://192.0.2.1/')", "new WebSocket('wss://192.0.2.1/')"):
            page.evaluate(f"() => {{ try {{ Promise.resolve({request}).catch(() => 0) }} catch {{}} }}")
        page.wait_for_function("() => refused.size >= 6")
        assert page.evaluate("hits") == []
        refused = set(page.evaluate("[...refused]"))
        assert {"script-src-elem", "img-src", "style-src-elem", "base-uri", "form-action", "eval"} <= refused
        assert page.url == changed.as_uri()
        assert [each for each in answered if each.startswith("http")] == []
        assert {url: why for url, why in failed.items() if why != "csp"} == {}
        assert page.evaluate("document.querySelector('main h1').innerText"), "the page itself is there"
    finally:
        context.close()


def test_the_policy_allows_the_pages_own_and_nothing_else(hostile: Path) -> None:
    text = hostile.read_text(encoding="utf-8")
    head = text[: text.index("<style>")]
    policy = head.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";") if rule.strip())
    assert rules["default-src"] == "'none'"
    assert (rules["base-uri"], rules["form-action"]) == ("'none'", "'none'")
    assert not any(word in policy for word in ("unsafe", "http:", "https:", "*", "blob:"))
    for name, value in rules.items():
        if name.startswith("script-src"):
            assert all(source.startswith("'sha") for source in value.split()), value


def test_the_browser_of_these_tests_has_no_way_off_the_machine(browser: Browser) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        for address in ("http://192.0.2.1/", "http://example.org/", "https://example.org/"):
            with pytest.raises(Error, match="ERR_PROXY_CONNECTION_FAILED"):
                page.goto(address, timeout=60_000)
    finally:
        context.close()
