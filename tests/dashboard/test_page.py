"""The dashboard of a year, used as a person uses it: in a real Chromium, from a file."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from loom.report.dashboard.embedding import embed
from tests.dashboard.sites import NOW
from tests.dashboard.year import DOWN, LATE, PAUSED
from tests.ground.browser import Visit, visit
from tests.ground.needs import needs

pytestmark = needs("chromium")

VIEWS = {
    "overview": "#/",
    "worker": f"#/worker/{DOWN}",
    "findings": "#/findings",
    "alerts": "#/alerts",
    "trust": "#/trust",
}


@pytest.fixture(scope="module")
def opened(browser: Browser, year: Path) -> Iterator[Visit]:
    """The one page that most of these tests go about in. It ends without a complaint of the console or the
    policy, and without having asked for anything but itself."""
    with visit(browser, year.as_uri(), at=NOW) as visited:
        yield visited


@pytest.fixture
def page(opened: Visit) -> Page:
    """At the overview, as if just opened."""
    opened.page.goto("about:blank")
    opened.page.goto(opened.address)
    return opened.page


def go(page: Page, view: str) -> None:
    page.evaluate("hash => { location.hash = hash }", VIEWS[view])
    expect(page.locator("main#view")).to_have_attribute("data-view", view)


def test_it_asks_for_nothing_but_itself_and_no_view_complains(browser: Browser, year: Path) -> None:
    with visit(browser, year.as_uri(), at=NOW) as visited:
        for view in VIEWS:
            go(visited.page, view)
            visited.page.mouse.wheel(0, 5000)
        assert visited.requests == [year.as_uri()]


def test_the_overview_says_how_each_worker_stands_and_who_needs_a_person(page: Page) -> None:
    health = page.locator("#board tr[data-worker]").evaluate_all(
        "rows => rows.map(row => [row.dataset.worker, row.dataset.health])"
    )
    assert len(health) == 12
    stands = dict(health)
    assert (stands[DOWN], stands[LATE], stands[PAUSED]) == ("down", "late", "paused")
    expect(page.locator("#needs")).to_contain_text(DOWN)
    expect(page.locator(f"#board tr[data-worker={DOWN}]")).to_contain_text("down")
    assert page.locator("#heatmap td[title]").count() == 365 * 12


def test_each_view_has_its_own_heading_which_gets_the_focus(page: Page) -> None:
    headings = set()
    for view in [*VIEWS][1:]:
        go(page, view)
        heading = page.locator("main h1")
        expect(heading).to_have_count(1)
        expect(heading).to_be_focused()
        headings.add((heading.inner_text(), page.title()))
    assert len(headings) == len(VIEWS) - 1


def test_back_and_forward_go_through_the_views_that_were_seen(page: Page) -> None:
    for view in ("findings", "worker"):
        go(page, view)
    main = page.locator("main#view")
    page.go_back()
    expect(main).to_have_attribute("data-view", "findings")
    page.go_back()
    expect(main).to_have_attribute("data-view", "overview")
    page.go_forward()
    expect(main).to_have_attribute("data-view", "findings")
    expect(page.locator("nav a[aria-current=page]")).to_have_text("Findings")


def test_a_view_can_be_opened_by_its_address_and_one_that_is_not_there_says_so(page: Page) -> None:
    file = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{file}{VIEWS['worker']}")
    expect(page.locator("main h1")).to_have_text(DOWN)
    for wrong in ("#/worker/nobody", "#/worker/%E0%A4%A", "#/nothing", "#/worker/__proto__", "#//"):
        page.goto("about:blank")
        page.goto(f"{file}{wrong}")
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main#view")).not_to_have_attribute("data-view", "worker")


def test_an_address_that_names_a_part_of_the_page_opens_the_overview_and_leaves_any_view_as_it_is(
    page: Page,
) -> None:
    file = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{file}#view")
    expect(page.locator("main#view")).to_have_attribute("data-view", "overview")
    expect(page.locator("#heatmap")).to_be_visible()
    expect(page.locator("nav a[aria-current=page]")).to_have_text("Overview")
    go(page, "findings")
    page.evaluate("() => { location.hash = '#view' }")
    expect(page.locator("main#view")).to_have_attribute("data-view", "findings")


def test_who_asks_for_the_last_rows_goes_on_at_the_first_of_them_whether_it_has_a_link_or_not(
    browser: Browser, month: Path, tmp_path: Path
) -> None:
    begin, end = '<script type="application/json" id="loom-data">', "</script>"
    before, _, rest = month.read_text(encoding="utf-8").partition(begin)
    text, _, after = rest.partition(end)
    data = json.loads(text)
    for named in (True, False):
        alert = {**data["alerts"][0], "worker": DOWN if named else None}
        data["alerts"] = [{**alert, "summary": f"alert {number}"} for number in range(250)]
        changed = tmp_path / "changed.html"
        changed.write_text(f"{before}{begin}{embed(data)}{end}{after}", encoding="utf-8")
        with visit(browser, changed.as_uri(), at=NOW) as visited:
            go(visited.page, "alerts")
            button = visited.page.get_by_role("button", name="more of")
            button.first.press("Enter")
            expect(button.first).to_be_focused()
            button.first.press("Enter")
            expect(visited.page.locator("#alerts tbody tr")).to_have_count(250)
            row = visited.page.evaluate("() => document.activeElement.closest('tr')?.innerText ?? ''")
            assert "alert 200" in row, named


def test_findings_narrow_by_severity_worker_and_text_and_the_count_is_announced(page: Page) -> None:
    go(page, "findings")
    items, count = page.locator("#findings-list > li"), page.locator("#findings-count")
    whole = items.count()
    assert whole > 5
    assert count.get_attribute("aria-live") == "polite"
    expect(count).to_contain_text(str(whole))

    page.select_option("#severity-filter", "warning")
    warnings = items.count()
    assert 0 < warnings < whole
    assert set(items.evaluate_all("all => all.map(each => each.dataset.severity)")) == {"warning"}
    expect(count).to_contain_text(str(warnings))

    worker = items.first.get_attribute("data-worker") or ""
    page.select_option("#worker-filter", worker)
    assert 0 < items.count() < warnings
    assert set(items.evaluate_all("all => all.map(each => each.dataset.worker)")) == {worker}

    page.select_option("#severity-filter", "all")
    page.select_option("#worker-filter", "all")
    word = items.last.locator("strong").first.text_content() or ""
    page.fill("#text-filter", word.upper())
    assert 0 < items.count() < whole
    assert all(word in each for each in items.all_text_contents())

    page.fill("#text-filter", "no finding says this")
    expect(items).to_have_count(0)
    expect(count).to_contain_text("0")


def test_alerts_narrow_to_those_that_nobody_heard(page: Page) -> None:
    go(page, "alerts")
    rows = page.locator("#alerts tbody tr")
    whole = rows.count()
    options = page.locator("#alert-filter option").evaluate_all("all => all.map(each => each.value)")
    page.select_option("#alert-filter", options[-1])
    assert 0 < rows.count() < whole
    assert all("failed" in row for row in rows.all_inner_texts())
    expect(page.locator("main")).to_contain_text("503 Service Unavailable")


def test_a_workers_page_shows_its_history_by_outcome_and_its_measurements(page: Page) -> None:
    go(page, "worker")
    rows = page.locator("#history tbody tr")
    whole = rows.count()
    assert whole >= 100
    page.select_option("#outcome-filter", "failed")
    assert 0 < rows.count() < whole
    assert all("failed" in row for row in rows.all_inner_texts())
    titles = page.locator("figure figcaption").all_inner_texts()
    assert "Duration" in titles
    assert "contacts checked" in titles


def test_each_chart_is_drawn_and_says_the_same_in_words(page: Page) -> None:
    for view in ("worker", "trust"):
        go(page, view)
        drawn = page.locator("main canvas").evaluate_all(
            """all => all.map(canvas => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                const colours = new Set();
                for (let at = 0; at < data.length; at += 4) {
                    if (data[at + 3]) colours.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
                }
                return colours.size;
            })"""
        )
        figures = page.locator("main figure")
        assert len(drawn) == figures.count() >= 1
        assert min(drawn) > 3, "a line, a grid and an axis have more colours than that"
        for label in figures.locator("[role=img]").evaluate_all("all => all.map(each => each.ariaLabel)"):
            assert "median" in label
            assert "max" in label


def test_a_person_who_wants_no_motion_sees_none(browser: Browser, year: Path) -> None:
    with visit(browser, year.as_uri(), at=NOW, still=True) as visited:
        moving = visited.page.evaluate(
            """() => [...document.querySelectorAll("*")].filter(each => {
                const { transitionDuration, animationDuration, scrollBehavior } = getComputedStyle(each);
                const moves = duration => duration.split(",").some(each => parseFloat(each) > 0.01);
                return moves(transitionDuration) || moves(animationDuration) || scrollBehavior === "smooth";
            }).length"""
        )
        assert moving == 0


def test_without_scripts_the_board_is_there_and_the_page_says_what_is_not(
    browser: Browser, year: Path
) -> None:
    with visit(browser, year.as_uri(), at=NOW, scripts=False) as visited:
        rows = visited.page.locator("#board tr[data-worker]")
        assert rows.count() == 12
        text = visited.page.locator("#board").inner_text()
        assert DOWN in text
        assert "down" in text
        expect(visited.page.locator("noscript")).to_be_visible()


def test_a_page_of_365_days_by_12_workers_is_small(page: Page, year: Path) -> None:
    days = page.locator("#heatmap td[title]:not(.none)")
    assert days.count() >= 363 * 12, "but for the ends of the year, each worker has something on each day"
    assert year.stat().st_size < 2_000_000


def test_a_page_that_has_grown_old_says_so(browser: Browser, year: Path) -> None:
    for hours, stale in ((1, False), (30, True)):
        with visit(browser, year.as_uri(), at=NOW + timedelta(hours=hours)) as visited:
            expect(visited.page.locator("#stale")).to_be_visible(visible=stale)
            expect(visited.page.locator("header")).to_contain_text("ago")


def test_a_clock_that_is_dead_is_what_needs_a_person_and_no_promise_looks_calm(
    browser: Browser, silent: Path
) -> None:
    with visit(browser, silent.as_uri(), at=NOW + timedelta(hours=13)) as visited:
        first = visited.page.locator("#needs li").first
        expect(first).to_contain_text("No clock has brought a tick since")
        expect(first).to_contain_text("loom run")
        expect(visited.page.locator("#seen-to")).to_have_count(0)
        card = visited.page.locator(".promise", has_text="Slots on time")
        expect(card).to_contain_text("1 slot came due, and no tick decided it")
        expect(card.locator("strong")).not_to_contain_text("100%")
        expect(card.locator(".sign")).to_have_text("!")


def test_no_month_stands_over_the_names_of_workers_when_the_days_are_scrolled(
    browser: Browser, year: Path
) -> None:
    with visit(browser, year.as_uri(), at=NOW, width=1000) as visited:
        over = """left => {
            const box = document.querySelector("#heatmap").closest(".scroll");
            box.scrollIntoView();
            box.scrollLeft = left;
            const corner = document.querySelector("#heatmap .corner").getBoundingClientRect();
            const name = document.querySelector("#heatmap tbody th").getBoundingClientRect();
            const at = document.elementFromPoint(name.right - 30, corner.top + corner.height / 2);
            return at.className;
        }"""
        for left in (0, 700, 1300):
            assert visited.page.evaluate(over, left) == "corner"


def test_on_a_phone_the_signs_of_a_card_say_what_they_are_of(browser: Browser, month: Path) -> None:
    with visit(browser, month.as_uri(), at=NOW, width=360) as visited:
        label = "cell => getComputedStyle(cell, '::before').content"
        for name in ("Last slots", "Streak"):
            cell = visited.page.locator(f'#board td[data-label="{name}"]').first
            assert cell.evaluate(label) != "none"
            assert cell.evaluate("cell => cell.dataset.label") == name


def test_the_id_of_a_worker_is_never_broken_into_two_lines(browser: Browser, month: Path) -> None:
    with visit(browser, month.as_uri(), at=NOW) as visited:
        go(visited.page, "alerts")
        lines = visited.page.locator("#episodes th a").evaluate_all(
            "links => links.map(link => link.getClientRects().length)"
        )
        assert set(lines) == {1}
        height = visited.page.locator("#episodes th a").evaluate_all(
            "links => links.map(link => link.getBoundingClientRect().height)"
        )
        assert max(height) < 30
