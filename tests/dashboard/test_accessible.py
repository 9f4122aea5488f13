"""The dashboard for people without a mouse, with a screen reader, with little light, on a phone."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.sites import NOW
from tests.dashboard.test_page import VIEWS, go
from tests.dashboard.year import DOWN
from tests.ground.browser import Visit, visit
from tests.ground.needs import needs

pytestmark = needs("chromium")

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PHONE, DESK = 360, 1280
FOCUSED = """() => {
    const { activeElement: at } = document;
    if (!at || at === document.body) return null;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
    const box = at.getBoundingClientRect();
    const again = window.passed?.has(at) ?? false;
    window.passed?.add(at);
    return {
        again,
        name: at.id || at.getAttribute("href") || at.getAttribute("aria-label") || at.tagName,
        ring: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none",
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    };
}"""
# What the keyboard must reach: whatever can be followed, chosen or written in, and what scrolls.
REACHABLE = """() => [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")]
    .filter(each => each.checkVisibility() && !each.disabled && each.tabIndex >= 0).length"""


@pytest.fixture(params=[(width, dark) for width in (DESK, PHONE) for dark in (False, True)], ids=str)
def seen(request: pytest.FixtureRequest, browser: Browser, month: Path) -> Iterator[Visit]:
    """The page, its policy overruled for the sake of axe alone, wide or narrow, light or dark."""
    width, dark = request.param
    with visit(browser, month.as_uri(), at=NOW, width=width, dark=dark, ignore_policy=True) as visited:
        yield visited


def test_axe_finds_nothing_to_object_to_in_any_view(seen: Visit) -> None:
    seen.page.evaluate(AXE)
    for view in VIEWS:
        go(seen.page, view)
        assert complaints(seen.page) == [], view


def complaints(page: Page) -> list[str]:
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


def test_axe_does_find_what_is_planted(browser: Browser, month: Path) -> None:
    with visit(browser, month.as_uri(), at=NOW, ignore_policy=True) as visited:
        visited.page.evaluate(AXE)
        visited.page.evaluate(
            """() => {
                const pale = document.createElement("p");
                pale.textContent = "hardly to be read";
                pale.style.color = "#c8c8c8";
                document.querySelector("main").append(pale, document.createElement("input"));
            }"""
        )
        found = {each.partition(":")[0] for each in complaints(visited.page)}
        assert found == {"color-contrast", "label"}


def test_the_tab_key_reaches_everything_and_one_always_sees_where_one_is(
    browser: Browser, month: Path
) -> None:
    with visit(browser, month.as_uri(), at=NOW) as visited:
        for view in VIEWS:
            go(visited.page, view)
            reachable = visited.page.evaluate(REACHABLE)
            steps = list(walk(visited.page))
            assert len(steps) == reachable, f"{view}: {steps}"
            assert [step["name"] for step in steps if not (step["ring"] and step["seen"])] == [], view


def walk(page: Page) -> Iterator[dict[str, Any]]:
    """Each stop of the Tab key, once round the page."""
    page.evaluate("() => { window.passed = new Set(); }")
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            continue
        if stop["again"]:
            return
        yield stop


def test_the_calendar_is_one_stop_of_the_tab_key_and_the_arrows_walk_its_days(
    browser: Browser, month: Path
) -> None:
    with visit(browser, month.as_uri(), at=NOW) as visited:
        page = visited.page
        inside = page.locator("#heatmap [tabindex='0']")
        expect(inside).to_have_count(1)
        inside.focus()
        titles = [focused(page)]
        for key in ("ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
            titles.append(focused(page))
        assert len(set(titles[:4])) >= 3, titles
        assert titles[4] == titles[0], "round in a square"
        page.keyboard.press("Home")
        first = focused(page)
        page.keyboard.press("ArrowLeft")
        assert focused(page) == first, "there is no day before the first"
        page.keyboard.press("End")
        assert focused(page) == titles[0]
        expect(page.locator("main .readout")).to_contain_text(titles[0].split(":")[0])


def focused(page: Page) -> str:
    title: str = page.evaluate("() => document.activeElement.title || document.activeElement.ariaLabel")
    return title


def test_the_keyboard_alone_opens_a_worker_filters_its_history_and_comes_back(
    browser: Browser, month: Path
) -> None:
    with visit(browser, month.as_uri(), at=NOW) as visited:
        page = visited.page
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["seen"], "the link that skips what stands above"
        page.keyboard.press("Enter")
        expect(page.locator("main h1")).to_be_focused()
        link = page.locator(f"#board tr[data-worker={DOWN}] a")
        while not link.evaluate("each => each === document.activeElement"):
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUSED) is not None, "the worker was never reached"
        page.keyboard.press("Enter")
        expect(page.locator("main#view")).to_have_attribute("data-view", "worker")
        choice = page.locator("#outcome-filter")
        while not choice.evaluate("each => each === document.activeElement"):
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUSED) is not None, "the filter was never reached"
        whole = page.locator("#history tbody tr").count()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator("#history tbody tr").count() < whole
        page.go_back()
        expect(page.locator("main#view")).to_have_attribute("data-view", "overview")


@pytest.mark.parametrize("width", [320, PHONE, 768, DESK])
def test_no_view_is_wider_than_the_window(browser: Browser, month: Path, hostile: Path, width: int) -> None:
    for file in (month, hostile):
        with visit(browser, file.as_uri(), at=NOW, width=width) as visited:
            for view, hash_ in VIEWS.items():
                where = hash_ if file == month else hash_.replace(DOWN, "constructor")
                visited.page.evaluate("hash => { location.hash = hash }", where)
                expect(visited.page.locator("main#view")).to_have_attribute("data-view", view)
                wide = visited.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{file.parents[1].name} {where}"


def test_outcomes_differ_by_more_than_their_colour(browser: Browser, month: Path) -> None:
    with visit(browser, month.as_uri(), at=NOW) as visited:
        signs = visited.page.evaluate(
            """() => {
                const found = {};
                for (const cell of document.querySelectorAll("#heatmap td[title]")) {
                    found[cell.className] ??= getComputedStyle(cell, "::before").content.split("/")[0].trim();
                }
                return found;
            }"""
        )
        assert {"good", "bad"} <= signs.keys()
        marked = {kind: sign for kind, sign in signs.items() if sign not in ("none", "normal", '""')}
        assert set(signs) - set(marked) <= {"good", "none"}
        assert len(set(marked.values())) == len(marked)
        chips = visited.page.locator("#board .chip").all_inner_texts()
        assert all(any(letter.isalpha() for letter in chip) for chip in chips)
