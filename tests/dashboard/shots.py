"""Pictures of every view of the dashboard, to look at: `python -m tests.dashboard.shots DIR`."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.dashboard.sites import NOW, hostile_page, year_of_the_twelve
from tests.dashboard.year import DOWN
from tests.ground.browser import chromium, visit

VIEWS = {
    "overview": "#/",
    "worker": f"#/worker/{DOWN}",
    "findings": "#/findings",
    "alerts": "#/alerts",
    "trust": "#/trust",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard.shots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--site", type=Path, help="default: a made-up year, and a hostile project")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room, chromium(Path(room) / "chromium") as browser:
        if options.site:
            sites = {"": options.site.resolve()}
        else:
            sites = {"": year_of_the_twelve(Path(room) / "year")}
            (Path(room) / "bad").mkdir()
            sites["hostile-"] = hostile_page(Path(room) / "bad")
        for prefix, file in sites.items():
            for width in (1280, 360):
                for dark in (False, True):
                    with visit(browser, file.as_uri(), at=NOW, width=width, dark=dark) as visited:
                        for view, where in VIEWS.items():
                            place = where.replace(DOWN, "constructor") if prefix else where
                            visited.page.evaluate("hash => { location.hash = hash }", place)
                            visited.page.wait_for_timeout(300)
                            name = f"{prefix}{view}-{width}-{'dark' if dark else 'light'}.png"
                            # The whole page, but not the whole of a year's history.
                            tall = visited.page.evaluate("() => document.documentElement.scrollHeight")
                            visited.page.screenshot(
                                path=options.folder / name,
                                full_page=True,
                                clip={"x": 0, "y": 0, "width": width, "height": min(tall, 2400)},
                            )
                            print(options.folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
