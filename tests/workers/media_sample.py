"""The sample company's media files, its time, and the list of what is wrong with them."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from tests.ground.command import Command, Result
from tests.ground.project import Project
from tests.ground.shut import REPOSITORY

COMPANY = REPOSITORY / "loom" / "sample" / "company"
CHICAGO = ZoneInfo("America/Chicago")
SAMPLE_NOW = datetime(2026, 6, 15, 9, 0, tzinfo=CHICAGO)


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


def by_command(loom: Command, project: Project, worker_id: str, expect: str, *arguments: str) -> Result:
    """The worker run once by the real command, guarded, with these files and this `expect`, at the sample's
    time."""
    shutil.copytree(REPOSITORY / "workers", project.root / "workers", dirs_exist_ok=True, ignore=_COMPILED)
    entries = yaml.safe_load((REPOSITORY / "worker-registry.yaml").read_text())["workers"]
    entry = entries[worker_id] | {"expect": yaml.safe_load(expect)}
    project.entries(yaml.safe_dump({worker_id: entry}))
    at = SAMPLE_NOW.isoformat()
    return loom("run", "--worker", worker_id, "--at", at, "--json", *arguments, cwd=project.root)


_COMPILED = shutil.ignore_patterns("__pycache__")
