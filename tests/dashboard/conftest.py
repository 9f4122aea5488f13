"""One browser, and one page of each kind, for all tests of the dashboard."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.sites import hostile_page, year_of_the_twelve
from tests.ground.browser import chromium


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    # Of the package, not of the session: while it lives, no other test could run an event loop.
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="package")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The largest page of a year: 365 days by 12 workers, all of which run each day and find a lot."""
    return year_of_the_twelve(tmp_path_factory.mktemp("year"), daily=True)


@pytest.fixture(scope="package")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a month with the twelve workers as they are: all that a year has, and less of each."""
    return year_of_the_twelve(tmp_path_factory.mktemp("month"), days=30)


@pytest.fixture(scope="package")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two weeks after which no tick has come for 13 hours."""
    folder = tmp_path_factory.mktemp("silent")
    return year_of_the_twelve(folder, days=14, silent=timedelta(hours=13))


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a project whose every text is out to break it."""
    return hostile_page(tmp_path_factory.mktemp("hostile"))
