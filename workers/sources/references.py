"""Where a link or a mention in a document leads, within the project's folder."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from workers.sources.folder import Folder, Found

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{|<%")
# A README's ../../issues leads from the repository's page to a neighbouring page of the same site.
_FORGE_PAGE = re.compile(
    r"(\.\./)+(actions|blob|branches|commits?|compare|discussions|graphs|issues|labels|milestones?|network"
    r"|packages|projects|pulls?|releases|security|stargazers|tags|tree|wiki|workflows)(/.*)?"
)
_MENTION = re.compile(r"(?:\./)?(?P<path>(?:[\w.@+-]+/)+[\w.@+-]+)(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Destination:
    """path: from the project's root, '' for the root, None when it lies outside the project.
    found: what is there, None for nothing. fragment: decoded, without '#'."""

    path: str | None
    found: Found | None
    fragment: str


def follow(folder: Folder, document: str, target: str) -> Destination | None:
    """Where `target`, as written in `document`, leads; None when that isn't a place in a folder at all
    (another site, a mail address, a template's placeholder)."""
    plain = unquote(target)
    if _SCHEME.match(target) or target.startswith("//") or _TEMPLATE.search(plain):
        return None
    rest, _, fragment = target.partition("#")
    written = unquote(rest.partition("?")[0])
    if _FORGE_PAGE.fullmatch(written):
        return None
    if not written:
        path = document
    else:
        start = "" if written.startswith("/") else posixpath.dirname(document)
        path = posixpath.normpath(posixpath.join(start, written.lstrip("/")))
    if path == ".." or path.startswith("../"):
        return Destination(None, None, unquote(fragment))
    path = "" if path == "." else path
    return Destination(path, folder.find(path), unquote(fragment))


def mentioned_paths(document: str, code: str) -> Iterator[str]:
    """The paths that inline code such as ``src/thing.py`` in `document` may mean, the document's own folder
    first, then each folder above it up to the root; none when the code isn't a path."""
    match = _MENTION.fullmatch(code.strip())
    if match is None:
        return
    start = posixpath.dirname(document)
    while True:
        path = posixpath.normpath(posixpath.join(start, match["path"]))
        if not path.startswith("../"):
            yield path
        if not start:
            return
        start = posixpath.dirname(start)
