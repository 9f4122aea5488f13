"""A stand-in for a company's website: the files of a folder, their links leading to wherever it is served.

`${BASE}` in a text file becomes the server's address. Serve it under the prefix '' so that links from the
root, robots.txt and sitemap.xml are where visitors look for them.
"""

import mimetypes
from datetime import timedelta
from pathlib import Path

from loom.sample.dates import moved
from loom.sample.exchange import Answered, Asked
from loom.values import dataclass

WEB = Path(__file__).with_name("web")

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
}
_TEXTS = frozenset({".html", ".xml", ".rss", ".txt", ".css", ".svg", ".ics"})


@dataclass(frozen=True, slots=True)
class Site:
    """folder: what it serves. `/about` is `about.html`, `/episodes/` is `episodes/index.html`. A file
    `_redirects` holds lines 'from to', each a path. moved_by: how much later the days in its texts come."""

    folder: Path = WEB
    moved_by: timedelta = timedelta()

    def __call__(self, asked: Asked) -> Answered:
        if asked.method not in ("GET", "HEAD"):
            return Answered(405, b"", {"Allow": "GET, HEAD"})
        base = f"http://{asked.headers.get('host', 'localhost')}"
        if asked.path in (leads := self._redirects()):
            return Answered(301, b"", {"Location": base + leads[asked.path]})
        file = self._file(asked.path)
        if file is None:
            return Answered(404, b"Not found", {"Content-Type": _KINDS[".txt"]})
        kind = _KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        body = file.read_bytes()
        if file.suffix in _TEXTS:
            body = moved(body.replace(b"${BASE}", base.encode()), self.moved_by)
        return Answered(200, body, {"Content-Type": kind})

    def _file(self, path: str) -> Path | None:
        """The file of this path; never one outside the folder, whatever the path says."""
        parts = path.strip("/").split("/")
        if any(part.startswith((".", "_")) or "\\" in part for part in parts if part):
            return None
        place = self.folder.joinpath(*(part for part in parts if part))
        candidates = (
            [place / "index.html"] if path.endswith("/") else [place, place.with_name(f"{place.name}.html")]
        )
        return next((one for one in candidates if one.is_file() and not one.is_symlink()), None)

    def _redirects(self) -> dict[str, str]:
        file = self.folder / "_redirects"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        return dict(line.split()[:2] for line in lines if len(line.split()) >= 2)
