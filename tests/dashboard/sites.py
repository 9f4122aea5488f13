"""Dashboards of made-up projects, written by the real command."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loom.ledger.sqlite import SqliteLedger
from loom.registry import load
from tests.dashboard import hostile
from tests.dashboard.year import Year
from tests.ground.command import PROGRAM
from tests.ground.history import in_haste
from tests.ground.rules import copy_rules
from tests.ground.shut import REPOSITORY, own_environment

NOW = datetime(2026, 11, 20, 20, 47, tzinfo=UTC)
"""When the pages are written: a Friday afternoon in Chicago, whose clocks changed twice in the year."""


def year_of_the_twelve(
    folder: Path, *, daily: bool = False, days: int = 365, silent: timedelta = timedelta()
) -> Path:
    """The page of this repository's own twelve workers after a year that ends `NOW`.

    silent: how long after the last of it the page is written. days: only so many of its last. daily: all
    twelve run each day, and find as much as they may, which makes the largest page."""
    root = folder / "operations"
    root.mkdir(parents=True)
    text = (REPOSITORY / "worker-registry.yaml").read_text(encoding="utf-8")
    if daily:
        text = re.sub(r'schedule: "(\d+) (\d+) \* \* \w+"', r'schedule: "\1 \2 * * *"', text)
        text = text.replace("status: disabled", "status: active")
    (root / "worker-registry.yaml").write_text(text, encoding="utf-8")
    shutil.copytree(REPOSITORY / "workers", root / "workers", ignore=shutil.ignore_patterns("__pycache__"))
    copy_rules(root)
    registry = load(root / "worker-registry.yaml", project=root)
    ledger = in_haste(SqliteLedger(root / registry.state.ledger))
    Year(registry, end=NOW, days=days, findings=60 if daily else 8).write(ledger)
    ledger.close()
    return page_of(root, folder, days=days, at=NOW + silent)


def hostile_page(folder: Path) -> Path:
    """The page of a project whose every text is out to break it."""
    project, entries = hostile.build(folder / "hostile", NOW)
    ledger = SqliteLedger(project.ledger)
    ledger.record(entries)
    ledger.close()
    return page_of(project.root, folder)


def page_of(root: Path, folder: Path, *, days: int = 365, at: datetime = NOW) -> Path:
    """What ``loom dashboard`` writes as of `at` for the project in `root`, as a file below `folder`."""
    home = folder / "home"
    home.mkdir()
    options = ("--out", folder / "site", "--project", root, "--days", str(days), "--at", at.isoformat())
    subprocess.run(
        [*PROGRAM, "dashboard", *options],
        env=own_environment(os.environ, home=home, report=folder / "report"),
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert [path.name for path in (folder / "site").iterdir()] == ["index.html"]
    return folder / "site" / "index.html"
