"""A real browser, Debian's Chromium, which people's pages are looked at with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.ground.shut import own_environment

PROGRAM = "chromium"
# A port that nothing listens on. What isn't loopback goes to the proxy, names included, and so nowhere.
_NOWHERE = "127.0.0.1:9"
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # it can't have one as root in a container; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--proxy-server={_NOWHERE}",
)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A Chromium that keeps its profile and its temporary files below `folder` and has no way off this
    machine. One serves many tests: give each a context of its own (`browser.new_context`).

    While it lives, this thread has an event loop that runs: `asyncio.run` can't be called in it.
    """
    program = shutil.which(PROGRAM)
    assert program, f"{PROGRAM} isn't on PATH: mark the test needs({PROGRAM!r})"
    home = folder / "home"
    environ = own_environment(os.environ, home=home, report=folder / "report")
    home.mkdir(parents=True)
    Path(environ["TMPDIR"]).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's driver, a process that is spoken to through pipes, takes this process's environment.
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        starting = sync_playwright()
        playwright = starting.start()
    try:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(_ARGUMENTS), env=dict(environ)
        )
        try:
            yield browser
        finally:
            browser.close()
    finally:
        playwright.stop()
