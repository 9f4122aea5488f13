"""How long a browser takes to show the dashboard of a year, beside an empty page."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.benchmarks.measure import Surcharge, side_by_side
from tests.benchmarks.result import Result
from tests.benchmarks.room import Room
from tests.dashboard.sites import year_of_the_twelve
from tests.ground.browser import chromium

_GOAL_S = 1.0
_EMPTY = "<!doctype html><html lang=en><meta charset=utf-8><title>empty</title><p>nothing</p></html>"
# From the moment at which the browser is told where to go, to the first picture of the finished page: the
# second frame after all of it is in the document, and a task after it, when that frame has been handed over.
_PAINTED = """
addEventListener("DOMContentLoaded", () => {
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
        const cells = document.querySelectorAll("#heatmap td[title]").length;
        window.painted = {
            at: performance.now(), cells, rows: document.querySelectorAll("#board tr[data-worker]").length
        };
    })));
});
"""


def shown(room: Room) -> Result:
    """365 days by 12 workers, all of which run each day, until the board and the calendar are on screen."""
    page = year_of_the_twelve(room.folder / "year", daily=True)
    empty = room.folder / "empty.html"
    empty.write_text(_EMPTY, encoding="utf-8")
    with chromium(room.folder / "chromium") as browser:
        ours, theirs = side_by_side(
            lambda: _seconds(browser, page, cells=365 * 12, rows=12),
            lambda: _seconds(browser, empty, cells=0, rows=0),
            rounds=room.rounds,
        )
    return Surcharge("365 days by 12 workers on screen", "an empty page", ours, theirs, _GOAL_S).result()


def _seconds(browser: Browser, file: Path, *, cells: int, rows: int) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(_PAINTED)
        page.goto(file.as_uri())
        page.wait_for_function("() => window.painted")
        painted = page.evaluate("painted")
        if (painted["cells"], painted["rows"]) != (cells, rows):
            raise RuntimeError(f"{file} shows {painted}, expected {cells} days and {rows} workers")
        return float(painted["at"]) / 1000
    finally:
        context.close()
