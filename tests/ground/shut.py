"""The walls round a test: a home and environment of its own, no clock to read, no way off this machine."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from loom.clock import SetClock, SystemClock
from tests.ground.site.sitecustomize import REPORT_VARIABLE, Trespass, keep_on_loopback

REPOSITORY = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "site"

# Whoever reads the local time by mistake meets a zone that nobody has in mind: UTC+05:45, no clock changes.
ODD_ZONE = "Asia/Kathmandu"

_PREFIXES = ("GITHUB_", "RUNNER_", "LOOM_", "HUBSPOT_", "YOUTUBE_", "GIT_", "XDG_", "PYTHON", "COV_")
_NAMES = frozenset(
    {"CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLORTERM", "COLUMNS", "LINES"}
    | {"TZ", "TMPDIR", "EDITOR", "VISUAL", "PAGER", "VIRTUAL_ENV"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}
)

_reported: list[str] = []


def keep_this_process_in() -> None:
    """Refuse, from now on, whatever leaves loopback. For the process that runs the tests; call it once."""
    keep_on_loopback(_reported.append)


def own_environment(environ: Mapping[str, str], *, home: Path, report: Path) -> dict[str, str]:
    """`environ` without what would make a test depend on this machine, and with a home of its own.

    Git reads no configuration but its own defaults and signs as one fixed person. Python children come
    under the same walls (see `site/sitecustomize.py`).
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _NAMES and not name.startswith(_PREFIXES) and not name.lower().endswith("_proxy")
    }
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(home.with_suffix(".tmp")),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "TZ": ODD_ZONE,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "main",
        "GIT_AUTHOR_NAME": "Test Author",
        "GIT_AUTHOR_EMAIL": "author@example.invalid",
        "GIT_COMMITTER_NAME": "Test Author",
        "GIT_COMMITTER_EMAIL": "author@example.invalid",
        "GIT_TERMINAL_PROMPT": "0",
        # A folder under the tests' own is never taken for a part of a checkout that lies above it.
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        "PYTHONPATH": str(SITE),
        REPORT_VARIABLE: str(report),
    }


@contextmanager
def shut(*, home: Path, report: Path, own_clock: bool) -> Iterator[None]:
    """While this holds, this process lives in `home`, and can't read the machine's time of day through
    `loom.clock` unless it has its `own_clock`. On the way out, a pytest failure if it or a child of it tried
    to get out, even if the refusal was swallowed."""
    import pytest  # programs that tests start import this module as well, and have no use for it

    with pytest.MonkeyPatch.context() as patch:
        environ = own_environment(os.environ, home=home, report=report)
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        Path(environ["TMPDIR"]).mkdir()
        patch.setattr(tempfile, "tempdir", None)
        time.tzset()
        if not own_clock:
            for clock, name in ((SystemClock, "now"), (SystemClock, "real"), (SetClock, "real")):
                patch.setattr(clock, name, _refuse)
        yield
    time.tzset()
    if told := _told(report):
        pytest.fail("the test left its ground: " + "; ".join(told), pytrace=False)


def _told(report: Path) -> list[str]:
    """What this process and its children tried since the last call; forgotten once told."""
    told = [*_reported, *(report.read_text(encoding="utf-8").splitlines() if report.exists() else [])]
    _reported.clear()
    report.unlink(missing_ok=True)
    return told


def _refuse(clock: object) -> NoReturn:
    _reported.append(f"{type(clock).__name__} was asked for the machine's time")
    raise Trespass(
        "tests don't read the machine's clock: give a loom.clock.ManualClock, "
        "or mark the test own_clock if that clock is what it tests"
    )
