"""What changed between two states of the folder, whether or not either is whole."""

from collections.abc import Mapping

from loom.domain.revision import FileChange, RulesFile
from loom.enforcement.folder import MANIFEST
from loom.enforcement.reading.loader import context_of


def changes(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    """Of each file whose bytes aren't the same, in order of name, but the manifest last: it follows from the
    others. before, now: as `read_folder` gives them."""
    names = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    names.sort(key=lambda name: name == MANIFEST)
    return tuple(FileChange(name, _file(name, before), _file(name, now)) for name in names)


def _file(name: str, files: Mapping[str, bytes]) -> RulesFile | None:
    raw = files.get(name)
    if raw is None:
        return None
    rules = context_of({name: raw}, [], "").rules
    return RulesFile(raw.decode("utf-8", "replace"), rules[0] if rules else None)
