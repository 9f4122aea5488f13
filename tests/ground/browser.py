"""A real browser, Debian's Chromium, which people's pages are looked at with."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

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
    """A Chromium that keeps its profile below `folder`, leaves no temporary files and has no way off this
    machine. One serves many tests: give each a context of its own (`browser.new_context`).

    While it lives, this thread has an event loop that runs: `asyncio.run` can't be called in it.
    """
    program = shutil.which(PROGRAM)
    assert program, f"{PROGRAM} isn't on PATH: mark the test needs({PROGRAM!r})"
    # Its socket lies among its temporary files, and a socket's path has room for some hundred letters.
    with tempfile.TemporaryDirectory(prefix="loom-", dir="/tmp") as short:
        yield from _launched(program, folder, short)


def _launched(program: str, folder: Path, temporary: str) -> Iterator[Browser]:
    home = folder / "home"
    environ = {**own_environment(os.environ, home=home, report=folder / "report"), "TMPDIR": temporary}
    home.mkdir(parents=True)
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


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that is looked at. address: where it was opened. requests: the address of each, in order.
    troubles: what the console, the policy and the page itself complained of, and dialogs that it opened."""

    address: str
    page: Page
    requests: list[str]
    troubles: list[str]


@contextmanager
def visit(
    browser: Browser,
    address: str,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    scripts: bool = True,
    ignore_policy: bool = False,
    still: bool = False,
    first: str = "",
    at: datetime | None = None,
) -> Iterator[Visit]:
    """Open `address` in a context of its own. An AssertionError at the end if the page was in trouble, or
    asked for anything but itself.

    width, height: of the window, in CSS pixels. dark, still: what the reader prefers. scripts: whether the
    page may run its own. ignore_policy: its content security policy doesn't hold, as for an extension of the
    browser. first: a script that runs before any of the page's own, whatever the policy. at: what its
    clock says.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if still else "no-preference",
        java_script_enabled=scripts,
        bypass_csp=ignore_policy,
        locale="de-DE",
    )

    def dismiss(dialog: Dialog) -> None:
        visited.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        visited = Visit(address, page, [], [])
        page.on("request", lambda request: visited.requests.append(request.url))
        page.on("console", lambda said: visited.troubles.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: visited.troubles.append(f"error: {error}"))
        page.on("dialog", dismiss)
        if first:
            page.add_init_script(first)
        if at is not None:
            page.clock.set_fixed_time(at)
        page.goto(address)
        yield visited
        assert visited.troubles == []
        own = {address.partition("#")[0], "about:blank"}
        assert [each for each in visited.requests if each.partition("#")[0] not in own] == []
    finally:
        context.close()
