"""The page itself: template, styles, scripts and data in one text, and the policy that lets in nothing else.

The files that the page is made of lie beside this module in `assets`: `page.html`, the style sheets, and the
scripts, which share one scope in the order of `_SCRIPTS`. uPlot's licence goes with every copy of it.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from loom.domain.dashboard import Dashboard
from loom.report.dashboard.data import page_data
from loom.report.dashboard.embedding import embed
from loom.report.dashboard.static_board import static_board, text
from loom.report.words import when

UPLOT = "1.6.32"

_ASSETS = Path(__file__).parent / "assets"
_STYLES = (f"uPlot-{UPLOT}.min.css", "dashboard.css")
_SCRIPTS = (
    *("words", "elements", "heatmap", "charts"),
    *("overview", "worker", "findings", "alerts", "trust"),
    "routes",
)
_PLACE = re.compile("@@([a-z_]+)@@")


def render(dashboard: Dashboard, *, version: str) -> str:
    """The whole page as HTML. It loads nothing, sends nothing, and runs no script but its own.

    version: of Loom."""
    zone = ZoneInfo(dashboard.zone)
    style = "\n".join(map(_asset, _STYLES))
    uplot = _asset(f"uPlot-{UPLOT}.min.js")
    script = _script()
    return _filled(
        _asset("page.html"),
        {
            "policy": policy(styles=(style,), scripts=(uplot, script)),
            "version": text(version),
            "uplot": UPLOT,
            "title": text(dashboard.project),
            "at": dashboard.at.astimezone(zone).isoformat(timespec="seconds"),
            "when": text(when(dashboard.at, zone)),
            "zone": text(dashboard.zone),
            "style": style,
            "copy": _age_of_copy(dashboard, zone),
            "board": static_board(dashboard.board, zone),
            "data": embed(page_data(dashboard)),
            "uplot_licence": _asset("uPlot-LICENSE.txt"),
            "uplot_script": uplot,
            "script": script,
        },
    )


def _age_of_copy(dashboard: Dashboard, zone: ZoneInfo) -> str:
    """A notice for every view, if the page was made from a copy that may lack something."""
    if not dashboard.behind:
        return ""
    known = dashboard.known_until
    if known is None:
        told = "was never fetched: what others recorded isn't on it"
    else:
        told = f"is as of {when(known, zone)}: what came later isn't on it"
    said = f"This page was made from a copy of the state branch that {told}."
    return f'<p id="copy" class="box open">◐ {text(said)}</p>'


def policy(*, styles: tuple[str, ...], scripts: tuple[str, ...]) -> str:
    """The content security policy of a page with these style and script elements and no others."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


@cache
def _script() -> str:
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    data = 'const DATA = unpacked(JSON.parse(document.getElementById("loom-data").textContent));'
    return f'(() => {{\n"use strict";\n{_asset("data.js")}\n{data}\n{parts}}})();'


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode('utf-8')).digest()).decode('ascii')}'"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """In one pass: what stands in a value is no place to fill."""
    return _PLACE.sub(lambda found: values[found[1]], template)
