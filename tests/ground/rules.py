"""Rules for tests whose subject is something else than the rules."""

import tempfile
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from shutil import copytree

from loom.enforcement.judges.places import places_of
from loom.enforcement.reading.sealing import seal
from tests.ground.shut import REPOSITORY

NOWHERE = places_of(Path("/nowhere"), {})
"""The surroundings of a worker that touches none."""

PERMISSIVE: Mapping[str, str] = {
    "tests-may-write": """
        id: tests-may-write
        kind: files
        why: What these workers write shows that they ran.
        allow: {write: ["/**"]}
    """,
    "tests-may-start": """
        id: tests-may-start
        kind: process
        why: These workers end, hang and start things in every way there is.
        allow: {programs: [{program: "*"}], fork: true, native: true}
    """,
}
"""Rules, by their ids, that allow what workers in tests do beyond themselves."""


def copy_rules(project: Path) -> None:
    """Give `project` the repository's own enforcement folder, and the rules of `PERMISSIVE`."""
    for path, content in _files().items():
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@cache
def _files() -> Mapping[Path, bytes]:
    """What `copy_rules` writes, sealed once: sealing reads every rule."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        copytree(REPOSITORY / "enforcement", project / "enforcement")
        for name, text in PERMISSIVE.items():
            add_rule(project, name, text)
        files = sorted(path for path in project.rglob("*") if path.is_file())
        return {path.relative_to(project): path.read_bytes() for path in files}


def add_rule(project: Path, name: str, text: str) -> Path:
    """Write ``enforcement/rules/<name>.yaml``, name it in the manifest, and seal it."""
    file = project / "enforcement" / "rules" / f"{name}.yaml"
    file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    manifest = project / "enforcement" / "manifest.yaml"
    before, key, after = manifest.read_text(encoding="utf-8").partition("\nrules:\n")
    manifest.write_text(f"{before}{key}  - {name}\n{after}", encoding="utf-8")
    seal(manifest.parent)
    return file
