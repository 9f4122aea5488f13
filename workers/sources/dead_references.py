"""What a file of instructions refers to and the project hasn't got: links, paths in inline code, commands.

A path is judged only where it surely is one: its first folder is there, or it ends as a file's name does; and
no program makes it.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workers.sources.commands import Offers, missing, read_commands
from workers.sources.extras import extra
from workers.sources.folder import Folder, Unreadable, matches
from workers.sources.instructions import Instructions
from workers.sources.markdown import Link, read_document
from workers.sources.references import Destination, follow, mentioned_paths
from workers.sources.texts import FOREIGN

_CODE = re.compile(r"`([^`]+)`")
_SUFFIX = re.compile(r"\w\.[A-Za-z]\w{0,7}")
_LARGEST = 1_000_000
_NEAR = 75  # of 100
_PLACEHOLDERS = frozenset({"ID", "NAME", "X", "N", "FILE", "DIR", "PATH", "WORKER"})


@dataclass(frozen=True, slots=True)
class DeadReference:
    """kind: `dead_link`, `dead_path` or `dead_command`. written: as it stands in the file. why: a sentence.
    near: what may be meant instead, or empty."""

    kind: str
    written: str
    line: int
    why: str
    near: str


class References:
    """Looks up what instructions refer to. generated: patterns of folders whose files programs make."""

    def __init__(self, folder: Folder, offers: Offers, generated: Sequence[str]) -> None:
        self._folder, self._offers, self._generated = folder, offers, generated
        self._names: dict[str, str] | None = None

    def dead(self, file: Instructions) -> Iterator[DeadReference]:
        """Those of a file: links, then paths, then commands; paths and commands once each."""
        yield from self._links(file)
        yield from self._paths(file)
        yield from self._commands(file)

    def _links(self, file: Instructions) -> Iterator[DeadReference]:
        for link in file.document.links:
            to = follow(self._folder, file.path, link.target)
            why, near = ("", "") if to is None else self._judge(link, to)
            if why:
                yield DeadReference("dead_link", link.target, link.line, why, near)

    def _judge(self, link: Link, to: Destination) -> tuple[str, str]:
        """Why the link is dead, and what may be meant; nothing when it leads somewhere."""
        if not link.target:
            return "Nothing stands between its round brackets.", ""
        if to.path is None:
            return "It leads out of the project: who has only the project can't follow it.", ""
        if to.found is None:
            return f"There is no `{to.path}`.", self._near(to.path)
        if not to.found.exact:
            return "The file is spelled otherwise; this works only where capitals don't count.", to.found.path
        if not to.fragment or link.image or not matches(to.found.path, ["*.md", "*.markdown"]):
            return "", ""
        try:
            anchors = read_document(self._folder.read(to.found.path, max_bytes=_LARGEST)).anchors
        except Unreadable:
            return "", ""
        wanted = to.fragment.removeprefix("user-content-")
        if wanted in anchors or re.fullmatch(r"top|L\d+.*", wanted):
            return "", ""
        near = _nearest(wanted, sorted(anchors))
        why = f"`{to.found.path}` has no heading or anchor `{to.fragment}`."
        return why, f"{link.target.partition('#')[0]}#{near}" if near else ""

    def _paths(self, file: Instructions) -> Iterator[DeadReference]:
        told: set[str] = set()
        for passage in file.body.passages:
            for match in _CODE.finditer(passage.text):
                written = match[1].strip()
                path = written.removeprefix("./").partition(":")[0]
                if path not in told and self._is_missing(file.path, written, path):
                    told.add(path)
                    line = passage.line_at(match.start())
                    why = f"There is no `{path}`, neither beside this file nor in a folder above it."
                    yield DeadReference("dead_path", written, line, why, self._near(path))

    def _is_missing(self, document: str, written: str, path: str) -> bool:
        candidates = list(mentioned_paths(document, written))
        if not candidates or any(self._folder.find(each) for each in candidates):
            return False
        first, *_ = parts = path.split("/")
        # A first part with a dot in it is the name of a host.
        named_as_file = "." not in first[1:] and _SUFFIX.search(parts[-1]) is not None
        made = any(matches(part, self._generated) for part in parts)
        stands_for_any = any(part.partition(".")[0] in _PLACEHOLDERS for part in parts)
        return not (made or stands_for_any) and (named_as_file or self._folder.is_folder(first))

    def _commands(self, file: Instructions) -> Iterator[DeadReference]:
        told: set[tuple[str, ...]] = set()
        offers = self._offers_near(file.path)
        for command in read_commands(file.body):
            lacks = missing(command, offers, lambda path: self._exists(file.path, path))
            if lacks is not None and command.words not in told:
                told.add(command.words)
                written = " ".join(command.words)
                near = _nearest(lacks.name, lacks.known) if lacks.known else self._near(lacks.name)
                instead = written.replace(lacks.name, near) if near else ""
                yield DeadReference("dead_command", written, command.line, f"{lacks.what}.", instead)

    def _offers_near(self, document: str) -> Offers:
        """What the root has to run; of a Makefile or package.json nearer to the document nothing is known."""
        offers, start = self._offers, posixpath.dirname(document)
        while start:
            if self._folder.find(f"{start}/Makefile"):
                offers = replace(offers, makefile=f"{start}/Makefile", targets=None)
            if self._folder.find(f"{start}/package.json"):
                offers = replace(offers, package=True, scripts=None)
            start = posixpath.dirname(start)
        return offers

    def _exists(self, document: str, path: str) -> bool:
        """Whether it is there beside the document or in a folder above it; a name alone, anywhere."""
        if "/" not in path and path in self._named():
            return True
        start = posixpath.dirname(document)
        while start and not self._folder.find(posixpath.join(start, path)):
            start = posixpath.dirname(start)
        return self._folder.find(posixpath.join(start, path)) is not None

    def _near(self, path: str) -> str:
        """A file of the project with a name like it, or empty."""
        near = _nearest(posixpath.basename(path), list(self._named()))
        return self._named()[near] if near else ""

    def _named(self) -> dict[str, str]:
        """The project's files by their names alone."""
        if self._names is None:
            files = self._folder.files(["*"], FOREIGN)
            self._names = {posixpath.basename(each): each for each in reversed(files)}
        return self._names


def _nearest(name: str, known: Sequence[str]) -> str:
    """The one that is written most like it, or else one that goes on after its first part, if any does."""
    ratio = extra("rapidfuzz.fuzz").ratio
    best = extra("rapidfuzz.process").extractOne(name, known, scorer=ratio, score_cutoff=_NEAR)
    if best:
        return str(best[0])
    stem, dot, suffix = name.rpartition(".")
    beginning = f"{stem or suffix}-"
    longer = (each for each in known if each.startswith(beginning) and each.endswith(dot + suffix))
    return min(longer, default="")
