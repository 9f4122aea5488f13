"""May this worker write there, or read that? Judges real paths, by the rules of kind files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from loom.domain.enforcement import GUARD, Ruling
from loom.domain.rules import FilesRule
from loom.enforcement.judges.places import Places

_LOOM = str(Path(__file__).resolve().parents[2])
_OWN = ("enforcement", "worker-registry.yaml", ".loom", ".git")
_NOTHING = frozenset({"/dev/null", "/dev/full", "/dev/zero"})
_TELLTALE = re.compile(r"/proc/([0-9]+|self|thread-self)(/task/[0-9]+)?/(environ|mem)")


class FileRuler:
    """rules: those that apply to the worker. Paths are absolute, without links or dots in them."""

    def __init__(self, rules: Sequence[FilesRule], places: Places) -> None:
        self._places = places
        self._write = _Patterns(((r.id, r.why, r.write) for r in rules), places)
        self._deny_write = _Patterns(((r.id, r.why, r.deny_write) for r in rules), places)
        self._deny_read = _Patterns(((r.id, r.why, r.deny_read) for r in rules), places)
        self._own = tuple(f"{places.project}/{name}" for name in _OWN)
        self.reads_freely = not self._deny_read
        """Whether no rule has a word in what may be read."""

    def write(self, path: str) -> Ruling:
        """May `path` be made, changed or removed?"""
        if path in _NOTHING:
            return Ruling(True, GUARD, "what is written there goes nowhere")
        own = self._loom_s_own(path)
        if own is not None:
            return Ruling(False, GUARD, own)
        denied = self._deny_write.find(path)
        if denied is not None:
            return Ruling(False, *denied)
        # A project may lie in the folder of temporary files, or in a home; that doesn't open it.
        allowed = self._write.find(path, by_name=_within(path, self._places.project))
        if allowed is not None:
            return Ruling(True, *allowed)
        why = (
            "no rule of kind files lets this worker write there; if it is meant, add one to "
            "enforcement/rules/, its id to enforcement/manifest.yaml, and run `loom enforcement seal`"
        )
        return Ruling(False, GUARD, why)

    def read(self, path: str) -> Ruling:
        """May `path` be read?"""
        if _TELLTALE.fullmatch(path):
            return Ruling(False, GUARD, "it shows what a process was started with, its secrets too")
        denied = self._deny_read.find(path)
        if denied is not None:
            return Ruling(False, *denied)
        return Ruling(True, GUARD, "files are read freely where no rule denies it")

    def _loom_s_own(self, path: str) -> str | None:
        for own in self._own:
            if _within(path, own):
                what = own.removeprefix(f"{self._places.project}/")
                return f"{what} is what Loom goes by; no rule lets a worker change it"
        return "it is Loom's own code; no rule lets a worker change it" if _within(path, _LOOM) else None


class _Patterns:
    """Patterns of several rules, asked at once. rules: of each, its id, its why and its patterns."""

    def __init__(self, rules: Iterable[tuple[str, str, tuple[str, ...]]], places: Places) -> None:
        self._all = tuple(
            (id_, why, _compiled(pattern, places), not pattern.startswith("$"))
            for id_, why, patterns in rules
            for pattern in patterns
        )

    def __bool__(self) -> bool:
        return bool(self._all)

    def find(self, path: str, *, by_name: bool = False) -> tuple[str, str] | None:
        """The id and the why of the first rule of which a pattern fits. by_name: none that says `$TMP`
        or `$HOME` of the folder."""
        for id_, why, pattern, names_it in self._all:
            if (names_it or not by_name) and pattern.fullmatch(path):
                return id_, why
        return None


def _compiled(pattern: str, places: Places) -> re.Pattern[str]:
    base, rest = _based(pattern, places)
    below = rest == "**" or rest.endswith("/**")
    names = "".join(f"/{_name(name)}" for name in rest.removesuffix("**").split("/") if name)
    return re.compile(f"{re.escape(base)}{names}{'(/.*)?' if below else ''}", re.DOTALL)


def _based(pattern: str, places: Places) -> tuple[str, str]:
    """The folder that a pattern begins at, and what it says of what is in there."""
    for word, base in (("$TMP/", places.tmp), ("$HOME/", places.home), ("/", "")):
        if pattern.startswith(word):
            return base, pattern.removeprefix(word)
    return places.project, pattern


def _name(glob: str) -> str:
    """One name as a regular expression, in which nothing stands for a slash."""
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter) for letter in glob)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
